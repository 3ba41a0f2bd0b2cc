"""Open what a headless run needs, run it, and close it whatever happens."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager

from ralex.config.model import Config
from ralex.core.terminal_text import clean
from ralex.errors import InterruptedTurnError
from ralex.headless.run import Reporter, run_prompt
from ralex.logs import log_to_file
from ralex.run_options import RunOptions
from ralex.wiring import Engine

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def run_headless(
    config: Config, options: RunOptions, reporter: Reporter, prompt: str, *, attached: str = ""
) -> int:
    """Run one prompt and give the exit code; a signal ends the turn cleanly.

    Args:
        attached: Text that was piped in beside the prompt.
    """
    log_to_file(config.home)
    for warning in config.warnings:
        print(f"ralex: warning: {clean(warning)}", file=reporter.stderr)
    code = 0
    with _signals_cancel() as caught:
        try:
            code = await _run(config, options, reporter, prompt, attached)
        except asyncio.CancelledError:
            if not caught:
                raise
            code = reporter.fail(InterruptedTurnError("interrupted before the turn began"))
    fatal = caught & {signal.SIGTERM, signal.SIGHUP}
    return 128 + min(fatal) if fatal else code


async def _run(
    config: Config, options: RunOptions, reporter: Reporter, prompt: str, attached: str
) -> int:
    async with Engine(config) as engine:
        session = await engine.session(options, first_prompt=prompt)
        for notice in session.notices:
            print(f"ralex: warning: {clean(notice)}", file=reporter.stderr)
        return await run_prompt(session, prompt, reporter, attached=attached)


@contextmanager
def _signals_cancel() -> Generator[set[int], None, None]:
    """Let signals cancel the running task, so that the turn is stored and paid before exit."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    caught: set[int] = set()

    def cancel(number: int) -> None:
        caught.add(number)
        if task is not None:
            task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, cancel, number)
    try:
        yield caught
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
