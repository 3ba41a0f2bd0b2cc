"""From a provider's configuration to its adapter; a dialect is imported only when it is used.

The configuration is described by its shape, because the rooms of configuration and providers do not
know each other.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from ralex.core.messages import ModelRequest
from ralex.core.models import Api
from ralex.core.stream import ProviderPart
from ralex.errors import ConfigError, MissingKeyError
from ralex.providers.faults import Origin
from ralex.providers.flavours import flavour_of
from ralex.version import __version__

if TYPE_CHECKING:
    from ralex.providers.http import HttpClient


class Endpoint(Protocol):
    """One provider's configuration; ``config.model.ProviderConfig`` has this shape."""

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        ...

    @property
    def api(self) -> Api:
        """Its dialect."""
        ...

    @property
    def base_url(self) -> str:
        """Up to and including ``/v1`` or its like."""
        ...

    @property
    def api_key(self) -> str | None:
        """The key, or None where none is needed."""
        ...

    @property
    def key_names(self) -> tuple[str, ...]:
        """Environment variables that would hold the key."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Sent with every request."""
        ...

    @property
    def needs_key(self) -> bool:
        """Whether it is useless without a key."""
        ...


class WaitLimits(Protocol):
    """Limits in seconds; ``config.model.Timeouts`` has this shape."""

    @property
    def connect_s(self) -> float:
        """For connecting."""
        ...

    @property
    def first_byte_s(self) -> float:
        """Until the reply begins."""
        ...

    @property
    def idle_s(self) -> float:
        """Between two pieces of it."""
        ...


class Provider(Protocol):
    """An adapter; it fits ``dispatch.ports.ChatProvider`` and is closed by whoever built it."""

    def stream(
        self, request: ModelRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[ProviderPart]]:
        """Send the request and yield the reply's parts."""
        ...

    async def aclose(self) -> None:
        """Close the connections; the adapter may be used again and opens new ones."""
        ...


def build_provider(config: Endpoint, timeouts: WaitLimits) -> Provider:
    """Make the adapter of an endpoint; nothing is connected yet.

    Raises:
        MissingKeyError: The endpoint needs a key and has none.
        ConfigError: Its dialect is not available, or its address or headers cannot be used.
    """
    key = (config.api_key or "").strip()
    if config.needs_key and not key:
        names = " or ".join(config.key_names) or f"providers.{config.name}.api_key"
        raise MissingKeyError(
            f"the provider {config.name} needs a key and has none", hint=f"set {names}"
        )
    origin = Origin(provider=config.name, key_names=config.key_names, secret=key)
    match config.api:
        case Api.OPENAI_CHAT | Api.MISTRAL:
            return _openai_chat(config, timeouts, origin)
        case Api.ANTHROPIC:
            return _anthropic(config, timeouts, origin)
        case Api.OPENAI_RESPONSES:
            return _openai_responses(config, timeouts, origin)
        case Api.GEMINI:
            return _gemini(config, timeouts, origin)
        case Api.SCRIPTED:
            raise ConfigError(
                f"provider {config.name} is scripted and has no endpoint",
                hint="choose another api for it: openai-chat, openai-responses, anthropic, gemini "
                "or mistral",
            )


# Each dialect is imported where it is used: with the HTTP library it is not for the cold path.


def _openai_chat(config: Endpoint, timeouts: WaitLimits, origin: Origin) -> Provider:
    from ralex.providers.openai_chat import OpenAIChat  # noqa: PLC0415

    flavour = flavour_of(name=config.name, base_url=config.base_url, api=config.api)
    auth = {"api-key": origin.secret} if flavour.is_azure else _bearer(origin.secret)
    return OpenAIChat(_http(config, timeouts, auth), flavour=flavour, origin=origin)


def _anthropic(config: Endpoint, timeouts: WaitLimits, origin: Origin) -> Provider:
    from ralex.providers.anthropic import VERSION, AnthropicMessages  # noqa: PLC0415

    auth = {"x-api-key": origin.secret, "anthropic-version": VERSION}
    return AnthropicMessages(
        _http(config, timeouts, auth),
        origin=origin,
        caches_alone=urlsplit(config.base_url).hostname == "api.anthropic.com",
    )


def _openai_responses(config: Endpoint, timeouts: WaitLimits, origin: Origin) -> Provider:
    from ralex.providers.openai_responses import OpenAIResponses  # noqa: PLC0415

    flavour = flavour_of(name=config.name, base_url=config.base_url)
    auth = {"api-key": origin.secret} if flavour.is_azure else _bearer(origin.secret)
    return OpenAIResponses(
        _http(config, timeouts, auth), origin=origin, has_cache_key=flavour.name == "openai"
    )


def _gemini(config: Endpoint, timeouts: WaitLimits, origin: Origin) -> Provider:
    from ralex.providers.gemini import Gemini  # noqa: PLC0415

    return Gemini(_http(config, timeouts, {"x-goog-api-key": origin.secret}), origin=origin)


def _http(config: Endpoint, timeouts: WaitLimits, auth: Mapping[str, str]) -> "HttpClient":
    from ralex.providers.http import HttpClient  # noqa: PLC0415

    return HttpClient(
        base_url=config.base_url,
        headers=_request_headers(auth, config.headers),
        connect_s=timeouts.connect_s,
        first_byte_s=timeouts.first_byte_s,
        idle_s=timeouts.idle_s,
    )


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _request_headers(auth: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Give every header of a request; the user's own come last and win."""
    headers = {
        "content-type": "application/json",
        "accept": "text/event-stream, application/json",
        "user-agent": f"ralex/{__version__}",
        **{name: value for name, value in auth.items() if value},
    }
    return headers | {name.lower(): value for name, value in own.items()}
