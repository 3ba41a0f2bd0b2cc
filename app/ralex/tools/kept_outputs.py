"""How much of the outputs that were kept in files stays; nothing goes for its age alone.

Every session has a folder of its own, and holds a lock on a file in it for as long as it is open;
whoever sweeps leaves such folders alone, also those of another ralex. What was killed holds none.
"""

import asyncio
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ralex.core.records import dataclass

MAX_TOTAL_BYTES = 500 * 1024 * 1024
"""Of all sessions together; the oldest go first."""

MAX_SESSION_BYTES = 250 * 1024 * 1024
"""Of one session, also while it is open: a model that repeats a loud command fills no disk."""

_LOCK = ".open"
_TRIES = 3


class OpenOutputs:
    """The outputs of a session that is open; closing sweeps what nobody needs any more."""

    def __init__(self, root: Path, session_id: str) -> None:
        self._root = root
        self._folder = root / session_id
        self._lock = _shared_lock(self._folder)

    async def aclose(self) -> None:
        """Let go of the session's outputs and remove those of any session that are too many."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        sweep(self._root)


def sweep(root: Path) -> None:
    """Remove the oldest outputs while all are too large together.

    Those of open sessions stay. What cannot be removed stays, too.

    Args:
        root: Holds one folder for each session.
    """
    total = 0
    removable: list[_Output] = []
    for folder in _folders(root):
        outputs = _outputs(folder)
        total += sum(one.size for one in outputs)
        with _closed(folder) as is_closed:
            if is_closed:
                removable += outputs
                _remove_if_empty(folder)
    doomed: dict[Path, list[_Output]] = {}
    for one in sorted(removable, key=lambda one: one.changed_s):
        if total <= MAX_TOTAL_BYTES:
            break
        doomed.setdefault(one.path.parent, []).append(one)
        total -= one.size
    for folder, outputs in doomed.items():
        with _closed(folder) as is_closed:
            if is_closed:
                _remove(outputs)
                _remove_if_empty(folder)


def forget(root: Path, session_id: str) -> None:
    """Remove the outputs of a session that was deleted, and which nobody can have open then."""
    _remove(_outputs(root / session_id))
    _remove_if_empty(root / session_id)


def make_room(folder: Path) -> None:
    """Remove a session's oldest outputs while they are too large together."""
    outputs = sorted(_outputs(folder), key=lambda one: one.changed_s)
    total = sum(one.size for one in outputs)
    for one in outputs:
        if total <= MAX_SESSION_BYTES:
            return
        total -= one.size
        _remove([one])


@dataclass(frozen=True, slots=True)
class _Output:
    path: Path
    size: int
    changed_s: float


def _folders(root: Path) -> list[Path]:
    with suppress(OSError), os.scandir(root) as entries:
        return [Path(one.path) for one in entries if one.is_dir(follow_symlinks=False)]
    return []


def _outputs(folder: Path) -> list[_Output]:
    found: list[_Output] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for one in entries:
            if one.name != _LOCK and one.is_file(follow_symlinks=False):
                facts = one.stat(follow_symlinks=False)
                found.append(_Output(Path(one.path), facts.st_size, facts.st_mtime))
    return found


def _remove(outputs: list[_Output]) -> None:
    for one in outputs:
        with suppress(OSError):
            one.path.unlink()


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        if {one.name for one in folder.iterdir()} <= {_LOCK}:
            (folder / _LOCK).unlink(missing_ok=True)
            folder.rmdir()


def _shared_lock(folder: Path) -> int | None:
    """Lock a session's folder; None where the disk knows no locks or takes no file."""
    with suppress(OSError):
        for _ in range(_TRIES):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            # Whoever sweeps holds it for the time of a few removals, and may remove it as well.
            fcntl.flock(lock, fcntl.LOCK_SH)
            if _is_same(lock, folder / _LOCK):
                return lock
            os.close(lock)
    return None


@contextmanager
def _closed(folder: Path) -> Generator[bool, None, None]:
    """Tell whether nobody has a session open, and keep it so for the time of the block."""
    lock = None
    is_closed = True
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass  # nobody ever opened it
    except OSError:
        is_closed = False
    try:
        yield is_closed
    finally:
        if lock is not None:
            os.close(lock)


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
