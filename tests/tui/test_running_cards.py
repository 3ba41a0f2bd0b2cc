"""Cards of what runs: they grow, count, say where they are, and cost nothing afterwards."""

import asyncio
from decimal import Decimal

from ralex.core.events import TaskProgressed, ToolOutputGrew
from ralex.core.ids import CallId
from ralex.tui.widgets.activity.activity import Activity
from ralex.tui.widgets.transcript.items import ToolItem
from tests.tui.fake_session import CHEAP, FakeSession, Step, call, finished, opening
from tests.tui.helpers import Driver, running

ARGUMENTS = '{"command": "make test"}'


def grew(tail: str, *, is_cut: bool = False) -> ToolOutputGrew:
    call_id = CallId("bash-1")
    return ToolOutputGrew(call_id=call_id, tail=tail, is_cut=is_cut, total_bytes=len(tail))


def shell_call() -> list[Step]:
    return call(
        "bash",
        "make test",
        arguments=ARGUMENTS,
        output="one\ntwo\n[exit code 0, 12.3 s]",
        summary="exit 0 · 12.3 s",
        exit_code=0,
    )


def head(driver: Driver, name: str = "bash") -> str:
    return next(row for row in driver.rows() if f"● {name}" in row)


async def second(driver: Driver, seconds: float) -> None:
    driver.clock.now += seconds
    driver.chat.query_one(Activity)._tick()
    await driver.pilot.pause()


async def test_a_shell_card_shows_the_end_of_its_output_while_it_runs() -> None:
    gates = [asyncio.Event() for _ in range(3)]
    begin, end = shell_call()
    script = [
        *opening("x"),
        begin,
        gates[0],
        grew("one\n"),
        gates[1],
        grew("two\n\nthree", is_cut=True),
        gates[2],
        end,
        finished(),
    ]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.transcript.newest(ToolItem))
        assert head(driver).endswith("running")
        gates[0].set()
        await driver.until(lambda: "one" in driver.text())
        assert head(driver).endswith("running · one")
        await driver.pilot.press("ctrl+o")
        assert "  │ $ make test\n  │ one" in driver.text()
        gates[1].set()
        await driver.until(lambda: "three" in driver.text())
        assert head(driver).endswith("running · three")
        assert "  │ … earlier output\n  │ two\n  │\n  │ three" in driver.text()
        gates[2].set()
        await driver.idle()
        assert "earlier output" not in driver.text()
        assert "  │ one\n  │ two\n" in driver.text()
        assert driver.text().count("exit 0") + driver.text().count("exit code") == 1


async def test_seconds_are_counted_on_the_card_and_only_while_it_runs() -> None:
    gate = asyncio.Event()
    begin, end = shell_call()
    async with running(
        FakeSession(scripts=[[*opening("x"), begin, gate, end, finished()]])
    ) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.transcript.newest(ToolItem))
        await second(driver, 4.4)
        assert head(driver).endswith("  4 s")
        await second(driver, 8)
        assert head(driver).endswith("  12 s")
        gate.set()
        await driver.idle()
        assert "exit 0 · 12.3 s" in driver.text()
        assert driver.chat.query_one(Activity)._timer is None
        scribe = driver.chat.conversation._scribe
        assert scribe is not None
        assert scribe.running._cards == {}


async def test_a_command_of_the_users_own_shows_its_output_while_it_runs() -> None:
    session = FakeSession(gate=asyncio.Event(), printed="building\nhalf done\n")
    async with running(session) as driver:
        await driver.ready()
        await driver.send("!make")
        await driver.until(lambda: "half done" in driver.text())
        assert "  │ $ make\n  │ building\n  │ half done" in driver.text()
        assert session.gate is not None
        session.gate.set()
        await driver.idle()
        assert "half done" not in driver.text()
        assert "│ done" in driver.text()


async def test_a_sub_agents_card_says_where_it_is_and_what_it_did() -> None:
    gates = [asyncio.Event() for _ in range(2)]
    begin, end = call("task", "find the parser", output="It is in a.py.", summary="2 steps")

    def progress(doing: str, steps: int, cost: str) -> TaskProgressed:
        return TaskProgressed(
            call_id=CallId("task-1"),
            model=CHEAP,
            steps=steps,
            doing=doing,
            cost_usd=Decimal(cost),
        )

    script = [
        *opening("x"),
        begin,
        progress("thinking", 0, "0"),
        progress("grep parse", 1, "0.0012"),
        progress("read a.py", 1, "0.0012"),
        gates[0],
        end,
        finished(),
    ]
    async with running(FakeSession(scripts=[script]), size=(110, 24)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: "read a.py" in driver.text())
        await second(driver, 3)
        row = head(driver, "task")
        assert row.endswith("3 s · $0.0012 · read a.py · 1 step · swift-mini")
        await driver.pilot.press("ctrl+o")
        assert "  │ thinking\n  │ grep parse\n  │ read a.py" in driver.text()
        gates[0].set()
        await driver.idle()
        assert "grep parse" not in driver.text()
        assert "It is in a.py." in driver.text()


async def test_output_of_a_call_that_is_over_or_unknown_changes_nothing() -> None:
    script = [*opening("x"), grew("lost"), *shell_call(), grew("late"), finished()]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.pilot.press("ctrl+o")
        assert "lost" not in driver.text()
        assert "late" not in driver.text()


async def test_the_head_of_a_card_holds_whole_figures_only() -> None:
    begin, _ = call("task", "find the parser of everything that is read", output="", summary="")
    told = TaskProgressed(
        call_id=CallId("task-1"), model=CHEAP, steps=2, doing="thinking", cost_usd=Decimal("0.0012")
    )
    script = [*opening("x"), begin, told, asyncio.Event()]
    for width in range(60, 111, 3):
        async with running(FakeSession(scripts=[script]), size=(width, 24)) as driver:
            await driver.ready()
            await driver.send("x")
            await driver.until(lambda driver=driver: "$0.0012" in driver.text())
            doing, *figures = head(driver, "task").partition("$0.0012")[2].strip(" ·").split(" · ")
            assert figures in ([], ["2 steps"], ["2 steps", "swift-mini"]), width
            assert doing == "thinking" or (doing.endswith("…") and not figures), width
            await driver.pilot.press("escape")
