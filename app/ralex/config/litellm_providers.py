"""LiteLLM's prefixes and what they are here: a provider ralex knows, or an endpoint to describe.

Addresses of vendors ralex does not know otherwise are those found in public client code, not read
from the vendors' own pages; a file that gives ``api_base`` and ``api_key`` does not depend on them.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from ralex.config.endpoints import (
    KNOWN_PROVIDERS,
    anthropic_base_url,
    check_base_url,
    check_key,
    is_loopback,
)
from ralex.config.litellm_reading import Item, Table
from ralex.core.models import Api
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a prefix stands for.

    Attributes:
        provider: The name it gets here.
        base_url: Where it is unless the file says otherwise; empty if only the file can say.
        keys: Variables with its key; empty where none is needed.
        is_own: A server people run themselves, which bills nothing.
    """

    provider: str
    api: Api = Api.OPENAI_CHAT
    base_url: str = ""
    keys: tuple[str, ...] = ()
    is_own: bool = False


def _known(name: str) -> Kind:
    known = KNOWN_PROVIDERS[name]
    return Kind(provider=name, api=known.api, base_url=known.base_url, keys=known.key_names)


def _chat(name: str, base_url: str, *keys: str) -> Kind:
    return Kind(provider=name, base_url=base_url, keys=keys)


