"""The parts of a streamed model reply, and the reply they add up to."""

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from ralex.core.messages import AssistantMessage
from ralex.core.rate_limits import RateLimits
from ralex.core.records import dataclass
from ralex.core.usage import Usage


class FinishReason(StrEnum):
    """Why a model stopped."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta:
    """A piece of the model's visible reasoning."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """A piece of a tool call.

    Attributes:
        index: Which call of this reply, from 0; pieces of parallel calls may interleave.
        call_id: The call's id in the first piece, else empty.
        name: The tool's name in the first piece, else empty.
        arguments_json: More of the arguments' JSON text.
    """

    index: int
    call_id: str = ""
    name: str = ""
    arguments_json: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """Token counts as the provider reports them; cumulative, so the last one counts.

    Attributes:
        cost_usd: The provider's own price of the call, where it states one.
    """

    usage: Usage
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFinished:
    """The last part of every complete reply; a stream without it is an error, never an answer.

    Attributes:
        message: The whole reply, assembled.
        finish_reason: Why the model stopped.
        usage: The last usage reported, or None if the provider sent none.
        cost_usd: The provider's own price of the call, where it states one.
        model: The model that answered, as the provider names it.
        refusal: The model's refusal where the provider marks it as one; also in the message's text.
    """

    message: AssistantMessage
    finish_reason: FinishReason
    usage: Usage | None
    cost_usd: Decimal | None
    model: str
    refusal: str = ""


StreamPart: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta | UsageReport | StreamFinished
ProviderPart: TypeAlias = StreamPart | RateLimits
"""What an adapter tells: the parts of a reply, and before them what concerns no reader of it."""
