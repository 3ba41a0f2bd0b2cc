"""The ledger's SQL: each function is a part of one transaction on an open connection.

All amounts here are whole nano-dollars. Sums change together with the rows they add up.
"""

import sqlite3
from collections.abc import Sequence
from decimal import Decimal

from ralex.core.budget import CACHED, Charge, LimitKind, Limits, limit_usd
from ralex.core.pricing import to_nano
from ralex.store.ledger_records import Held, Moment
from ralex.store.ledger_spend import TOKEN_COLUMNS, TOKENS, add_spend, counted_tokens


def hold(connection: sqlite3.Connection, held: Held, limits: Limits) -> LimitKind | None:
    """Add a worst case to every sum it counts for, unless a limit forbids it.

    What was allowed on top of the day's limit is read by the statement that checks it.

    Returns:
        The limit that forbids it, or None. If there is one, the transaction must not be committed.
    """
    limit = _nano_limit(limits, LimitKind.DAY)
    changed = connection.execute(
        "UPDATE day SET held = held + :worst WHERE day = :day AND min(settled, held) >= 0 "
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
            "AND min(settled, held) >= 0 "
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
    tokens = [None] * len(TOKEN_COLUMNS) if usage is None else counted_tokens(usage)
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
        f"INSERT INTO charge (reservation, cost, counterfactual, source, {TOKENS}, "  # noqa: S608 - constant names
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
    add_spend(
        connection,
        held,
        cost=cost,
        saved=saved,
        tokens=[count or 0 for count in tokens],
        is_cached=charge.source == CACHED,
    )


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
