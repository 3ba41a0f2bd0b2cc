"""What was not sent when ralex ended without being told to, kept so that the next start has it.

Each screen keeps one small file while something is written or waits, and holds its lock. A file
without a holder was left by a process that was killed or lost its terminal; who finds it takes it.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean
from ralex.tui.past import history_path

LONGEST: Final = 256_000
"""Characters; what is longer is not kept, because it would be written again and again."""
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """What a screen holds that nobody else has.

    Attributes:
        session: The session that was open; empty if nothing was said in it.
        draft: What stands in the prompt.
        waiting: Prompts that wait to be sent, oldest first.
    """

    session: str = ""
    title: str = ""
    draft: str = ""
    waiting: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All that was not sent."""
        return "\n".join(part for part in (*self.waiting, self.draft) if part.strip())


class UnsentFile:
    """One screen's file; every method blocks and is meant for a thread."""

    def __init__(self, home: Path, project: str) -> None:
        name = history_path(home, project).stem
        self._folder = home / "unsent"
        self._pattern = f"{name}.*.json"
        self._path = self._folder / f"{name}.{os.urandom(6).hex()}.json"
        self._handle: int | None = None

    def keep(self, unsent: Unsent) -> None:
        """Write down what is not sent, in the place of what was kept before.

        Raises:
            OSError: If it cannot be written.
        """
        if len(unsent.text) > LONGEST:
            unsent = Unsent(session=unsent.session, title=unsent.title)
        if self._handle is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = os.open(self._path, _FLAGS, 0o600)
            _lock(self._handle)
        data = json.dumps(
            {
                "session": unsent.session,
                "title": unsent.title,
                "draft": unsent.draft,
                "waiting": unsent.waiting,
            }
        ).encode()
        os.pwrite(self._handle, data, 0)
        os.ftruncate(self._handle, len(data))

    def drop(self) -> None:
        """Forget it: the screen ends as the user wanted."""
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def leave(self) -> None:
        """Let go of it: the next screen may take it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def take(self) -> list[Unsent]:
        """Take what screens that are no more left behind, the oldest first.

        Raises:
            OSError: If there is something and it cannot be read.
        """
        found = [(path.stat().st_mtime, path) for path in self._folder.glob(self._pattern)]
        return [unsent for _, path in sorted(found) for unsent in self._take(path)]

    def _take(self, path: Path) -> Iterator[Unsent]:
        if path == self._path:
            return
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if not _lock(handle):
                return
            data = os.pread(handle, 8 * LONGEST, 0)
            path.unlink(missing_ok=True)
        finally:
            os.close(handle)
        with suppress(ValueError, RecursionError, TypeError, AttributeError):
            yield _read(json.loads(data))


def _read(data: object) -> Unsent:
    entry = cast("dict[str, object]", data)
    waiting = entry.get("waiting")
    return Unsent(
        session=clean(str(entry.get("session", ""))),
        title=clean(str(entry.get("title", ""))),
        draft=clean(str(entry.get("draft", ""))),
        waiting=tuple(clean(str(text)) for text in cast("list[object]", waiting or [])),
    )


def _lock(handle: int) -> bool:
    """Take the lock of a file; where a file system has none, its files are taken to be held."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
