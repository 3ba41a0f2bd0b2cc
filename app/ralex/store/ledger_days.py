"""The ledger's days: the clock, each day's sums, what was allowed on top, the pace, the balances.

Each function is a part of one transaction on an open connection; amounts are nano-dollars.
"""

import re
import sqlite3
from collections.abc import Iterator
from decimal import Decimal

from ralex.core.budget import (
    Balance,
    BudgetState,
    LimitKind,
    Limits,
    counting_day,
    is_alert_due,
    limit_usd,
    raised_limits,
)
from ralex.core.clock import MOST_LEAP_S, ClockMark, leap_s
from ralex.core.pricing import from_nano, to_nano
from ralex.core.records import dataclass
from ralex.store.faults import DamagedError
from ralex.store.ledger_records import Moment
from ralex.store.ledger_words import clock_leap


def greatest_day(connection: sqlite3.Connection) -> str:
    """Read the greatest date seen so far; empty in a new ledger.

    Raises:
        DamagedError: If it is no date: what compares greater than every date would open the day's
            limit once more.
    """
    row: tuple[str] | None = connection.execute("SELECT greatest_day FROM clock").fetchone()
    if row is None:
        return ""
    if _DAY.fullmatch(row[0]) is None:
        raise DamagedError(f"the last date it has seen is {row[0][:40]!r}")
    return row[0]


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def note_day(connection: sqlite3.Connection, day: str) -> None:
    """Open a day, and remember it as the greatest seen."""
    connection.execute(
        "INSERT INTO clock (one, greatest_day) VALUES (1, ?) "
        "ON CONFLICT (one) DO UPDATE SET greatest_day = max(greatest_day, excluded.greatest_day)",
        (day,),
    )
    connection.execute("INSERT INTO day (day) VALUES (?) ON CONFLICT DO NOTHING", (day,))


def day_of_call(
    connection: sqlite3.Connection, today: str, mark: ClockMark | None, *, is_free: bool
) -> str:
    """Choose the day a call counts for, and remember it with what the clocks say.

    Raises:
        ClockLeapError: If the clock was set forward by more than a day, and the call is not free.
    """
    last_day = greatest_day(connection)
    day = counting_day(today, last_day)
    if day == last_day:
        day_sums(connection, day)  # a row that is gone must not be made anew
    if mark is not None and day > last_day:
        leap = leap_s(last_mark(connection), mark)
        if leap > MOST_LEAP_S:
            if is_free:
                return last_day
            raise clock_leap(leap / 86_400, last_day, day)
    note_day(connection, day)
    if mark is not None:
        note_mark(connection, mark)
    return day


def last_mark(connection: sqlite3.Connection) -> ClockMark | None:
    """Read what the clocks said at the last reservation; None if nothing was noted."""
    row: tuple[float, float, str] | None = connection.execute(
        "SELECT wall_s, uptime_s, boot FROM clock"
    ).fetchone()
    if row is None or not row[2]:
        return None
    return ClockMark(wall_s=row[0], uptime_s=row[1], boot=row[2])


def note_mark(connection: sqlite3.Connection, mark: ClockMark) -> None:
    """Remember what the clocks say; a day must have been noted before."""
    connection.execute(
        "UPDATE clock SET wall_s = ?, uptime_s = ?, boot = ?",
        (mark.wall_s, mark.uptime_s, mark.boot),
    )


def note_pace(connection: sqlite3.Connection, minute: int, cost: int) -> None:
    """Add a charge to its minute since the epoch, and forget minutes of more than a day ago."""
    connection.execute(
        "INSERT INTO pace (minute, settled) VALUES (?, ?) "
        "ON CONFLICT (minute) DO UPDATE SET settled = settled + excluded.settled",
        (minute, cost),
    )
    connection.execute("DELETE FROM pace WHERE minute < ?", (minute - _MINUTES_KEPT,))


def settled_since(connection: sqlite3.Connection, minute: int, until: int) -> int:
    """Add up what was settled after one minute since the epoch and not after another."""
    (total,) = connection.execute(
        "SELECT coalesce(sum(settled), 0) FROM pace WHERE minute > ? AND minute <= ?",
        (minute, until),
    ).fetchone()
    return int(total)


_MINUTES_KEPT = 1440


