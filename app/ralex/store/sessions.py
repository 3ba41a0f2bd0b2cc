"""Sessions of all ralex processes on one home directory: events that are only ever added.

What the user said, what a tool is about to do and what came of it is on the disk before ``append``
returns; streamed text is only handed to the system, which keeps it through a killed process.
"""

import logging
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

from ralex.core.codec import to_jsonable
from ralex.core.complexity import Complexity
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    CapacityDecided,
    EvidenceNoted,
    Notice,
    StepFinished,
    StepStarted,
)
from ralex.core.ids import SessionId, TurnId
from ralex.core.routing import RouteDecision
from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta
from ralex.core.turn_log import PastTurn
from ralex.errors import RalexError, SessionNotFoundError
from ralex.store import session_rows as rows
from ralex.store import session_search
from ralex.store.database import Database, storable
from ralex.store.faults import SESSIONS
from ralex.store.session_rows import StoredOutcome, StoredSession
from ralex.store.session_search import SearchHit, SessionPreview
from ralex.store.turn_rows import past_turns

_LOG = logging.getLogger(__name__)

EventListener: TypeAlias = Callable[[str, Sequence[AgentEvent]], None]

_LIGHT = (
    TextDelta, ReasoningDelta, ToolCallDelta, Notice, CapacityDecided, StepStarted, StepFinished,
    EvidenceNoted,
)  # fmt: skip
"""Events that are only handed to the system, which keeps them through a killed process; what a
power cut takes of them can be had again."""


def _is_light(event: AgentEvent) -> bool:
    """Tell whether an event may be lost in a power cut, or is safe with the next one.

    Nothing is done about a reply with calls before the first of them is stored as started, or as
    waiting for approval; what is on the disk then holds the reply too.
    """
    if isinstance(event, AssistantMessageCompleted):
        return bool(event.message.tool_calls) and not event.is_partial
    return isinstance(event, _LIGHT)


