"""``ralex budget``: show, set, and repair."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.commands import budget
from ralex.core.budget import BudgetState, Limits
from ralex.errors import BudgetExceededError, ConfigError, LedgerUnavailableError, UsageError
from ralex.opened import local_now
from ralex.store.ledger import SqliteLedger
from tests.commands.command_line import call
from tests.store.money import Clock, intent, pay, send


def ledger_at(folder: Path) -> Path:
    return folder / "home" / "ledger.db"


def use(folder: Path, spent: str, held: str = "0") -> None:
    """Spend from the ledger of a home, and leave something held."""

    async def fill() -> None:
        ledger = await SqliteLedger.open(ledger_at(folder), limits=Limits(), now=local_now)
        call = intent(spent, project=str(folder))
        await pay(ledger, spent, call=call)
        await send(ledger, intent(held))
        await ledger.aclose()

    asyncio.run(fill())


def state_of(folder: Path) -> BudgetState:
    async def read() -> BudgetState:
        ledger = await SqliteLedger.open(ledger_at(folder), limits=Limits(), now=local_now)
        state = await ledger.state()
        await ledger.aclose()
        return state

    return asyncio.run(read())


def test_show_tells_spent_held_and_left(tmp_path: Path) -> None:
    use(tmp_path, "3.75", "0.5")

    output = call(budget, tmp_path)

    assert "$3.75 spent, $0.50 held, $0.75 left (limit $5.00)" in output.out
    assert "alert at $4.00 (reached)" in output.out
    assert "this project:  $3.75 spent" in output.out


def test_show_as_json_is_exact(tmp_path: Path) -> None:
    use(tmp_path, "0.000000001")

    shown = json.loads(call(budget, tmp_path, "show", "--json").out)

    assert shown["spent_usd"] == "0.000000001"
    assert Decimal(shown["left_usd"]) == Decimal("4.999999999")
    assert [one["kind"] for one in shown["others"]] == ["month", "project"]


def test_set_writes_the_users_file_and_show_obeys_it(tmp_path: Path) -> None:
    output = call(budget, tmp_path, "set", "daily", "9", "alert", "8.50", "session", "off")

    assert output.err == ""
    text = (tmp_path / "home" / "config.toml").read_text()
    assert text == "[budget]\nsession_usd = false\nalert_usd = 8.50\ndaily_usd = 9\n"
    assert "(limit $9.00)" in call(budget, tmp_path, "show").out


def test_set_says_when_something_else_decides(tmp_path: Path) -> None:
    output = call(budget, tmp_path, "set", "daily", "9", RALEX_DAILY_USD="2")

    assert "RALEX_DAILY_USD" in output.err


def test_set_says_when_a_limit_is_used_up_already(tmp_path: Path) -> None:
    use(tmp_path, "2")

    output = call(budget, tmp_path, "set", "daily", "1")

    assert "today's $1.00 is used up ($2.00 spent, $0.00 held)" in output.err


def test_more_for_today_is_shown_and_can_be_taken_back(tmp_path: Path) -> None:
    use(tmp_path, "5")

    raised = call(budget, tmp_path, "raise", "2.50")
    shown = call(budget, tmp_path, "show").out
    exact = json.loads(call(budget, tmp_path, "show", "--json").out)
    back = call(budget, tmp_path, "raise", "off")

    assert "$2.50 left (limit $7.50)" in raised.out
    assert "raised by $2.50, for today only" in raised.out
    assert "today only, the limit is raised by $2.50" in shown
    assert exact["raised_usd"] == "2.5"
    assert "$0.00 left (limit $5.00)" in back.out


def test_the_date_can_be_confirmed(tmp_path: Path) -> None:
    output = call(budget, tmp_path, "confirm")

    assert local_now().date().isoformat() in output.out


def test_cutoff_can_be_switched(tmp_path: Path) -> None:
    call(budget, tmp_path, "set", "cutoff", "off")

    assert "cutoff is off" in call(budget, tmp_path, "show").out


@pytest.mark.parametrize(
    "words",
    [
        ("set",),
        ("set", "daily"),
        ("set", "daily", "lots"),
        ("set", "daily", "nan"),
        ("set", "daily", "1e12"),
        ("set", "hourly", "1"),
        ("set", "cutoff", "5"),
        ("set", "daily", "0.0000000001"),
        ("raise",),
        ("raise", "0"),
        ("raise", "-1"),
        ("raise", "much"),
        ("spend",),
        ("show", "me"),
    ],
)
def test_wrong_words_change_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        call(budget, tmp_path, *words)
    assert not (tmp_path / "home" / "config.toml").exists()


def test_a_broken_config_is_not_made_worse(tmp_path: Path) -> None:
    path = tmp_path / "home" / "config.toml"
    path.parent.mkdir()
    path.write_text("[budget\n")

    with pytest.raises(ConfigError):
        call(budget, tmp_path, "set", "daily", "1")
    assert path.read_text() == "[budget\n"


def test_a_set_limit_says_that_a_running_ralex_keeps_its_own(tmp_path: Path) -> None:
    async def set_beside_another() -> str:
        ledger = await SqliteLedger.open(
            tmp_path / "home" / "ledger.db", limits=Limits(), now=local_now
        )
        output = await asyncio.to_thread(call, budget, tmp_path, "set", "daily", "1")
        await ledger.aclose()
        return output.err

    beside = asyncio.run(set_beside_another())
    alone = call(budget, tmp_path, "set", "daily", "2").err

    assert "another ralex is running and keeps its limits" in beside
    assert alone == ""


def test_a_sound_ledger_is_not_repaired(tmp_path: Path) -> None:
    use(tmp_path, "1")

    output = call(budget, tmp_path, "repair", "--spent", "0")

    assert output.out == "the ledger is sound; nothing was changed\n"
    assert state_of(tmp_path).spent_usd == 1


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, None], ids=["empty", "bad", "gone"])
def test_a_repaired_ledger_counts_the_day_as_used(tmp_path: Path, content: bytes | None) -> None:
    use(tmp_path, "1")
    path = ledger_at(tmp_path)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(LedgerUnavailableError, match="ledger"):
        call(budget, tmp_path)

    output = call(budget, tmp_path, "repair")

    assert "restored" in output.out
    assert "today counts as $5.00 spent" in output.out
    state = state_of(tmp_path)
    assert (state.spent_usd, state.left_usd) == (5, 0)


def test_the_user_may_say_what_was_spent(tmp_path: Path) -> None:
    use(tmp_path, "1")
    ledger_at(tmp_path).write_bytes(b"garbage" * 1000)

    call(budget, tmp_path, "repair", "--spent", "2.50")

    assert state_of(tmp_path).spent_usd == Decimal("2.50")


def test_what_the_backup_knows_cannot_be_talked_down(tmp_path: Path) -> None:
    use(tmp_path, "1")
    ledger_at(tmp_path).unlink()

    call(budget, tmp_path, "repair", "--spent", "0.10")

    assert state_of(tmp_path).spent_usd == 1


def test_without_a_good_backup_a_new_ledger_is_made_and_nothing_is_deleted(tmp_path: Path) -> None:
    use(tmp_path, "1")
    ledger_at(tmp_path).write_bytes(b"garbage" * 1000)
    for backup in (tmp_path / "home" / "backups").glob("*.db"):
        backup.write_bytes(b"worse")

    output = call(budget, tmp_path, "repair", "--spent", "1")

    assert "a new ledger was made" in output.out
    assert state_of(tmp_path).spent_usd == 1
    assert list((tmp_path / "home").glob("ledger.db.damaged-*"))
    assert list((tmp_path / "home" / "backups").glob("*.bad"))


def test_a_date_from_a_wrong_clock_is_forgotten_on_demand(tmp_path: Path) -> None:
    async def visit_the_future() -> str:
        clock = Clock(local_now())
        clock.forward(days=900)
        ledger = await SqliteLedger.open(ledger_at(tmp_path), limits=Limits(), now=clock)
        await pay(ledger, "5")
        clock.forward(days=-900)
        with pytest.raises(BudgetExceededError) as caught:
            await ledger.reserve(intent("1"))
        await ledger.aclose()
        return caught.value.hint

    hint = asyncio.run(visit_the_future())
    assert "ralex budget repair" in hint

    output = call(budget, tmp_path, "repair")

    today = local_now().date().isoformat()
    assert f"today is {today} again" in output.out
    assert (state_of(tmp_path).day, state_of(tmp_path).left_usd) == (today, 5)


def test_show_tells_the_pace_once_there_is_one(tmp_path: Path) -> None:
    quiet = call(budget, tmp_path, "show")
    asyncio.run(spend_some(tmp_path, "0.25"))

    shown = call(budget, tmp_path, "show")
    report = json.loads(call(budget, tmp_path, "show", "--json").out)

    assert "pace" not in quiet.out
    assert "pace (estimate):  $0.25 in the last hour, about $" in shown.out
    assert Decimal(report["forecast"]["last_hour_usd"]) == Decimal("0.25")
    assert Decimal(report["forecast"]["end_of_day_usd"]) >= Decimal("0.25")


async def spend_some(folder: Path, cost: str) -> None:
    ledger = await SqliteLedger.open(folder / "home" / "ledger.db", limits=Limits(), now=local_now)
    await pay(ledger, cost)
    await ledger.aclose()


def test_a_repair_counts_what_was_allowed_on_top_for_today_as_used_too(tmp_path: Path) -> None:
    call(budget, tmp_path, "raise", "10")
    ledger_at(tmp_path).write_bytes(b"garbage" * 1000)

    output = call(budget, tmp_path, "repair")

    assert "today counts as $15.00 spent" in output.out
    assert "ralex budget raise" in output.out
    state = state_of(tmp_path)
    assert (state.limit_usd, state.spent_usd, state.left_usd) == (15, 15, 0)


def test_a_repair_without_a_limit_for_the_day_uses_up_the_months(tmp_path: Path) -> None:
    call(budget, tmp_path, "set", "daily", "off", "alert", "off", "monthly", "20")
    use(tmp_path, "3")
    ledger_at(tmp_path).unlink()

    output = call(budget, tmp_path, "repair")

    assert "today counts as $20.00 spent" in output.out
    assert "ralex budget set monthly" in output.out
    assert "this month:  $20.00 spent, $0.00 held, $0.00 left" in call(budget, tmp_path).out


def test_limits_that_refuse_nothing_are_still_shown(tmp_path: Path) -> None:
    use(tmp_path, "3")
    call(budget, tmp_path, "set", "project", "2", "monthly", "20", "cutoff", "off")

    shown = call(budget, tmp_path).out

    assert "this month:  $3.00 spent, $0.00 held, $17.00 left (limit $20.00)" in shown
    assert "this project:  $3.00 spent, $0.00 held, $0.00 left (limit $2.00)" in shown
    exact = json.loads(call(budget, tmp_path, "show", "--json").out)
    assert [one["limit_usd"] for one in exact["others"]] == ["20", "2"]


def test_without_a_daily_limit_a_raise_points_at_the_others(tmp_path: Path) -> None:
    call(budget, tmp_path, "set", "daily", "off", "monthly", "1")

    with pytest.raises(UsageError) as caught:
        call(budget, tmp_path, "raise", "1")

    assert "ralex budget set" in caught.value.hint
