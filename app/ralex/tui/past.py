"""Prompts of a project on disk, to be sent again: one JSON line each, bounded, its owner's only.

Several processes append to one file. Each takes the file's lock for the moment of writing, and
writes whole lines at its end; one that cannot get the lock writes all the same, because a line
that is appended in one go does not tear in practice, and a torn one is skipped when read.
"""

import fcntl
import json
import os
import re
import time
from pathlib import Path
from typing import Final, cast

from ralex.core.terminal_text import clean

MOST_ENTRIES: Final = 1_000
MOST_BYTES: Final = 1_000_000
LONGEST_ENTRY: Final = 64_000
"""Characters; a longer prompt is remembered by the running process only."""
_READ_BYTES: Final = 2 * MOST_BYTES
_LOCK_WITHIN_S: Final = 1.0
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def history_path(home: Path, project: str) -> Path:
    """Name the file of a project's prompts."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(project).name)[:40].strip(".-") or "project"
    import hashlib  # noqa: PLC0415 - brings OpenSSL, and the first frame needs neither

    mark = hashlib.sha256(project.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return home / "history" / f"{name}-{mark}.jsonl"


class PastPrompts:
    """One project's prompts; every method blocks and is meant for a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Give the prompts, oldest first, each once where it was sent last.

        Raises:
            OSError: If the file is there and cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                file.seek(max(0, size - _READ_BYTES))
                lines = file.read(_READ_BYTES).split(b"\n")
        except FileNotFoundError:
            return []
        texts = [text for line in lines if (text := _text_of(line)) is not None]
        newest_first = dict.fromkeys(reversed(texts))
        return list(newest_first)[:MOST_ENTRIES][::-1]

    def append(self, text: str) -> None:
        """Add a prompt; the oldest ones go when the file has grown past its bound.

        Raises:
            OSError: If it cannot be written.
        """
        if len(text) > LONGEST_ENTRY:
            return
        line = json.dumps({"at": int(time.time()), "text": text}).encode() + b"\n"
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = self._open_locked()
        try:
            size = os.fstat(handle).st_size
            is_torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
            os.write(handle, b"\n" + line if is_torn else line)
            if size + len(line) > MOST_BYTES:
                self._shorten()
        finally:
            os.close(handle)

    def _open_locked(self) -> int:
        """Open the file that has the name now, locked if that is possible within a second."""
        deadline = time.monotonic() + _LOCK_WITHIN_S
        while True:
            handle = os.open(self._path, _FLAGS, 0o600)
            try:
                while not _locked(handle) and time.monotonic() < deadline:
                    time.sleep(0.01)
                is_current = _is_same(handle, self._path)
            except BaseException:
                os.close(handle)
                raise
            if is_current or time.monotonic() >= deadline:
                return handle
            os.close(handle)

    def _shorten(self) -> None:
        """Keep the newest prompts, half of what may be kept; called with the lock held."""
        kept: list[bytes] = []
        room = MOST_BYTES // 2
        for text in reversed(self.read()[-MOST_ENTRIES // 2 :]):
            line = json.dumps({"at": 0, "text": text}).encode() + b"\n"
            room -= len(line)
            if room < 0:
                break
            kept.append(line)
        new = self._path.with_suffix(f".{os.getpid()}.new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(b"".join(reversed(kept)))
            new.replace(self._path)
        finally:
            new.unlink(missing_ok=True)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _is_same(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _text_of(line: bytes) -> str | None:
    try:
        entry: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    text = cast("dict[str, object]", entry).get("text") if isinstance(entry, dict) else None
    return clean(text) if isinstance(text, str) and text.strip() else None
