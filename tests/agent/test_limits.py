"""Limits changed from within a session: in force at once, and in the user's file."""

import json
import tomllib
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from ralex.core.budget import LimitKind, LimitName
from ralex.core.clock import ClockMark
from ralex.core.events import TurnFailed, TurnFinished
from ralex.errors import ConfigError, UsageError
from ralex.opened import local_now
from ralex.store.ledger import SqliteLedger
from tests.agent.script import step
from tests.agent.stand import Stand, play


async def test_a_limit_holds_for_the_next_call_and_is_written_down(stand: Stand) -> None:
    session = await stand.open([step(text="done")])

    change = await session.set_limit("daily", Decimal("0"))
    refused = (await play(session, "hello"))[-1]
    await session.set_limit("daily", Decimal("2.50"))
    done = (await play(session, "hello"))[-1]

    assert change.notes == ()
    assert isinstance(refused, TurnFailed)
    assert (refused.code, refused.exit_code) == ("budget_exceeded", 3)
    assert isinstance(done, TurnFinished)
    state = await session.budget()
    assert (state.limit_usd, state.alert_usd) == (Decimal("2.50"), Decimal("2"))
    assert change.file == str(stand.home / "config.toml")
    written = tomllib.loads((stand.home / "config.toml").read_text())
    assert written["budget"]["daily_usd"] == 2.5


@pytest.mark.parametrize("kind", ["daily", "alert", "session", "project", "monthly"])
async def test_every_limit_can_be_set_and_switched_off(stand: Stand, kind: LimitName) -> None:
    session = await stand.open([])

    on = await session.set_limit(kind, Decimal("1.25"))
    off = await session.set_limit(kind, None)

    assert getattr(on.limits, f"{kind}_usd") == Decimal("1.25")
    assert getattr(off.limits, f"{kind}_usd") is None


async def test_only_the_named_limit_changes(stand: Stand) -> None:
    session = await stand.open([])

    change = await session.set_limit("session", Decimal(1))

    assert (change.limits.daily_usd, change.limits.alert_usd) == (Decimal(5), Decimal(4))


async def test_a_projects_stricter_limit_stays_in_force_and_that_is_said(stand: Stand) -> None:
    folder = stand.project / ".ralex"
    folder.mkdir()
    (folder / "config.toml").write_text("[budget]\ndaily_usd = 1.0\n")
    session = await stand.open([])

    change = await session.set_limit("daily", Decimal(20))

    assert change.limits.daily_usd == 1
    assert "budget.daily_usd stays $1.00" in change.notes[0]
    assert str(folder / "config.toml") in change.notes[0]
    assert (await session.budget()).limit_usd == 1


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1e12", "0.0000000001"])
async def test_what_is_no_sum_changes_nothing(stand: Stand, amount: str) -> None:
    session = await stand.open([])

    with pytest.raises(UsageError, match="not an amount"):
        await session.set_limit("daily", Decimal(amount))

    assert not (stand.home / "config.toml").exists()
    assert (await session.budget()).limit_usd == 5


async def test_a_file_that_cannot_be_edited_is_left_alone(stand: Stand) -> None:
    session = await stand.open([])
    stand.home.mkdir(exist_ok=True)
    (stand.home / "config.toml").write_text("[budget\n")

    with pytest.raises(ConfigError):
        await session.set_limit("daily", Decimal(1))

    assert (stand.home / "config.toml").read_text() == "[budget\n"
    assert (await session.budget()).limit_usd == 5


async def test_more_for_today_is_told_to_the_log(tmp_path: Path) -> None:
    stack = AsyncExitStack()
    stand = Stand(tmp_path, stack)
    session = await stand.open([])

    state = await session.raise_today(Decimal("2.50"))
    await session.set_limit("alert", Decimal(3))
    await stack.aclose()

    assert (state.limit_usd, state.raised_usd) == (Decimal("7.50"), Decimal("2.50"))
    lines = (stand.home / "logs" / "events.jsonl").read_text().splitlines()
    told = [(one["limit"], one["usd"]) for one in map(json.loads, lines) if one["event"] == "limit"]
    assert told == [("today", "2.5"), ("alert", "3")]


async def test_a_prompt_sent_again_confirms_the_date_of_a_clock_that_was_set(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await stand.open([step(text="one"), step(text="two")])
    ledger = cast("SqliteLedger", session._services.ledger)
    mark = ClockMark(wall_s=1_000_000.0, uptime_s=10.0, boot="one")
    monkeypatch.setattr(ledger, "_clocks", lambda: mark)
    await play(session, "hello")
    mark = ClockMark(wall_s=1_400_000.0, uptime_s=20.0, boot="one")
    monkeypatch.setattr(ledger, "_now", lambda: local_now() + timedelta(days=4))

    refused = (await play(session, "again"))[-1]
    done = (await play(session, "again"))[-1]

    assert isinstance(refused, TurnFailed)
    assert (refused.code, refused.exit_code) == ("clock_leap", 3)
    assert isinstance(done, TurnFinished)


async def test_every_limit_is_told_with_what_is_used_of_it(stand: Stand) -> None:
    session = await stand.open([step(text="done")])
    await session.set_limit("session", Decimal("0.50"))
    await play(session, "hello")
    balances = {one.kind: one for one in await session.balances()}
    assert set(balances) == set(LimitKind)
    assert balances[LimitKind.SESSION].limit_usd == Decimal("0.50")
    assert balances[LimitKind.MONTH].limit_usd is None
    spent = (await session.budget()).spent_usd
    assert spent > 0
    assert all(one.spent_usd == spent for one in balances.values())
