"""Open what a headless run needs, run it, and close it whatever happens."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager

from ralex.config.model import Config
from ralex.headless.run import Reporter, run_prompt
from ralex.logs import log_to_file
from ralex.wiring import Engine, RunOptions


async def run_headless(config: Config, options: RunOptions, prompt: str, reporter: Reporter) -> int:
    """Run one prompt and give the exit code; SIGINT and SIGTERM end the turn cleanly."""
    log_to_file(config.home)
    for warning in config.warnings:
        print(f"ralex: warning: {warning}", file=reporter.stderr)
    with _signals_cancel() as caught:
        async with Engine(config) as engine:
            session = await engine.session(options, first_prompt=prompt)
            code = await run_prompt(session, prompt, reporter)
    return 128 + signal.SIGTERM if signal.SIGTERM in caught else code


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

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, cancel, number)
    try:
        yield caught
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
