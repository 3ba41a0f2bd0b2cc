"""Limits on money and what is left of them; pure rules, the SQL is in the store."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from ralex.core.ids import ReservationId
from ralex.core.records import dataclass
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


LimitName: TypeAlias = Literal["daily", "alert", "session", "project", "monthly"]
"""How people name a limit; ``daily`` is ``daily_usd`` in ``Limits`` and in the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChange:
    """What came of the wish for another limit.

    Attributes:
        limits: What is in force for this process's next reservation.
        file: Where the limit was written.
        notes: What the user should know: that something else decides here, for instance.
    """

    limits: Limits
    file: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """The day's money at one moment.

    Attributes:
        day: The user's local date, ``YYYY-MM-DD``.
        limit_usd: The day's limit with ``raised_usd``, or None.
        spent_usd: Settled charges of the day.
        held_usd: Worst cases of calls in flight, or whose bill is still unknown.
        saved_usd: Estimate: the same tokens on the router's top tier, minus what they cost.
        raised_usd: What the user allowed on top of the limit, for this day only.
        has_cutoff: Paid calls are refused at the limit; otherwise it only warns.
    """

    day: str
    limit_usd: Decimal | None
    alert_usd: Decimal | None
    spent_usd: Decimal
    held_usd: Decimal
    saved_usd: Decimal = Decimal(0)
    raised_usd: Decimal = Decimal(0)
    has_cutoff: bool = True

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


CACHED = "cached"
"""The ``source`` of a charge of 0 for an answer from the cache of answers."""

