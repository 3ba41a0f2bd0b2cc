"""A really full disk: what was sent is settled and stored, and nothing new is paid for."""

import os
import subprocess
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from ralex.core.events import Notice
from ralex.errors import LedgerUnavailableError
from ralex.opened import local_now
from ralex.store.ballast import BALLAST_BYTES, BALLAST_NAME, Ballast
from ralex.store.ledger import SqliteLedger
from ralex.store.sessions import SqliteSessions
from tests.store.money import charge, intent, open_ledger, pay, send


@pytest.fixture
def disk(tmp_path: Path) -> Generator[Path, None, None]:
    """Give a disk of 4 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not allowed here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)


@pytest.fixture
async def ledger(disk: Path) -> AsyncIterator[SqliteLedger]:
    opened = await open_ledger(disk)
    yield opened
    await opened.aclose()


def fill(disk: Path) -> Path:
    """Leave not one page free."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            return path


async def test_what_was_sent_is_settled_on_a_full_disk(disk: Path, ledger: SqliteLedger) -> None:
    sent = [await send(ledger, intent("0.01")) for _ in range(20)]
    fill(disk)

    for one in sent:
        await ledger.settle(one.id, charge("0.01"))

    state = await ledger.state()
    assert (str(state.spent_usd), state.held_usd) == ("0.2", 0)
    assert not (disk / BALLAST_NAME).exists()
    assert await ledger.audit() == []


async def test_nothing_new_is_paid_for_until_there_is_room_again(
    disk: Path, ledger: SqliteLedger
) -> None:
    sent = [await send(ledger, intent("0.01")) for _ in range(20)]
    filler = fill(disk)
    for one in sent:
        await ledger.settle(one.id, charge("0.01"))

    with pytest.raises(LedgerUnavailableError, match="the disk is full"):
        await ledger.reserve(intent("0.01"))
    await pay(ledger, "0", call=intent("0", model="local/free"))
    filler.unlink()
    await pay(ledger, "0.01")

    assert (disk / BALLAST_NAME).stat().st_size == BALLAST_BYTES


async def test_the_turn_that_meets_a_full_disk_is_stored(disk: Path) -> None:
    Ballast(disk).ensure()
    store = await SqliteSessions.open(disk / "sessions.db", now=local_now)
    session = await store.create(project="/p", title="t")
    fill(disk)
    said = [Notice(level="error", text=f"{number} " + "x" * 4_000) for number in range(20)]

    for one in said:
        await store.append(session, [one])

    assert await store.load(session) == said
    await store.aclose()


def test_the_ballast_takes_real_room_and_leaves_no_draft(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path)
    ballast.ensure()
    ballast.ensure()

    assert [one.name for one in tmp_path.iterdir()] == [BALLAST_NAME]
    assert (tmp_path / BALLAST_NAME).stat().st_blocks * 512 >= BALLAST_BYTES
    assert (tmp_path / BALLAST_NAME).stat().st_mode & 0o777 == 0o600
    assert ballast.drop()
    assert not ballast.drop()
