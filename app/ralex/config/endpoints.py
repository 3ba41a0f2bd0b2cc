"""The providers ralex knows by name: where they are and which variables hold their keys.

Addresses and variable names are the vendors' own; those of the smaller vendors as in models.dev
(providers/*/provider.toml, read November 2026).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import urlsplit

from ralex.config.model import ProviderConfig
from ralex.core.models import Api
from ralex.errors import ConfigError


def _known(name: str, api: Api, base_url: str, *key_names: str) -> ProviderConfig:
    return ProviderConfig(name=name, api=api, base_url=base_url, key_names=key_names)


_CHAT = Api.OPENAI_CHAT

KNOWN_PROVIDERS: Mapping[str, ProviderConfig] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            _known("openrouter", _CHAT, "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
            _known("openai", _CHAT, "https://api.openai.com/v1", "OPENAI_API_KEY"),
            _known("anthropic", Api.ANTHROPIC, "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
            _known(
                "gemini",
                Api.GEMINI,
                "https://generativelanguage.googleapis.com/v1beta",
                "GEMINI_API_KEY",
            ),
            _known("mistral", Api.MISTRAL, "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
            _known(
                "opencodego",
                _CHAT,
                "https://opencode.ai/zen/go/v1",
                "OPENCODE_API_KEY",
                "OPENCODE_GO_API_KEY",
            ),
            _known("deepseek", _CHAT, "https://api.deepseek.com", "DEEPSEEK_API_KEY"),
            _known("zai", _CHAT, "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", "ZHIPU_API_KEY"),
            _known("moonshot", _CHAT, "https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
            _known("xiaomi", _CHAT, "https://api.xiaomimimo.com/v1", "XIAOMI_API_KEY"),
            _known(
                "minimax", Api.ANTHROPIC, "https://api.minimax.io/anthropic/v1", "MINIMAX_API_KEY"
            ),
            _known(
                "alibaba",
                _CHAT,
                "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
                "DASHSCOPE_API_KEY",
            ),
        )
    }
)

BASE_URL_VARIABLES: Mapping[str, str] = MappingProxyType(
    {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}
)


def check_base_url(text: str, *, where: str) -> str:
    """Check an address and drop the slash at its end.

    Args:
        where: What gave it, for the message: a variable, or a file with line and key.

    Raises:
        ConfigError: If it is not a plain http(s) address. The address itself is not repeated, since
            it may hold a password.
    """
    try:
        parts = urlsplit(text)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError as error:
        raise ConfigError(f"{where}: this is not an address", hint=_URL_HINT) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"{where}: this is not an http or https address", hint=_URL_HINT)
    if user is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"{where}: an address may hold no user, password, query or fragment",
            hint="give the key as api_key, and other secrets as headers",
        )
    if not text.isprintable() or " " in text:
        raise ConfigError(f"{where}: the address holds odd characters", hint=_URL_HINT)
    return text.rstrip("/")


def anthropic_base_url(base_url: str) -> str:
    """Bring an ``ANTHROPIC_BASE_URL`` into ralex's form: other programs leave ``/v1`` out."""
    return base_url if base_url.endswith("/v1") else base_url + "/v1"


def is_loopback(base_url: str) -> bool:
    """Tell whether an address is on this machine, where a key is usually not needed."""
    from ipaddress import ip_address  # noqa: PLC0415 - only an address of the user's own needs it

    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def sends_key_in_clear(provider: ProviderConfig) -> bool:
    """Tell whether a key would leave this machine without encryption."""
    return (
        provider.api_key is not None
        and provider.base_url.startswith("http://")
        and not is_loopback(provider.base_url)
    )


def with_key(provider: ProviderConfig, environ: Mapping[str, str]) -> ProviderConfig:
    """Take the key from the first of the provider's variables that is set.

    Raises:
        ConfigError: If what is set cannot be a key.
    """
    for name in provider.key_names:
        value = read_key(environ, name)
        if value is not None:
            return replace(provider, api_key=value)
    return provider


def read_key(environ: Mapping[str, str], name: str) -> str | None:
    """Read a key from a variable; one that is empty counts as unset.

    Raises:
        ConfigError: If what is set cannot be a key. It is not repeated.
    """
    return check_key(environ.get(name, ""), where=name)


def check_key(text: str, *, where: str) -> str | None:
    """Trim a key and check that it can be sent; None if nothing is left.

    Raises:
        ConfigError: If it holds blanks or characters outside ASCII. The key is not repeated.
    """
    key = text.strip()
    if not key:
        return None
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError(
            f"{where}: a key may not hold blanks, line breaks or characters outside ASCII",
            hint="copy the key again",
        )
    return key


_URL_HINT = "write it like https://example.com/v1 or http://127.0.0.1:8080/v1"
