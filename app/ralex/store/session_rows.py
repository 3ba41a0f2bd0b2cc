"""The session store's SQL: each function is a part of one transaction on an open connection."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias, cast

from ralex.core.codec import event_from_json, event_name, event_to_json, to_jsonable
from ralex.core.events import (
    AgentEvent,
    CapacityDecided,
    Notice,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import SessionId
from ralex.core.records import dataclass
from ralex.errors import SessionLockedError, SessionNotFoundError, UnreadableEventError
from ralex.store.database import storable, storable_number
from ralex.store.owner import Owner, is_alive

COLUMNS = "s.id, s.project, s.title, s.created_s, s.updated_s, s.turns, s.forked_from"


_DELETED_WITH = ("event", "complexity_decision", "capacity_decision", "route_decision", "outcome")

_Row: TypeAlias = tuple[str, str, str, float, float, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """One row of the list of sessions; times are seconds since the epoch (UTC).

    Attributes:
        project: The folder the session works in.
        turns: Prompts so far.
        forked_from: The session it is a copy of, or empty.
    """

    id: SessionId
    project: str
    title: str
    created_s: float
    updated_s: float
    turns: int
    forked_from: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutcome:
    """How one turn ended.

    Attributes:
        result: ``done``, ``length`` or an error's code.
        first_tier: Where the turn began; another than ``tier`` if the task moved up, None if the
            route named a model outside the tiers or was not stored.
        evidence: Kinds of what spoke against the model, in order.
        escalations: Steps up taken in the turn.
        created_s: Seconds since the epoch (UTC).
    """

    session_id: SessionId
    result: str
    tier: str | None
    first_tier: str | None
    model: str | None
    steps: int
    cost_usd: Decimal
    files_changed: int
    evidence: tuple[str, ...]
    escalations: int
    created_s: float


def outcomes(connection: sqlite3.Connection, *, since_s: float) -> list[StoredOutcome]:
    """Read how turns ended, oldest first."""
    rows: Iterable[
        tuple[str, str, str | None, str | None, str | None, int, str, int, str, int, float]
    ] = connection.execute(
        "SELECT session_id, result, tier, first_tier, model, steps, cost_usd, files_changed, "
        "evidence, escalations, created_s FROM outcome WHERE created_s >= ? ORDER BY id",
        (since_s,),
    )
    return [
        StoredOutcome(
            session_id=SessionId(row[0]),
            result=row[1],
            tier=row[2],
            first_tier=row[3],
            model=row[4],
            steps=row[5],
            cost_usd=Decimal(row[6]),
            files_changed=row[7],
            evidence=tuple(row[8].split()),
            escalations=row[9],
            created_s=row[10],
        )
        for row in rows
    ]


def insert(connection: sqlite3.Connection, session: StoredSession) -> None:
    """Store a new session.

    Raises:
        sqlite3.IntegrityError: If the id is taken.
    """
    connection.execute(
        "INSERT INTO session (id, project, title, created_s, updated_s, turns, forked_from) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            session.id,
            storable(session.project),
            storable(session.title),
            session.created_s,
            session.updated_s,
            session.turns,
            session.forked_from,
        ),
    )


def append(
    connection: sqlite3.Connection, session_id: SessionId, events: Sequence[AgentEvent], at_s: float
) -> None:
    """Add events after those that are there.

    Raises:
        SessionNotFoundError: If there is no such session.
    """
    turns = sum(isinstance(event, TurnStarted) for event in events)
    changed = connection.execute(
        "UPDATE session SET updated_s = ?, turns = turns + ? WHERE id = ?",
        (at_s, turns, session_id),
    )
    if not changed.rowcount:
        raise not_found(session_id)
    (last,) = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM event WHERE session_id = ?", (session_id,)
    ).fetchone()
    connection.executemany(
        "INSERT INTO event (session_id, seq, created_s, type, payload) VALUES (?, ?, ?, ?, ?)",
        (
            (session_id, seq, at_s, event_name(event), to_text(event_to_json(event)))
            for seq, event in enumerate(events, start=int(last) + 1)
        ),
    )
    for event in events:
        match event:
            case TurnFinished() | TurnFailed():
                _insert_outcome(connection, session_id, event, at_s)
            case CapacityDecided():
                _insert_capacity(connection, session_id, event, at_s)
            case _:
                pass


def load(connection: sqlite3.Connection, session_id: SessionId) -> list[AgentEvent]:
    """Read a session's events in order; one that cannot be read becomes a Notice in its place.

    Raises:
        SessionNotFoundError: If there is no such session.
    """
    get(connection, session_id)
    rows: Iterable[tuple[int, str]] = connection.execute(
        "SELECT seq, payload FROM event WHERE session_id = ? ORDER BY seq", (session_id,)
    )
    return [_read_event(seq, payload) for seq, payload in rows]


def get(connection: sqlite3.Connection, session_id: SessionId) -> StoredSession:
    """Read one session.

    Raises:
        SessionNotFoundError: If there is none of this id.
    """
    row: _Row | None = connection.execute(
        f"SELECT {COLUMNS} FROM session s WHERE s.id = ?",  # noqa: S608 - constant names
        (session_id,),
    ).fetchone()
    if row is None:
        raise not_found(session_id)
    return session_of(row)


def list_sessions(
    connection: sqlite3.Connection, *, project: str | None, limit: int
) -> list[StoredSession]:
    """List sessions in which something was asked, the one written last first."""
    rows: list[_Row] = connection.execute(
        f"SELECT {COLUMNS} FROM session s WHERE s.turns > 0 "  # noqa: S608 - constant names
        "AND (:project IS NULL OR s.project = :project) "
        "ORDER BY s.updated_s DESC, s.id DESC LIMIT :limit",
        {"project": project, "limit": limit},
    ).fetchall()
    return [session_of(row) for row in rows]


def every_session(connection: sqlite3.Connection, *, project: str | None) -> list[StoredSession]:
    """List all sessions, also those in which nothing was asked, the one written last first."""
    rows: list[_Row] = connection.execute(
        f"SELECT {COLUMNS} FROM session s "  # noqa: S608 - constant names
        "WHERE :project IS NULL OR s.project = :project ORDER BY s.updated_s DESC, s.id DESC",
        {"project": project},
    ).fetchall()
    return [session_of(row) for row in rows]


def find(connection: sqlite3.Connection, text: str) -> list[SessionId]:
    """Find sessions whose id is, begins with, or failing that ends with a text."""
    wanted = text.strip().lower()
    if not wanted.isalnum():
        return []
    for pattern in (wanted, f"{wanted}*", f"*{wanted}"):
        rows: list[tuple[str]] = connection.execute(
            "SELECT id FROM session WHERE id GLOB ? ORDER BY id DESC LIMIT 9", (pattern,)
        ).fetchall()
        if rows:
            return [SessionId(one) for (one,) in rows]
    return []


def copy_all(connection: sqlite3.Connection, source: SessionId, target: StoredSession) -> None:
    """Store a copy of a session, events and decisions included."""
    insert(connection, target)
    for table in _DELETED_WITH:
        columns = ", ".join(
            name
            for (name,) in connection.execute(
                "SELECT name FROM pragma_table_info(?) WHERE name NOT IN ('id', 'session_id')",
                (table,),
            )
        )
        connection.execute(
            f"INSERT INTO {table} (session_id, {columns}) "  # noqa: S608 - names from the schema
            f"SELECT ?, {columns} FROM {table} WHERE session_id = ? ORDER BY id",
            (target.id, source),
        )


def take_writing(connection: sqlite3.Connection, session_id: SessionId, owner: Owner) -> None:
    """Make an owner the session's one writer, unless another living one is.

    Raises:
        SessionLockedError: Naming the process.
    """
    row: tuple[str, int, str, str, str] | None = connection.execute(
        "SELECT o.id, o.pid, o.started, o.boot, o.namespace FROM writer w "
        "JOIN owner o ON o.id = w.owner WHERE w.session_id = ?",
        (session_id,),
    ).fetchone()
    if row is not None:
        writer = Owner(id=row[0], pid=row[1], started=row[2], boot=row[3], namespace=row[4])
        if writer.id == owner.id:
            return
        if is_alive(writer):
            raise SessionLockedError(
                f"the session {session_id} is open in another ralex (process {writer.pid})",
                hint="close it there, or continue in a copy with --fork",
            )
    connection.execute(
        "INSERT INTO writer (session_id, owner) VALUES (?, ?) "
        "ON CONFLICT (session_id) DO UPDATE SET owner = excluded.owner",
        (session_id, owner.id),
    )


def not_found(text: str) -> SessionNotFoundError:
    """Make the error for an id that is none."""
    return SessionNotFoundError(
        f"there is no session {text!r}", hint="`ralex sessions list` shows those there are"
    )


def to_text(value: object) -> str:
    """Write JSON as it is stored: compact, and readable beyond ASCII."""
    # A lone surrogate (half of a broken emoji) has no UTF-8 form; escaped it keeps its place.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if _is_utf8(text) else json.dumps(value, separators=(",", ":"))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_event(seq: int, payload: str) -> AgentEvent:
    try:
        mapping: object = json.loads(payload)
        if isinstance(mapping, dict):
            return event_from_json(cast("dict[str, object]", mapping))
        problem = "it is no object"
    except (ValueError, RecursionError) as error:
        problem = str(error)
    except UnreadableEventError as error:
        problem = error.message
    return Notice(
        level="warning",
        text=f"event {seq} of this session cannot be read and is left out: {problem}",
    )


def _insert_capacity(
    connection: sqlite3.Connection, session_id: SessionId, event: CapacityDecided, at_s: float
) -> None:
    capacity = event.capacity
    connection.execute(
        "INSERT INTO capacity_decision "
        "(session_id, turn_id, step, created_s, action, model, request_tokens, payload) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            storable(event.turn_id),
            event.step,
            at_s,
            capacity.action,
            storable(capacity.model),
            storable_number(capacity.request_tokens),
            storable(to_text(to_jsonable(capacity))),
        ),
    )


def _insert_outcome(
    connection: sqlite3.Connection,
    session_id: SessionId,
    event: TurnFinished | TurnFailed,
    at_s: float,
) -> None:
    result = event.stop_reason if isinstance(event, TurnFinished) else event.code
    connection.execute(
        "INSERT INTO outcome (session_id, turn_id, created_s, result, tier, model, steps, "
        "cost_usd, files_changed, evidence, escalations, first_tier) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT tier FROM route_decision "
        "WHERE session_id = ? AND turn_id = ? ORDER BY id LIMIT 1))",
        (
            session_id,
            storable(event.turn_id),
            at_s,
            storable(result),
            event.tier,
            None if event.model is None else storable(event.model),
            storable_number(event.steps),
            f"{event.cost_usd:f}",
            len(event.files_changed),
            " ".join(event.evidence),
            event.escalations,
            session_id,
            event.turn_id,
        ),
    )


def session_of(row: _Row) -> StoredSession:
    """Take a row of ``COLUMNS`` apart."""
    return StoredSession(
        id=SessionId(row[0]),
        project=row[1],
        title=row[2],
        created_s=_moment(row[3]),
        updated_s=_moment(row[4]),
        turns=max(0, row[5]),
        forked_from=row[6],
    )


def _moment(seconds: float) -> float:
    """Give a time that a calendar has; garbage becomes the epoch."""
    return seconds if 0 <= seconds < _YEAR_9999_S else 0.0


_YEAR_9999_S = 253_370_764_800
