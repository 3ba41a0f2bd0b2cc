"""Verified copies of a database: one a day, one before each migration, and the way back.

The file of a live database is never copied as a file: its newest pages are in the write-ahead log.
SQLite's own backup reads through it.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ralex.store.faults import DamagedError, DatabaseKind
from ralex.store.files import FileLock, make_private_file, make_private_folder, sync_folder

KEEP_DAYS = 7
KEEP_BYTES = 1_000_000_000
"""Older copies go before the newest seven days together take more than this."""

_SIDE_FILES = ("", "-wal", "-shm", "-journal")


def folder_of(path: Path) -> Path:
    """Give the folder of a database's backups."""
    return path.parent / "backups"


def back_up_daily(connection: sqlite3.Connection, path: Path, *, today: str) -> Path | None:
    """Copy the database unless that was done today; None if it was, or if another process is at it.

    Args:
        today: ``YYYY-MM-DD``.
    """
    target = folder_of(path) / f"{path.stem}-{today}.db"
    if target.exists():
        return None
    make_private_folder(target.parent)
    lock = FileLock(target.with_name(f".{path.stem}.lock"))
    if not lock.try_acquire():
        return None
    try:
        copy_verified(connection, target)
        _prune(path)
    finally:
        lock.release()
    return target


def copy_verified(connection: sqlite3.Connection, target: Path) -> None:
    """Write a copy that is whole and checked before it has its name.

    Raises:
        DamagedError: If the copy does not pass SQLite's check; the target is left as it was.
        sqlite3.Error, OSError: If it cannot be written.
    """
    make_private_folder(target.parent)
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        make_private_file(draft)
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchone()
            check(copy)
        draft.rename(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def check(connection: sqlite3.Connection, *, is_full: bool = False) -> None:
    """Run SQLite's quick check, or the full one, which compares indexes with their rows as well.

    Raises:
        DamagedError: With what it found, in one line.
    """
    pragma = "integrity_check" if is_full else "quick_check"
    (verdict,) = connection.execute(f"PRAGMA {pragma}(1)").fetchone()
    if verdict != "ok":
        raise DamagedError(" ".join(str(verdict).split()))


def exist(path: Path) -> bool:
    """Tell whether a database has any backup."""
    return bool(_copies(path))


def last_good(path: Path, kind: DatabaseKind) -> Path | None:
    """Find the newest backup that opens, belongs to ralex and passes the check."""
    return next((copy for copy in reversed(_copies(path)) if not fault_of(copy, kind)), None)


def fault_of(path: Path, kind: DatabaseKind) -> str:
    """Say what is wrong with a file, without changing it; empty if it is a sound one of ralex's."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            check(connection)
            (identity,) = connection.execute("PRAGMA application_id").fetchone()
    except (sqlite3.Error, DamagedError) as error:
        return str(error)
    return "" if identity == kind.application_id else "it is a database of another program"


def hide(path: Path) -> None:
    """Rename backups of which none is good, so that they do not speak for a lost database."""
    for copy in _copies(path):
        copy.rename(copy.with_name(f"{copy.name}.bad"))


def set_aside(path: Path) -> Path | None:
    """Move a database and its side files away together; nothing is deleted.

    Returns:
        Where the database is now, or None if there was none.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside: Path | None = None
    for suffix in _SIDE_FILES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            goal = path.with_name(f"{path.name}.damaged-{stamp}{suffix}")
            part.rename(goal)
            aside = aside or goal
    sync_folder(path.parent)
    return aside


def restore(path: Path, backup: Path) -> None:
    """Put a backup in a database's place; the place must be free."""
    make_private_file(path)
    with (
        closing(sqlite3.connect(f"{backup.as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(path, isolation_level=None)) as target,
    ):
        source.backup(target)
    sync_folder(path.parent)


def _copies(path: Path) -> list[Path]:
    """Give the backups of a database, oldest first."""
    return sorted(
        folder_of(path).glob(f"{path.stem}-*.db"), key=lambda copy: copy.stat().st_mtime_ns
    )


def _prune(path: Path) -> None:
    daily = [copy for copy in _copies(path) if "-before-" not in copy.name]
    total = 0
    for age, copy in enumerate(reversed(daily)):
        total += copy.stat().st_size
        if age and (age >= KEEP_DAYS or total > KEEP_BYTES):
            copy.unlink(missing_ok=True)