def _server(name: str, base_url: str = "") -> Kind:
    return Kind(provider=name, base_url=base_url, is_own=True)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        **{name: _known(name) for name in KNOWN_PROVIDERS},
        "opencode_go": _known("opencodego"),
        "dashscope": _known("alibaba"),
        "xiaomi_mimo": _known("xiaomi"),
        "ollama": _server("ollama", "http://127.0.0.1:11434/v1"),
        "ollama_chat": _server("ollama", "http://127.0.0.1:11434/v1"),
        "lm_studio": _server("lm_studio", "http://127.0.0.1:1234/v1"),
        "llamafile": _server("llamafile", "http://127.0.0.1:8080/v1"),
        "hosted_vllm": _server("hosted_vllm"),
        "openai_like": Kind(provider="openai-compatible"),
        "custom_openai": Kind(provider="openai-compatible"),
        "litellm_proxy": Kind(provider="litellm_proxy", keys=("LITELLM_PROXY_API_KEY",)),
        "groq": _chat("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "xai": _chat("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
        "together_ai": _chat("together_ai", "https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
        "fireworks_ai": _chat(
            "fireworks_ai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"
        ),
        "deepinfra": _chat("deepinfra", "https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
        "cerebras": _chat("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    }
)

_BY_NAME = (
    (re.compile(r"gpt-|chatgpt|o[1-9](-|$)"), "openai"),
    (re.compile(r"claude-"), "anthropic"),
    (re.compile(r"gemini-"), "gemini"),
    (re.compile(r"(mi|code|mini|pix|dev)stral"), "mistral"),
    (re.compile(r"deepseek-"), "deepseek"),
)

_NO_KEY = frozenset(
    {"none", "dummy", "fake", "empty", "anything", "not-needed", "no-key", "lm-studio", "ollama"}
)
"""What people write where a server of their own needs no key and LiteLLM wants one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One provider as the file describes it.

    Attributes:
        address: Where it is, or ``env:NAME``; None for the kind's own.
        key: The key or ``env:NAME``; None for the kind's own variables, ``none`` for no key.
        headers: Each a value or ``env:NAME``.
    """

    kind: Kind
    address: str | None = None
    key: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    line: int = 1


@dataclass(slots=True, kw_only=True)
class ProviderBook:
    """Gives every distinct endpoint a name of its own.

    Attributes:
        kinds: Prefixes, with those of a ``providers.json`` on top.
    """

    kinds: dict[str, Kind] = field(default_factory=lambda: dict(KINDS))
    named: dict[str, Endpoint] = field(default_factory=dict[str, Endpoint])

    def name_of(self, endpoint: Endpoint, *, wanted: str = "") -> str:
        """Find or give the name of an endpoint.

        Args:
            wanted: The name to give, as the prefix of a wildcard; it is shared if it is taken.
        """
        same = (endpoint.kind, endpoint.address, endpoint.key, endpoint.headers)
        for name, one in self.named.items():
            if same == (one.kind, one.address, one.key, one.headers) and wanted in ("", name):
                return name
        plain = wanted or endpoint.kind.provider
        if plain in KNOWN_PROVIDERS and endpoint.address is not None and not wanted:
            # Not the vendor's own address, and not to be moved by the vendor's variables.
            plain = "openai-compatible" if plain == "openai" else f"{plain}-2"
        name, number = plain, 2
        while name in self.named:
            name, number = f"{plain.removesuffix('-2')}-{number}", number + 1
        self.named[name] = endpoint
        return name


def split_model(model: Item, params: Table, book: ProviderBook) -> tuple[Kind, str] | None:
    """Find the kind of a deployment's provider and the model's name there.

    None, with a note, where ralex cannot call the provider.
    """
    text = model.text()
    stated = params.take("custom_llm_provider")
    prefix, slash, name = text.partition("/")
    if stated is not None:
        prefix, name = stated.text(), text.removeprefix(stated.text() + "/")
    elif not slash or (prefix not in book.kinds and "api_base" in params):
        guess = next((owner for shape, owner in _BY_NAME if shape.match(text)), None)
        if guess is None and not ("api_base" in params or "base_url" in params):
            model.note(f"which provider has {text[:80]!r} is not said; this deployment is left out")
            return None
        prefix, name = guess or "openai_like", text
    kind = book.kinds.get(prefix)
    if kind is None:
        model.note(f"ralex cannot call the provider {prefix[:60]!r}; this deployment is left out")
        return None
    return kind, name


def endpoint_of(kind: Kind, params: Table) -> Endpoint:
    """Read address, key and headers of a deployment."""
    address = _address(kind, params.take("api_base", "base_url"))
    key = _key(kind, params.take("api_key"), address)
    headers: list[tuple[str, str]] = []
    extra = params.take("extra_headers", "headers")
    if extra is not None:
        headers += [(name, item.referable()) for name, item in extra.table().take_all()]
    organisation = params.take("organization")
    if organisation is not None:
        headers.append(("OpenAI-Organization", organisation.referable()))
    return Endpoint(
        kind=kind, address=address, key=key, headers=tuple(headers), line=params.item.line
    )


def is_usable_endpoint(endpoint: Endpoint, item: Item) -> bool:
    """Tell whether an endpoint has an address; leave a note if it has none."""
    if endpoint.address or endpoint.kind.base_url:
        return True
    item.note("no api_base says where this server is; this deployment is left out")
    return False


def _address(kind: Kind, given: Item | None) -> str | None:
    if given is None:
        return None
    text = given.referable()
    if given.reference() is not None:
        return text
    text = check_base_url(text, where=given.where)
    if kind.api is Api.ANTHROPIC:
        text = anthropic_base_url(text)
    if kind.provider == "ollama" and not text.endswith("/v1"):
        text += "/v1"
    return None if text == kind.base_url else text


def _key(kind: Kind, given: Item | None, address: str | None) -> str | None:
    if given is not None:
        text = given.referable()
        if given.reference() is None:
            check_key(text, where=given.where)
        if text.casefold() in _NO_KEY:
            return "none"
        return None if kind.keys[:1] == (text.removeprefix("env:"),) and not address else text
    if address is None or kind.is_own:
        return None
    return "none"


def provider_table(name: str, endpoint: Endpoint) -> dict[str, object]:
    """Write an endpoint as ``[providers.NAME]``; empty if ralex knows all of it already."""
    kind, known = endpoint.kind, KNOWN_PROVIDERS.get(name)
    table: dict[str, object] = {}
    if known is None and kind.api is not Api.OPENAI_CHAT:
        table["api"] = kind.api.value
    address = endpoint.address or kind.base_url
    if known is None or known.base_url != address:
        table["base_url"] = address
    key = endpoint.key
    if key is None and known is None and kind.keys:
        key = f"env:{kind.keys[0]}"
    if key is not None:
        table["api_key"] = key
    if known is None and key is None and not is_loopback(address):
        table["api_key"] = "none"
    if endpoint.headers:
        table["headers"] = dict(endpoint.headers)
    return table
