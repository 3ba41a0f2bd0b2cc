"""Everything that happens to a SQLite file before anyone may use it.

It is created or checked, migrated, restored if it can be, and registered with the other processes.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from ralex.core.records import dataclass
from ralex.store import backups, salvage, schema
from ralex.store.faults import DamagedError, DatabaseKind, OpeningLockedError, is_damaged
from ralex.store.files import (
    FileLock,
    make_private_file,
    make_private_folder,
    network_filesystem,
)
from ralex.store.owner import Owner, is_alive, is_of_another_boot, this_process

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]
Recover: TypeAlias = Callable[[sqlite3.Connection, Sequence[str]], None]

_LOG = logging.getLogger(__name__)

_SLICE_MS = 100
"""SQLite's own waiting within one try; short, so that a cancelled caller is soon free."""

_JOURNAL_LIMIT_BYTES = 16_000_000

_CHECKPOINT_PAGES = 1000

_CHECK_ALWAYS_BYTES = 64_000_000
"""After a killed process a larger file is checked only if the machine went down as well: without
that the page cache is whole, and so is the file."""

_SAFE_CHECKPOINTS = (3, 51, 3)
"""Before this SQLite, writes and checkpoints of several processes could race and damage the file
(the "WAL-reset bug", sqlite.org/wal.html); there one process at a time does the checkpoints."""


_CREATED = "created\n"
_SUSPECT = "suspect\n"
"""What the lock file's note says: that there is a database, and that somebody found it damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What came of an opening; ``checkpointing`` may be held, ``notices`` are for the user."""

    owner: Owner
    checkpointing: FileLock
    notices: tuple[str, ...]


class Opening:
    """Everything that happens on the connection's thread before anyone may use it.

    A lock file lets one process at a time create, check, migrate or restore. Its note says that the
    database existed once, so that a file that vanished is not mistaken for a first start, and
    whether somebody met damage in it, which the next opening then looks for.
    """

    def __init__(self, path: Path, kind: DatabaseKind, recover: Recover | None) -> None:
        self._path = path
        self._kind = kind
        self._recover = recover
        self._notices: list[str] = []
        self._is_suspect = False
        self._checkpointing = FileLock(path.with_name(f"{path.name}.checkpoint"))
        self.result: Opened

    def release(self) -> None:
        """Give back what an opening that nobody waits for any more has taken."""
        self._checkpointing.release()

    def connect(self) -> sqlite3.Connection:
        """Open, check, migrate and register; ``result`` is there afterwards.

        Raises:
            OpeningLockedError: If another process is at it.
            DamagedError, sqlite3.Error, OSError: If the file cannot be used.
        """
        make_private_folder(self._path.parent)
        lock = FileLock(self._path.with_name(f"{self._path.name}.lock"))
        if not lock.try_acquire():
            raise OpeningLockedError
        try:
            return self._connect_or_restore(lock)
        finally:
            lock.release()

    def _connect_or_restore(self, lock: FileLock) -> sqlite3.Connection:
        existed = bool(lock.note())
        self._is_suspect = lock.note() == _SUSPECT
        is_empty = not self._path.exists() or self._path.stat().st_size == 0
        if is_empty and (existed or backups.exist(self._path)) and self._kind.is_irreplaceable:
            raise DamagedError("it was here before and now it is missing or empty")
        if not self._path.exists() and backups.exist(self._path):
            self._begin_again()
        try:
            if existed and self._path.exists() and is_empty:
                raise DamagedError("it is empty")
            connection = self._prepare()
        except (sqlite3.Error, DamagedError) as error:
            if self._kind.is_irreplaceable or not is_damaged(error):
                raise
            connection = self._restore(error)
        if lock.note() != _CREATED:
            lock.leave_note(_CREATED)
        return connection

    def _prepare(self) -> sqlite3.Connection:
        make_private_file(self._path)
        connection = sqlite3.connect(
            self._path, timeout=_SLICE_MS / 1000, isolation_level=None, cached_statements=256
        )
        try:
            version = schema.version_of(connection, self._kind, self._path)
            self._set_pragmas(connection)
            self._migrate(connection, version)
            take_checkpoints(connection, self._checkpointing)
            owner = self._register(connection)
        except BaseException:
            self._checkpointing.release()
            connection.close()
            raise
        self.result = Opened(
            owner=owner, checkpointing=self._checkpointing, notices=tuple(self._notices)
        )
        return connection

    def _migrate(self, connection: sqlite3.Connection, version: int) -> None:
        newest = len(schema.migrations_of(self._kind))
        if version == newest:
            return
        if version:
            folder = backups.folder_of(self._path)
            stem = self._path.stem
            backups.copy_verified(connection, folder / f"{stem}-before-schema-{newest}.db")
        schema.migrate(connection, self._kind, from_version=version)

    def _register(self, connection: sqlite3.Connection) -> Owner:
        if self._is_suspect:
            check_all(connection, self._kind)
        dead = dead_owners_in(connection)
        if dead:
            is_small = self._path.stat().st_size <= _CHECK_ALWAYS_BYTES
            if is_small or any(is_of_another_boot(one) for one in dead):
                backups.check(connection)
        owner = this_process()

        def work(connection: sqlite3.Connection) -> None:
            ids = [one.id for one in dead]
            if ids and self._recover is not None:
                self._recover(connection, ids)
            connection.executemany("DELETE FROM owner WHERE id = ?", [(one,) for one in ids])
            connection.execute(
                "INSERT INTO owner (id, pid, started, boot, namespace, opened_s) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (owner.id, owner.pid, owner.started, owner.boot, owner.namespace, time.time()),
            )

        in_transaction(work, "BEGIN IMMEDIATE", connection)
        return owner

    def _restore(self, error: Exception) -> sqlite3.Connection:
        """Put the last good backup in the place of a damaged file, and open that."""
        aside = backups.set_aside(self._path)
        backup = backups.last_good(self._path, self._kind)
        if backup is not None:
            backups.restore(self._path, backup)
        self._is_suspect = False
        connection = self._prepare()
        rescued = 0
        if aside is not None:
            work = partial(salvage.rescue, damaged=aside, kind=self._kind)
            rescued = in_transaction(work, "BEGIN IMMEDIATE", connection)
        source = f"the backup {backup.name} is in its place" if backup else "a new one was made"
        if rescued:
            source += f" with {rescued:,} newer rows that could still be read"
        self._notices.append(
            f"{self._kind.title} was damaged ({error}); {source}, the damaged file is {aside}"
        )
        self.result = replace(self.result, notices=tuple(self._notices))
        _LOG.error("%s", self._notices[-1])
        return connection

    def _begin_again(self) -> None:
        """Say that a file with backups has vanished, and keep what was in its side files.

        It is not restored: somebody may have removed it to be rid of what it says.
        """
        aside = backups.set_aside(self._path)
        kept = f", what was beside it is {aside}" if aside else ""
        self._notices.append(
            f"{self._kind.title} {self._path} is gone and a new one was made{kept}; "
            f"backups of it are in {backups.folder_of(self._path)}"
        )
        _LOG.error("%s", self._notices[-1])

    def _set_pragmas(self, connection: sqlite3.Connection) -> None:
        remote = network_filesystem(self._path.parent)
        if remote:
            self._notices.append(
                f"{self._path.parent} is on a network file system ({remote}): ralex is slower "
                "there and must run on one machine at a time; RALEX_HOME can name a local folder"
            )
        _set_pragmas(connection, journal="DELETE" if remote else "WAL")


