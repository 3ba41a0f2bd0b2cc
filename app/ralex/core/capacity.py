"""Does this request fit? Judged from token counts alone, never from how hard the ask is."""

from dataclasses import dataclass
from enum import StrEnum

from ralex.core.ids import ModelId


class CapacityAction(StrEnum):
    """What to do about the size of a request."""

    FITS = "fits"
    UPSIZE = "upsize"
    COMPACT = "compact"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityDecision:
    """A judgement of one request's size, with its arithmetic.

    Attributes:
        request_tokens: Input of the request, estimated upwards.
        output_tokens: Output reserved for the answer.
        window: The model's context window in tokens, or None if unknown.
        upsize_model: Where to go when ``action`` is ``upsize``.
        arithmetic: The sum in words.
    """

    action: CapacityAction
    model: ModelId
    request_tokens: int
    output_tokens: int
    window: int | None
    arithmetic: str
    upsize_model: ModelId | None = None
