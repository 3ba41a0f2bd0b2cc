"""One SQLite file: opened with the right settings, checked, migrated, and used by transactions.

A transaction is one function that runs from BEGIN to COMMIT on the connection's own thread. So it
never waits for the event loop while it holds the write lock, and a cancelled caller cannot leave it
half done. Waiting for another process happens in the event loop, in short random pauses: SQLite's
own waiting is unfair, and it could not be interrupted.
"""

import asyncio
import logging
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias, TypeVar, cast

import aiosqlite

from ralex.errors import RalexError
from ralex.store import backups, schema
from ralex.store.ballast import Ballast
from ralex.store.faults import (
    BUSY_TIMEOUT_S,
    DamagedError,
    DatabaseKind,
    OpeningLockedError,
    convert,
    is_busy,
    is_damaged,
    is_full,
)
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

_FAREWELL_S = 2.0
"""How long closing waits for other processes; a row left behind is cleared by the next opening."""

_JOURNAL_LIMIT_BYTES = 16_000_000
_CHECKPOINT_PAGES = 1000
_CHECK_ALWAYS_BYTES = 64_000_000
"""After a killed process a larger file is checked only if the machine went down as well: without
that the page cache is whole, and so is the file."""

_SAFE_CHECKPOINTS = (3, 51, 3)
"""Before this SQLite, writes and checkpoints of several processes could race and damage the file
(the "WAL-reset bug", sqlite.org/wal.html); there one process at a time does the checkpoints."""


class Database:
    """An open database of one kind; close it with ``aclose``.

    Attributes:
        path: The file.
        owner: This opening, as other processes see it.
        notices: What the user should know about how it was opened.
    """

    def __init__(
        self, path: Path, kind: DatabaseKind, worker: "_Worker", opened: "_Opened"
    ) -> None:
        self.path = path
        self.owner = opened.owner
        self.notices = opened.notices
        self._kind = kind
        self._worker = worker
        self._checkpointing = opened.checkpointing
        self._is_durable = True
        self._writes = 0
        self._ballast = Ballast(path.parent)

    @classmethod
    async def open(cls, path: Path, kind: DatabaseKind, *, recover: Recover | None = None) -> Self:
        """Open, check, migrate and register with the other processes.

        Args:
            recover: Called in a transaction with the ids of owners that died.

        Raises:
            SchemaTooNewError: If a newer ralex wrote the file.
            LedgerUnavailableError, StoreUnreadableError: By kind, for everything else.
        """
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            opening = _Opening(path, kind, recover)
            worker = _Worker(opening.connect)
            try:
                await finish(worker.start())
            except (sqlite3.Error, OSError, DamagedError, OpeningLockedError) as error:
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise convert(error, kind, path) from error
            except asyncio.CancelledError:
                opening.release()
                await finish(worker.stop_quietly())
                raise
            else:
                return cls(path, kind, worker, opening.result)
            await _pause()

    async def read(self, work: Work[T]) -> T:
        """Run a function that only reads, all of it on one snapshot."""
        return await self._run(partial(_in_transaction, work, "BEGIN"))

    async def write(
        self, work: Work[T], *, is_durable: bool | None = None, is_owed: bool = False
    ) -> T:
        """Run a function in one transaction, committed on return.

        A cancelled caller waits until the transaction has ended, either way, and cannot tell which:
        who needs to know names its rows beforehand.

        Args:
            work: May run more than once; each time all or nothing of it is kept.
            is_durable: The commit is on the disk before this returns; None is the kind's default.
            is_owed: It must be written even if the disk is full, so the ballast may go for it.

        Raises:
            LedgerUnavailableError, StoreUnreadableError: By kind, if SQLite fails.
        """
        self._writes += 1
        wanted = self._kind.is_durable if is_durable is None else is_durable
        return await self._run(partial(self._write, work, wanted), is_owed=is_owed)

    def keep_room(self) -> None:
        """See to it that there is room for what a new call will owe.

        Raises:
            LedgerUnavailableError, StoreUnreadableError: By kind, if the disk is too full.
        """
        try:
            self._ballast.ensure()
        except OSError as error:
            raise convert(error, self._kind, self.path) from error

    async def dead_owners(self) -> list[str]:
        """Find owners registered here whose process is gone."""
        return await self.read(lambda connection: [one.id for one in _dead_owners(connection)])

    async def back_up(self, *, today: str) -> Path | None:
        """Make the day's backup unless there is one; None if there is."""
        work = partial(backups.back_up_daily, path=self.path, today=today)
        return await self._run(work)

    async def aclose(self) -> None:
        """Unregister and close; what is committed is safe even if this fails."""
        unregister = partial(_unregister, self.owner.id)
        try:
            with suppress(RalexError):
                await self._run(
                    partial(_in_transaction, unregister, "BEGIN IMMEDIATE"), wait_s=_FAREWELL_S
                )
        finally:
            await finish(self._worker.stop_quietly())
            self._checkpointing.release()

    async def _run(
        self, work: Work[T], *, wait_s: float = BUSY_TIMEOUT_S, is_owed: bool = False
    ) -> T:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                return await finish(self._worker.run(work))
            except (sqlite3.Error, OSError, DamagedError) as error:
                if is_owed and is_full(error, self.path) and self._ballast.drop():
                    _LOG.warning("%s: the disk is full, the ballast is gone", self.path)
                    continue
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise convert(error, self._kind, self.path) from error
            await _pause()

    def _write(self, work: Work[T], is_durable: bool, connection: sqlite3.Connection) -> T:  # noqa: FBT001 - a bound argument
        if is_durable != self._is_durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
            self._is_durable = is_durable
        if self._writes % 256 == 0 and not self._checkpointing.is_held:
            _take_checkpoints(connection, self._checkpointing)
        return _in_transaction(work, "BEGIN IMMEDIATE", connection)


