"""When does a task move to a better model? Only on evidence that the present one fails.

What the ask looks like says little of how hard it is; what happened says more. The agent collects
evidence while it works. The first answer to it is advice: one call to a better model, while the
conversation and its cache stay where they are; it is left out where it has helped too seldom for
its price. If it does not help, or the present model cannot even call its tools, another one takes
over: a different one of the same price first, where the tier has one, else one of the next tier.
That lasts until the task ends and happens at most twice.
That a task takes long is no evidence: long tasks are long for every model.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum

from ralex.core.budget import BudgetState
from ralex.core.chains import Market
from ralex.core.ids import ModelId
from ralex.core.records import dataclass
from ralex.core.routes import Router, TaskState
from ralex.core.tiers import TIERS, Tier

MOST_STEPS = 2
SAME_PRICE_FACTOR = 2
"""A model of the same tier at up to this multiple of the price is tried before the next tier."""


class EvidenceKind(StrEnum):
    """What was observed."""

    FAILED_CHECK = "failed_check"
    EDIT_REFUSED = "edit_refused"
    SAME_ERROR = "same_error"
    EMPTY_DIFF = "empty_diff"
    MALFORMED_CALL = "malformed_call"
    LOOP = "loop"
    COMPLAINT = "complaint"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation; only those since the last step of escalation count.

    Attributes:
        kind: A failed check counts only if it comes after an edit of this task, an empty diff only
            if a change was asked for; whoever collects has seen to that.
        detail: The command, path or error, for the receipt.
    """

    kind: EvidenceKind
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceLog:
    """How advice fared so far.

    Attributes:
        given: How often it was given and its outcome is known.
        helped: How often no other model had to take over after it.
    """

    given: float = 0
    helped: float = 0

    @property
    def odds(self) -> float:
        """Estimate how likely the next advice helps: one in five until experience says otherwise.

        The assumption weighs as much as five cases.
        """
        return (1 + self.helped) / (5 + self.given)


