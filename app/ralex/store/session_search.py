"""Find sessions by what was said in them, and show one in a few lines."""

import json
import sqlite3
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias

from ralex.core.ids import SessionId
from ralex.core.records import dataclass
from ralex.store import session_rows as rows
from ralex.store.database import storable
from ralex.store.session_rows import StoredSession

Speaker: TypeAlias = Literal["user", "reply"]

_SAID = """
CASE WHEN json_valid(e.payload) THEN coalesce(
  json_extract(e.payload, '$.prompt'),
  json_extract(e.payload, '$.message.text'),
  json_extract(e.payload, '$.output'),
  json_extract(e.payload, '$.text')
) END
"""

_LONGEST_LINE = 600
_LAST_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A session in which a text was found.

    Attributes:
        excerpt: One line around the newest place of it.
    """

    session: StoredSession
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """Something that was said, cut to 600 characters."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPreview:
    """A session in a few lines, for those who choose one.

    Attributes:
        first: The first prompt.
        last: What was said last, oldest first; the first prompt may be among it.
        cost_usd: What its turns cost, those that were killed included.
        files_changed: Files that turns changed, each turn's counted for itself.
    """

    session: StoredSession
    first: str
    last: tuple[PreviewLine, ...]
    cost_usd: Decimal
    files_changed: int


def search(
    connection: sqlite3.Connection, text: str, *, project: str | None, limit: int
) -> list[SearchHit]:
    """Find sessions whose title, prompts, answers or tool results hold a text.

    Upper and lower case are the same for the letters of ASCII.
    """
    pattern = (
        "%" + storable(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    )
    # Looking into the stored text first spares taking most events apart.
    first = "e.payload LIKE :pattern ESCAPE '\\' AND" if _is_stored_as_it_is(text) else ""
    newest = f"""
      SELECT coalesce(
        (SELECT {_SAID} AS said FROM event e
          WHERE e.session_id = :id AND {first} e.type IN ('turn_started',
            'assistant_message_completed', 'tool_call_finished', 'steering_queued')
            AND said LIKE :pattern ESCAPE '\\'
          ORDER BY e.seq DESC LIMIT 1),
        (SELECT title FROM session WHERE id = :id AND title LIKE :pattern ESCAPE '\\')
      )
    """  # noqa: S608 - constant names
    hits: list[SearchHit] = []
    for session in rows.every_session(connection, project=project):
        (found,) = connection.execute(newest, {"id": session.id, "pattern": pattern}).fetchone()
        if found is not None:
            hits.append(SearchHit(session=session, excerpt=_excerpt(found, text)))
        if len(hits) >= limit:
            break
    return hits


def preview(connection: sqlite3.Connection, session_id: SessionId) -> SessionPreview:
    """Show a session in a few lines, without reading all of it.

    Raises:
        SessionNotFoundError: If there is none of this id.
    """
    session = rows.get(connection, session_id)
    said = f"SELECT e.type, {_SAID} FROM event e WHERE e.session_id = ? AND e.type "  # noqa: S608 - constant names
    first: tuple[str, str | None] | None = connection.execute(
        said + "= 'turn_started' ORDER BY e.seq LIMIT 1", (session_id,)
    ).fetchone()
    last: list[tuple[str, str | None]] = connection.execute(
        said + "IN ('turn_started', 'steering_queued', 'assistant_message_completed') "
        "ORDER BY e.seq DESC LIMIT 40",
        (session_id,),
    ).fetchall()
    lines = [
        PreviewLine(
            speaker="reply" if kind == "assistant_message_completed" else "user",
            text=text[:_LONGEST_LINE],
        )
        for kind, text in last
        if text and text.strip()
    ]
    cost_usd, files = _cost(connection, session_id)
    return SessionPreview(
        session=session,
        first=((first[1] if first else "") or "")[:_LONGEST_LINE],
        last=tuple(reversed(lines[:_LAST_SHOWN])),
        cost_usd=cost_usd,
        files_changed=files,
    )


def _cost(connection: sqlite3.Connection, session_id: SessionId) -> tuple[Decimal, int]:
    """Add up what turns cost: from their ends, and step by step where the end is missing."""
    ends: list[tuple[str, int]] = connection.execute(
        "SELECT cost_usd, files_changed FROM outcome WHERE session_id = ?", (session_id,)
    ).fetchall()
    steps: list[tuple[str]] = connection.execute(
        "SELECT payload FROM event WHERE session_id = :id AND type = 'step_finished' AND seq > "
        "coalesce((SELECT max(seq) FROM event WHERE session_id = :id "
        "AND type IN ('turn_finished', 'turn_failed')), 0)",
        {"id": session_id},
    ).fetchall()
    amounts = [cost for cost, _ in ends] + [_step_cost(payload) for (payload,) in steps]
    return _sum(amounts), sum(files for _, files in ends)


def _step_cost(payload: str) -> str:
    try:
        return str(json.loads(payload).get("cost_usd", "0"))
    except (ValueError, AttributeError):
        return "0"


def _sum(amounts: Iterable[str]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        try:
            total += Decimal(amount)
        except InvalidOperation:
            continue  # garbage in a row costs that row alone
    return total


def _is_stored_as_it_is(text: str) -> bool:
    """Tell whether JSON writes a text the same way in every row."""
    return text.isascii() and text.isprintable() and not any(one in text for one in '"\\')


def _excerpt(found: str, wanted: str) -> str:
    """Cut one line around the first place of a text."""
    at = max(0, found.lower().find(wanted.lower()))
    start, end = max(0, at - 40), at + len(wanted) + 60
    line = " ".join(found[start:end].split())
    return f"{'…' if start else ''}{line}{'…' if end < len(found) else ''}"
