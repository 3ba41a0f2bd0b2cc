"""What can still be read of a damaged database, carried over into the backup that replaces it.

A backup is of the day's first quiet moment; what came later is only in the damaged file, and damage
is mostly a few pages of many. Rows are read one by one, and what cannot be read is passed over.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias

from ralex.core.records import dataclass
from ralex.store.faults import DatabaseKind

_LOG = logging.getLogger(__name__)

_Row: TypeAlias = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """How a table is carried over; rows come after those that they refer to.

    Attributes:
        key: Its primary key. In a table with numbers for keys, damage in the middle is jumped over.
        newer: What of an older row in the backup gives way to the damaged file's, as SQL.
    """

    key: str = "id"
    is_numbered: bool = True
    newer: str = ""


_TABLES: Mapping[str, Mapping[str, _Table]] = {
    "sessions": {
        "session": _Table(
            is_numbered=False,
            newer="title = excluded.title, updated_s = excluded.updated_s, turns = excluded.turns "
            "WHERE excluded.updated_s > updated_s OR excluded.title <> title",
        ),
        "event": _Table(),
        "complexity_decision": _Table(),
        "capacity_decision": _Table(),
        "route_decision": _Table(),
        "outcome": _Table(),
    },
    "ledger": {
        "day": _Table(key="day", is_numbered=False),
        "day_raise": _Table(),
        "reservation": _Table(
            is_numbered=False,
            newer="state = excluded.state, sent_at = excluded.sent_at, ended_at = excluded.ended_at"
            " WHERE state = 'reserved' OR state = 'sent' AND excluded.state = 'settled'",
        ),
        "charge": _Table(key="reservation", is_numbered=False),
    },
}
"""What cannot be made again. The ledger's sums can, from these rows, and must be."""


def rescue(connection: sqlite3.Connection, damaged: Path, kind: DatabaseKind) -> int:
    """Add the rows of a damaged file that an open database lacks; never fails.

    Part of one transaction on the open database; the damaged file is only read.

    Returns:
        How many rows were added or brought up to date.
    """
    before = connection.total_changes
    with suppress(sqlite3.Error, OSError):
        uri = f"{damaged.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as source:
            source.text_factory = _decoded
            (identity,) = source.execute("PRAGMA application_id").fetchone()
            if identity == kind.application_id:
                for name, table in _TABLES.get(kind.name, {}).items():
                    _carry_over(source, connection, name, table)
    return connection.total_changes - before


def _carry_over(
    source: sqlite3.Connection, target: sqlite3.Connection, name: str, table: _Table
) -> None:
    try:
        known = _columns(source, name)
    except sqlite3.Error as error:
        _LOG.warning("nothing of %s could be read: %s", name, error)
        return
    columns = [column for column in _columns(target, name) if column in known]
    if table.key not in columns:
        return
    action = f"({table.key}) DO UPDATE SET {table.newer}" if table.newer else "DO NOTHING"
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT {action}"  # noqa: S608 - names of our own schema
    for row in _readable(source, name, columns, table):
        # A row of garbage breaks a rule of the schema; it alone is passed over.
        with suppress(sqlite3.IntegrityError, sqlite3.InterfaceError, OverflowError):
            target.execute(statement, row)


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")]


def _readable(
    source: sqlite3.Connection, name: str, columns: list[str], table: _Table
) -> Iterator[_Row]:
    """Give the rows that can be read; some of them twice."""
    key = columns.index(table.key)
    select = f"SELECT {', '.join(columns)} FROM {name} NOT INDEXED"  # noqa: S608 - names of our own schema
    if table.is_numbered:
        yield from _numbered(source, select, table.key, key)
        return
    try:
        yield from source.execute(f"{select} ORDER BY {table.key}")
    except sqlite3.DatabaseError as error:
        _LOG.warning("a part of %s could not be read: %s", name, error)
        with suppress(sqlite3.DatabaseError):
            yield from source.execute(f"{select} ORDER BY {table.key} DESC")


def _numbered(source: sqlite3.Connection, select: str, name: str, position: int) -> Iterator[_Row]:
    """Read on behind damage: from where reading fails, by jumps that double until it succeeds."""
    last, jump = 0, 0
    while last + jump < 2**62:
        try:
            rows: Iterator[_Row] = source.execute(
                f"{select} WHERE {name} > ? ORDER BY {name}", (last + jump,)
            )
            for row in rows:
                number = row[position]
                if isinstance(number, int):
                    last, jump = number, 0
                yield row
        except sqlite3.DatabaseError:
            jump = max(1, jump * 2)
        else:
            return


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
