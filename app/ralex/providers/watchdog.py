"""One timer for the thousands of short waits of a reply.

``asyncio.timeout`` around each piece costs more than reading the piece; here a wait only notes its
deadline, and one timer looks now and then.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Watchdog:
    """Bounds waits one after the other, always in the task that waits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: float | None = None
        self._task: asyncio.Task[object] | None = None
        self._has_fired = False

    async def bound(self, work: Awaitable[T], wait_s: float) -> T:
        """Await something for at most ``wait_s`` seconds.

        Raises:
            TimeoutError: If it takes longer; the work is cancelled.
        """
        task = asyncio.current_task()
        if task is None:  # pragma: no cover  coroutines run in tasks
            return await work
        before = task.cancelling()
        self._task = task
        self._deadline = deadline = self._loop.time() + wait_s
        if self._timer is None:
            self._timer = self._loop.call_at(deadline, self._look)
        elif self._timer.when() > deadline:
            self._timer.cancel()
            self._timer = self._loop.call_at(deadline, self._look)
        try:
            return await work
        except asyncio.CancelledError as error:
            if self._has_fired and task.uncancel() <= before:
                raise TimeoutError from error
            raise
        finally:
            self._deadline = None

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None or self._task is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._look)
            return
        self._has_fired = True
        self._task.cancel()
