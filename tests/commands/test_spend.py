"""``ralex spend`` in its three formats."""

import asyncio
import csv
import json
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.commands import spend
from ralex.core.budget import CACHED, Charge
from ralex.errors import UsageError
from ralex.opened import local_now
from ralex.store.ledger import SqliteLedger
from tests.commands.command_line import call
from tests.store.money import FREE_HAND, intent, pay


@pytest.fixture
def spent(tmp_path: Path) -> Path:
    """Leave a home with three calls of today in its ledger."""

    async def fill() -> None:
        ledger = await SqliteLedger.open(
            tmp_path / "home" / "ledger.db", limits=FREE_HAND, now=local_now
        )
        await pay(ledger, "0.25", top="1.00")
        await pay(ledger, "0.000000001", call=intent("0.01", model="=acme/tiny"))
        await pay(ledger, "2.5", call=intent("2.5", model="acme/\x1b[31mbig"))
        await ledger.aclose()

    asyncio.run(fill())
    return tmp_path


def test_a_table_ends_with_the_total(spent: Path) -> None:
    output = call(spend, spent)

    heading, day, total, pace = output.out.splitlines()
    assert output.code == 0
    assert heading.split()[:2] == ["day", "calls"]
    assert day.split()[0] == local_now().date().isoformat()
    assert pace.startswith("today's pace (estimate): $2.75 in the last hour, about $")
    assert total.split() == ["total", "3", "300", "0", "30", "$2.75", "$0.75"]


def test_names_cannot_steer_the_terminal(spent: Path) -> None:
    output = call(spend, spent, "--by", "model")

    assert "\x1b" not in output.out
    assert output.out.splitlines()[1].startswith("acme/big")


def test_json_is_exact_and_its_total_is_the_sum(spent: Path) -> None:
    report = json.loads(call(spend, spent, "--by", "model", "--format", "json").out)

    costs = [Decimal(row["cost_usd"]) for row in report["rows"]]
    assert report["by"] == "model"
    assert Decimal(report["total"]["cost_usd"]) == sum(costs) == Decimal("2.750000001")
    assert report["rows"][0]["usage"]["input_tokens"] == 100


def test_csv_is_exact_and_no_name_becomes_a_formula(spent: Path) -> None:
    rows = list(
        csv.DictReader(call(spend, spent, "--by", "model", "--format", "csv").out.splitlines())
    )

    assert {row["model"]: row["cost_usd"] for row in rows}["'=acme/tiny"] == "0.000000001"
    assert rows[0]["output_tokens"] == "10"


def test_answers_from_the_cache_are_told_apart(tmp_path: Path) -> None:
    async def fill() -> None:
        ledger = await SqliteLedger.open(
            tmp_path / "home" / "ledger.db", limits=FREE_HAND, now=local_now
        )
        await pay(ledger, "0.25")
        reservation = await ledger.reserve(intent("0"))
        await ledger.settle(reservation.id, Charge(cost_usd=Decimal(0), source=CACHED))
        await ledger.aclose()

    asyncio.run(fill())
    assert "2 (1 for nothing)" in call(spend, tmp_path).out
    (row,) = json.loads(call(spend, tmp_path, "--format", "json").out)["rows"]
    assert (row["calls"], row["cached_calls"]) == (2, 1)


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    assert call(spend, tmp_path).out.startswith("nothing was spent since 20")
    assert call(spend, tmp_path, "--since", "all").out == "nothing was spent\n"
    empty = json.loads(call(spend, tmp_path, "--format", "json").out)
    assert (empty["rows"], empty["total"]) == ([], None)


@pytest.mark.parametrize(
    ("when", "first"),
    [
        ("1d", "2026-11-20"),
        ("7d", "2026-11-14"),
        ("30", "2026-10-22"),
        ("today", "2026-11-20"),
        ("2026-01-31", "2026-01-31"),
        ("ALL", ""),
    ],
)
def test_since_means(when: str, first: str) -> None:
    assert spend.first_day(when, today="2026-11-20") == first


@pytest.mark.parametrize("when", ["", "0d", "-3d", "yesterday", "2026-13-01", "99999999d", "1w"])
def test_since_refuses_what_is_no_time(when: str) -> None:
    with pytest.raises(UsageError, match="no time"):
        spend.first_day(when, today="2026-11-20")