_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: sorts like the numbers it writes, and has no letters to mistake."""


class SqliteSessions:
    """The session store in a SQLite file; any number of processes may have it open.

    One process at a time writes a session: the first that appends to it, until it closes or dies.
    Every method may raise StoreUnreadableError.

    Args:
        now: The present time, with a zone.
        on_events: Told of events once they are committed; must return at once and never fail.
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime],
        on_events: EventListener | None = None,
    ) -> None:
        self._database = database
        self._now = now
        self._on_events = on_events

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        now: Callable[[], datetime],
        on_events: EventListener | None = None,
    ) -> Self:
        """Open the store; a damaged file is set aside and the last good backup takes its place.

        Raises:
            StoreUnreadableError: If it is locked or not writable.
            SchemaTooNewError: If a newer ralex wrote it.
        """
        return cls(await Database.open(path, SESSIONS), now=now, on_events=on_events)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know about how the store was opened; usually nothing."""
        return self._database.notices

    async def aclose(self) -> None:
        """Make the day's backup, give up writing every session, and close."""
        try:
            await self._database.back_up(today=self._now().date().isoformat())
        except RalexError as error:
            _LOG.warning("the session store's backup failed: %s", error)
        finally:
            await self._database.aclose()

    async def create(self, *, project: str, title: str) -> SessionId:
        """Start a session, become its writer, and return its id."""
        now_s = self._now_s()
        return await self._add(
            StoredSession(
                id=SessionId(""),
                project=project,
                title=title,
                created_s=now_s,
                updated_s=now_s,
                turns=0,
            )
        )

    async def append(self, session_id: SessionId, events: Sequence[AgentEvent]) -> None:
        """Store events in order and commit before returning.

        Raises:
            SessionNotFoundError: If there is no such session.
            SessionLockedError: If another living process writes it.
        """
        at_s = self._now_s()

        def work(connection: sqlite3.Connection) -> None:
            rows.append(connection, session_id, events, at_s)
            rows.take_writing(connection, session_id, self._database.owner)

        is_durable = not all(map(_is_light, events))
        await self._database.write(work, is_durable=is_durable, is_owed=True)
        if self._on_events is not None:
            self._on_events(session_id, events)

    async def load(self, session_id: SessionId) -> list[AgentEvent]:
        """Read a session's events in order; a Notice stands where one cannot be read.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        return await self._database.read(partial(rows.load, session_id=session_id))

    async def get(self, session_id: SessionId) -> StoredSession:
        """Read what the list shows of one session.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        return await self._database.read(partial(rows.get, session_id=session_id))

    async def title(self, session_id: SessionId) -> str:
        """Read a session's title.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        return (await self.get(session_id)).title

    async def titles(self) -> dict[str, str]:
        """Read the titles of all sessions, by id."""
        return await self._database.read(
            lambda connection: dict(connection.execute("SELECT id, title FROM session").fetchall())
        )

    async def latest(self, *, project: str) -> SessionId | None:
        """Find the session of a project that was written last."""
        found = await self.list_sessions(project=project, limit=1)
        return found[0].id if found else None

    async def list_sessions(
        self, project: str | None = None, limit: int = 100
    ) -> list[StoredSession]:
        """List sessions in which something was asked, the one written last first.

        Args:
            project: Only this folder's, or None for all.
        """
        return await self._database.read(partial(rows.list_sessions, project=project, limit=limit))

    async def search(
        self, text: str, *, project: str | None = None, limit: int = 50
    ) -> list[SearchHit]:
        """Find sessions whose title, prompts, answers or tool results hold a text."""
        if not text.strip():
            return []
        return await self._database.read(
            partial(session_search.search, text=text, project=project, limit=limit)
        )

    async def preview(self, session_id: SessionId) -> SessionPreview:
        """Show a session in a few lines: how it began, what was said last, what it cost.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        return await self._database.read(partial(session_search.preview, session_id=session_id))

    async def find(self, prefix: str) -> SessionId:
        """Give the one session whose id is, begins with or ends with a text.

        Raises:
            SessionNotFoundError: If there is none, or more than one.
        """
        found = await self._database.read(partial(rows.find, text=prefix)) if prefix.strip() else []
        if not found:
            raise rows.not_found(prefix)
        if len(found) > 1:
            raise SessionNotFoundError(
                f"{prefix!r} fits more than one session: {', '.join(found[:8])}",
                hint="give more of the id",
            )
        return found[0]

    async def rename(
        self, session_id: SessionId, title: str, *, instead_of: str | None = None
    ) -> bool:
        """Give a session another title; False if it has no longer the one it is to replace.

        Args:
            instead_of: The title it must have; None replaces any.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        new, old = storable(title), None if instead_of is None else storable(instead_of)

        def work(connection: sqlite3.Connection) -> bool:
            if old not in (None, rows.get(connection, session_id).title):
                return False
            changed = connection.execute(
                "UPDATE session SET title = ? WHERE id = ?", (new, session_id)
            )
            if not changed.rowcount:
                raise rows.not_found(session_id)
            return True

        return await self._database.write(work)

    async def outcomes(self, *, since_s: float = 0.0) -> list[StoredOutcome]:
        """Read how turns of all sessions ended, oldest first.

        Args:
            since_s: Leave out what is older, in seconds since the epoch (UTC).
        """
        return await self._database.read(partial(rows.outcomes, since_s=since_s))

    async def past_turns(
        self, *, since_s: float = 0.0, only_troubled: bool = False
    ) -> list[PastTurn]:
        """Read what is remembered of turns: session after session, each in its order.

        Args:
            since_s: Leave out what began earlier, in seconds since the epoch (UTC).
            only_troubled: Of the newest hundred sessions in which something spoke against a model.
        """
        work = partial(past_turns, since_s=since_s, only_troubled=only_troubled)
        return await self._database.read(work)

    async def fork(self, session_id: SessionId) -> SessionId:
        """Copy a session and become the copy's writer; the original may be open elsewhere.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        source = await self.get(session_id)
        now_s = self._now_s()
        copy = replace(source, created_s=now_s, updated_s=now_s, forked_from=session_id)
        return await self._add(copy, copied=session_id)

    async def delete(self, session_id: SessionId) -> None:
        """Delete a session with everything that belongs to it, for good.

        Raises:
            SessionNotFoundError: If there is none of this id.
            SessionLockedError: If another living process writes it.
        """

        def work(connection: sqlite3.Connection) -> None:
            rows.get(connection, session_id)
            rows.take_writing(connection, session_id, self._database.owner)
            connection.execute("DELETE FROM session WHERE id = ?", (session_id,))

        await self._database.write(work, is_durable=True)

    async def acquire(self, session_id: SessionId) -> None:
        """Become a session's writer, until this store is closed or its process is dead.

        Raises:
            SessionNotFoundError: If there is none of this id.
            SessionLockedError: If another living process writes it.
        """

        def work(connection: sqlite3.Connection) -> None:
            rows.get(connection, session_id)
            rows.take_writing(connection, session_id, self._database.owner)

        await self._database.write(work)

    async def release(self, session_id: SessionId) -> None:
        """Let another process write a session; harmless if this one does not."""
        await self._database.write(
            lambda connection: connection.execute(
                "DELETE FROM writer WHERE session_id = ? AND owner = ?",
                (session_id, self._database.owner.id),
            ).close()
        )

    async def record_complexity(
        self, session_id: SessionId, turn_id: TurnId, complexity: Complexity
    ) -> None:
        """Store how hard the ask was judged."""
        await self._insert(
            "complexity_decision",
            session_id=session_id,
            turn_id=turn_id,
            tier=complexity.tier,
            score=complexity.score,
            scorer=complexity.scorer,
            payload=rows.to_text(to_jsonable(complexity)),
        )

    async def record_route(
        self, session_id: SessionId, turn_id: TurnId, route: RouteDecision
    ) -> None:
        """Store the receipt of a routing decision."""
        await self._insert(
            "route_decision",
            session_id=session_id,
            turn_id=turn_id,
            router=route.router,
            tier=route.tier,
            model=route.model,
            reason=route.reason,
            payload=rows.to_text(to_jsonable(route)),
        )

    async def _insert(self, table: str, **values: str | float | None) -> None:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} (created_s, {names}) VALUES (?, {marks})"  # noqa: S608 - our own names
        cells = [storable(value) if isinstance(value, str) else value for value in values.values()]
        parameters = (self._now_s(), *cells)
        await self._database.write(
            lambda connection: connection.execute(statement, parameters).close()
        )

    async def _add(self, draft: StoredSession, *, copied: SessionId | None = None) -> SessionId:
        """Store a session under an id of its own, empty or as a copy, and become its writer."""

        def work(connection: sqlite3.Connection) -> SessionId:
            session = replace(draft, id=_free_id(connection, draft.created_s))
            if copied is None:
                rows.insert(connection, session)
            else:
                rows.copy_all(connection, copied, session)
            rows.take_writing(connection, session.id, self._database.owner)
            return session.id

        return await self._database.write(work, is_durable=True)

    def _now_s(self) -> float:
        return self._now().astimezone(UTC).timestamp()


def _free_id(connection: sqlite3.Connection, now_s: float) -> SessionId:
    """Make an id of eleven characters: seconds since the epoch, then 20 random bits."""
    while True:
        made = SessionId(_base32(int(now_s), 7) + _base32(secrets.randbits(20), 4))
        if not connection.execute("SELECT 1 FROM session WHERE id = ?", (made,)).fetchone():
            return made


def _base32(number: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
