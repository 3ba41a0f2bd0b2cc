"""How providers of OpenAI's chat dialect differ in what they want to be sent.

Recognised by host, and by the provider's name in the configuration where a proxy stands in front.
Sources: the providers' API references and recorded refusals, as of 2026-11.
"""

import re
from dataclasses import replace
from urllib.parse import urlsplit

from ralex.core.models import Api
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """One provider's wishes.

    Attributes:
        output_cap: Name of the field that caps the output.
        asks_for_usage: Send ``stream_options``; strict servers refuse it, others need it.
        has_schemas: Takes ``json_schema``; otherwise only ``json_object`` is asked for.
        returns_reasoning: Wants the reasoning back with tool calls, for models that ask for it.
        returns_details: Wants ``reasoning_details`` back unchanged.
        short_call_ids: Takes only ids of nine letters or digits.
        longest_call_id: Characters of a call id, or 0 without limit.
        session_header: Header that keeps a conversation on the server that caches it.
        session_field: The same as a field of the body.
        fixed_json: Fields sent with every request, as JSON without braces.
        limits_price: Chooses among hosts of different prices, and takes a ceiling for them.
        caches_on_request: Writes Claude's prompt cache only when asked to.
        pictures_in_results: A tool's result may hold pictures; elsewhere they follow as a message
            of the user, which Mistral refuses behind a result.
    """

    name: str = "openai-compatible"
    output_cap: str = "max_tokens"
    asks_for_usage: bool = True
    has_schemas: bool = True
    returns_reasoning: bool = True
    returns_details: bool = False
    short_call_ids: bool = False
    longest_call_id: int = 0
    session_header: str = ""
    session_field: str = ""
    fixed_json: str = ""
    caches_on_request: bool = False
    limits_price: bool = False
    is_azure: bool = False
    pictures_in_results: bool = False


_GENERIC = Flavour()
_OPENAI = Flavour(
    name="openai",
    output_cap="max_completion_tokens",
    returns_reasoning=False,
    longest_call_id=40,
    session_field="prompt_cache_key",
)
_OPENROUTER = Flavour(
    name="openrouter",
    returns_reasoning=False,
    returns_details=True,
    session_header="x-session-id",
    fixed_json='"usage":{"include":true},"plugins":[{"id":"context-compression","enabled":false}]',
    caches_on_request=True,
    limits_price=True,
)
_MISTRAL = Flavour(
    name="mistral",
    asks_for_usage=False,
    returns_reasoning=False,
    short_call_ids=True,
    pictures_in_results=True,
)

_FLAVOURS = {
    "openrouter": _OPENROUTER,
    "mistral": _MISTRAL,
    "azure": replace(_OPENAI, name="azure", session_field="", is_azure=True),
    "deepseek": Flavour(name="deepseek", has_schemas=False),
    "zai": Flavour(name="zai", has_schemas=False),
    "xai": Flavour(
        name="xai",
        output_cap="max_completion_tokens",
        returns_reasoning=False,
        session_header="x-grok-conv-id",
    ),
    "groq": Flavour(name="groq", returns_reasoning=False),
    "vercel-gateway": Flavour(name="vercel-gateway", returns_reasoning=False, returns_details=True),
}

_HOSTS: tuple[tuple[str, Flavour], ...] = (
    ("openrouter.ai", _OPENROUTER),
    ("api.openai.com", _OPENAI),
    ("openai.azure.com", _FLAVOURS["azure"]),
    ("services.ai.azure.com", _FLAVOURS["azure"]),
    ("cognitiveservices.azure.com", _FLAVOURS["azure"]),
    ("api.mistral.ai", _MISTRAL),
    ("api.deepseek.com", _FLAVOURS["deepseek"]),
    ("api.z.ai", _FLAVOURS["zai"]),
    ("open.bigmodel.cn", _FLAVOURS["zai"]),
    ("api.x.ai", _FLAVOURS["xai"]),
    ("api.groq.com", _FLAVOURS["groq"]),
    ("ai-gateway.vercel.sh", _FLAVOURS["vercel-gateway"]),
)

_WANTS_REASONING = re.compile(r"deepseek|kimi|moonshot|glm-|mimo", re.IGNORECASE)
_OPENAI_REASONING = re.compile(r"^(?:openai/)?(?:o\d|gpt-[5-9])", re.IGNORECASE)


def flavour_of(*, name: str, base_url: str, api: Api = Api.OPENAI_CHAT) -> Flavour:
    """Find the flavour of an endpoint; anything unknown gets what most servers take.

    The name ``openai`` alone says nothing, since many servers are put behind that name.
    """
    host = urlsplit(base_url).hostname or ""
    for suffix, flavour in _HOSTS:
        if host == suffix or host.endswith("." + suffix):
            return flavour
    if api is Api.MISTRAL:
        return _MISTRAL
    return _FLAVOURS.get(name, _GENERIC)


def reasoning_field(flavour: Flavour, model: str) -> str:
    """Name the field in which this model must get its reasoning back with tool calls, or nothing.

    DeepSeek, Kimi and GLM answer 400 to a tool result whose call came without its reasoning.
    """
    if not flavour.returns_reasoning or _WANTS_REASONING.search(model) is None:
        return ""
    return "reasoning_content"


def is_openai_reasoning(model: str) -> bool:
    """Tell whether an OpenAI model refuses a temperature."""
    return _OPENAI_REASONING.search(model) is not None
