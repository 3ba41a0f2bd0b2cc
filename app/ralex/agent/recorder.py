"""Commit events before anyone sees them, and hand them to whoever watches the turn."""

import asyncio
import time
from collections.abc import Callable
from itertools import groupby
from typing import Protocol

from ralex.agent.history import History
from ralex.agent.ports import SessionStore
from ralex.core.events import AgentEvent, AssistantMessageCompleted, ToolOutputGrew
from ralex.core.ids import SessionId
from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta
from ralex.dispatch.finishing import finish

FLUSH_AFTER_S = 0.25
FLUSH_CHARACTERS = 2_048


class Teller(Protocol):
    """Where a turn tells its events."""

    async def emit(self, *events: AgentEvent) -> None:
        """Take events that belong together, in order."""
        ...

    def note(self, event: AgentEvent) -> None:
        """Take an event that may wait for the next one."""
        ...


class Recorder:
    """The one way out of a turn: store, then history, then the watcher's queue.

    Only streamed text and thinking are shown first: they are stored at least every 250 ms or 2,048
    characters while they arrive, so that a killed process loses no more than that of them.

    Args:
        queue: Read by the front end; closed by None.
    """

    def __init__(
        self,
        *,
        session_id: SessionId,
        store: SessionStore,
        history: History,
        queue: asyncio.Queue[AgentEvent | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session_id = session_id
        self._store = store
        self._history = history
        self._queue = queue
        self._monotonic = monotonic
        self._pending: list[TextDelta | ReasoningDelta] = []
        self._pending_characters = 0
        self._pending_since = 0.0
        self._noted: list[AgentEvent] = []

    def note(self, event: AgentEvent) -> None:
        """Take an event that is stored and passed on together with the next one.

        A commit takes longer than all else in a step, so what is of no use alone does without one.
        """
        self._noted.append(event)

    async def emit(self, *events: AgentEvent) -> None:
        """Store events that belong together in one commit, then pass them on in order."""
        events = (*self._take_noted(), *events)
        match events:
            case (TextDelta() | ReasoningDelta() as delta,):
                await self._keep_delta(delta)
            case (ToolCallDelta() | ToolOutputGrew(),):
                pass  # the call is stored whole before it runs, and its result when it ends
            case _:
                await self._write(*events)
        for event in events:
            await self._queue.put(event)

    async def record(self, event: AgentEvent) -> None:
        """Store an event that nobody waits for any more, such as the end of a cancelled turn."""
        await self._write(*self._take_noted(), event)

    async def _keep_delta(self, delta: TextDelta | ReasoningDelta) -> None:
        now = self._monotonic()
        if not self._pending:
            self._pending_since = now
        self._pending.append(delta)
        self._pending_characters += len(delta.text)
        is_old = now - self._pending_since >= FLUSH_AFTER_S
        if is_old or self._pending_characters >= FLUSH_CHARACTERS:
            await self._write()

    async def _write(self, *events: AgentEvent) -> None:
        """Commit what was streamed and these events; a cancellation waits until that is done.

        Otherwise the store could know of an event that the history does not.
        """
        streamed = self._take_pending()
        if events and isinstance(events[0], AssistantMessageCompleted):
            streamed = []  # the message holds it all
        if streamed or events:
            await finish(self._commit([*streamed, *events]))

    async def _commit(self, events: list[AgentEvent]) -> None:
        await self._store.append(self._session_id, events)
        self._history.feed_all(events)

    def _take_noted(self) -> list[AgentEvent]:
        noted, self._noted = self._noted, []
        return noted

    def _take_pending(self) -> list[AgentEvent]:
        """Give the pieces streamed since the last commit, joined where they are of one kind."""
        pieces, self._pending = self._pending, []
        self._pending_characters = 0
        return [
            kind(text="".join(piece.text for piece in group))
            for kind, group in groupby(pieces, key=type)
        ]
