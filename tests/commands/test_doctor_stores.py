"""``ralex doctor`` and the databases."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from ralex.commands import budget, doctor, sessions
from ralex.core.budget import Limits
from ralex.opened import local_now
from ralex.store.faults import SESSIONS
from ralex.store.ledger import SqliteLedger
from tests.commands.command_line import call
from tests.store.money import intent, pay
from tests.store.test_database import make


def use(folder: Path) -> Path:
    path = folder / "home" / "ledger.db"

    async def fill() -> None:
        ledger = await SqliteLedger.open(path, limits=Limits(), now=local_now)
        await pay(ledger, "1", call=intent("1"))
        await ledger.aclose()

    asyncio.run(fill())
    return path


def look(folder: Path) -> str:
    return call(doctor, folder, OPENROUTER_API_KEY="sk-or-0123456789").out


def test_sizes_backups_and_sums_are_told(tmp_path: Path) -> None:
    use(tmp_path)

    out = look(tmp_path)

    assert "✓ ledger.db: 0." in out
    assert f"1 backup, the newest of {local_now().date().isoformat()}" in out
    assert "✓ ledger: every sum agrees with its charges" in out


def test_sums_that_drifted_are_told_with_the_way_back(tmp_path: Path) -> None:
    path = use(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE day SET settled = 5")
        connection.commit()

    before = look(tmp_path)
    call(budget, tmp_path, "repair")
    after = look(tmp_path)

    assert "! ledger: day " in before
    assert "`ralex budget repair`" in before
    assert "every sum agrees" in after


def test_a_damaged_ledger_is_a_failure_with_advice(tmp_path: Path) -> None:
    path = use(tmp_path)
    path.write_bytes(b"not a database at all" * 100)

    output = call(doctor, tmp_path, OPENROUTER_API_KEY="sk-or-0123456789")

    assert output.code == 2
    assert "✗ the ledger" in output.out
    assert "ralex budget repair" in output.out


def test_damaged_pages_of_the_session_store_are_found_and_repaired_by_the_next_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "home" / "sessions.db"
    asyncio.run(make(path, SESSIONS))
    content = bytearray(path.read_bytes())
    content[8 * 4096 : 9 * 4096] = b"\xa5" * 4096
    path.write_bytes(content)

    before = look(tmp_path)
    listed = call(sessions, tmp_path, "list")
    after = look(tmp_path)

    assert "✗ sessions.db: " in before
    assert "the session store was damaged" in listed.err
    assert "✓ sessions.db: every page can be read" in after


def test_a_fresh_home_is_left_as_it_is(tmp_path: Path) -> None:
    look(tmp_path)

    assert not (tmp_path / "home" / "ledger.db").exists()
