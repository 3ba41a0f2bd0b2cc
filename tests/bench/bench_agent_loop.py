"""Figures of the turn loop: what a step costs beside model and tools, and memory over a long turn.

python tests/bench/bench_agent_loop.py [STEPS]
"""

import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from ralex.core.events import ContextMasked, StepStarted, ToolCallFinished, ToolCallStarted
from ralex.core.messages import ModelRequest
from ralex.providers.scripted import ScriptedStep
from tests.agent.script import DONE, HELLO, read, shell, step
from tests.agent.stand import Stand

OUTPUT_BYTES = 100_000


class Forgotten(list[ModelRequest]):
    """What the scripted provider would keep of every request, and a real one does not."""

    def append(self, _request: ModelRequest, /) -> None:
        pass


def memory_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def play(folder: Path, steps: Sequence[ScriptedStep], files: int) -> None:
    async with AsyncExitStack() as stack:
        stand = Stand(folder, stack)
        for number in range(files):
            (stand.project / f"{number}.txt").write_text(f"{number}\n")
        session = await stand.open([*steps, DONE], max_steps=len(steps) + 5)
        stand.provider.requests = Forgotten()
        took: list[float] = []
        sizes: list[float] = []
        masked = 0
        begun = in_tools = 0.0
        async with session.turn(HELLO) as events:
            async for event in events:
                now = time.perf_counter()
                match event:
                    case StepStarted():
                        if begun:
                            took.append((now - begun - in_tools) * 1000)
                        begun, in_tools = now, 0.0
                        if len(took) % max(1, len(steps) // 5) == 0:
                            sizes.append(memory_mb())
                            begun = time.perf_counter()
                    case ToolCallStarted():
                        in_tools -= now
                    case ToolCallFinished():
                        in_tools += now
                    case ContextMasked():
                        masked += 1
                    case _:
                        pass
    took.sort()
    slow = took[len(took) * 95 // 100]
    print(
        f"{len(took)} steps: {statistics.median(took):.1f} ms p50, {took[len(took) // 10]:.1f} ms "
        f"p10, {slow:.1f} ms p95 beside model and tools   (hold: 15 ms at p50)"
    )
    print(f"memory {' → '.join(f'{size:.0f}' for size in sizes)} MB, output masked {masked} times")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    flood = f"yes 'a line of a build log with a path/to/file.py:120' | head -c {OUTPUT_BYTES}"
    with tempfile.TemporaryDirectory() as folder:
        quiet, loud = Path(folder) / "quiet", Path(folder) / "loud"
        quiet.mkdir()
        loud.mkdir()
        print("small reads")
        asyncio.run(play(quiet, [step(read(f"{n}.txt")) for n in range(100)], 100))
        print(f"{OUTPUT_BYTES // 1000} KB of output in each step")
        asyncio.run(play(loud, [step(shell(f"echo {n}; {flood}")) for n in range(count)], 0))


if __name__ == "__main__":
    main()
