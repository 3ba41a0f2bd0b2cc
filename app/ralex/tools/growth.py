"""Tells what a command prints while it still runs: seldom, little, and only when there is news."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from ralex.tools.output import OutputBuffer

_log: Final = logging.getLogger(__name__)

FIRST_AFTER_S = 0.3
"""A command that ends sooner tells nothing on the way: its result is there at once."""

PAUSE_S = 0.2
MOST_BYTES = 2 * 1024
LOOK_BACK_BYTES = 4 * 1024
"""More than is told, so that whoever blots a key out finds the whole of it before the cut."""

Tell: TypeAlias = Callable[[str, int], Awaitable[None]]
"""Takes the end of the output, longer than what may be shown of it, and all bytes so far."""


@asynccontextmanager
async def told(output: OutputBuffer, tell: Tell | None) -> AsyncGenerator[None, None]:
    """Tell of an output as it grows, as long as the block runs."""
    if tell is None:
        yield
        return
    task = asyncio.create_task(_watch(output, tell), name="output")
    try:
        yield
    finally:
        output.on_growth = None
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (fault := task.exception()) is not None:
            _log.warning("what a command printed was not told to its end: %r", fault)


async def _watch(output: OutputBuffer, tell: Tell) -> None:
    grown = asyncio.Event()
    output.on_growth = grown.set
    await asyncio.sleep(FIRST_AFTER_S)
    if output.total:
        grown.set()
    while True:
        await grown.wait()
        grown.clear()
        await tell(output.tail(LOOK_BACK_BYTES), output.total)
        await asyncio.sleep(PAUSE_S)


def last_part(text: str, most_bytes: int = MOST_BYTES) -> str:
    """Cut a text to its last lines within a size in UTF-8; a lone long line loses its beginning."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most_bytes:
        return text
    kept = data[-most_bytes:]
    kept = kept[kept.find(b"\n") + 1 :] or kept
    return kept.decode("utf-8", "ignore")
