"""The burn rate and the forecast, and what listeners hear of a charge."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.budget import BookedCharge, Charge, Limits
from ralex.core.usage import Usage
from ralex.store import schema
from ralex.store.faults import LEDGER, DatabaseKind
from ralex.store.ledger import SqliteLedger
from tests.store.money import Clock, charge, intent, open_ledger, pay, send


async def test_the_burn_rate_is_what_the_last_hour_cost(tmp_path: Path) -> None:
    clock = Clock()
    ledger = await open_ledger(tmp_path, clock=clock)
    await pay(ledger, "1.00")
    clock.forward(minutes=90)
    await pay(ledger, "0.35")
    clock.forward(minutes=5)
    await pay(ledger, "0.10")

    forecast = await ledger.forecast()
    clock.forward(hours=2)
    later = await ledger.forecast()
    await ledger.aclose()

    assert forecast.last_hour_usd == Decimal("0.45")
    assert forecast.end_of_day_usd > Decimal("1.45")
    assert forecast.hours_to_limit == pytest.approx(3.55 / 0.45)
    assert later.last_hour_usd == 0
    assert later.hours_to_limit is None


async def test_a_new_day_begins_with_nothing_spent_and_the_pace_of_the_evening(
    tmp_path: Path,
) -> None:
    clock = Clock()
    ledger = await open_ledger(tmp_path, clock=clock)
    clock.forward(hours=11, minutes=50)
    await pay(ledger, "0.60")
    clock.forward(minutes=20)

    forecast = await ledger.forecast()
    await ledger.aclose()

    assert forecast.last_hour_usd == Decimal("0.60")
    assert Decimal(7) < forecast.end_of_day_usd < Decimal("7.2")


async def test_minutes_are_kept_for_a_day(tmp_path: Path) -> None:
    clock = Clock()
    ledger = await open_ledger(tmp_path, clock=clock)
    for _ in range(50):
        await pay(ledger, "0.01")
        clock.forward(hours=1)
    await ledger.aclose()

    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        assert connection.execute("SELECT count(*) FROM pace").fetchone() == (25,)


async def test_a_ledger_of_before_keeps_its_charges_and_learns_the_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = schema.migrations_of(LEDGER)

    def only_first(_kind: DatabaseKind) -> tuple[schema.Migration, ...]:
        return known[:1]

    with monkeypatch.context() as before:
        before.setattr(schema, "migrations_of", only_first)
        await (await open_ledger(tmp_path)).aclose()
    ledger = await open_ledger(tmp_path)
    await pay(ledger, "0.50")

    forecast = await ledger.forecast()
    await ledger.aclose()

    assert forecast.last_hour_usd == Decimal("0.50")
    assert (tmp_path / "backups" / f"ledger-before-schema-{len(known)}.db").exists()


async def test_a_charge_is_told_once_after_it_is_booked_with_all_its_facts(
    tmp_path: Path,
) -> None:
    heard: list[BookedCharge] = []
    ledger = await SqliteLedger.open(
        tmp_path / "ledger.db", limits=Limits(), now=Clock(), on_charge=heard.append
    )
    reservation = await send(ledger, intent("0.50", tag="nightly", session_id="s7"))
    assert heard == []

    await ledger.settle(reservation.id, charge("0.10", top="0.40"))
    await ledger.settle(reservation.id, charge("0.10", top="0.40"))
    await ledger.release((await ledger.reserve(intent("0.50"))).id)
    await ledger.aclose()

    (booked,) = heard
    assert booked.charge == Charge(
        cost_usd=Decimal("0.10"),
        source="provider",
        usage=Usage(input_tokens=100, output_tokens=10),
        counterfactual_usd=Decimal("0.40"),
    )
    assert (booked.id, booked.session_id, booked.tag) == (reservation.id, "s7", "nightly")
    assert (booked.model, booked.provider, booked.tier) == ("acme/fast", "acme", "SIMPLE")
    assert booked.sent_at == booked.booked_at == "2026-11-20T12:00:00.000+01:00"
