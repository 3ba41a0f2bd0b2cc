"""Opening, waiting, failing and recovering, for both databases."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from ralex.errors import (
    LedgerUnavailableError,
    RalexError,
    SchemaTooNewError,
    StoreUnreadableError,
)
from ralex.store import database, opening, schema
from ralex.store.database import Database
from ralex.store.faults import LEDGER, SESSIONS, DatabaseKind
from ralex.store.files import FileLock

KINDS = [LEDGER, SESSIONS]
by_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def count_owners(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("SELECT count(*) FROM owner").fetchone()
    return count


def add_owner(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO owner VALUES ('x', 1, '', '', '', 0)")


def pragma(name: str, connection: sqlite3.Connection) -> object:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return value


async def make(path: Path, kind: DatabaseKind) -> None:
    """Create a database and close it again."""
    await (await Database.open(path, kind)).aclose()


@contextmanager
def write_lock(path: Path) -> Generator[sqlite3.Connection, None, None]:
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.rollback()


@by_kind
async def test_the_settings_that_durability_needs_are_on(
    tmp_path: Path, kind: DatabaseKind
) -> None:
    opened = await Database.open(tmp_path / "home" / f"{kind.name}.db", kind)

    settings = {
        name: await opened.read(partial(pragma, name))
        for name in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
    }

    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "trusted_schema": 0,
    }
    await opened.aclose()


async def test_only_writes_that_ask_for_it_are_synced_in_the_session_store(tmp_path: Path) -> None:
    opened = await Database.open(tmp_path / "sessions.db", SESSIONS)

    streamed = await opened.write(partial(pragma, "synchronous"))
    durable = await opened.write(partial(pragma, "synchronous"), is_durable=True)

    assert (streamed, durable) == (1, 2)
    await opened.aclose()


@by_kind
async def test_files_are_their_owners_alone(tmp_path: Path, kind: DatabaseKind) -> None:
    path = tmp_path / "home" / f"{kind.name}.db"
    opened = await Database.open(path, kind)
    await opened.write(lambda connection: connection.execute("DELETE FROM owner").close())

    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in path.parent.iterdir()}

    assert set(modes.values()) == {0o600}
    assert f"{kind.name}.db-wal" in modes
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await opened.aclose()


async def test_rights_that_others_have_on_a_file_are_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await make(path, LEDGER)
    path.chmod(0o644)

    await make(path, LEDGER)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    opened = await Database.open(tmp_path / "ledger.db", LEDGER)

    def half(connection: sqlite3.Connection) -> None:
        add_owner(connection)
        raise KeyError("halfway")

    with pytest.raises(KeyError):
        await opened.write(half)

    assert await opened.read(count_owners) == 1
    await opened.aclose()


async def test_a_cancelled_transaction_is_whole_or_not_there(tmp_path: Path) -> None:
    opened = await Database.open(tmp_path / "ledger.db", LEDGER)
    entered = threading.Event()
    go_on = threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        add_owner(connection)
        entered.set()
        go_on.wait(5)

    task = asyncio.create_task(opened.write(slow))
    await asyncio.to_thread(entered.wait, 5)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await opened.read(count_owners) == 2
    await opened.aclose()


async def test_a_transaction_waits_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    opened = await Database.open(path, LEDGER)
    with write_lock(path):
        waiting = asyncio.create_task(opened.write(add_owner))
        _, pending = await asyncio.wait([waiting], timeout=0.3)
        assert pending

    await waiting

    assert await opened.read(count_owners) == 2
    await opened.aclose()


async def test_waiting_for_a_lock_can_be_cancelled_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    opened = await Database.open(path, LEDGER)
    with write_lock(path):
        waiting = asyncio.create_task(opened.write(add_owner))
        await asyncio.wait([waiting], timeout=0.15)
        started = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        took = time.monotonic() - started

    assert took < 20
    assert await opened.read(count_owners) == 1
    await opened.aclose()


@by_kind
async def test_a_lock_that_stays_is_an_error_with_advice(
    tmp_path: Path, kind: DatabaseKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_FAREWELL_S", 0.2)
    path = tmp_path / f"{kind.name}.db"
    opened = await Database.open(path, kind)
    with write_lock(path):
        with pytest.raises(kind.error, match="locked by another process") as caught:
            await opened._run(
                partial(database.in_transaction, add_owner, "BEGIN IMMEDIATE"), wait_s=0.2
            )
        await opened.aclose()

    assert caught.value.hint


async def test_an_opening_waits_for_another_ones_migration(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    lock = FileLock(tmp_path / "ledger.db.lock")
    assert lock.try_acquire()
    opening = asyncio.create_task(Database.open(path, LEDGER))
    _, pending = await asyncio.wait([opening], timeout=0.2)
    assert pending
    assert not path.exists()
    lock.release()

    await (await opening).aclose()


async def test_a_cancelled_opening_leaves_no_thread_and_no_lock(tmp_path: Path) -> None:
    before = threading.active_count()
    for delay in (0, 0.0005, 0.002, 0.005):
        opening = asyncio.create_task(Database.open(tmp_path / "ledger.db", LEDGER))
        await asyncio.sleep(delay)
        if opening.cancel():
            with pytest.raises(asyncio.CancelledError):
                await opening
        else:
            await (await opening).aclose()

    for _ in range(1000):
        if threading.active_count() <= before:
            break
        await asyncio.sleep(0.005)
    assert threading.active_count() <= before
    await make(tmp_path / "ledger.db", LEDGER)


@by_kind
async def test_a_newer_schema_is_refused_politely_and_left_alone(
    tmp_path: Path, kind: DatabaseKind
) -> None:
    path = tmp_path / f"{kind.name}.db"
    await make(path, kind)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()

    with pytest.raises(SchemaTooNewError, match="newer ralex") as caught:
        await Database.open(path, kind)

    assert "update ralex" in caught.value.hint
    assert path.read_bytes() == before


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all, but long enough to be one" * 100)


def zero_length(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE song (title)")


def torn_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 3))


def missing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [garbage, zero_length, foreign, torn_page, missing])
async def test_a_damaged_or_lost_ledger_means_no_paid_call(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "ledger.db"
    await make(path, LEDGER)
    assert callable(damage)
    damage(path)

    with pytest.raises(LedgerUnavailableError) as caught:
        await Database.open(path, LEDGER)

    assert "ralex budget repair" in caught.value.hint
    assert damage in (missing, zero_length) or path.stat().st_size > 0


@pytest.mark.parametrize("damage", [garbage, foreign, torn_page, zero_length])
def test_a_damaged_session_store_is_set_aside_and_nothing_is_deleted(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path = tmp_path / "sessions.db"
    asyncio.run(make(path, SESSIONS))
    damage(path)
    bad = path.read_bytes()

    async def look() -> tuple[tuple[str, ...], int]:
        opened = await Database.open(path, SESSIONS)
        owners = await opened.read(count_owners)
        await opened.aclose()
        return opened.notices, owners

    (notice,), owners = asyncio.run(look())

    (aside,) = tmp_path.glob("sessions.db.damaged-*[0-9]")
    assert aside.read_bytes() == bad
    assert "was damaged" in notice
    assert owners == 1


async def test_a_damaged_session_store_is_restored_from_its_last_good_backup(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sessions.db"
    opened = await Database.open(path, SESSIONS)
    await opened.write(
        lambda connection: connection.execute(
            "INSERT INTO session VALUES ('a', '/work', 'kept', 0, 0, 1, '')"
        ).close()
    )
    await opened.back_up(today="2026-11-19")
    await opened.back_up(today="2026-11-20")
    await opened.aclose()
    garbage(tmp_path / "backups" / "sessions-2026-11-20.db")
    garbage(path)

    opened = await Database.open(path, SESSIONS)

    titles = await opened.read(
        lambda connection: connection.execute("SELECT title FROM session").fetchall()
    )
    assert titles == [("kept",)]
    assert "sessions-2026-11-19.db" in opened.notices[0]
    await opened.aclose()


async def test_backups_are_made_once_a_day_checked_private_and_seven_are_kept(
    tmp_path: Path,
) -> None:
    opened = await Database.open(tmp_path / "ledger.db", LEDGER)
    for day in range(1, 10):
        made = await opened.back_up(today=f"2026-11-{day:02}")
        assert made is not None
        assert await opened.back_up(today=f"2026-11-{day:02}") is None
        os.utime(made, (day, day))
    await opened.aclose()

    kept = sorted((tmp_path / "backups").glob("*.db"))
    assert [copy.name for copy in kept] == [f"ledger-2026-11-{day:02}.db" for day in range(3, 10)]
    assert {stat.S_IMODE(copy.stat().st_mode) for copy in kept} == {0o600}
    with closing(sqlite3.connect(kept[-1])) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_migration_is_preceded_by_a_backup_and_is_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    await make(path, LEDGER)
    first = schema.migrations_of(LEDGER)
    present = len(first)
    second = schema.Migration(number=present + 1, sql="CREATE TABLE extra (id INTEGER) STRICT;")
    broken = schema.Migration(
        number=present + 2, sql="CREATE TABLE more (id); INSERT INTO nowhere VALUES (1);"
    )

    steps = [*first, second, broken]

    def migrations_of(kind: DatabaseKind) -> tuple[schema.Migration, ...]:
        return tuple(steps)

    monkeypatch.setattr(schema, "migrations_of", migrations_of)
    with pytest.raises(LedgerUnavailableError, match="nowhere"):
        await Database.open(path, LEDGER)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (present,)
        assert not connection.execute(
            "SELECT 1 FROM sqlite_schema WHERE name IN ('extra', 'more')"
        ).fetchall()
    steps.remove(broken)
    await make(path, LEDGER)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (present + 1,)
    assert (tmp_path / "backups" / f"ledger-before-schema-{present + 1}.db").exists()


@by_kind
def test_migrations_are_numbered_without_gaps(kind: DatabaseKind) -> None:
    steps = schema.migrations_of(kind)

    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert steps


def test_a_gap_in_the_numbers_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir()
    (folder / "0002_second.sql").write_text("")

    with pytest.raises(RuntimeError, match="out of order"):
        schema.migrations_of(LEDGER, tmp_path)


async def test_a_full_disk_is_an_error_that_loses_nothing(tmp_path: Path) -> None:
    opened = await Database.open(tmp_path / "ledger.db", LEDGER)
    pages = await opened.read(partial(pragma, "page_count"))
    await opened.read(partial(pragma, f"max_page_count = {pages}"))

    def fill(connection: sqlite3.Connection) -> None:
        for number in range(200):
            connection.execute(
                "INSERT INTO owner VALUES (?, 1, ?, '', '', 0)", (str(number), "x" * 500)
            )

    with pytest.raises(LedgerUnavailableError, match="disk is full") as caught:
        await opened.write(fill)

    assert "free some space" in caught.value.hint
    assert await opened.read(count_owners) == 1
    await opened.write(add_owner)
    assert await opened.read(count_owners) == 2
    await opened.aclose()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
@pytest.mark.parametrize(
    ("kind", "error"),
    [(LEDGER, LedgerUnavailableError), (SESSIONS, StoreUnreadableError)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_folder_that_may_not_be_written_is_an_error_with_advice(
    kind: DatabaseKind, error: type[RalexError]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ralex-readonly-"))
    folder.chmod(0o755)
    try:
        os.seteuid(65534)
        with pytest.raises(error, match="cannot be opened for writing") as caught:
            asyncio.run(Database.open(folder / "ledger.db", kind))
    finally:
        os.seteuid(0)
        shutil.rmtree(folder)

    assert "RALEX_HOME" in caught.value.hint


async def test_a_killed_process_is_noticed_and_its_rows_are_handed_to_recovery(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    script = (
        "import asyncio, os, sys, pathlib\n"
        "from ralex.store.database import Database\n"
        "from ralex.store.faults import LEDGER\n"
        "async def main():\n"
        "    opened = await Database.open(pathlib.Path(sys.argv[1]), LEDGER)\n"
        "    print(opened.owner.id, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script, str(path)], capture_output=True, text=True
    )
    recovered: list[str] = []

    opened = await Database.open(
        path, LEDGER, recover=lambda connection, dead: recovered.extend(dead)
    )

    assert killed.returncode == -9
    assert recovered == [killed.stdout.strip()]
    assert await opened.read(count_owners) == 1
    await opened.aclose()


async def test_two_openings_of_one_process_leave_each_other_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    recovered: list[str] = []
    one = await Database.open(path, LEDGER)
    two = await Database.open(path, LEDGER, recover=lambda connection, dead: recovered.extend(dead))

    assert recovered == []
    assert await two.read(count_owners) == 2
    await one.aclose()
    assert await two.read(count_owners) == 1
    await two.aclose()


async def test_with_an_older_sqlite_one_connection_does_the_checkpoints_and_hands_them_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_SAFE_CHECKPOINTS", (99, 0, 0))
    path = tmp_path / "ledger.db"
    one = await Database.open(path, LEDGER)
    two = await Database.open(path, LEDGER)
    checkpoints = partial(pragma, "wal_autocheckpoint")

    assert (await one.read(checkpoints), await two.read(checkpoints)) == (1000, 0)
    await one.aclose()
    for _ in range(256):
        await two.write(count_owners, is_durable=False)
    assert await two.read(checkpoints) == 1000
    await two.aclose()


async def test_a_closed_database_says_so(tmp_path: Path) -> None:
    opened = await Database.open(tmp_path / "ledger.db", LEDGER)
    await opened.aclose()
    await opened.aclose()

    with pytest.raises(LedgerUnavailableError, match="closed"):
        await opened.read(count_owners)


def test_a_program_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from ralex.store.database import Database\n"
        "from ralex.store.faults import LEDGER\n"
        "asyncio.run(Database.open(pathlib.Path(sys.argv[1]), LEDGER))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "ledger.db")],
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 0


async def test_a_session_store_that_vanished_begins_anew_with_a_word_and_loses_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sessions.db"
    opened = await Database.open(path, SESSIONS)
    await opened.back_up(today="2026-11-20")
    await opened.aclose()
    path.unlink()
    side = tmp_path / "sessions.db-wal"
    side.write_bytes(b"the last words")

    opened = await Database.open(path, SESSIONS)
    (notice,) = opened.notices
    await opened.aclose()

    assert "is gone and a new one was made" in notice
    assert str(tmp_path / "backups") in notice
    (kept,) = await asyncio.to_thread(lambda: list(tmp_path.glob("sessions.db.damaged-*-wal")))
    assert kept.read_bytes() == b"the last words"
    again = await Database.open(path, SESSIONS)
    await again.aclose()
    assert again.notices == ()
