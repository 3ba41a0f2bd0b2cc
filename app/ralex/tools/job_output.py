"""What a background command prints: all of it in a file of bounded size, its end always there."""

import os
from pathlib import Path

from ralex.tools.kept_outputs import make_room
from ralex.tools.output import clean, is_binary

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_TAIL_BYTES = 10 * 1024
_KEPT_BYTES = MAX_FILE_BYTES // 2


class JobOutput:
    """A file that takes bytes as they come; beyond 16 MB its older half is dropped.

    The file is written without a buffer, so that whoever greps it sees what was printed so far.

    Raises:
        OSError: If the file cannot be made.

    Attributes:
        path: The file.
        total: Bytes so far.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        make_room(path.parent)
        self.path = path
        self.total = 0
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._size = 0
        self._tail = bytearray()
        self._looked_at = 0

    def add(self, chunk: bytes) -> None:
        """Take more output; what a full disk does not take is still seen at the end."""
        self.total += len(chunk)
        self._tail += chunk
        if len(self._tail) > 4 * MAX_TAIL_BYTES:
            del self._tail[:-MAX_TAIL_BYTES]
        try:
            if self._size + len(chunk) > MAX_FILE_BYTES:
                self._drop_older_half()
            self._size += os.write(self._descriptor, chunk)
        except OSError:
            return

    def tail(self, most_bytes: int = MAX_TAIL_BYTES) -> str:
        """Give the last lines as plain text."""
        return _shown(bytes(self._tail[-most_bytes:]), self.total > most_bytes)

    def news(self) -> str:
        """Give the last lines that came since this was asked before, as plain text."""
        fresh = min(self.total - self._looked_at, MAX_TAIL_BYTES)
        is_cut = self.total - self._looked_at > MAX_TAIL_BYTES
        self._looked_at = self.total
        return _shown(bytes(self._tail[-fresh:]), is_cut) if fresh else ""

    def close(self) -> None:
        """Close the file; it stays, for as long as the session's other outputs."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _drop_older_half(self) -> None:
        kept = os.pread(self._descriptor, _KEPT_BYTES, self._size - _KEPT_BYTES)
        note = b"[%d bytes left out here]\n" % (self.total - len(kept))
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, note + kept)
        self._size = len(note) + len(kept)


def _shown(data: bytes, is_cut: bool) -> str:  # noqa: FBT001 - private and plain
    if is_binary(data):
        return f"(binary output, {len(data):,} bytes of it here)"
    if is_cut:  # begin with a whole line where there is one
        data = data[data.find(b"\n") + 1 :] or data
    return clean(data.decode("utf-8", "replace")).rstrip("\n")
