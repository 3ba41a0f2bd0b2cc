"""Check the ledger's sums against its rows; nothing on the way of a call does this."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

Sums: TypeAlias = tuple[int, int]
"""Settled and held nano-dollars."""

_ROWS = """
SELECT r.day, r.project, r.session, coalesce(sum(c.cost), 0),
  sum(CASE WHEN r.state IN ('reserved', 'sent') THEN r.worst ELSE 0 END),
  coalesce(sum(c.counterfactual - c.cost), 0), count(c.reservation)
FROM reservation r LEFT JOIN charge c ON c.reservation = r.id GROUP BY 1, 2, 3
"""

_MISMATCHED = """
SELECT count(*) FROM reservation r LEFT JOIN charge c ON c.reservation = r.id
WHERE (r.state = 'settled') <> (c.reservation IS NOT NULL)
"""


def differences(connection: sqlite3.Connection) -> list[str]:
    """List the sums that differ from the rows they add up; empty if the ledger is sound."""
    sums: dict[str, Sums] = defaultdict(lambda: (0, 0))
    saved: dict[str, Sums] = defaultdict(lambda: (0, 0))
    spent: dict[str, Sums] = defaultdict(lambda: (0, 0))
    for day, project, session, settled, held, saving, calls in connection.execute(_ROWS):
        keys = [f"day {day}", f"month {day[:7]}"]
        keys += [f"project {project}"] if project else []
        keys += [f"session {session}"] if session else []
        for key in keys:
            sums[key] = _add(sums[key], (settled, held))
        saved[day] = _add(saved[day], (saving, 0))
        spent[day] = _add(spent[day], (settled, calls))
    found = [*_compare("", sums, _stored_sums(connection))]
    found += _compare("saved on ", saved, _pairs(connection, "SELECT day, saved, 0 FROM day"))
    found += _compare(
        "reported on ",
        spent,
        _pairs(connection, "SELECT day, sum(cost), sum(calls) FROM spend GROUP BY day"),
    )
    found += _compare(
        "raised on ",
        _pairs(connection, "SELECT day, sum(amount), 0 FROM day_raise GROUP BY day"),
        _pairs(connection, "SELECT day, raised, 0 FROM day"),
    )
    (mismatched,) = connection.execute(_MISMATCHED).fetchone()
    if mismatched:
        found.append(f"{mismatched} reservations are settled without a charge, or charged without")
    return found


def _stored_sums(connection: sqlite3.Connection) -> dict[str, Sums]:
    return _pairs(
        connection,
        "SELECT 'day ' || day, settled, held FROM day "
        "UNION ALL SELECT kind || ' ' || key, settled, held FROM scope",
    )


def _pairs(connection: sqlite3.Connection, query: str) -> dict[str, Sums]:
    return {key: (first, second) for key, first, second in connection.execute(query)}


def _add(left: Sums, right: Sums) -> Sums:
    return left[0] + right[0], left[1] + right[1]


def _compare(what: str, actual: Mapping[str, Sums], stored: Mapping[str, Sums]) -> Iterable[str]:
    for key in sorted({*actual, *stored}):
        rows, sums = actual.get(key, (0, 0)), stored.get(key, (0, 0))
        if rows != sums:
            yield f"{what}{key}: the sums are {sums}, the rows add up to {rows} (nano-dollars)"
