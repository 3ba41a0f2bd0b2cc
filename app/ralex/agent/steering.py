"""What the user says while a turn runs: stored at once, delivered between two steps, never lost."""

import secrets
from collections.abc import Awaitable, Callable, Sequence

from ralex.agent.history import History
from ralex.agent.ports import SessionStore
from ralex.core.events import (
    AgentEvent,
    SteeringDelivered,
    SteeringQueued,
    SteeringWithdrawn,
)
from ralex.core.ids import SessionId
from ralex.errors import UsageError


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
        gone = {one.steering_id for one in events if isinstance(one, SteeringWithdrawn)}
        self._queue = [
            one for one in events if isinstance(one, SteeringQueued) and one.steering_id not in gone
        ]

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

    async def withdraw(self, place: int) -> str:
        """Take a waiting message back and give its text.

        Args:
            place: In ``waiting``, from 0.

        Raises:
            UsageError: If none waits there, because the model was told meanwhile, for one.
        """
        waiting = self.waiting
        if not 0 <= place < len(waiting):
            raise UsageError("this message does not wait any more", hint="the model has been told")
        event = waiting[place]
        self._queue.remove(event)
        await self._store.append(
            self._session_id, [SteeringWithdrawn(steering_id=event.steering_id)]
        )
        return event.text

    async def deliver(self, emit: Callable[[AgentEvent], Awaitable[None]]) -> bool:
        """Make the waiting messages part of the conversation; False if there are none."""
        has_told = False
        for one in self.waiting:
            if one in self._queue:  # it may be taken back while the one before it is told
                await emit(SteeringDelivered(steering_id=one.steering_id, text=one.text))
                has_told = True
        return has_told
