"""Limits on money and what is left of them; pure rules, the SQL is in the store."""

from dataclasses import dataclass
from decimal import Decimal

from ralex.core.ids import ReservationId
from ralex.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The user's limits in USD; None is no limit.

    Attributes:
        alert_usd: Where the day's spend is announced, once.
        cutoff: Refuse calls at the limit; False only warns.
    """

    daily_usd: Decimal | None = Decimal(5)
    alert_usd: Decimal | None = Decimal(4)
    session_usd: Decimal | None = None
    project_usd: Decimal | None = None
    monthly_usd: Decimal | None = None
    cutoff: bool = True

    @property
    def is_limited(self) -> bool:
        """Tell whether any limit can refuse a call."""
        limits = (self.daily_usd, self.session_usd, self.project_usd, self.monthly_usd)
        return self.cutoff and any(limit is not None for limit in limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """The day's money at one moment.

    Attributes:
        day: The user's local date, ``YYYY-MM-DD``.
        limit_usd: The day's limit, or None.
        spent_usd: Settled charges of the day.
        held_usd: Worst cases of calls in flight, or whose bill is still unknown.
        saved_usd: Estimate: the same tokens on the router's top tier, minus what they cost.
    """

    day: str
    limit_usd: Decimal | None
    alert_usd: Decimal | None
    spent_usd: Decimal
    held_usd: Decimal
    saved_usd: Decimal = Decimal(0)

    @property
    def left_usd(self) -> Decimal | None:
        """What new calls may still cost today; None without a limit, never below zero."""
        if self.limit_usd is None:
            return None
        return max(Decimal(0), self.limit_usd - self.spent_usd - self.held_usd)

    @property
    def share_used(self) -> float:
        """Spent and held as a share of the limit; 0 without one."""
        if not self.limit_usd:
            return 0.0
        return float((self.spent_usd + self.held_usd) / self.limit_usd)

    @property
    def is_near_limit(self) -> bool:
        """Tell whether the alert is reached."""
        return self.alert_usd is not None and self.spent_usd + self.held_usd >= self.alert_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a call wants to reserve.

    Attributes:
        purpose: ``step``, ``title``, ``summary``, ``advice``, ``subagent`` or ``client``.
        worst_usd: The most it can cost.
        project: The project's folder, or empty.
    """

    model: str
    provider: str
    tier: str
    router: str
    session_id: str
    project: str
    purpose: str
    worst_usd: Decimal
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one attempt; it ends settled or released, or keeps being held."""

    id: ReservationId
    worst_usd: Decimal
    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one attempt cost.

    Attributes:
        usage: None where neither the provider nor we could count.
        source: ``provider`` (its own price), ``computed`` (its usage, our prices) or ``estimated``
            (counted by us, as after an aborted stream).
        counterfactual_usd: The same tokens on the router's top tier, or None if unknown.
    """

    cost_usd: Decimal
    source: str
    usage: Usage | None = None
    counterfactual_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One line of a spend report: a group and what it cost."""

    key: str
    calls: int
    cost_usd: Decimal
    saved_usd: Decimal
    usage: Usage
