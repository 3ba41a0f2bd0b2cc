"""Damage that an opening does not see, and files that are replaced while they are in use."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ralex.core.budget import Limits
from ralex.core.events import Notice, TurnStarted
from ralex.core.ids import SessionId, TurnId
from ralex.errors import LedgerUnavailableError, StoreUnreadableError
from ralex.store.database import Database
from ralex.store.faults import LEDGER, SESSIONS, DatabaseKind
from ralex.store.repair import repair_ledger
from ralex.store.sessions import SqliteSessions
from tests.store.money import Clock, charge, intent, open_ledger, pay, send

LONG = "and so on " * 60


def damage_page_of(path: Path, words: str) -> None:
    """Overwrite the page of a closed database that holds some words."""
    content = bytearray(path.read_bytes())
    page = content.index(words.encode()) // 4096
    assert page > 0
    content[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(content)


async def say(store: SqliteSessions, title: str, count: int) -> SessionId:
    session = await store.create(project="/shop", title=title)
    await store.append(
        session, [TurnStarted(session_id=session, turn_id=TurnId("t"), prompt=title)]
    )
    await store.append(
        session, [Notice(level="info", text=f"{title} {n}: {LONG}") for n in range(count)]
    )
    return session


def told(events: list[object]) -> list[str]:
    return [one.text.partition(":")[0] for one in events if isinstance(one, Notice)]


async def test_a_damaged_page_costs_a_session_store_no_more_than_that_page(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = await SqliteSessions.open(path, now=Clock())
    early = await say(store, "early", 30)
    await store.aclose()  # the day's backup
    store = await SqliteSessions.open(path, now=Clock())
    late = await say(store, "late", 40)
    await store.rename(early, "renamed")
    await store.aclose()
    damage_page_of(path, "early 7:")
    damage_page_of(path, "late 20:")

    store = await SqliteSessions.open(path, now=Clock())
    with pytest.raises(StoreUnreadableError, match="is damaged"):
        await store.load(late)
    await store.aclose()
    store = await SqliteSessions.open(path, now=Clock())

    assert told([*await store.load(early)]) == [f"early {n}" for n in range(30)]
    kept = told([*await store.load(late)])
    assert 30 <= len(kept) < 40
    assert {"late 0", "late 39"} <= {*kept}
    assert await store.titles() == {early: "renamed", late: "late"}
    (notice,) = store.notices
    assert "rows that could still be read" in notice
    await store.aclose()


async def test_a_repair_books_later_charges_that_the_damaged_ledger_still_holds(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    ledger = await open_ledger(tmp_path)
    unsettled = await send(ledger, intent("0.25"))
    await ledger.aclose()  # the day's backup
    ledger = await open_ledger(tmp_path)
    await ledger.settle(unsettled.id, charge("0.20"))
    for number in range(40):
        await pay(ledger, "0.01", call=intent("0.01", tag=f"n{number:02} {LONG}"))
    await ledger.aclose()
    damage_page_of(path, "n20 and")

    report = await repair_ledger(path, limits=Limits(), now=Clock(), spent_usd=None)

    ledger = await open_ledger(tmp_path)
    by_tag = {row.key[:3]: row for row in await ledger.spend("tag")}
    assert any("of later charges were read from the bad file" in line for line in report), report
    assert "today counts as $5.00 spent" in report
    assert by_tag[""].cost_usd == unsettled.worst_usd - charge("0.05").cost_usd
    assert {"n00", "n39"} <= {*by_tag}
    assert 30 <= len([tag for tag in by_tag if tag.startswith("n")]) < 40
    assert await ledger.audit() == []
    await ledger.aclose()


@pytest.mark.parametrize("kind", [LEDGER, SESSIONS], ids=lambda kind: kind.name)
async def test_nothing_new_is_written_to_a_file_that_was_replaced(
    tmp_path: Path, kind: DatabaseKind
) -> None:
    path = tmp_path / f"{kind.name}.db"
    opened = await Database.open(path, kind)
    path.rename(tmp_path / "elsewhere.db")

    with pytest.raises(kind.error, match="removed or replaced while it was in use"):
        await opened.write(lambda connection: None)

    assert await opened.back_up(today="2026-11-20") is None
    await opened.aclose()


async def test_a_bill_is_kept_even_where_the_ledger_was_replaced(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path)
    sent = await send(ledger, intent("1"))
    (tmp_path / "ledger.db").rename(tmp_path / "aside.db")
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"ledger.db{suffix}").rename(tmp_path / f"aside.db{suffix}")

    state = await ledger.settle(sent.id, charge("0.75"))
    with pytest.raises(LedgerUnavailableError, match="removed or replaced"):
        await send(ledger, intent("1"))
    await ledger.aclose()

    assert state.spent_usd == charge("0.75").cost_usd
    with closing(sqlite3.connect(tmp_path / "aside.db")) as connection:
        assert connection.execute("SELECT sum(cost) FROM charge").fetchone() == (750_000_000,)