def _set_pragmas(connection: sqlite3.Connection, *, journal: str) -> None:
    for pragma in (
        f"journal_mode = {journal}",
        "synchronous = FULL",
        "fullfsync = ON",
        "checkpoint_fullfsync = ON",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        "cell_size_check = ON",
        f"journal_size_limit = {_JOURNAL_LIMIT_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchone()


def check_all(connection: sqlite3.Connection, kind: DatabaseKind) -> None:
    """Read every page, compare indexes with their rows, and look for every table.

    Raises:
        DamagedError: With what it found.
    """
    backups.check(connection, is_full=True)
    schema.check_tables(connection, kind)


def note_damage(path: Path) -> None:
    """Let the next opening look for the damage that somebody met in an open database.

    Damaged pages may lie where an opening never looks.
    """
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    with suppress(OSError):
        if lock.try_acquire():
            lock.leave_note(_SUSPECT)
    lock.release()


def take_checkpoints(connection: sqlite3.Connection, checkpointing: FileLock) -> None:
    """Let this connection do automatic checkpoints, or leave them to the process that does."""
    may = sqlite3.sqlite_version_info >= _SAFE_CHECKPOINTS or checkpointing.try_acquire()
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES if may else 0}").fetchone()


def in_transaction(work: Work[T], begin: str, connection: sqlite3.Connection) -> T:
    """Run work from BEGIN to COMMIT; anything that goes wrong undoes it all."""
    connection.execute(begin)
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself rolls back after some errors, such as a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result


def dead_owners_in(connection: sqlite3.Connection) -> list[Owner]:
    """Find registered owners whose process is gone."""
    rows: list[tuple[str, int, str, str, str]] = connection.execute(
        "SELECT id, pid, started, boot, namespace FROM owner"
    ).fetchall()
    owners = [
        Owner(id=one, pid=pid, started=started, boot=boot, namespace=namespace)
        for one, pid, started, boot, namespace in rows
    ]
    return [owner for owner in owners if not is_alive(owner)]


def has_other_owners(connection: sqlite3.Connection, owner_id: str) -> bool:
    """Tell whether another living opening is registered."""
    dead = {one.id for one in dead_owners_in(connection)}
    others = connection.execute("SELECT id FROM owner WHERE id <> ?", (owner_id,)).fetchall()
    return any(one not in dead for (one,) in others)


def unregister(owner_id: str, connection: sqlite3.Connection) -> None:
    """Take an owner off the register."""
    connection.execute("DELETE FROM owner WHERE id = ?", (owner_id,))
