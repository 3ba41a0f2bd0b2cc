"""Sums that drifted from their rows are found, and made again from them."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.budget import CACHED, Charge, Limits
from ralex.errors import LedgerUnavailableError
from ralex.store.ledger import SqliteLedger
from ralex.store.repair import repair_ledger
from tests.store.money import Clock, charge, intent, open_ledger, pay, send


async def fill(folder: Path) -> dict[str, list[object]]:
    """Spend in every way there is, and tell what the reports say."""
    clock = Clock()
    ledger = await open_ledger(folder, clock=clock)
    await pay(ledger, "0.5", top="0.9")
    await pay(ledger, "0.25", call=intent("0.25", session_id="", project="", tag="x"))
    await send(ledger, intent("0.125", tier="COMPLEX"))
    unknown = await send(ledger, intent("0.1"))
    await ledger.settle(unknown.id, Charge(cost_usd=Decimal("0.1"), source="estimated"))
    kept = await send(ledger, intent("0", tag="x"))
    await ledger.settle(kept.id, Charge(cost_usd=Decimal(0), source=CACHED))
    await ledger.raise_today(Decimal(2))
    clock.forward(days=1)
    await pay(ledger, "0.3", call=intent("0.3", model="acme/other", session_id="s2"))
    released = await ledger.reserve(intent("1"))
    await ledger.release(released.id)
    told = await report(ledger)
    await ledger.aclose()
    return told


async def report(ledger: SqliteLedger) -> dict[str, list[object]]:
    told: dict[str, list[object]] = {
        by: list(await ledger.spend(by)) for by in ("day", "model", "session", "tag", "project")
    }
    told["balances"] = list(await ledger.balances(session_id="s1", project="/shop"))
    told["state"] = [await ledger.state()]
    return told


async def use(folder: Path, clock: Clock) -> None:
    ledger = await open_ledger(folder, clock=clock)
    try:
        await ledger.reserve(intent("1"))
        await ledger.spend("day")
    finally:
        await ledger.aclose()


def tamper(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE day SET settled = settled + 5",
        "UPDATE day SET held = 0, saved = 7, raised = 3",
        "UPDATE scope SET settled = 0",
        "DELETE FROM scope",
        "UPDATE spend SET cost = cost * 2",
        "DELETE FROM spend",
        "UPDATE reservation SET state = 'sent' WHERE state = 'settled'",
    ],
)
async def test_a_repair_makes_the_sums_again_from_the_rows(tmp_path: Path, statement: str) -> None:
    before = await fill(tmp_path)
    tamper(tmp_path, statement)
    clock = Clock()
    clock.forward(days=1)

    told = await repair_ledger(tmp_path / "ledger.db", limits=Limits(), now=clock, spent_usd=None)

    ledger = await open_ledger(tmp_path, clock=clock)
    assert await ledger.audit() == []
    assert await report(ledger) == before
    assert told[0].startswith("a sum was wrong: ") or "settled without a charge" in told[0]
    assert "the ledger as it was is" in told[-1]
    await ledger.aclose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE day SET settled = -5000000000",
        "UPDATE day SET held = -1",
        "UPDATE scope SET settled = -5000000000 WHERE kind = 'month'",
        "DELETE FROM day",
        "UPDATE day SET day = 'x' || day",
        "DROP TABLE clock",
        "DROP TABLE spend",
        "UPDATE spend SET cost = 9223372036854775807",
    ],
)
async def test_sums_that_cannot_be_open_no_limit_and_are_repaired(
    tmp_path: Path, statement: str
) -> None:
    before = await fill(tmp_path)
    tamper(tmp_path, "PRAGMA ignore_check_constraints = ON", statement)
    clock = Clock()
    clock.forward(days=1)

    with pytest.raises(LedgerUnavailableError, match="is damaged"):
        await use(tmp_path, clock)
    path = tmp_path / "ledger.db"
    await repair_ledger(path, limits=Limits(), now=clock, spent_usd=Decimal(0))

    ledger = await open_ledger(tmp_path, clock=clock)
    after = await report(ledger)
    assert await ledger.audit() == []
    assert [one for one in after["tag"] if one in before["tag"]] == before["tag"]
    await ledger.aclose()


async def test_the_copy_holds_the_ledger_as_it_was(tmp_path: Path) -> None:
    await fill(tmp_path)
    tamper(tmp_path, "UPDATE day SET settled = 123456")

    await repair_ledger(tmp_path / "ledger.db", limits=Limits(), now=Clock(), spent_usd=None)

    (copy,) = (tmp_path / "backups").glob("ledger-before-rebuild-*.db")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT DISTINCT settled FROM day").fetchall() == [(123456,)]


async def test_what_says_it_is_settled_and_has_no_charge_is_held(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path)
    lost = await send(ledger, intent("0.75"))
    await ledger.settle(lost.id, charge("0.10"))
    await ledger.aclose()
    tamper(tmp_path, "DELETE FROM charge")

    await repair_ledger(tmp_path / "ledger.db", limits=Limits(), now=Clock(), spent_usd=None)

    ledger = await open_ledger(tmp_path)
    state = await ledger.state()
    assert (state.spent_usd, state.held_usd) == (0, Decimal("0.75"))
    await ledger.aclose()
