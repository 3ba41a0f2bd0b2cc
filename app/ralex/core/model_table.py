"""What models achieved per task and for how much, and which of them are never worth taking."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal

from ralex.core.ids import ModelId
from ralex.core.records import dataclass
from ralex.core.routing import Router
from ralex.core.tiers import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One model's result on one benchmark.

    Attributes:
        success: Share of tasks solved, 0 to 1.
        usd_per_task: Mean bill of one task, at the prices of ``date``.
        tasks: How many there were.
        source: Who published it.
    """

    model: ModelId
    benchmark: str
    success: Decimal
    usd_per_task: Decimal
    tasks: int
    source: str
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Dominated:
    """A model and a better one that cost no more, or an equal one that cost less."""

    worse: Measured
    better: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class DominatedTier:
    """A tier whose first choice is dominated."""

    tier: Tier
    why: Dominated


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a model by whole tasks.

    Attributes:
        better: Another that solved no less for no more on the same tasks, or None; with it the
            model is not worth taking.
    """

    measured: Measured
    better: Measured | None = None


def standings(table: Sequence[Measured]) -> dict[ModelId, Standing]:
    """Give what is known of each model; one without a result is not in it."""
    losers = dominated(table)
    found: dict[ModelId, Standing] = {}
    for one in table:
        loser = losers.get(one.model)
        better = None if loser is None else loser.better
        found.setdefault(one.model, Standing(measured=one, better=better))
    return found


def dominated(
    table: Sequence[Measured], *, among: Collection[ModelId] | None = None
) -> dict[ModelId, Dominated]:
    """Find the models that another beats on success and bill at once, on the same benchmark.

    Models without a result are in no comparison. Of several better ones the cheapest is named.

    Args:
        among: Models that may be named as the better one; None for all of the table.
    """
    found: dict[ModelId, Dominated] = {}
    for worse in table:
        rivals = [
            one for one in table if _beats(one, worse) and (among is None or one.model in among)
        ]
        if rivals:
            best = min(rivals, key=_bill)
            found.setdefault(worse.model, Dominated(worse=worse, better=best))
    return found


def dominated_tiers(
    router: Router, table: Sequence[Measured], *, among: Collection[ModelId] | None = None
) -> Iterator[DominatedTier]:
    """Find the tiers of a router that start with a dominated model; see ``dominated``."""
    losers = dominated(table, among=among)
    for tier, chain in router.tiers.items():
        if chain and chain[0] in losers:
            yield DominatedTier(tier=tier, why=losers[chain[0]])


def _beats(one: Measured, other: Measured) -> bool:
    if one.benchmark != other.benchmark or one.model == other.model:
        return False
    is_no_worse = one.success >= other.success and one.usd_per_task <= other.usd_per_task
    return is_no_worse and (one.success, one.usd_per_task) != (other.success, other.usd_per_task)


def _bill(one: Measured) -> tuple[Decimal, Decimal, ModelId]:
    return one.usd_per_task, -one.success, one.model
