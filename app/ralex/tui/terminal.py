"""The terminal's driver: Textual's, without two ways in which it loses what happened.

**Keys typed early.** Until the app switches the terminal to raw mode, its driver writes a newline
where Enter was pressed. Read later, such a newline is Ctrl+J and would start a new line in the
prompt instead of sending it. Only what lies in the terminal's buffer at the moment of the switch
was written that way, so it is read there, apart from everything that is typed after it.

**Sizes.** A handler of Python's may be interrupted by the next signal: of two changes of size that
come close together, the newer one could be told first, and the older one stayed. The event loop
calls one after the other.
"""

import asyncio
import fcntl
import os
import signal
import struct
import termios
import tty
from typing import Final, TypeAlias, cast

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from typing_extensions import override

Attributes: TypeAlias = list[int | list[bytes | int]]
"""A terminal's settings, in the order of ``termios.tcgetattr``."""

_COUNT_SIZE: Final = struct.calcsize("i")


class TerminalDriver(LinuxDriver):
    """A terminal that understands Enter however early it is pressed, and ends at the last size."""

    @override
    def start_application_mode(self) -> None:
        """Switch to raw mode, and give what was typed before, in order, as keys."""
        before = self._attributes()
        typed = "" if before is None else self._take_typed(before)
        for event in XTermParser().feed(typed):
            self.process_message(event)
        super().start_application_mode()
        if before is not None:
            self.attrs_before = before
        asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, self._tell_size)

    def _tell_size(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def _attributes(self) -> Attributes | None:
        try:
            return termios.tcgetattr(self.fileno)
        except termios.error:  # not a terminal
            return None

    def _take_typed(self, before: Attributes) -> str:
        raw = [*before]
        raw[tty.LFLAG] = cast("int", before[tty.LFLAG]) & ~(termios.ICANON | termios.ECHO)
        raw[tty.IFLAG] = cast("int", before[tty.IFLAG]) & ~termios.ICRNL
        try:
            termios.tcsetattr(self.fileno, termios.TCSANOW, raw)
            reply = fcntl.ioctl(self.fileno, termios.FIONREAD, b"\0" * _COUNT_SIZE)
            count = struct.unpack("i", reply)[0]
            data = os.read(self.fileno, count) if count else b""
        except (termios.error, OSError):
            return ""
        # The end of input (Ctrl+D) lies there as a NUL byte.
        return data.decode("utf-8", "replace").replace("\0", "").replace("\n", "\r")
