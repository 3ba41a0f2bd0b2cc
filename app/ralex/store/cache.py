"""Whole answers, kept for a while by a digest of their question.

Nothing here is worth a failed call: what cannot be read is no answer, what cannot be written is
left out, and a damaged file is dropped and made anew.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ralex.errors import RalexError, StoreUnreadableError
from ralex.store import backups
from ralex.store.database import Database, Work
from ralex.store.faults import DatabaseKind, is_damaged
from ralex.store.files import FileLock

T = TypeVar("T")

CACHE = DatabaseKind(
    name="cache",
    title="the cache of answers",
    application_id=0x52584348,
    is_durable=False,
    is_irreplaceable=False,
    error=StoreUnreadableError,
    repair_hint="it is dropped and made anew",
)

_PATIENCE_S = 2.0
"""A call does not wait longer than this for its cache, such as while others write."""

_TOUCH_AFTER_S = 60.0
"""An answer used again so soon keeps its place in the queue for eviction."""

_CLOCK_SLACK_S = 60.0
"""Answers from further in the future were stored under a wrong clock, and would never grow old."""

_LOG = logging.getLogger(__name__)


class SqliteResponseCache:
    """Answers in a SQLite file; any number of processes may have it open.

    Opened with the first use. No method fails; the log says what went wrong.

    Args:
        ttl_s: How long an answer is good, in seconds.
        max_bytes: What the answers may take together; those unused for longest go first.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        ttl_s: float,
        max_bytes: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._now = now
        self._database: Database | None = None
        self._opening = asyncio.Lock()
        self._is_off = False

    async def get(self, key: str) -> str | None:
        """Give the answer to a question if there is one that is still good."""
        now_s = self._now()

        def read(connection: sqlite3.Connection) -> tuple[str, float] | None:
            row: tuple[str, float, float] | None = connection.execute(
                "SELECT answer, used_s, made_s FROM answer WHERE key = ?", (key,)
            ).fetchone()
            if row is None or not -_CLOCK_SLACK_S <= now_s - row[2] < self._ttl_s:
                return None
            return row[0], row[1]

        def touch(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE answer SET used_s = ? WHERE key = ?", (now_s, key))

        found = await self._do(read, writes=False)
        if found is None:
            return None
        answer, used_s = found
        if now_s - used_s >= _TOUCH_AFTER_S:
            await self._do(touch, writes=True)
        return answer

    async def put(self, key: str, answer: str) -> None:
        """Keep an answer; what is too old goes, then what was unused for longest."""
        size = len(answer.encode("utf-8", "replace"))
        if size > self._max_bytes:
            return

        def write(connection: sqlite3.Connection) -> None:
            now_s = self._now()  # others may have written while this transaction had to wait
            connection.execute(
                "DELETE FROM answer WHERE key = ? OR made_s <= ? OR made_s > ?",
                (key, now_s - self._ttl_s, now_s + _CLOCK_SLACK_S),
            )
            connection.execute(
                "INSERT INTO answer (key, made_s, used_s, bytes, answer) VALUES (?, ?, ?, ?, ?)",
                (key, now_s, now_s, size, answer),
            )
            _evict(connection, self._max_bytes)

        await self._do(write, writes=True)

    async def aclose(self) -> None:
        """Close the file."""
        database, self._database = self._database, None
        if database is not None:
            with suppress(RalexError):
                await database.aclose()

    async def _do(self, work: Work[T], *, writes: bool) -> T | None:
        """Run work on the file; None if that is not possible, now or for good."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._run(work, writes=writes)
        except TimeoutError:
            _LOG.info("the cache of answers was busy and is passed over")
        except StoreUnreadableError as error:
            _LOG.warning("%s", error)
            cause = error.__cause__
            if isinstance(cause, Exception) and is_damaged(cause):
                await self._start_anew()
            else:
                self._is_off = True
        except RalexError as error:
            _LOG.warning("the cache of answers is not used: %s", error)
            self._is_off = True
        return None

    async def _run(self, work: Work[T], *, writes: bool) -> T | None:
        async with self._opening:
            if self._is_off:
                return None
            if self._database is None:
                self._database = await Database.open(self._path, CACHE)
                await asyncio.to_thread(_delete_leftovers, self._path)
            database = self._database
        return await (database.write(work) if writes else database.read(work))

    async def _start_anew(self) -> None:
        """Drop the damaged file; the next use makes a new one."""
        await self.aclose()
        try:
            await asyncio.to_thread(_drop, self._path)
        except OSError as error:
            _LOG.warning("the damaged cache of answers cannot be dropped: %s", error)
            self._is_off = True


def _evict(connection: sqlite3.Connection, max_bytes: int) -> None:
    """Delete what was unused for longest until the rest fits."""
    (total,) = connection.execute("SELECT bytes FROM total").fetchone()
    while total > max_bytes:
        oldest: tuple[str, int] = connection.execute(
            "SELECT key, bytes FROM answer ORDER BY used_s, rowid LIMIT 1"
        ).fetchone()
        connection.execute("DELETE FROM answer WHERE key = ?", (oldest[0],))
        total -= oldest[1]


def _drop(path: Path) -> None:
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    if not lock.try_acquire():
        return  # another process is at it
    try:
        backups.set_aside(path)
        _delete_leftovers(path)
    finally:
        lock.release()


def _delete_leftovers(path: Path) -> None:
    """Delete what opening set aside: a damaged cache is worth nothing, and holds answers."""
    for leftover in path.parent.glob(f"{path.name}.damaged-*"):
        leftover.unlink(missing_ok=True)
