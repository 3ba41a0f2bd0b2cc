"""Server-sent events, read the way the specification says and providers bend it.

Lines end at CR LF, LF or a lone CR and nowhere else: U+2028, U+2029 and U+0085 may stand inside
JSON strings. Work is done on bytes, because no line ending hides inside a UTF-8 sequence, so pieces
may be cut anywhere.
"""

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"

LIMIT_BYTES = 32 * 1024 * 1024
"""The longest event that is held in memory; the longest seen from a provider is about 3 MB."""


class SseLimitError(ValueError):
    """A line or an event does not end within the limit."""


class SseEvent(NamedTuple):
    """One event; a tuple, because thousands are made for one reply.

    Attributes:
        data: The ``data:`` lines, joined by newlines.
        name: The ``event:`` line, or empty.
        is_whole: False for an event that the end of the stream cut off before its blank line; it
            may lack a part, so it is believed only if it can be read.
    """

    data: str
    name: str = ""
    is_whole: bool = True


class SseParser:
    """Turns bytes into events; time is linear in the bytes however they are cut.

    Args:
        limit_bytes: The most that is held while waiting for the end of a line or event.
    """

    def __init__(self, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._line_bytes = 0
        self._data_bytes = 0
        self._name = ""
        self._has_started = False
        self._skips_newline = False

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Take the next bytes and give the events they complete.

        Raises:
            SseLimitError: If an event is longer than the limit.
        """
        if not chunk:
            return []
        if self._skips_newline:
            self._skips_newline = False
            if chunk[0] == 0x0A:
                chunk = chunk[1:]
        if b"\r" in chunk:
            self._skips_newline = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        last = lines.pop()
        events: list[SseEvent] = []
        if lines:
            if self._line:
                self._line.append(lines[0])
                lines[0] = b"".join(self._line)
                self._line.clear()
                self._line_bytes = 0
            self._take_lines(lines, events)
        if last:
            self._line.append(last)
            self._line_bytes += len(last)
            self._check_size()
        return events

    def finish(self) -> list[SseEvent]:
        """Give what the end of the stream leaves: at most one event, not known to be whole."""
        events: list[SseEvent] = []
        if self._line:
            line = b"".join(self._line)
            self._line.clear()
            self._take_lines([line], events)
        if self._data:
            events.append(self._event(is_whole=False))
        return events

    def _take_lines(self, lines: list[bytes], events: list[SseEvent]) -> None:
        if not self._has_started:
            self._has_started = True
            lines[0] = lines[0].removeprefix(_BOM)
        for line in lines:
            if line.startswith(b"data:"):
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(value)
                self._data_bytes += len(value) + 1
                self._check_size()
            elif not line:
                if self._data:
                    events.append(self._event(is_whole=True))
                self._name = ""
            elif line.startswith(b"event:"):
                self._name = line[6:].strip().decode("utf-8", "replace")
            elif line == b"data":
                self._data.append(b"")

    def _event(self, *, is_whole: bool) -> SseEvent:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._data_bytes = 0
        return SseEvent(data.decode("utf-8", "replace"), self._name, is_whole)

    def _check_size(self) -> None:
        if self._line_bytes + self._data_bytes > self._limit_bytes:
            raise SseLimitError(f"an event is longer than {self._limit_bytes:,} bytes")
