"""The records of one paid call: what is asked for, what happens on the way, what comes of it."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeAlias

from ralex.core.budget import CACHED, BudgetState
from ralex.core.events import RetryScheduled
from ralex.core.messages import Message, ToolSpec
from ralex.core.models import ModelInfo, PriceList
from ralex.core.records import dataclass
from ralex.core.stream import StreamFinished, StreamPart
from ralex.core.usage import Usage

DEFAULT_OUTPUT_TOKENS = 16_384
"""Output asked for where neither the caller nor the model's own cap says less."""

SHARED = "shared"
"""The ``cost_source`` of a reply that another caller's call brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that may take the call.

    Attributes:
        input_tokens: Estimate of the request's tokens for this model.
        input_bound_tokens: An upper bound on them; the reservation is computed from it.
        output_tokens: The most output for which the model's window has room, or None.
        group: The deployments of one model that it belongs to, or empty; those of one group stand
            side by side and share the load.
        on_overflow: Tried instead of all others when the request is too long for it.
        on_refusal: Tried instead of all others when it refuses what the request says.
    """

    model: ModelInfo
    input_tokens: int
    input_bound_tokens: int
    output_tokens: int | None = None
    group: str = ""
    on_overflow: "tuple[Candidate, ...]" = ()
    on_refusal: "tuple[Candidate, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call to be made.

    Attributes:
        candidates: First choice first; the others take over when it fails.
        output_tokens: Cap on the output; shrunk to the model's own cap and to the budget.
        max_cost_usd: The most this call may cost, or None.
        counterfactual: Prices of the router's top tier, for the estimate of what was saved.
        restarts_after_content: Start over when a reply breaks off half way; otherwise the error is
            raised, with what came already shown.
        refuses_empty: A whole reply with nothing in it is a failure and goes to the next candidate;
            otherwise it is given back as it is.
        moves_on_overflow: A request that proves too long goes to the candidate's own chain, else
            to one with a larger window; otherwise the caller is told, who may shorten it.
    """

    candidates: tuple[Candidate, ...]
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tier: str = ""
    router: str = ""
    session_id: str = ""
    project: str = ""
    purpose: str = "step"
    tag: str = ""
    output_tokens: int = DEFAULT_OUTPUT_TOKENS
    temperature: float | None = None
    response_schema_json: str = ""
    max_cost_usd: Decimal | None = None
    counterfactual: PriceList | None = None
    restarts_after_content: bool = False
    refuses_empty: bool = False
    moves_on_overflow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """An attempt is reserved and about to be sent; nothing of its reply has come.

    Attributes:
        why: Why this one of several deployments; empty where there was no choice.
    """

    model: ModelInfo
    reserved_usd: Decimal
    output_tokens: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt broke off or was stopped; what it cost is booked already.

    Whoever is told of a stopped one must not wait for anything.
    """

    model: ModelInfo
    usage: Usage
    cost_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """A finished and settled call.

    Attributes:
        model: The candidate that answered.
        cost_source: ``provider``, ``computed`` or ``estimated``; ``shared`` where another caller's
            identical call was paid and this one cost nothing; ``cached`` where an earlier one was.
        counterfactual_usd: The same tokens on the router's top tier, or None if unknown.
    """

    model: ModelInfo
    reply: StreamFinished
    usage: Usage
    cost_usd: Decimal
    cost_source: str
    counterfactual_usd: Decimal | None
    budget: BudgetState

    @property
    def is_shared(self) -> bool:
        """Tell whether another caller's call brought this reply, so that nothing was booked."""
        return self.cost_source == SHARED

    @property
    def is_cached(self) -> bool:
        """Tell whether the reply is from the cache, so that nothing was sent."""
        return self.cost_source == CACHED


CallEvent: TypeAlias = AttemptStarted | AttemptFailed | RetryScheduled | StreamPart
Emit: TypeAlias = Callable[[CallEvent], Awaitable[None]]
