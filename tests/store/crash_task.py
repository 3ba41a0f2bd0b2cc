"""Play scripted turns until killed; a script of its own, not a test.

    python crash_task.py HOME PROJECT [show-first]

Prints one JSON line for each event that a front end would have been shown, once it was. The first
line says how the session was opened. ``show-first`` shows events before they are stored, as a
program without ralex's order would: what a test must notice.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from ralex.agent.recorder import Recorder
from ralex.core.codec import event_to_json
from ralex.core.events import AgentEvent, ToolCallDelta
from ralex.core.stream import ReasoningDelta, TextDelta
from ralex.core.usage import Usage
from ralex.providers.scripted import ScriptedCall, ScriptedProvider, ScriptedStep
from ralex.run_options import RunOptions
from ralex.wiring import Engine
from tests.agent.stand import make_config

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LENGTH = 8_000
"""Characters of the file that is written again and again; all of one letter, or it is torn."""


def script(run: str) -> list[ScriptedStep]:
    """Give turns of some tool calls and an answer; every shell call leaves a word of its own."""
    usage = Usage(input_tokens=100, output_tokens=20)
    read = ScriptedCall(name="read", arguments={"path": "whole.txt"})
    steps = [ScriptedStep(calls=(read,), usage=usage)]
    for number in range(200):
        letter = LETTERS[number % len(LETTERS)]
        before = LETTERS[(number - 1) % len(LETTERS)]
        calls = (
            ScriptedCall(name="bash", arguments={"command": f"echo {run}-{number} >> ran.txt"}),
            ScriptedCall(
                name="write",
                arguments={"path": "whole.txt", "content": letter * LENGTH},
            )
            if number % 2 == 0
            else ScriptedCall(
                name="edit",
                arguments={
                    "path": "whole.txt",
                    "old": before * LENGTH,
                    "new": letter * LENGTH,
                },
            ),
        )
        steps.append(ScriptedStep(text=f"step {number} of {run}", calls=calls, usage=usage))
        if number % 3 == 2:
            steps.append(ScriptedStep(text=f"done with {number} of {run}", usage=usage))
    return steps


def say(value: object) -> None:
    os.write(1, (json.dumps(value) + "\n").encode())


def is_delta(event: AgentEvent) -> bool:
    return isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta)


async def show_first(self: Recorder, *events: AgentEvent) -> None:
    """Stand in for ``Recorder.emit`` with the order turned round."""
    for event in events:
        await self._queue.put(event)
    await asyncio.sleep(0)
    await self._write(*(event for event in events if not is_delta(event)))


async def main() -> None:
    home, project = Path(sys.argv[1]), Path(sys.argv[2])
    if "show-first" in sys.argv:
        Recorder.emit = show_first
    started = time.monotonic()
    has_session = (home / "sessions.db").exists()
    engine = Engine(
        make_config(home),
        providers={"test": ScriptedProvider(script(str(os.getpid())))},
        environ={"PATH": "/usr/bin:/bin"},
    )
    async with engine:
        try:
            session = await engine.session(RunOptions(cwd=project, continues=has_session))
        except Exception as error:  # noqa: BLE001 - reported to the test, which fails
            say({"failed": f"{type(error).__name__}: {error}"})
            return
        say({"opened_s": time.monotonic() - started, "session": session.id})
        while True:
            async with session.turn("go on with the task") as events:
                async for event in events:
                    if not is_delta(event):
                        say(event_to_json(event))


if __name__ == "__main__":
    asyncio.run(main())