def announce(connection: sqlite3.Connection, day: str, limits: Limits) -> bool:
    """Mark the day's alert as told if it is due now; True if the caller is to tell it."""
    committed, announced, raised = connection.execute(
        "SELECT committed, announced, raised FROM day WHERE day = ?", (day,)
    ).fetchone()
    alert_usd = raised_limits(limits, from_nano(raised)).alert_usd
    is_due = is_alert_due(
        committed_usd=from_nano(committed),
        alert_usd=alert_usd,
        announced_usd=None if announced is None else from_nano(announced),
    )
    if is_due and alert_usd is not None:
        connection.execute("UPDATE day SET announced = ? WHERE day = ?", (to_nano(alert_usd), day))
    return is_due


@dataclass(frozen=True, slots=True)
class DaySums:
    """The row of a day: what is settled, held, saved, and allowed on top of the limit."""

    settled: int = 0
    held: int = 0
    saved: int = 0
    raised: int = 0


def day_sums(connection: sqlite3.Connection, day: str) -> DaySums:
    """Read the row of a day; zeros if nothing happened on it.

    Raises:
        DamagedError: If the row of the last day is gone, or its sums are below zero.
    """
    row: tuple[int, int, int, int] | None = connection.execute(
        "SELECT settled, held, saved, raised FROM day WHERE day = ?", (day,)
    ).fetchone()
    if row is None:
        if day == greatest_day(connection):
            raise DamagedError(f"the sums of {day} are gone")
        return DaySums()
    _check_sums(day, row[0], row[1])
    return DaySums(*row)


def _check_sums(what: str, settled: int, held: int) -> None:
    """Refuse sums that would let a limit be passed."""
    if settled < 0 or held < 0:
        raise DamagedError(f"the sums of {what} are below zero")


def settled_in_all(connection: sqlite3.Connection) -> int:
    """Add up what every day has cost."""
    (total,) = connection.execute("SELECT coalesce(sum(settled), 0) FROM day").fetchone()
    return int(total)


def raise_day(connection: sqlite3.Connection, day: str, amount: int | None, moment: Moment) -> None:
    """Allow so much more on a day, or None to take back all that was; each is a row of its own."""
    note_day(connection, day)
    change = -day_sums(connection, day).raised if amount is None else amount
    if not change:
        return
    connection.execute(
        "INSERT INTO day_raise (day, amount, raised_at, zone) VALUES (?, ?, ?, ?)",
        (day, change, moment.instant, moment.zone),
    )
    connection.execute("UPDATE day SET raised = raised + ? WHERE day = ?", (change, day))


def state(connection: sqlite3.Connection, day: str, limits: Limits) -> BudgetState:
    """Read a day's money against the limits in force for it."""
    sums = day_sums(connection, day)
    raised_usd = Decimal(0) if limits.daily_usd is None else from_nano(sums.raised)
    in_force = raised_limits(limits, raised_usd)
    return BudgetState(
        day=day,
        limit_usd=in_force.daily_usd,
        alert_usd=in_force.alert_usd,
        spent_usd=from_nano(sums.settled),
        held_usd=from_nano(sums.held),
        saved_usd=from_nano(sums.saved),
        raised_usd=raised_usd,
        has_cutoff=limits.cutoff,
    )


def balances(
    connection: sqlite3.Connection, limits: Limits, *, day: str, project: str, session: str
) -> Iterator[Balance]:
    """Read every limit that would count for a call, with what is used of it."""
    sums = day_sums(connection, day)
    limits = raised_limits(limits, from_nano(sums.raised))
    yield _balance(limits, LimitKind.DAY, sums.settled, sums.held)
    keys = {LimitKind.MONTH: day[:7], LimitKind.PROJECT: project, LimitKind.SESSION: session}
    for kind, key in keys.items():
        if not key:
            continue
        row: tuple[int, int] | None = connection.execute(
            "SELECT settled, held FROM scope WHERE kind = ? AND key = ?", (kind, key)
        ).fetchone()
        settled, held = row or (0, 0)
        _check_sums(key, settled, held)
        yield _balance(limits, kind, settled, held)


def _balance(limits: Limits, kind: LimitKind, settled: int, held: int) -> Balance:
    return Balance(
        kind=kind,
        limit_usd=limit_usd(limits, kind),
        spent_usd=from_nano(settled),
        held_usd=from_nano(held),
    )
