"""Commit events before anyone sees them, and hand them to whoever watches the turn."""

import asyncio
import time
from collections.abc import Callable

from ralex.agent.history import History
from ralex.agent.ports import SessionStore
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    CapacityDecided,
    EvidenceNoted,
    Notice,
    RetryScheduled,
    StepFinished,
    StepStarted,
)
from ralex.core.ids import SessionId
from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta

FLUSH_AFTER_S = 0.25
FLUSH_CHARACTERS = 2_048

_CAN_WAIT = (CapacityDecided, StepStarted, StepFinished, EvidenceNoted, Notice)
"""Stored together with the next event: nobody acts on them, and the ledger has the money."""


class Recorder:
    """The one way out of a turn: store, then history, then the watcher's queue.

    Streamed text is stored at least every 250 ms or 2,048 characters while it arrives, so that a
    killed process loses no more than that.

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
        self._pending: list[str] = []
        self._pending_since = 0.0
        self._behind: list[AgentEvent] = []

    async def emit(self, event: AgentEvent) -> None:
        """Store an event and pass it on; returns once it is committed and queued.

        What nobody acts on is committed with the event that follows; a turn's last event is not
        of that kind.
        """
        match event:
            case TextDelta():
                await self._keep_delta(event.text)
            case ReasoningDelta() | ToolCallDelta():
                pass
            case AssistantMessageCompleted() | RetryScheduled():
                self._pending.clear()
                await self._write(event)
            case _:
                await self.flush()
                await self._write(event)
        await self._queue.put(event)

    async def record(self, event: AgentEvent) -> None:
        """Store an event that nobody waits for any more, such as the end of a cancelled turn."""
        await self.flush()
        await self._write(event)

    async def flush(self) -> None:
        """Store what was streamed since the last time."""
        if self._pending:
            text = "".join(self._pending)
            self._pending.clear()
            await self._write(TextDelta(text=text))

    async def _keep_delta(self, text: str) -> None:
        now = self._monotonic()
        if not self._pending:
            self._pending_since = now
        self._pending.append(text)
        is_old = now - self._pending_since >= FLUSH_AFTER_S
        if is_old or sum(map(len, self._pending)) >= FLUSH_CHARACTERS:
            await self.flush()

    async def _write(self, event: AgentEvent) -> None:
        if isinstance(event, _CAN_WAIT):
            self._behind.append(event)
        else:
            batch = [*self._behind, event]
            await self._store.append(self._session_id, batch)
            self._behind = self._behind[len(batch) - 1 :]
        self._history.feed(event)
