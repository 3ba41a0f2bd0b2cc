"""``ralex route --stats`` and ``--replay`` over sessions that were really played and stored."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ralex.agent.session import Session
from ralex.commands import route
from ralex.commands.route_past import stats_lines
from ralex.core.outcomes import Noticing, advised, noticing
from ralex.core.routing import Override
from ralex.core.tiers import Tier
from ralex.core.turn_log import PastTurn
from ralex.errors import ConfigError, UsageError
from ralex.opened import local_now
from ralex.providers.scripted import ScriptedStep
from ralex.store.sessions import SqliteSessions
from tests.agent.script import DONE, HELLO, edit, read, shell, step
from tests.agent.stand import Stand, play
from tests.commands.command_line import Output, call
from tests.core.past import turn

HARD = "Refactor the scheduler of the payment service to async and fix the race condition in it"
FIX = HELLO
ADVICE = ScriptedStep(text="The sign is wrong in calc.py line 1.")
FAILING = shell("python -m pytest -q 2>/dev/null; exit 1")
PASSING = shell("echo pytest")
CONFIG = """
[providers.test]
base_url = "http://127.0.0.1:9/v1"
needs_key = false
[models."test/cheap"]
price = { input = 0.1, output = 0.4 }
[models."test/smart"]
price = { input = 3, output = 12 }
[models."test/riddle"]
context_window = 8000
[routers.same]
tiers = { SIMPLE = ["test/cheap"], COMPLEX = ["test/smart"] }
[routers.frugal]
tiers = { SIMPLE = ["test/cheap"] }
[routers.riddle]
tiers = { SIMPLE = ["test/riddle"] }
"""


def bad_edit(old: str, new: str) -> ScriptedStep:
    return step(edit("calc.py", old, new))


async def fill(folder: Path) -> list[PastTurn]:
    """Play four tasks: noticed and changed, complained of, undone, and rejected though good."""
    async with AsyncExitStack() as stack:
        stand = Stand(folder, stack)
        (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")

        async def opened(steps: list[ScriptedStep]) -> Session:
            return await stand.open([step(read("calc.py")), *steps])

        noticed = [step(edit("calc.py", "a - b", "a * b"), FAILING), ADVICE]
        session = await opened([*noticed, bad_edit("a * b", "a + b"), step(PASSING), DONE])
        await play(session, FIX)

        again = [bad_edit("a + b", "a / b"), DONE, bad_edit("a / b", "a % b"), DONE]
        session = await opened([*again[:2], ADVICE, *again[2:]])
        await play(session, FIX)
        await play(session, "still broken")

        session = await opened([bad_edit("a % b", "a | b"), DONE])
        await play(session, FIX)
        await session.undo()

        good = [step(edit("calc.py", "a % b", "a + b"), FAILING), ADVICE, step(PASSING), DONE]
        session = await opened(good)
        await play(session, FIX)
        copy = await (await opened_store(stand.home)).fork(session.id)
        assert copy != session.id
    store = await opened_store(folder / "home")
    try:
        found = await store.past_turns()
        troubled = await store.past_turns(only_troubled=True)
        assert advised(troubled) == advised(found), "all that was advised is in them"
        assert copy not in {turn.session_id for turn in found}, "turns belong to the original"
        return found
    finally:
        await store.aclose()


async def opened_store(home: Path) -> SqliteSessions:
    return await SqliteSessions.open(home / "sessions.db", now=local_now)


@pytest.fixture
def turns(tmp_path: Path) -> list[PastTurn]:
    found = asyncio.run(fill(tmp_path))
    (tmp_path / "home" / "config.toml").write_text(CONFIG)
    return found


def stats(folder: Path, *argv: str) -> Output:
    return call(route, folder, "--stats", *argv)


def test_what_the_loop_stores_is_what_the_rates_are_measured_from(turns: list[PastTurn]) -> None:
    expected = Noticing(noticed=1, missed=2, left_alone=0, rejected=1, unknown=0)
    assert noticing(turns) == expected
    assert len(turns) == 5, "the copied session counts once"
    assert [turn.is_undone for turn in turns] == [False, False, False, True, False]
    assert all(turn.calls and turn.request_tokens > 0 for turn in turns)


def test_the_report_says_how_it_is_measured_and_that_it_is_too_little(
    tmp_path: Path, turns: list[PastTurn]
) -> None:
    output = stats(tmp_path)
    assert output.code == 0
    line = next(one for one in output.out.splitlines() if one.startswith("SIMPLE"))
    assert line.split()[:4] == ["SIMPLE", "5", "3", "(60%)"], turns
    for part in (
        "d  failures noticed      33%  (1 of 3 bad tasks)",
        "f  good work rejected   100%  (1 of 1 good tasks)",
        "it takes 20 bad and 20 good tasks",
        "upper estimate",
    ):
        assert part in output.out


def test_the_report_as_json(tmp_path: Path, turns: list[PastTurn]) -> None:
    record = json.loads(stats(tmp_path, "--json").out)
    escalation = record["escalation"]
    assert escalation["d"] == pytest.approx(1 / 3)
    assert escalation["f"] == 1.0
    assert escalation["is_enough"] is False
    assert escalation["advice"] is None
    assert escalation["advice_given"] >= escalation["advice_enough"] >= 0
    assert record["tiers"][0]["turns"] == len(turns)
    assert {"d", "f", "succeeded", "bad", "good"} <= record["definitions"].keys()


@pytest.mark.parametrize("form", ["--stats", "--replay"])
def test_nothing_stored_is_said(tmp_path: Path, form: str) -> None:
    output = call(route, tmp_path, form)
    assert (output.code, output.out.startswith("no ")) == (0, True)


def test_only_what_began_since_a_day_is_counted(tmp_path: Path, turns: list[PastTurn]) -> None:
    assert turns
    assert json.loads(stats(tmp_path, "--json", "--since", "2199-01-01").out)["tiers"] == []


def replayed(folder: Path, router: str) -> Output:
    return call(route, folder, "--replay", "--router", router)


@pytest.mark.usefixtures("turns")
def test_the_same_router_moves_nothing(tmp_path: Path) -> None:
    output = replayed(tmp_path, "same")
    assert "every turn would have gone where it went" in output.out
    assert "(+$0.00" in output.out


@pytest.mark.usefixtures("turns")
def test_an_unknown_price_is_said_and_not_counted(tmp_path: Path) -> None:
    output = replayed(tmp_path, "riddle")
    assert "cost: unknown, because no price is known for any of the 5 turns" in output.out
    assert "price unknown" in output.out
    assert "test/cheap → SIMPLE test/riddle" in output.out


@pytest.mark.usefixtures("turns")
def test_turns_without_a_price_are_counted_beside_the_sums(tmp_path: Path) -> None:
    config = tmp_path / "home" / "config.toml"
    half = CONFIG.replace('{ SIMPLE = ["test/riddle"] }', '{ SIMPLE = ["test/smart"] }')
    rule = '\n[[routers.riddle.rules]]\npattern = "broken"\nmodel = "test/riddle"\n'
    config.write_text(half + rule)
    output = replayed(tmp_path, "riddle")
    assert "left out for an unknown price: 1" in output.out


def test_moved_asks_and_money_as_json(tmp_path: Path) -> None:
    async def one_hard_task() -> None:
        async with AsyncExitStack() as stack:
            session = await Stand(tmp_path, stack).open([DONE, DONE])
            await play(session, HARD)
            await play(session, "yes")

    asyncio.run(one_hard_task())
    (tmp_path / "home" / "config.toml").write_text(CONFIG)
    output = call(route, tmp_path, "--replay", "--router", "frugal", "--json")
    record = json.loads(output.out)
    assert record["shifts"] == [{"was": "COMPLEX", "would_be": "COMPLEX", "turns": 2}]
    assert [one["would_be"]["model"] for one in record["moved"]] == ["test/cheap"] * 2
    assert record["moved"][0]["ask"] == HARD[:59] + "…"
    assert float(record["cost_usd"]) == pytest.approx(30 * float(record["estimated_usd"]))


def test_turns_on_a_model_that_the_user_chose_are_told_apart(tmp_path: Path) -> None:
    async def one_choice() -> None:
        async with AsyncExitStack() as stack:
            session = await Stand(tmp_path, stack).open([DONE, DONE])
            await play(session, HARD)
            session.set_override(Override(tier=Tier.SIMPLE))
            await play(session, HARD)

    asyncio.run(one_choice())
    (tmp_path / "home" / "config.toml").write_text(CONFIG)
    told = replayed(tmp_path, "same").out
    assert "1 turns since " not in told
    assert "1 turn since " in told
    assert "; 1 left out" in told
    assert "turns for which you chose the model or tier are left out" in told
    assert "no tier" not in stats(tmp_path).out


def test_a_row_without_a_tier_says_what_it_counts() -> None:
    lines = list(stats_lines([turn(tier=None, reason="override")], ""))
    assert any(line.startswith("no tier  ") for line in lines)
    assert any("you chose a model that serves no tier" in line for line in lines)


@pytest.mark.parametrize(
    "argv",
    [
        pytest.param(("--stats", "--replay"), id="both"),
        pytest.param(("--stats", "some text"), id="a text"),
        pytest.param(("--replay", "--jsonl"), id="jsonl"),
        pytest.param(("some text", "--since", "7d"), id="since without either"),
        pytest.param(("--stats", "--since", "soon"), id="no time"),
    ],
)
def test_what_makes_no_sense_together_is_refused(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        call(route, tmp_path, *argv)


def test_an_unknown_router_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no router"):
        replayed(tmp_path, "nosuch")