class EscalationAction(StrEnum):
    """What to do about the evidence."""

    STAY = "stay"
    ADVISE = "advise"
    TAKE_OVER = "take_over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """What the evidence comes to.

    Attributes:
        reason: In one sentence.
        tier: The tier the task has from now on; with ``advise`` that of the adviser.
        model: Who advises or takes over, or None.
        estimated_usd: What its next call is expected to cost, or None if unknown.
    """

    action: EscalationAction
    reason: str
    tier: Tier | None = None
    model: ModelId | None = None
    estimated_usd: Decimal | None = None


_ENOUGH: dict[EvidenceKind, int] = {
    EvidenceKind.FAILED_CHECK: 1,
    EvidenceKind.EDIT_REFUSED: 2,
    EvidenceKind.SAME_ERROR: 2,
    EvidenceKind.EMPTY_DIFF: 1,
    EvidenceKind.MALFORMED_CALL: 3,
    EvidenceKind.LOOP: 1,
    EvidenceKind.COMPLAINT: 1,
    EvidenceKind.UNDO: 1,
}

_WORDS: dict[EvidenceKind, str] = {
    EvidenceKind.FAILED_CHECK: "a check failed after an edit",
    EvidenceKind.EDIT_REFUSED: "an edit did not apply",
    EvidenceKind.SAME_ERROR: "the same error came again",
    EvidenceKind.EMPTY_DIFF: "nothing was changed although a change was asked for",
    EvidenceKind.MALFORMED_CALL: "a tool call could not be read",
    EvidenceKind.LOOP: "the model repeats itself",
    EvidenceKind.COMPLAINT: "you said that it does not work",
    EvidenceKind.UNDO: "you undid the work",
}

_BEYOND_ADVICE = frozenset({EvidenceKind.MALFORMED_CALL, EvidenceKind.LOOP, EvidenceKind.UNDO})
"""Who cannot call tools, repeats itself or produced what was thrown away will not follow advice."""


def consider(
    evidence: Sequence[Evidence],
    *,
    task: TaskState,
    router: Router,
    market: Market,
    budget: BudgetState | None = None,
    was_advised: bool = False,
    advised_by: Collection[ModelId] = (),
    bills: Mapping[ModelId, Decimal] | None = None,
    advice: AdviceLog | None = None,
    brief_tokens: int | None = None,
    is_on: bool = True,
) -> Escalation:
    """Decide whether a task stays, gets advice or moves up.

    Args:
        evidence: What was observed since the task began or last moved up.
        was_advised: Advice was already given since then.
        advised_by: Who gave advice in this task at any time; the same advice is not bought twice.
        bills: USD per whole task where they are known, to tell which models cost about the same;
            a low price per token is not a cheap task.
        advice: How advice fared; it is not bought where it costs more than what it saves, the task
            on the better model, times the odds that it helps.
        brief_tokens: What an adviser reads; the market's context if None.
        is_on: False where the user switched escalation off.
    """
    kind = _strongest(evidence)
    if kind is None:
        return _stay("there is not enough evidence of failure")
    why = _sentence(kind, evidence)
    if not is_on:
        return _stay(f"{why}; escalation is off")
    if task.tier is None or task.model is None:
        return _stay(f"{why}; no task is running")
    if task.escalations >= MOST_STEPS:
        return _stay(f"{why}; the task already moved up {MOST_STEPS} steps")
    above = _tier_above(router, task.tier, task.model, market)
    has_spoken = was_advised or (above is not None and above[1] in advised_by)
    gives_advice = kind not in _BEYOND_ADVICE and not has_spoken
    briefed = market if brief_tokens is None else replace(market, context_tokens=brief_tokens)
    if gives_advice and above is not None and not _pays(above[1], briefed, bills or {}, advice):
        gives_advice = False
        why = f"{why}; advice has helped too seldom for its price"
    sibling = None if gives_advice else _sibling(router, task, market, bills or {})
    step = above if sibling is None else (task.tier, sibling)
    if step is None:
        return _stay(f"{why}; no better model can be called")
    tier, model = step
    price = market.estimate_usd(model)
    left = None if budget is None else budget.left_usd
    if left is not None and price is None:
        return _stay(f"{why}; the price of {model} is unknown and a budget is set")
    if left is not None and price is not None and price > left:
        return _stay(f"{why}; {model} may cost ${price:.4f} and ${left:.4f} is left today")
    return _proposal(why, tier, model, price, gives_advice=gives_advice)


def is_enough(evidence: Sequence[Evidence]) -> bool:
    """Tell whether evidence suffices to act on, where there is someone to act."""
    return _strongest(evidence) is not None


def _strongest(evidence: Sequence[Evidence]) -> EvidenceKind | None:
    """Find a kind of which there is enough; one that advice cannot help comes first."""
    enough = [
        kind
        for kind, least in _ENOUGH.items()
        if sum(one.kind is kind for one in evidence) >= least
    ]
    return next((kind for kind in enough if kind in _BEYOND_ADVICE), next(iter(enough), None))


def _sentence(kind: EvidenceKind, evidence: Sequence[Evidence]) -> str:
    seen = [one for one in evidence if one.kind is kind]
    times = f" {len(seen)} times" if len(seen) > 1 else ""
    detail = f" ({seen[-1].detail})" if seen[-1].detail else ""
    return f"{_WORDS[kind]}{times}{detail}"


def _tier_above(
    router: Router, tier: Tier, model: ModelId, market: Market
) -> tuple[Tier, ModelId] | None:
    for higher in TIERS[tier.rank + 1 :]:
        for candidate in market.usable_first(router.tiers.get(higher, ())):
            if candidate != model:
                return higher, candidate
            break  # the same model serves this tier first, so the step must be a larger one
    return None


def _sibling(
    router: Router, task: TaskState, market: Market, bills: Mapping[ModelId, Decimal]
) -> ModelId | None:
    """Find another model of the task's tier at about the same price, for the first step only."""
    if task.tier is None or task.model is None or task.escalations:
        return None
    for candidate in market.usable_first(router.tiers.get(task.tier, ())):
        if candidate != task.model and _costs_the_same(task.model, candidate, market, bills):
            return candidate
    return None


def _costs_the_same(
    model: ModelId, other: ModelId, market: Market, bills: Mapping[ModelId, Decimal]
) -> bool:
    """Compare by whole tasks where both are known, else by the next step."""
    here, there = bills.get(model), bills.get(other)
    if here is None or there is None:
        here, there = market.estimate_usd(model), market.estimate_usd(other)
    return here is not None and there is not None and there <= here * SAME_PRICE_FACTOR


def _pays(
    adviser: ModelId,
    market: Market,
    bills: Mapping[ModelId, Decimal],
    log: AdviceLog | None,
) -> bool:
    """Weigh the price of advice against the bill that it may save; yes where one is unknown."""
    price, bill = market.estimate_usd(adviser), bills.get(adviser)
    if log is None or price is None or bill is None:
        return True
    return price <= bill * Decimal(log.odds)


def _proposal(
    why: str, tier: Tier, model: ModelId, price: Decimal | None, *, gives_advice: bool
) -> Escalation:
    if gives_advice:
        action, what, unit = EscalationAction.ADVISE, "is asked for advice", ""
    else:
        action, what, unit = EscalationAction.TAKE_OVER, "takes over", " a step"
    cost = "" if price is None else f" (about ${price:.4f}{unit})"
    return Escalation(
        action=action,
        reason=f"{why}; {model} of {tier} {what}{cost}",
        tier=tier,
        model=model,
        estimated_usd=price,
    )


def _stay(reason: str) -> Escalation:
    return Escalation(action=EscalationAction.STAY, reason=reason)
