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
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Self, TypeVar, cast

import aiosqlite

from ralex.errors import RalexError
from ralex.store import backups
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
from ralex.store.opening import (
    Opened,
    Opening,
    Recover,
    Work,
    check_all,
    dead_owners_in,
    has_other_owners,
    in_transaction,
    note_damage,
    take_checkpoints,
    unregister,
)

T = TypeVar("T")

_LOG = logging.getLogger(__name__)


_FAREWELL_S = 2.0
"""How long closing waits for other processes; a row left behind is cleared by the next opening."""


class Database:
    """An open database of one kind; close it with ``aclose``.

    Attributes:
        path: The file.
        owner: This opening, as other processes see it.
        notices: What the user should know about how it was opened.
    """

    def __init__(self, path: Path, kind: DatabaseKind, worker: "_Worker", opened: "Opened") -> None:
        self.path = path
        self.owner = opened.owner
        self.notices = opened.notices
        self._kind = kind
        self._worker = worker
        self._checkpointing = opened.checkpointing
        self._is_durable = True
        self._writes = 0
        self._ballast = Ballast(path.parent)
        self._file = _identity(path)

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
            opening = Opening(path, kind, recover)
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
        return await self._run(partial(in_transaction, work, "BEGIN"))

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
            LedgerUnavailableError, StoreUnreadableError: By kind, if SQLite fails, or if another
                file is in the place of the one that was opened.
        """
        self._writes += 1
        wanted = self._kind.is_durable if is_durable is None else is_durable
        # A bill is better kept in a file that somebody set aside than nowhere.
        may_be_aside = is_owed and self._kind.is_irreplaceable
        if not may_be_aside and not self._is_in_place:
            raise self._kind.error(
                f"{self._kind.title} {self.path} was removed or replaced while it was in use",
                hint="end this ralex and start it again; nothing more is written to the old file",
            )
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
        return await self.read(lambda connection: [one.id for one in dead_owners_in(connection)])

    async def is_open_elsewhere(self) -> bool:
        """Tell whether another living process, or another opening in this one, has it open."""
        return await self.read(partial(has_other_owners, owner_id=self.owner.id))

    async def back_up(self, *, today: str) -> Path | None:
        """Make the day's backup unless there is one; None if there is."""
        if not self._is_in_place:
            return None
        work = partial(backups.back_up_daily, path=self.path, today=today)
        return await self._run(work)

    async def check(self) -> None:
        """Look at every page, index and table; slow in a large file.

        Raises:
            LedgerUnavailableError, StoreUnreadableError: By kind, if the file is damaged.
        """
        await self._run(partial(check_all, kind=self._kind))

    async def copy_aside(self, name: str) -> Path:
        """Make a checked copy among the backups under a name of its own, and tell where it is."""
        target = backups.folder_of(self.path) / f"{self.path.stem}-{name}.db"
        await self._run(partial(backups.copy_verified, target=target))
        return target

    async def aclose(self) -> None:
        """Unregister and close; what is committed is safe even if this fails."""
        leave = partial(unregister, self.owner.id)
        try:
            with suppress(RalexError):
                await self._run(
                    partial(in_transaction, leave, "BEGIN IMMEDIATE"), wait_s=_FAREWELL_S
                )
        finally:
            await finish(self._worker.stop_quietly())
            self._checkpointing.release()

    @property
    def _is_in_place(self) -> bool:
        """Tell whether the open file is still the one of this name."""
        return _identity(self.path) == self._file

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
                if is_damaged(error):
                    note_damage(self.path)
                if not is_busy(error) or time.monotonic() >= deadline:
                    raise convert(error, self._kind, self.path) from error
            await _pause()

    def _write(self, work: Work[T], is_durable: bool, connection: sqlite3.Connection) -> T:  # noqa: FBT001 - a bound argument
        if is_durable != self._is_durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")
            self._is_durable = is_durable
        if self._writes % 256 == 0 and not self._checkpointing.is_held:
            take_checkpoints(connection, self._checkpointing)
        return in_transaction(work, "BEGIN IMMEDIATE", connection)


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell one file from another of the same name; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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


async def _pause() -> None:
    await asyncio.sleep(random.uniform(0.002, 0.04))  # noqa: S311 - spreads out waiting processes
