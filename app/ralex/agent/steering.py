"""What the user says while a turn runs: stored at once, delivered between two steps, never lost."""

import secrets
from collections.abc import Awaitable, Callable, Sequence

from ralex.agent.history import History
from ralex.agent.ports import SessionStore
from ralex.core.events import AgentEvent, SteeringDelivered, SteeringQueued
from ralex.core.ids import SessionId


class Steering:
    """The waiting messages of one session.

    A message waits until the conversation holds it; an interruption in between loses nothing and
    delivers nothing twice.
    """

    def __init__(
        self,
        *,
        session_id: SessionId,
        store: SessionStore,
        history: History,
        events: Sequence[AgentEvent] = (),
    ) -> None:
        self._session_id = session_id
        self._store = store
        self._history = history
        self._queue = [event for event in events if isinstance(event, SteeringQueued)]

    @property
    def waiting(self) -> tuple[SteeringQueued, ...]:
        """Messages that are not part of the conversation yet, oldest first."""
        self._queue = [one for one in self._queue if one.steering_id not in self._history.delivered]
        return tuple(self._queue)

    async def add(self, text: str) -> SteeringQueued:
        """Take a message; it is stored when this returns."""
        event = SteeringQueued(steering_id=secrets.token_hex(4), text=text)
        await self._store.append(self._session_id, [event])
        self._queue.append(event)
        return event

    async def deliver(self, emit: Callable[[AgentEvent], Awaitable[None]]) -> bool:
        """Make the waiting messages part of the conversation; False if there are none."""
        waiting = self.waiting
        for one in waiting:
            await emit(SteeringDelivered(steering_id=one.steering_id, text=one.text))
        return bool(waiting)
