"""Let a short piece of work end although its caller is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def finish(work: Coroutine[object, object, T]) -> T:
    """Await work that must not stop half way, such as settling a bill.

    A cancellation that arrives meanwhile is raised once the work is done.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled is not None:
        if (failure := task.exception()) is not None:
            raise cancelled from failure
        raise cancelled
    return task.result()


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its clean-up, also when the waiting is cancelled itself.

    Raises:
        Exception: What the task failed with, if it failed by itself.
    """
    task.cancel()
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    if not task.cancelled() and (failure := task.exception()) is not None:
        raise failure
