"""Ends the app in order when the process is told to end: the turn is stored, the terminal restored.

Without this SIGTERM and SIGHUP leave a terminal behind that draws on the alternate screen and
writes an escape sequence for every move of the mouse.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

DEADLY: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""SIGINT only comes from outside: Ctrl+C is a key to the app."""

_WITHIN_S: Final = 8.0


def end_on_signals(end: Callable[[int], None]) -> None:
    """Call a function with the exit code once the process is told to end.

    A terminal that is gone may keep the app from ending, as its writer waits for somebody to read:
    after a few seconds the process ends as it is. Everything that matters is stored by then.
    """
    loop = asyncio.get_running_loop()

    def caught(number: int) -> None:
        code = 128 + number
        last = threading.Timer(_WITHIN_S, os._exit, (code,))
        last.daemon = True
        last.start()
        for each in DEADLY:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_IGN)
        end(code)

    for number in DEADLY:
        with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread
            loop.add_signal_handler(number, caught, number)
