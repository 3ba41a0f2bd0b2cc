"""The output of a command: beginning and end for the model, the rest in a file, all bounded."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ralex.core.patterns import lazy_pattern
from ralex.tools.kept_outputs import make_room

MAX_SHOWN_BYTES = 30 * 1024
MAX_KEPT_BYTES = 32 * 1024 * 1024
MAX_COLUMNS = 2000
_HALF = MAX_SHOWN_BYTES // 2
_CONTROL = lazy_pattern(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_OVERSTRUCK = lazy_pattern(r"[^\n\x08]\x08")
_MAX_ODD = 0.3
"""Share of characters that are no text, beyond which an output is not shown."""

_ANSI = lazy_pattern(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|\x1b[@-_]")


class OutputBuffer:
    """Takes bytes as they come.

    Attributes:
        path: Where the whole output goes once it is too long to be shown.
        total: Bytes so far.
        is_closed: The other side has closed its end.
        on_growth: Called after each piece, if set; must be quick.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.total = 0
        self.is_closed = False
        self.on_growth: Callable[[], None] | None = None
        self._head = bytearray()
        self._tail = bytearray()
        self._file: BinaryIO | None = None
        self._kept = 0
        self._cannot_keep = ""

    @property
    def is_spilled(self) -> bool:
        """Tell whether the file holds the output."""
        return self._file is not None and not self._cannot_keep

    def add(self, chunk: bytes) -> None:
        """Take more output."""
        self.total += len(chunk)
        if self.total > MAX_SHOWN_BYTES and self._file is None and not self._cannot_keep:
            self._open()
        room = _HALF - len(self._head)
        self._keep(chunk)
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        self._tail += chunk
        if len(self._tail) > 4 * _HALF:
            del self._tail[:-_HALF]
        if self.on_growth is not None:
            self.on_growth()

    def tail(self, most_bytes: int) -> str:
        """Give the end of what came so far as plain text: whole lines where there are any."""
        data = bytes(self._tail[-most_bytes:])
        if len(data) < most_bytes:
            data = bytes(self._head[len(data) - most_bytes :]) + data
        if self.total > len(data):
            data = data[data.find(b"\n") + 1 :] or data
        return clean(_decode(data, is_cut=True))

    def close(self) -> None:
        """Close the file; its last line says so if it is not complete."""
        if self._file is None:
            return
        try:
            if self.total > self._kept:
                missing = self.total - self._kept
                ending = bytes(self._tail[-min(_HALF, missing) :])
                self._file.write(b"\n[%d bytes left out here]\n" % (missing - len(ending)))
                self._file.write(ending)
            self._file.close()
        except OSError as error:
            self._cannot_keep = error.strerror or str(error)

    def text(self) -> str:
        """Give what the model is shown: all of it, or its beginning and end with a note between."""
        head, tail = bytes(self._head), bytes(self._tail[-_HALF:])
        if is_binary(head + tail):
            where = f"; all of it in {self.path}" if self.is_spilled else ""
            return f"(binary output, {self.total:,} bytes{where})"
        if self.total <= MAX_SHOWN_BYTES:
            return clean(_decode(bytes(self._head + self._tail)))
        # Whole lines are shown where there are any; a lone huge line is cut where it is.
        head = head[: head.rfind(b"\n") + 1] or head
        tail = tail[tail.find(b"\n") + 1 :] or tail
        left_out = self.total - len(head) - len(tail)
        where = f"whole output in {self.path}" if self.is_spilled else "not kept"
        return (
            f"{clean(_decode(head, is_cut=True))}\n"
            f"[… {left_out:,} bytes left out; {where} …]\n"
            f"{clean(_decode(tail))}"
        )

    def _open(self) -> None:
        try:
            self._file = private_file(self.path)
            self._file.write(self._head + self._tail)
            self._kept = len(self._head) + len(self._tail)
        except OSError as error:
            self._cannot_keep = error.strerror or str(error)

    def _keep(self, chunk: bytes) -> None:
        if self._file is None or self._cannot_keep or self._kept >= MAX_KEPT_BYTES:
            return
        try:
            self._file.write(chunk)
            self._kept += len(chunk)
        except OSError as error:
            self._cannot_keep = error.strerror or str(error)


def private_file(path: Path) -> BinaryIO:
    """Make a file that nobody else may read: what is printed may hold anything.

    Raises:
        OSError: If it cannot be made, or is there already.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    make_room(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def clean(text: str) -> str:
    """Make terminal output plain.

    Escape sequences and what is struck over go, overwritten lines are as last seen, other control
    characters become replacement characters, long lines are cut.
    """
    text = _ANSI.sub("", text)
    if "\b" in text:
        text = _OVERSTRUCK.sub("", text)
    lines = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n")).split("\n")
    return "\n".join(_line(line) for line in lines)


def _line(line: str) -> str:
    line = line.rstrip("\r").rsplit("\r", 1)[-1]
    if len(line) <= MAX_COLUMNS:
        return line
    return f"{line[:MAX_COLUMNS]}… ({len(line) - MAX_COLUMNS:,} more characters)"


def is_binary(data: bytes) -> bool:
    """Tell whether some bytes are no text; a few odd ones in a text are no matter."""
    text = _ANSI.sub("", data.decode("utf-8", "replace"))
    odd = text.count("\ufffd") + len(_CONTROL.findall(text))
    return odd > _MAX_ODD * len(text) and odd > 8


def _decode(data: bytes, *, is_cut: bool = False) -> str:
    """Read UTF-8 with replacement characters, but none for a character cut at either end."""
    start = 0
    while start < min(3, len(data)) and 0x80 <= data[start] < 0xC0:
        start += 1
    text = data[start:].decode("utf-8", "replace")
    return text.rstrip("\ufffd") if is_cut else text
