"""An event loop on a thread of its own, so that the main thread can wait at a prompt.

The main thread belongs to the terminal: only there does Python deliver signals, and only there can
Ctrl+C end a line that is being edited. The loop goes on meanwhile, with whatever runs in the
background.
"""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """A coroutine on the loop's thread, seen from the main thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, T]) -> None:
        self._loop = loop
        self._ended: Future[T] = Future()
        self._task: asyncio.Task[None] | None = None
        loop.call_soon_threadsafe(self._start, work)

    def result(self) -> T:
        """Wait for its end; give what it returned, or raise what it raised."""
        return self._ended.result()

    def stop(self) -> None:
        """Cancel it and wait until it has cleaned up; a second Ctrl+C does not cut that short."""
        self._loop.call_soon_threadsafe(self._cancel)
        while not self._ended.done():
            try:
                wait([self._ended])
            except KeyboardInterrupt:
                continue

    def _start(self, work: Coroutine[object, object, T]) -> None:
        self._task = self._loop.create_task(self._run(work))

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self, work: Coroutine[object, object, T]) -> None:
        try:
            result = await work
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._ended.set_exception(error)
        else:
            self._ended.set_result(result)


class LoopThread:
    """Runs coroutines for the main thread; a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="ralex-loop", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def begin(self, work: Coroutine[object, object, T]) -> Job[T]:
        """Start a coroutine."""
        return Job(self._loop, work)

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end; Ctrl+C is raised once it has cleaned up."""
        job = self.begin(work)
        try:
            return job.result()
        except BaseException:
            job.stop()
            raise

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()
