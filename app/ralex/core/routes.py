"""The records of routing: routers and their rules, overrides, the running task, and receipts."""

from collections.abc import Mapping
from dataclasses import field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, Self

from ralex.core.complexity import Boundaries, Complexity, ScorerOptions
from ralex.core.ids import ModelId
from ralex.core.records import dataclass
from ralex.core.tiers import Tier


class RouteReason(StrEnum):
    """What decided, in the order in which the policy asks."""

    OVERRIDE = "override"
    RULE = "rule"
    STICKY = "sticky"
    ESCALATED = "escalated"
    SCORE = "score"
    BUDGET = "budget"


class TextPattern(Protocol):
    """What a rule looks for; a compiled ``re`` pattern fits."""

    @property
    def pattern(self) -> str:
        """Give its text."""
        ...

    def search(self, text: str, /) -> object | None:
        """Give None if it is nowhere in a text."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A user's own rule over the ask; the first that matches wins.

    Attributes:
        tier: The tier to take, or None if ``model`` says it all.
        max_cost_usd: The most a call under this rule may cost, or None.
        max_tokens: Cap on the output of a call under this rule, or None.
        name: What the user calls it, or empty.
    """

    pattern: TextPattern
    tier: Tier | None = None
    model: ModelId | None = None
    max_cost_usd: Decimal | None = None
    max_tokens: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A named way from tiers to models.

    Attributes:
        scorer: ``ralex`` or ``litellm``.
        tiers: For each tier a fallback chain, first choice first; a missing tier takes the next one
            up,
            and failing that the next one down.
        weights: Overrides of the scorer's dimension weights; empty keeps the scorer's own.
        boundaries: Overrides of the scorer's boundaries, or None.
        scorer_options: Own word lists and thresholds, as LiteLLM's configurations have them.
        source: The file that defined it.
    """

    name: str
    tiers: Mapping[Tier, tuple[ModelId, ...]]
    scorer: str = "ralex"
    weights: Mapping[str, float] = field(default_factory=dict[str, float])
    boundaries: Boundaries | None = None
    rules: tuple[Rule, ...] = ()
    source: str = ""
    scorer_options: ScorerOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """The user's own choice: a model, or a tier of the router.

    Attributes:
        once: For the next turn only; otherwise until ``/auto``.
        for_task: Until an ask that begins another task.
    """

    model: ModelId | None = None
    tier: Tier | None = None
    once: bool = False
    for_task: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """The task in progress, for continuity.

    Attributes:
        tier: Its tier, or None if no task runs.
        model: The model that works on it.
        escalations: Steps up taken so far.
    """

    tier: Tier | None = None
    model: ModelId | None = None
    escalations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A model that was not taken, and why."""

    model: ModelId
    tier: Tier | None
    estimated_usd: Decimal | None
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPrice:
    """What the next step would cost on one tier.

    Attributes:
        tier: None for a model that serves no tier of the router.
        model: The one that would serve the tier now.
        estimated_usd: None if the price is unknown.
        is_chosen: The router, or the user's override, would take this one.
    """

    tier: Tier | None
    model: ModelId
    estimated_usd: Decimal | None
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDecision:
    """The receipt of one routing decision.

    Attributes:
        tier: None where an override names a model outside the router's tiers.
        reason: What decided.
        reasons: The whole story, one sentence each.
        fallbacks: Models to try next if this one fails, in order.
        estimated_usd: What the first step is expected to cost, or None if the price is unknown.
        continues_task: The ask belongs to the task that was running.
    """

    router: str
    tier: Tier | None
    model: ModelId
    reason: RouteReason
    reasons: tuple[str, ...]
    complexity: Complexity | None = None
    override: str = ""
    rule: str = ""
    fallbacks: tuple[ModelId, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    estimated_usd: Decimal | None = None
    max_cost_usd: Decimal | None = None
    max_tokens: int | None = None
    continues_task: bool = False

    def served_by(self, model: ModelId, why: str) -> Self:
        """Give the receipt of a decision that one of several deployments serves.

        Args:
            why: Why this one, as one more sentence; empty leaves the receipt as it is.
        """
        if not why:
            return self
        reasons = self.reasons if why in self.reasons else (*self.reasons, why)
        return replace(self, model=model, reasons=reasons)
