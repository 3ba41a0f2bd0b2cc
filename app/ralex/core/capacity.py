"""Does this request fit? Judged from token counts alone, never from how hard the ask is."""

from collections.abc import Iterable
from enum import StrEnum

from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass

MIN_OUTPUT_TOKENS = 1_024
"""Less room than this for the answer is none: a tool call with an edit would be cut."""


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


def judge(
    model: ModelInfo,
    *,
    request_tokens: int,
    output_tokens: int,
    min_output_tokens: int = MIN_OUTPUT_TOKENS,
    fixed_tokens: int = 0,
    larger: Iterable[ModelInfo] = (),
) -> CapacityDecision:
    """Judge whether a request and its answer fit into a model's context window.

    A request that leaves room for at least ``min_output_tokens`` fits, with the answer shortened to
    what is left. Otherwise the first of ``larger`` that takes it is proposed; else compaction, if
    what it cannot remove leaves room; else the request is refused.

    Args:
        request_tokens: Input of the request, estimated upwards.
        output_tokens: Output wanted for the answer.
        min_output_tokens: The least that makes a call worth its price.
        fixed_tokens: The part of the request that compaction cannot remove: instructions, tools and
            the newest ask.
        larger: Models to move to, in the order of preference; those that are no larger are passed
            over.
    """
    wanted = min(output_tokens, model.max_output_tokens or output_tokens)
    least = min(min_output_tokens, wanted)
    window = model.context_window
    if window is None or window - request_tokens >= least:
        return _fitting(model, request_tokens, wanted)
    action, upsize_model, remedy = _remedy(
        request_tokens, wanted, least, fixed_tokens, window, larger
    )
    return CapacityDecision(
        action=action,
        model=model.id,
        request_tokens=request_tokens,
        output_tokens=least,
        window=window,
        arithmetic=f"{request_tokens:,} + {least:,} > {window:,} tokens of {model.id}; {remedy}",
        upsize_model=upsize_model,
    )


def _fitting(model: ModelInfo, request_tokens: int, wanted: int) -> CapacityDecision:
    """Let a request go, with as much of its answer as the window has room for."""
    window, granted = model.context_window, wanted
    if window is None:
        arithmetic = (
            f"{request_tokens:,} + {wanted:,} tokens; "
            f"the window of {model.id} is unknown, so the request is tried"
        )
    else:
        granted = min(wanted, window - request_tokens)
        shortened = f", the answer shortened from {wanted:,}" if granted < wanted else ""
        arithmetic = f"{request_tokens:,} + {granted:,} of {window:,} tokens{shortened}"
    return CapacityDecision(
        action=CapacityAction.FITS,
        model=model.id,
        request_tokens=request_tokens,
        output_tokens=granted,
        window=window,
        arithmetic=arithmetic,
    )


def _remedy(
    request_tokens: int,
    wanted: int,
    least: int,
    fixed_tokens: int,
    window: int,
    larger: Iterable[ModelInfo],
) -> tuple[CapacityAction, ModelId | None, str]:
    for other in larger:
        needed = min(wanted, other.max_output_tokens or wanted, least)
        if other.context_window is None or request_tokens + needed > other.context_window:
            continue
        remedy = f"{other.id} takes it with {other.context_window:,}"
        return CapacityAction.UPSIZE, other.id, remedy
    if fixed_tokens >= request_tokens or fixed_tokens + least > window:
        fixed = min(fixed_tokens, request_tokens)
        return CapacityAction.REFUSE, None, f"{fixed:,} of them cannot be compacted away"
    target = window - least
    return CapacityAction.COMPACT, None, f"compaction must bring the request under {target:,}"
