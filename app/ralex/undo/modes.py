"""What files' permissions were, since an index knows of them only whether a file may be executed.

Nearly all files of a project have the same two modes, one for those that may be executed. So only
the others are remembered by name. Git tells what to look at again: a change of mode is a change of
one of a file's times. It compares whole seconds, so files changed within the last one are looked at
again in any case.
"""

import os
import stat
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_PERMISSIONS = 0o7777
_FRESH_S = 2.0
_HEAD = "ralex modes 1"


class Modes:
    """The permissions of a project's files at the last look.

    Args:
        root: Folder that paths are relative to.
        file: Where they are kept between sessions, beside the index that they belong to.
    """

    def __init__(self, root: Path, file: Path) -> None:
        self._above = os.path.join(os.fsencode(root), b"")  # noqa: PTH118 - names as bytes
        self._file = file
        self._usual: dict[bool, int] = {}
        self._odd: dict[bytes, int] = {}
        self._fresh: set[bytes] = set()

    def of(self, path: bytes, *, is_program: bool) -> int | None:
        """Tell a file's permissions at the last look; None if nobody looked."""
        return self._odd.get(path, self._usual.get(is_program))

    def scan(self, paths: Iterable[bytes]) -> dict[bytes, int]:
        """Read the permissions of many files, for ``take``; may run beside the other methods."""
        found: dict[bytes, int] = {}
        fresh_from = time.time() - _FRESH_S
        for path in paths:
            try:
                facts = os.lstat(self._above + path)
            except OSError:
                continue
            mode = facts.st_mode
            if stat.S_ISREG(mode):
                found[path] = mode & _PERMISSIONS
                if facts.st_ctime > fresh_from:
                    self._fresh.add(path)
        return found

    def take(self, scanned: dict[bytes, int]) -> None:
        """Take what all files have, and find out what is usual."""
        found = scanned | self._odd
        counts = Counter((bool(mode & stat.S_IXUSR), mode) for mode in found.values())
        self._usual = {}
        for (is_program, mode), _ in counts.most_common():
            self._usual.setdefault(is_program, mode)
        self._odd = {path: mode for path, mode in found.items() if self._is_odd(mode)}

    def look_at(self, path: bytes) -> None:
        """Take the permissions of a file that may have changed, or is gone."""
        mode = self._mode(path)
        if mode is not None and self._is_odd(mode):
            self._odd[path] = mode
        else:
            self._odd.pop(path, None)

    def changed_at_once(self) -> dict[bytes, int]:
        """Find files whose permissions changed within a second of the last look, and what was."""
        found: dict[bytes, int] = {}
        fresh, self._fresh = self._fresh, set()
        for path in fresh:
            mode = self._mode(path)
            before = None if mode is None else self.of(path, is_program=bool(mode & stat.S_IXUSR))
            if before is not None and before != mode:
                found[path] = before
        return found

    def load(self, index: Path) -> bool:
        """Read what was kept with an index; False if nothing was, and all must be looked at."""
        try:
            head, *rows = self._file.read_bytes().split(b"\0")
            if head.decode() != _head(index):
                return False
            usual, *odd = [(int(mode, 8), path) for mode, _, path in _split(rows)]
        except (OSError, ValueError):
            return False
        self._usual = {False: usual[0], True: int(usual[1], 8)}
        self._odd = {path: mode for mode, path in odd}
        return True

    def save(self, index: Path) -> None:
        """Keep them for the next session that begins with this index.

        Raises:
            OSError: If they cannot be written.
        """
        usual = b"%o %o" % (self._usual.get(False, 0o644), self._usual.get(True, 0o755))
        rows = [usual, *(b"%o %s" % (mode, path) for path, mode in self._odd.items())]
        temporary = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        temporary.write_bytes(b"\0".join([_head(index).encode(), *rows]))
        temporary.replace(self._file)

    def _mode(self, path: bytes) -> int | None:
        return self.scan((path,)).get(path)

    def _is_odd(self, mode: int) -> bool:
        return self._usual.get(bool(mode & stat.S_IXUSR)) != mode


def _head(index: Path) -> str:
    """Name an index file as it is now: another in its place has other permissions."""
    facts = index.stat()
    return f"{_HEAD} {facts.st_ino} {facts.st_mtime_ns} {facts.st_size}"


def _split(rows: Iterable[bytes]) -> Iterable[tuple[bytes, bytes, bytes]]:
    return (row.partition(b" ") for row in rows)
