import asyncio
import os
import pty
import sys
import termios
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.events import Key
from textual.message import Message
from typing_extensions import override

from ralex.tui.early_keys import EarlyKeysDriver


class Heard(EarlyKeysDriver):
    """Keeps the keys instead of giving them to an app."""

    def __init__(self) -> None:
        super().__init__(App[None]())
        self.keys: list[str] = []
        self.has_heard_all = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    @override
    def process_message(self, message: Message) -> None:
        if isinstance(message, Key):
            self.keys.append(message.key)
            if message.key == "ctrl+j":
                self._loop.call_soon_threadsafe(self.has_heard_all.set)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal that is this process's own; give the side where keys are pressed."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as binary, os.fdopen(os.dup(theirs), "w") as text:
        monkeypatch.setattr(sys, "__stdin__", binary)
        monkeypatch.setattr(sys, "__stderr__", text)
        yield ours
    os.close(ours)


async def test_enter_is_enter_before_and_after_the_terminal_is_taken_over(keyboard: int) -> None:
    os.write(keyboard, b"ab\rc")
    driver = Heard()
    settings = termios.tcgetattr(driver.fileno)
    driver.start_application_mode()
    try:
        os.write(keyboard, b"d\r\n")
        async with asyncio.timeout(30):
            await driver.has_heard_all.wait()
    finally:
        driver.stop_application_mode()
        driver.close()
    assert driver.keys == ["a", "b", "enter", "c", "d", "enter", "ctrl+j"]
    assert termios.tcgetattr(driver.fileno) == settings
