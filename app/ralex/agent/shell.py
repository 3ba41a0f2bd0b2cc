"""Commands that the user runs: ``!command``. Nobody is asked, no model is called.

What was printed becomes part of the conversation, so that the next turn can speak of it. The
command gets what a tool's command gets: a process group of its own, no input, no provider keys,
and an output of bounded length. It has no deadline but the user's patience; what it had printed
when it was stopped is kept.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Final

from ralex.agent.surroundings import Surroundings
from ralex.core.events import ShellRan, ToolOutputGrew
from ralex.core.ids import TurnId
from ralex.dispatch.finishing import finish
from ralex.errors import UsageError
from ralex.tools import growth
from ralex.tools.environment import QUIET
from ralex.tools.output import OutputBuffer
from ralex.tools.process import run_shell

MOST_CHARS: Final = 20_000
"""Characters of a command; a longer one belongs into a file."""
_NO_DEADLINE_S: Final = 7 * 86_400.0


async def run_user_shell(
    around: Surroundings,
    command: str,
    *,
    is_shared: bool,
    watch: Callable[[ToolOutputGrew], None] | None = None,
) -> ShellRan:
    """Run a command and record it, also if it is stopped half-way by cancelling.

    What it changes is a turn of its own for undo.

    Args:
        is_shared: The next turn's model reads it.
        watch: Told what it prints while it runs; the events have no call.

    Raises:
        UsageError: If the command is blank or too long, or cannot be started.
        StoreError: If it cannot be recorded.
    """
    if not command.strip() or "\0" in command:
        raise UsageError("there is no command after the !", hint="such as !git status")
    if len(command) > MOST_CHARS:
        raise UsageError("this command is too long", hint="put it into a file and run that")
    toolbox, changes = around.toolbox, around.toolbox.changes
    recorder = around.recorder(asyncio.Queue())
    for block in changes.begin(TurnId(secrets.token_hex(6))):
        await recorder.emit(block)
    started = time.monotonic()
    output = OutputBuffer(toolbox.context.output_dir / f"shell-{secrets.token_hex(4)}.txt")
    changed: list[str] = []

    def told(exit_code: int | None) -> ShellRan:
        output.close()
        return ShellRan(
            command=toolbox.blotted(command),
            output=toolbox.blotted(output.text().rstrip("\n")),
            exit_code=exit_code,
            elapsed_ms=round((time.monotonic() - started) * 1_000),
            files_changed=tuple(changed),
            is_shared=is_shared,
        )

    async def tell(tail: str, total_bytes: int) -> None:
        if watch is not None:
            watch(toolbox.grown(tail, total_bytes))

    async def work() -> int:
        async with growth.told(output, tell if watch is not None else None):
            end = await run_shell(
                command,
                cwd=toolbox.context.cwd,
                environment={**toolbox.context.environment, **QUIET},
                timeout_s=_NO_DEADLINE_S,
                output=output,
            )
        return end.exit_code

    try:
        code = await changes.watch(work, recorder.emit)
        await changes.end(changed)
    except asyncio.CancelledError:
        await changes.end(changed)
        await finish(recorder.record(told(None)))
        raise
    except (OSError, UnicodeEncodeError) as error:
        output.close()
        text = f"the command could not be started: {error}"
        raise UsageError(text, hint="bash and the project's folder must be there") from error
    event = told(code)
    await recorder.record(event)
    return event