ASSUMED = "assumed"
"""The ``source`` of what a repair books for calls that nobody knows; no pace follows from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one attempt cost.

    Attributes:
        usage: None where neither the provider nor we could count.
        source: ``provider`` (its own price), ``computed`` (its usage, our prices) or ``estimated``
            (counted by us, as after an aborted stream); ``cached`` for an answer from the cache.
        counterfactual_usd: The same tokens on the router's top tier, or None if unknown.
    """

    cost_usd: Decimal
    source: str
    usage: Usage | None = None
    counterfactual_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedCharge:
    """A charge as the ledger booked it, with what it was for.

    Attributes:
        day: The user's local date it counts for.
        sent_at: When its first byte was about to leave; ISO 8601 with the offset, or empty.
        booked_at: When it was booked; ISO 8601 with the offset.
    """

    id: ReservationId
    day: str
    model: str
    provider: str
    tier: str
    router: str
    session_id: str
    project: str
    purpose: str
    tag: str
    charge: Charge
    sent_at: str
    booked_at: str

    @property
    def cost(self) -> Decimal:
        """What it cost in USD."""
        return self.charge.cost_usd

    @property
    def usage(self) -> Usage | None:
        """Its tokens; None where nobody could count."""
        return self.charge.usage

    @property
    def is_nothing(self) -> bool:
        """Tell an attempt that failed before anything could be billed."""
        return not self.cost and (self.usage is None or not self.usage.total_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendRow:
    """One line of a spend report: a group and what it cost.

    Attributes:
        cached_calls: How many of the calls the cache of answers gave for nothing.
    """

    key: str
    calls: int
    cost_usd: Decimal
    saved_usd: Decimal
    usage: Usage
    cached_calls: int = 0


class LimitKind(StrEnum):
    """What a limit is counted over."""

    DAY = "day"
    MONTH = "month"
    PROJECT = "project"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """One limit and what is used of it.

    Attributes:
        limit_usd: None is no limit.
        spent_usd: Settled charges.
        held_usd: Worst cases that are not settled.
    """

    kind: LimitKind
    limit_usd: Decimal | None
    spent_usd: Decimal
    held_usd: Decimal

    @property
    def left_usd(self) -> Decimal | None:
        """What a new call may cost; None without a limit, never below zero."""
        if self.limit_usd is None:
            return None
        return max(Decimal(0), self.limit_usd - self.spent_usd - self.held_usd)

    def allows(self, worst_usd: Decimal) -> bool:
        """Tell whether a call may be made; one that cannot cost anything always may."""
        left = self.left_usd
        return left is None or worst_usd == 0 or worst_usd <= left


def limit_usd(limits: Limits, kind: LimitKind) -> Decimal | None:
    """Pick the limit of a kind; None where it is not set, or where no limit may refuse a call."""
    if not limits.cutoff:
        return None
    match kind:
        case LimitKind.DAY:
            return limits.daily_usd
        case LimitKind.MONTH:
            return limits.monthly_usd
        case LimitKind.PROJECT:
            return limits.project_usd
        case LimitKind.SESSION:
            return limits.session_usd


def raised_limits(limits: Limits, raised_usd: Decimal) -> Limits:
    """Lift the day's limit by what the user allowed for today; the alert keeps its distance."""
    if limits.daily_usd is None or not raised_usd:
        return limits
    alert_usd = None if limits.alert_usd is None else limits.alert_usd + raised_usd
    return replace(limits, daily_usd=limits.daily_usd + raised_usd, alert_usd=alert_usd)


def available_usd(balances: Iterable[Balance]) -> Decimal | None:
    """Give what a new call may cost under every limit at once; None without any limit."""
    return min((left for one in balances if (left := one.left_usd) is not None), default=None)


def refusal(balance: Balance, worst_usd: Decimal) -> str:
    """Show the sum by which a call does not fit into a limit."""
    left_usd = balance.left_usd or Decimal(0)
    cost, left = format_usd(worst_usd), format_usd(left_usd)
    if cost == left:
        cost, left = f"${worst_usd:f}", f"${left_usd:f}"
    return (
        f"this call may cost {cost} but only {left} "
        f"of {_OWNER[balance.kind]} {format_usd(balance.limit_usd or 0)} is left "
        f"({format_usd(balance.spent_usd)} spent, {format_usd(balance.held_usd)} held)"
    )


def used_up(balances: Iterable[Balance]) -> list[str]:
    """Say which limits leave nothing for another paid call."""
    return [
        f"{_OWNER[one.kind]} {format_usd(one.limit_usd)} is used up "
        f"({format_usd(one.spent_usd)} spent, {format_usd(one.held_usd)} held): "
        "paid calls are refused"
        for one in balances
        if one.limit_usd is not None and one.left_usd == 0
    ]


_OWNER = {
    LimitKind.DAY: "today's",
    LimitKind.MONTH: "this month's",
    LimitKind.PROJECT: "this project's",
    LimitKind.SESSION: "this session's",
}


def counting_day(today: str, greatest_seen: str) -> str:
    """Choose the day that new calls count for, both as ``YYYY-MM-DD``.

    A clock that goes back, or a journey westwards, never opens a day that was over.
    """
    return max(today, greatest_seen)


def is_alert_due(
    *, committed_usd: Decimal, alert_usd: Decimal | None, announced_usd: Decimal | None
) -> bool:
    """Tell whether the day's alert is to be announced: reached, and not told before.

    A threshold raised after its announcement is announced again when it is reached; a lowered one
    is not.

    Args:
        committed_usd: Spent and held.
        announced_usd: The greatest threshold announced today, or None.
    """
    if alert_usd is None or committed_usd < alert_usd:
        return False
    return announced_usd is None or announced_usd < alert_usd


def format_usd(amount: Decimal | int) -> str:
    """Show an amount for reading: at least cents, small sums with enough digits to tell them apart.

    Four decimals from a cent up, two significant digits below it.
    """
    value = Decimal(amount)
    if value and abs(value) < Decimal("0.01"):
        rounded = value.quantize(Decimal(1).scaleb(value.adjusted() - 1))
    else:
        rounded = value.quantize(Decimal("0.0001"))
    text = format(abs(rounded), "f")
    whole, _, decimals = text.partition(".")
    return f"{'-' if rounded < 0 else ''}${whole}.{decimals.rstrip('0').ljust(2, '0')}"
