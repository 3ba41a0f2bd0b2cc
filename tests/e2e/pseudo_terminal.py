"""The installed command in a real pseudo-terminal, with a screen that can be read.

Nothing here waits for time to pass: every wait is for something to be seen, or for the process to
end.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyte

PATIENCE_S: Final = 60.0
"""When a wait gives up, and the test fails."""

_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
_KEY_REPORTS_ON, _KEY_REPORTS_OFF = re.compile(rb"\x1b\[>[0-9]+u"), re.compile(rb"\x1b\[<[0-9]*u")

LASTING_MODES: Final = {
    1000: "mouse", 1002: "mouse drag", 1003: "mouse moves", 1004: "focus", 1006: "mouse form",
    1015: "mouse form", 1049: "alternate screen", 2004: "bracketed paste", 2048: "resize reports",
}  # fmt: skip
"""What a program may switch on, and must have switched off when it is gone."""


class PseudoTerminal:
    """A program in a terminal of its own; leaving the block kills what is left of it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        columns: int = 120,
        rows: int = 40,
    ) -> None:
        self.raw = bytearray()
        self.code: int | None = None
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            try:
                # A terminal's programs hear Ctrl+C, even if the tests run where it is ignored.
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.chdir(cwd)
                os.execve(command[0], list(command), dict(environment))
            finally:
                os._exit(127)
        self._resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.file)

    @property
    def text(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def written(self) -> str:
        """Everything that was ever written, as text with its control sequences."""
        return self.raw.decode("utf-8", "replace")

    def send(self, text: str) -> None:
        """Type."""
        os.write(self.file, text.encode())

    def wait_for(self, wanted: str, *, gone: bool = False) -> None:
        """Wait until a text is on the screen, or is not on it any more."""
        self.wait_until(lambda: (wanted in self.text) != gone, f"{wanted!r}, gone={gone}")

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            if not self._read(time.monotonic() + 0.05) and time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}; the screen:\n{self.text}")

    def wait_for_end(self) -> int:
        """Wait until the process has ended; give its exit code, or the signal's number negated."""
        deadline = time.monotonic() + PATIENCE_S
        while self.code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.code = os.waitstatus_to_exitcode(status)
                while self._read(time.monotonic() + 0.05):
                    pass
            elif not self._read(time.monotonic() + 0.05):
                assert time.monotonic() < deadline, f"it does not end; the screen:\n{self.text}"
        return self.code

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as dragging a window does."""
        self._resize(columns, rows)
        self.screen.resize(rows, columns)

    @property
    def modes_left_on(self) -> set[str]:
        """Name what was switched on and never off again."""
        on: set[int] = set()
        for numbers, switch in _MODE.findall(bytes(self.raw)):
            for number in map(int, numbers.split(b";")):
                if switch == b"h":
                    on.add(number)
                else:
                    on.discard(number)
        left = {name for number, name in LASTING_MODES.items() if number in on}
        if b"\x1b[?25l" in self.raw and self.raw.rfind(b"\x1b[?25l") > self.raw.rfind(b"\x1b[?25h"):
            left.add("hidden cursor")
        raw = bytes(self.raw)
        if len(_KEY_REPORTS_ON.findall(raw)) > len(_KEY_REPORTS_OFF.findall(raw)):
            left.add("key reports")
        return left

    @property
    def line_settings(self) -> tuple[int, int, int, int]:
        """The terminal driver's flags: echo, line editing, signals."""
        flags = termios.tcgetattr(self.file)
        return flags[0], flags[1], flags[2], flags[3]

    def _read(self, deadline: float) -> bool:
        """Read what there is; False if nothing came in time or nothing can come any more."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.file], [], [], left)[0]:
            return False
        try:
            data = os.read(self.file, 65_536)
        except OSError:  # the other side is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def _resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


RALEX: Final = str(Path(sys.executable).with_name("ralex"))
"""The installed command."""
