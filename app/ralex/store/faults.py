"""The kinds of database there are, and the one place where SQLite's errors become ralex's own."""

import errno
import os
import sqlite3
from pathlib import Path

from ralex.core.records import dataclass
from ralex.errors import LedgerUnavailableError, RalexError, StoreUnreadableError

BUSY_TIMEOUT_S = 30.0
"""How long a transaction waits for another process's."""

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseKind:
    """What differs between the ledger and the session store.

    Attributes:
        name: Also the folder of its migrations.
        title: For messages.
        application_id: Stored in the file's header, so that a foreign database is told from ours.
        is_durable: Whether every commit reaches the disk before it returns; otherwise only those
            that ask for it.
        is_irreplaceable: A file that vanished or is empty is an error, not a fresh start.
        error: What a failing database becomes.
        repair_hint: What to do about a damaged or lost file.
    """

    name: str
    title: str
    application_id: int
    is_durable: bool
    is_irreplaceable: bool
    error: type[LedgerUnavailableError | StoreUnreadableError]
    repair_hint: str


LEDGER = DatabaseKind(
    name="ledger",
    title="the ledger",
    application_id=0x52584C47,
    is_durable=True,
    is_irreplaceable=True,
    error=LedgerUnavailableError,
    repair_hint="no paid call is made without it; `ralex budget repair` restores the last backup",
)

SESSIONS = DatabaseKind(
    name="sessions",
    title="the session store",
    application_id=0x52585345,
    is_durable=False,
    is_irreplaceable=False,
    error=StoreUnreadableError,
    repair_hint="the next start sets it aside and restores the last backup",
)


class DamagedError(Exception):
    """The file is no usable database of its kind; found by us rather than by SQLite."""


class OpeningLockedError(Exception):
    """Another process is opening the same database just now."""


def is_busy(error: Exception) -> bool:
    """Tell whether another connection is at work, so that waiting helps."""
    if isinstance(error, OpeningLockedError):
        return True
    return _code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def is_damaged(error: Exception) -> bool:
    """Tell whether the file itself is bad, so that only a backup helps."""
    if isinstance(error, DamagedError):
        return True
    if isinstance(error, sqlite3.OperationalError) and str(error).startswith(_NOT_OUR_SCHEMA):
        return True
    return _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


_NOT_OUR_SCHEMA = ("no such table", "no such column", "integer overflow")
"""What statements of ours say of a file that was tampered with; SQLite has no code for it."""


def is_full(error: Exception, path: Path) -> bool:
    """Tell whether a file cannot be written because its disk is full."""
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return True
    code = _code(error)
    return code == sqlite3.SQLITE_FULL or (
        code == sqlite3.SQLITE_IOERR and _has_no_space(path.parent)
    )


def convert(error: Exception, kind: DatabaseKind, path: Path) -> RalexError:
    """Turn an error of SQLite or of the file system into the kind's own, with advice."""
    if is_busy(error):
        return kind.error(
            f"{kind.title} {path} is locked by another process for {BUSY_TIMEOUT_S:.0f} s",
            hint="end the other ralex process, or wait until it is done",
        )
    if is_damaged(error):
        return kind.error(
            f"{kind.title} {path} is damaged: {error}",
            hint=kind.repair_hint,
        )
    code = _code(error)
    if is_full(error, path):
        return kind.error(
            f"{kind.title} {path} cannot be written: the disk is full",
            hint="free some space and try again; nothing stored so far is lost",
        )
    is_refused = isinstance(error, OSError) or code in {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
    }
    if is_refused:
        return kind.error(
            f"{kind.title} {path} cannot be opened for writing: {error}",
            hint=f"check who owns {path.parent}, or choose another folder with RALEX_HOME",
        )
    return kind.error(
        f"{kind.title} {path} failed: {error}", hint="see `ralex doctor` for the state of the files"
    )


def _has_no_space(folder: Path) -> bool:
    """Tell whether the disk is full; SQLite calls it an I/O error where it is a side file's."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _LEAST_FREE_BYTES


_LEAST_FREE_BYTES = 65_536
"""The shared memory of a write-ahead log grows by 32 kB."""


def _code(error: Exception) -> int | None:
    """Give SQLite's primary result code; an extended one carries it in its low byte."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
