"""The ledger's SQL: each function is a part of one transaction on an open connection.

All amounts here are whole nano-dollars. Sums change together with the rows they add up.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ralex.core.budget import (
    Balance,
    BudgetState,
    Charge,
    LimitKind,
    Limits,
    SpendRow,
    is_alert_due,
    limit_usd,
    raised_limits,
)
from ralex.core.pricing import from_nano, to_nano
from ralex.core.usage import Usage
from ralex.store.faults import DamagedError

SPEND_DIMENSIONS = ("day", "model", "tier", "provider", "project", "session", "tag", "router")

_TOKEN_COLUMNS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)
_MOST_TOKENS = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something happens.

    Attributes:
        day: The user's local date.
        instant: ISO 8601, local with its offset.
        zone: The zone's short name.
    """

    day: str
    instant: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A reservation as it is stored.

    Attributes:
        sent_at: ISO 8601 with the offset; empty if it was not sent.
    """

    id: str
    state: str
    worst: int
    day: str
    project: str
    session: str
    model: str
    provider: str
    tier: str
    router: str
    tag: str
    purpose: str
    sent_at: str = ""

    @property
    def is_held(self) -> bool:
        """Tell whether its worst case is part of the held sums."""
        return self.state in {"reserved", "sent"}


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


def hold(connection: sqlite3.Connection, held: Held, limits: Limits) -> LimitKind | None:
    """Add a worst case to every sum it counts for, unless a limit forbids it.

    What was allowed on top of the day's limit is read by the statement that checks it.

    Returns:
        The limit that forbids it, or None. If there is one, the transaction must not be committed.
    """
    limit = _nano_limit(limits, LimitKind.DAY)
    changed = connection.execute(
        "UPDATE day SET held = held + :worst WHERE day = :day "
        "AND (:limit IS NULL OR :worst = 0 OR settled + held + :worst <= :limit + raised)",
        {"worst": held.worst, "day": held.day, "limit": limit},
    )
    if not changed.rowcount:
        return LimitKind.DAY
    for kind, key in _scopes(held):
        connection.execute(
            "INSERT INTO scope (kind, key) VALUES (?, ?) ON CONFLICT DO NOTHING", (kind, key)
        )
        changed = connection.execute(
            "UPDATE scope SET held = held + :worst WHERE kind = :kind AND key = :key "
            "AND (:limit IS NULL OR :worst = 0 OR settled + held + :worst <= :limit)",
            {"worst": held.worst, "kind": kind, "key": key, "limit": _nano_limit(limits, kind)},
        )
        if not changed.rowcount:
            return kind
    return None


def insert_reservation(
    connection: sqlite3.Connection, held: Held, moment: Moment, owner: str
) -> None:
    """Store a reservation whose worst case is held already."""
    connection.execute(
        "INSERT INTO reservation (id, owner, state, worst, day, reserved_at, zone, project, "
        "session, model, provider, tier, router, purpose, tag) "
        "VALUES (?, ?, 'reserved', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            held.id,
            owner,
            held.worst,
            held.day,
            moment.instant,
            moment.zone,
            held.project,
            held.session,
            held.model,
            held.provider,
            held.tier,
            held.router,
            held.purpose,
            held.tag,
        ),
    )


def find(connection: sqlite3.Connection, reservation_id: str) -> Held | None:
    """Read a reservation."""
    row = connection.execute(
        "SELECT id, state, worst, day, project, session, model, provider, tier, router, tag, "
        "purpose, coalesce(sent_at, '') FROM reservation WHERE id = ?",
        (reservation_id,),
    ).fetchone()
    if row is None:
        return None
    return Held(
        id=row[0],
        state=row[1],
        worst=row[2],
        day=row[3],
        project=row[4],
        session=row[5],
        model=row[6],
        provider=row[7],
        tier=row[8],
        router=row[9],
        tag=row[10],
        purpose=row[11],
        sent_at=row[12],
    )


def mark_sent(connection: sqlite3.Connection, reservation_id: str, instant: str) -> bool:
    """Move a reservation from reserved to sent; False if it is not reserved."""
    changed = connection.execute(
        "UPDATE reservation SET state = 'sent', sent_at = ? WHERE id = ? AND state = 'reserved'",
        (instant, reservation_id),
    )
    return bool(changed.rowcount)


def release(connection: sqlite3.Connection, held: Held, instant: str) -> None:
    """Give back a reservation that was never sent."""
    connection.execute(
        "UPDATE reservation SET state = 'released', ended_at = ? WHERE id = ?", (instant, held.id)
    )
    _change_sums(connection, held, settled=0, held_change=-held.worst, saved=0)


def release_of_dead(connection: sqlite3.Connection, owners: Sequence[str], instant: str) -> int:
    """Give back what dead owners reserved and never sent.

    What they sent stays held at its worst case: the provider may have billed it.
    """
    released = 0
    for owner in owners:
        rows: list[tuple[str]] = connection.execute(
            "SELECT id FROM reservation WHERE owner = ? AND state IN ('reserved', 'sent') "
            "AND state = 'reserved'",
            (owner,),
        ).fetchall()
        for (reservation_id,) in rows:
            held = find(connection, reservation_id)
            if held is not None:
                release(connection, held, instant)
                released += 1
    return released


def book(
    connection: sqlite3.Connection, held: Held, charge: Charge, cost: int, instant: str
) -> None:
    """Replace what is held by what was charged, on the day of the reservation."""
    counterfactual = _nano_or_none(charge.counterfactual_usd)
    saved = 0 if counterfactual is None else counterfactual - cost
    usage = charge.usage
    tokens = [None] * len(_TOKEN_COLUMNS) if usage is None else _tokens(usage)
    connection.execute(
        "UPDATE reservation SET state = 'settled', ended_at = ? WHERE id = ?", (instant, held.id)
    )
    _change_sums(
        connection,
        held,
        settled=cost,
        held_change=-held.worst if held.is_held else 0,
        saved=saved,
    )
    connection.execute(
        f"INSERT INTO charge (reservation, cost, counterfactual, source, {_TOKENS}, "  # noqa: S608 - constant names
        "is_over, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            held.id,
            cost,
            counterfactual,
            charge.source,
            *tokens,
            int(cost > held.worst),
            instant,
        ),
    )
    _add_spend(connection, held, cost=cost, saved=saved, tokens=[count or 0 for count in tokens])


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
    """Read the row of a day; zeros if nothing happened on it."""
    row: tuple[int, int, int, int] | None = connection.execute(
        "SELECT settled, held, saved, raised FROM day WHERE day = ?", (day,)
    ).fetchone()
    return DaySums(*row) if row else DaySums()


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
        yield _balance(limits, kind, *(row or (0, 0)))


def spend(
    connection: sqlite3.Connection, by: str, *, since_day: str, until_day: str
) -> list[SpendRow]:
    """Group the charges of days; days in order, everything else dearest first.

    Args:
        by: One of ``SPEND_DIMENSIONS``.
        since_day: The first day, or empty.
        until_day: The last day, or empty.
    """
    order = "1" if by == "day" else "3 DESC, 1"
    sums = ", ".join(f"sum({column})" for column in ("calls", "cost", "saved", *_TOKEN_COLUMNS))
    rows: list[tuple[str, int, int, int, int, int, int, int, int]] = connection.execute(
        f"SELECT {by}, {sums} FROM spend "  # noqa: S608 - by is one of our own names
        "WHERE day >= ? AND day <= ? GROUP BY 1 ORDER BY " + order,
        (since_day, until_day or "9999-12-31"),
    ).fetchall()
    return [
        SpendRow(
            key=key,
            calls=calls,
            cost_usd=from_nano(cost),
            saved_usd=from_nano(saved),
            usage=Usage(**dict(zip(_TOKEN_COLUMNS, tokens, strict=True))),
        )
        for key, calls, cost, saved, *tokens in rows
    ]


_TOKENS = ", ".join(_TOKEN_COLUMNS)


def _scopes(held: Held) -> list[tuple[LimitKind, str]]:
    scopes = [(LimitKind.MONTH, held.day[:7])]
    if held.project:
        scopes.append((LimitKind.PROJECT, held.project))
    if held.session:
        scopes.append((LimitKind.SESSION, held.session))
    return scopes


def _change_sums(
    connection: sqlite3.Connection, held: Held, *, settled: int, held_change: int, saved: int
) -> None:
    connection.execute(
        "UPDATE day SET settled = settled + ?, held = held + ?, saved = saved + ? WHERE day = ?",
        (settled, held_change, saved, held.day),
    )
    for kind, key in _scopes(held):
        connection.execute(
            "UPDATE scope SET settled = settled + ?, held = held + ? WHERE kind = ? AND key = ?",
            (settled, held_change, kind, key),
        )


def _add_spend(
    connection: sqlite3.Connection, held: Held, *, cost: int, saved: int, tokens: Sequence[int]
) -> None:
    sums = ("calls", "cost", "saved", *_TOKEN_COLUMNS)
    added = ", ".join(f"{column} = {column} + excluded.{column}" for column in sums)
    connection.execute(
        "INSERT INTO spend (day, session, project, model, provider, tier, router, tag, "  # noqa: S608 - constant names
        f"calls, cost, saved, {_TOKENS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?) "
        f"ON CONFLICT DO UPDATE SET {added}",
        (
            held.day,
            held.session,
            held.project,
            held.model,
            held.provider,
            held.tier,
            held.router,
            held.tag,
            cost,
            saved,
            *tokens,
        ),
    )


def _balance(limits: Limits, kind: LimitKind, settled: int, held: int) -> Balance:
    return Balance(
        kind=kind,
        limit_usd=limit_usd(limits, kind),
        spent_usd=from_nano(settled),
        held_usd=from_nano(held),
    )


def _nano_limit(limits: Limits, kind: LimitKind) -> int | None:
    limit = limit_usd(limits, kind)
    # Rounded down: a limit of a fraction of a nano-dollar is not one nano-dollar.
    return None if limit is None else int(limit * 1_000_000_000)


def _nano_or_none(amount: Decimal | None) -> int | None:
    if amount is None or not amount.is_finite() or not 0 <= amount <= MOST_USD:
        return None
    return to_nano(amount)


MOST_USD = Decimal(1_000_000_000)
"""A sum above this is a fault somewhere, and would not fit into SQLite's integers for long."""

MOST_NANO = to_nano(MOST_USD)


def _tokens(usage: Usage) -> list[int]:
    """Give the counts; what a provider reports below zero or beyond reason is cut."""
    return [min(max(0, getattr(usage, column)), _MOST_TOKENS) for column in _TOKEN_COLUMNS]