async def finish(work: Coroutine[object, object, T]) -> T:
    """Await work that must not stop half way.

    A cancellation meanwhile is raised once the work has ended.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: BLE001 - raised again from the task below
            break
    if cancelled is not None:
        if (failure := task.exception()) is not None:
            raise cancelled from failure
        raise cancelled
    return task.result()


def storable(text: str) -> str:
    """Make text that SQLite takes: what has no UTF-8 form, as in odd file names, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def storable_number(number: int) -> int:
    """Make a whole number that SQLite takes: one beyond 64 bits is cut."""
    return max(-(2**63), min(number, 2**63 - 1))


class _Worker(aiosqlite.Connection):
    """A connection whose thread also takes whole functions, not single statements only."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(self._connect_safely, iter_chunk_size=64)
        thread: object = getattr(self, "_thread", self)  # aiosqlite 0.21 is the thread itself
        if isinstance(thread, threading.Thread):
            # A program that dies without closing must not wait for this thread for ever; what is
            # committed is safe, and what is not was never promised.
            thread.daemon = True
        self._connect_here = connect
        self._failure: Exception | None = None

    async def start(self) -> None:
        await self
        if self._failure is not None:
            await self.stop_quietly()
            raise self._failure

    def _connect_safely(self) -> sqlite3.Connection:
        """Connect, or keep the failure for later.

        After a connector that raises, aiosqlite ends its thread without waiting for it; the thread
        may then outlive the event loop it reports to.
        """
        try:
            return self._connect_here()
        except Exception as error:  # noqa: BLE001 - raised again by start
            self._failure = error
            return sqlite3.connect(":memory:")

    async def run(self, work: Work[T]) -> T:
        if self._connection is None:
            raise sqlite3.ProgrammingError("it is closed")
        outcome: object = await self._execute(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped in aiosqlite
            work, self._connection
        )
        return cast("T", outcome)

    async def stop_quietly(self) -> None:
        try:
            await self.close()
        except sqlite3.Error as error:
            _LOG.warning("closing a database failed: %s", error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    owner: Owner
    checkpointing: FileLock
    notices: tuple[str, ...]


class _Opening:
    """Everything that happens on the connection's thread before anyone may use it.

    A lock file lets one process at a time create, check, migrate or restore. Its note says that the
    database existed once, so that a file that vanished is not mistaken for a first start.
    """

    def __init__(self, path: Path, kind: DatabaseKind, recover: Recover | None) -> None:
        self._path = path
        self._kind = kind
        self._recover = recover
        self._notices: list[str] = []
        self._checkpointing = FileLock(path.with_name(f"{path.name}.checkpoint"))
        self.result: _Opened

    def release(self) -> None:
        """Give back what an opening that nobody waits for any more has taken."""
        self._checkpointing.release()

    def connect(self) -> sqlite3.Connection:
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
        is_empty = not self._path.exists() or self._path.stat().st_size == 0
        if is_empty and (existed or backups.exist(self._path)) and self._kind.is_irreplaceable:
            raise DamagedError("it was here before and now it is missing or empty")
        try:
            if existed and self._path.exists() and is_empty:
                raise DamagedError("it is empty")
            connection = self._prepare()
        except (sqlite3.Error, DamagedError) as error:
            if self._kind.is_irreplaceable or not is_damaged(error):
                raise
            self._restore(error)
            connection = self._prepare()
        if not existed:
            lock.leave_note("created\n")
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
            _take_checkpoints(connection, self._checkpointing)
            owner = self._register(connection)
        except BaseException:
            self._checkpointing.release()
            connection.close()
            raise
        self.result = _Opened(
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
        dead = _dead_owners(connection)
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

        _in_transaction(work, "BEGIN IMMEDIATE", connection)
        return owner

    def _restore(self, error: Exception) -> None:
        aside = backups.set_aside(self._path)
        backup = backups.last_good(self._path, self._kind)
        if backup is not None:
            backups.restore(self._path, backup)
        source = f"the backup {backup.name} is in its place" if backup else "a new one was made"
        self._notices.append(
            f"{self._kind.title} was damaged ({error}); {source}, the damaged file is {aside}"
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


def _take_checkpoints(connection: sqlite3.Connection, checkpointing: FileLock) -> None:
    """Let this connection do automatic checkpoints, or leave them to the process that does."""
    may = sqlite3.sqlite_version_info >= _SAFE_CHECKPOINTS or checkpointing.try_acquire()
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES if may else 0}").fetchone()


def _in_transaction(work: Work[T], begin: str, connection: sqlite3.Connection) -> T:
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


def _dead_owners(connection: sqlite3.Connection) -> list[Owner]:
    rows: list[tuple[str, int, str, str, str]] = connection.execute(
        "SELECT id, pid, started, boot, namespace FROM owner"
    ).fetchall()
    owners = [
        Owner(id=one, pid=pid, started=started, boot=boot, namespace=namespace)
        for one, pid, started, boot, namespace in rows
    ]
    return [owner for owner in owners if not is_alive(owner)]


def _unregister(owner_id: str, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM owner WHERE id = ?", (owner_id,))


async def _pause() -> None:
    await asyncio.sleep(random.uniform(0.002, 0.04))  # noqa: S311 - spreads out waiting processes
