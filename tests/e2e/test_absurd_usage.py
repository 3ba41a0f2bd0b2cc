"""A provider that counts nonsense: what is charged for it, and what the user is told."""

import json
import re
from decimal import Decimal
from typing import cast

import pytest

from tests.e2e.command import PRICED, Outcome, Ralex
from tests.e2e.model_server import Answer, ModelServer


def ask(ralex: Ralex, server: ModelServer, *extra: str) -> Outcome:
    return ralex(
        "-p", "2+2?", *extra, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test-01234567"
    )


def money(ralex: Ralex) -> dict[str, Decimal]:
    shown = ralex("budget", "show", "--json").result_of_all()
    return {name: Decimal(str(shown[f"{name}_usd"])) for name in ("spent", "held")}


def charges(ralex: Ralex) -> list[dict[str, object]]:
    lines = (ralex.home / "ralex" / "logs" / "events.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["event"] == "charge"]


@pytest.mark.parametrize("tokens", [-5, 10**15, 10**40], ids=["negative", "10^15", "10^40"])
@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens"])
def test_a_count_that_cannot_be_is_replaced_by_our_own(
    ralex: Ralex, tokens: int, field: str
) -> None:
    ralex.configure(PRICED)
    answer = (
        Answer(text="Four.", prompt_tokens=tokens)
        if field == "prompt_tokens"
        else Answer(text="Four.", completion_tokens=tokens)
    )
    with ModelServer([answer]) as server:
        outcome = ask(ralex, server)

    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.strip() == "Four."
    (charge,) = charges(ralex)
    assert charge["cost_source"] == "estimated"
    spent = money(ralex)["spent"]
    assert Decimal("0.0001") < spent < Decimal("0.01"), "our own count of a small request"
    assert spent == Decimal(str(charge["cost_usd"])).quantize(Decimal("1e-9"))
    assert money(ralex)["held"] == 0
    assert "E" not in outcome.stderr.replace("SIMPLE", "").replace("MEDIUM", "")


def test_a_bill_above_the_worst_case_is_booked_said_and_stops_the_day(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Four.", prompt_tokens=20_000_000)]) as server:
        outcome = ask(ralex, server)
        after = ask(ralex, server)

    assert outcome.code == 0
    assert "cost $20.0002, more than the" in outcome.stderr
    assert "check its price" in outcome.stderr
    assert money(ralex)["spent"] == Decimal("20.0002")
    assert after.code == 3
    assert len(server.requests) == 1


@pytest.mark.parametrize("amount", ["1e-10", "0.0000000001", "0", "-1", "nan", "much"])
def test_a_limit_for_a_turn_that_is_none_is_refused(ralex: Ralex, amount: str) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Four.")]) as server:
        outcome = ask(ralex, server, f"--max-cost={amount}")

    assert outcome.code == 2
    assert repr(amount) in outcome.stderr
    assert server.requests == []


def test_a_tiny_limit_is_told_in_digits(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Four.")]) as server:
        outcome = ask(ralex, server, "--max-cost", "1e-7")

    assert outcome.code == 3
    assert "at most $0.0000001 is allowed for one call" in outcome.stderr
    assert server.requests == []


def test_the_forecast_has_no_more_digits_than_money_has(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Four.")]) as server:
        ask(ralex, server)

    today = ralex("spend", "--format", "json").result_of_all()["today"]

    for name in ("last_hour_usd", "end_of_day_usd"):
        text = str(cast("dict[str, object]", today)[name])
        assert re.fullmatch(r"\d+(\.\d{1,9})?", text)
