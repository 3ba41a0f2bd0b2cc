import asyncio
import os
import pty
import signal
import sys
import termios
from collections.abc import Iterator
from typing import ClassVar

import pytest
from textual.app import App
from textual.events import Key, Resize
from textual.message import Message
from typing_extensions import override

from ralex.tui.terminal import TerminalDriver


class Heard(TerminalDriver):
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


class Sized(App[None]):
    """Keeps the sizes it is told, instead of drawing."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int]] = []
        self.has_heard_all = asyncio.Event()

    @override
    def post_message(self, message: Message) -> bool:
        if isinstance(message, Resize):
            self.sizes.append((message.size.width, message.size.height))
            if len(self.sizes) == 3:
                self.has_heard_all.set()
        return True

    @override
    async def _post_message(self, message: Message) -> bool:
        return self.post_message(message)


class Resized(TerminalDriver):
    """A terminal that changes its size again while it is asked for its size."""

    seen: ClassVar[list[tuple[int, int]]]

    @override
    def _get_terminal_size(self) -> tuple[int, int]:
        size = self.seen.pop(0)
        if len(self.seen) == 1:
            os.kill(os.getpid(), signal.SIGWINCH)
        return size


@pytest.mark.usefixtures("keyboard")
async def test_of_two_sizes_the_last_one_is_told_last(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [(80, 24), (79, 34), (100, 30)]
    monkeypatch.setattr(Resized, "seen", [*sizes], raising=False)
    app = Sized()
    driver = Resized(app)
    driver.start_application_mode()
    try:
        os.kill(os.getpid(), signal.SIGWINCH)
        async with asyncio.timeout(30):
            await app.has_heard_all.wait()
    finally:
        driver.stop_application_mode()
        driver.close()
    assert app.sizes == sizes
