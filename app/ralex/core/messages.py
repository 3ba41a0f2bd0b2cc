"""The conversation as ralex holds it, before any provider's dialect."""

from typing import TypeAlias

from ralex.core.ids import CallId
from ralex.core.models import PriceCeiling
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMessage:
    """Standing instructions; always first and never changed within a session."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture for a model that sees.

    Attributes:
        media_type: ``image/png`` and the like.
        data_base64: The bytes, base64 without line breaks.
        width: In pixels, 0 if not known; the same for the height.
    """

    media_type: str
    data_base64: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage:
    """What the user said."""

    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call the model asks for.

    Attributes:
        arguments_json: The arguments exactly as the model sent them; may be broken JSON.
    """

    id: CallId
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessage:
    """One complete model reply.

    Attributes:
        opaque_json: Provider state that must go back unchanged (signatures, encrypted reasoning),
            as
            JSON, or empty.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""
    opaque_json: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultMessage:
    """The answer to one tool call; exactly one per call id."""

    call_id: CallId
    name: str
    text: str
    is_error: bool = False
    images: tuple[Image, ...] = ()


Message: TypeAlias = SystemMessage | UserMessage | AssistantMessage | ToolResultMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A tool as the model sees it.

    Attributes:
        schema_json: JSON Schema of the arguments, serialised once so that requests stay byte-
            identical.
    """

    name: str
    description: str
    schema_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One model call, in ralex's own words.

    Attributes:
        model: The provider's own name of the model, as sent on the wire.
        max_output_tokens: Cap on everything generated, reasoning included; always sent, because the
            reservation is computed from it.
        response_schema_json: JSON Schema the answer must follow, or empty.
        session_id: Sent where a provider uses it to keep its prompt cache warm, or empty.
        reasoning_field: Name of the field in which the model wants its reasoning back with its tool
            calls, from ``ModelInfo.reasoning_field``, or empty.
        price_ceiling: Told to a provider that chooses among hosts of different prices, so that none
            bills more than was reserved; None without a budget or a known price.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int
    temperature: float | None = None
    response_schema_json: str = ""
    session_id: str = ""
    reasoning_field: str = ""
    price_ceiling: PriceCeiling | None = None
    stream: bool = True
