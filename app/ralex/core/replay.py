"""Past asks decided anew by another router, so that it can be tried before it is lived with.

What is re-decided is the first choice of each turn, within its own session and task. What happened
afterwards is taken as it was: a task that moved up moves up here as well, and the tokens of a turn
are those that were used, whichever model would have used them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from ralex.core.complexity import Complexity
from ralex.core.ids import ModelId, SessionId
from ralex.core.models import ModelInfo
from ralex.core.pricing import cost_usd
from ralex.core.records import dataclass
from ralex.core.routing import Router, RouteReason, TaskState, decide, task_after
from ralex.core.tiers import Tier
from ralex.core.turn_log import MarkKind, PastCall, PastRoute, PastTurn


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """One turn under the other router.

    Attributes:
        route: How it was.
        was_usd: What its answered steps have cost.
        would_usd: Estimate for the same tokens; None if a price is unknown.
    """

    turn: PastTurn
    route: PastRoute
    tier: Tier | None
    model: ModelId
    was_usd: Decimal
    would_usd: Decimal | None

    @property
    def is_moved(self) -> bool:
        """Tell whether it would have another tier or another model."""
        return (self.tier, self.model) != (self.route.tier, self.route.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """All turns under the other router.

    Attributes:
        left_out: Turns whose model or tier the user had chosen, or that were never routed.
    """

    turns: tuple[Redecided, ...]
    left_out: int

    @property
    def unpriced(self) -> int:
        """Count the turns of which nobody knows what they would have cost."""
        return sum(one.would_usd is None for one in self.turns)

    @property
    def was_usd(self) -> Decimal:
        """Sum what the turns have cost, but for those without a price for the comparison."""
        known = (one.was_usd for one in self.turns if one.would_usd is not None)
        return sum(known, Decimal(0))

    @property
    def would_usd(self) -> Decimal:
        """Sum the estimates of the same turns."""
        return sum((one.would_usd or Decimal(0) for one in self.turns), Decimal(0))


def replay(
    turns: Iterable[PastTurn],
    *,
    router: Router,
    score: Callable[[str], Complexity],
    is_followup: Callable[[str], bool],
    models: Mapping[ModelId, ModelInfo],
    usable: Collection[str],
) -> Replay:
    """Decide past turns anew.

    Args:
        turns: Those of one session in their order; sessions may be mixed.
        score: Judges an ask with the router's scorer.
        usable: Names of providers that can be called.

    Raises:
        ConfigError: If the router has no models.
    """
    tasks: dict[SessionId, TaskState] = {}
    found: list[Redecided] = []
    left_out = 0
    for turn in turns:
        route = turn.route
        if route is None or route.reason == RouteReason.OVERRIDE:
            left_out += 1
            continue
        task = tasks.get(turn.session_id, TaskState())
        decision = decide(
            turn.ask,
            complexity=score(turn.ask),
            router=router,
            models=models,
            usable=usable,
            now=_moment(turn.started_s),
            task=task,
            is_followup=task.tier is not None and is_followup(turn.ask),
            context_tokens=turn.request_tokens,
        )
        found.append(
            Redecided(
                turn=turn,
                route=route,
                tier=decision.tier,
                model=decision.model,
                was_usd=sum((call.cost_usd for call in turn.calls), Decimal(0)),
                would_usd=_repriced(turn, route, decision.model, models),
            )
        )
        tasks[turn.session_id] = _moved_up(task_after(decision, task), turn)
    return Replay(turns=tuple(found), left_out=left_out)


def _moved_up(task: TaskState, turn: PastTurn) -> TaskState:
    """Raise a task to where it was raised in truth."""
    if not turn.calls or not any(mark.kind is MarkKind.STEP_UP for mark in turn.marks):
        return task
    reached = turn.calls[-1].tier
    if reached is None or (task.tier is not None and task.tier.rank >= reached.rank):
        return task
    return replace(task, tier=reached, model=turn.calls[-1].model, escalations=1)


def _repriced(
    turn: PastTurn, route: PastRoute, model: ModelId, models: Mapping[ModelId, ModelInfo]
) -> Decimal | None:
    """Price the steps of the turn's first choice at another model; others cost what they did."""
    total = Decimal(0)
    for call in turn.calls:
        price = _price(call, route, model, models)
        if price is None:
            return None
        total += price
    return total


def _price(
    call: PastCall, route: PastRoute, model: ModelId, models: Mapping[ModelId, ModelInfo]
) -> Decimal | None:
    if model == route.model or call.model != route.model:
        return call.cost_usd
    info = models.get(model)
    if info is None or info.price is None:
        return None
    return cost_usd(info.price, call.usage, _moment(call.at_s))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
