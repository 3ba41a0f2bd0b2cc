"""Slash commands and keys, as the user meets them."""

import asyncio
from decimal import Decimal

import pytest
from textual.widgets import OptionList, Static

from ralex.core.forecast import DayForecast
from ralex.core.routing import Override
from ralex.core.tiers import Tier
from ralex.slash import COMMANDS
from ralex.tui import formats
from ralex.tui.screens.budget.report import Money, today
from ralex.tui.screens.budget.screen import BudgetScreen
from ralex.tui.screens.dialogs.help import HelpScreen
from ralex.tui.screens.dialogs.picker import PickerScreen
from ralex.tui.widgets.transcript.items import AnswerItem, ErrorItem, RouteItem
from tests.tui.fake_session import (
    CHEAP,
    STRONG,
    FakeOpener,
    FakeSession,
    budget,
    finished,
    opening,
    plain_turn,
)
from tests.tui.helpers import Driver, running


def panel_options(driver: Driver) -> str:
    options = driver.app.screen.query(OptionList)
    return "\n".join(str(one.prompt) for each in options for one in each.options)


def panel(driver: Driver) -> str:
    return "\n".join(str(static.render()) for static in driver.app.screen.query(Static))


async def test_a_model_is_chosen_until_auto_or_for_one_turn() -> None:
    async with running(size=(100, 24)) as driver:
        await driver.ready()
        await driver.send(f"/model {STRONG}")
        await driver.until(lambda: driver.session.override)
        assert driver.session.override == Override(model=STRONG)
        assert "deep-large ◆" in driver.bar()
        await driver.send(f"/model {CHEAP}!")
        await driver.until(lambda: driver.session.override == Override(model=CHEAP, once=True))
        assert "for the next turn" in driver.text()
        await driver.send("/auto")
        await driver.until(lambda: driver.session.override is None)
        assert "router house" in driver.bar()


async def test_commands_given_before_the_session_is_open_hold_for_what_was_asked_after_them() -> (
    None
):
    opener = FakeOpener(FakeSession(scripts=[plain_turn("hello", "Hi.")]), gate=asyncio.Event())
    async with running(opener=opener, size=(100, 24)) as driver:
        await driver.send(f"/model {STRONG}")
        await driver.send("hello")
        assert opener.gate is not None
        opener.gate.set()
        await driver.idle()
        assert driver.session.prompts == ["hello"]
        assert driver.session.overrides_at_turns == [Override(model=STRONG)]
        assert not driver.chat.transcript.newest(ErrorItem)


async def test_an_unknown_model_is_an_error_with_a_hint() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/model acme/none")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert "no provider has acme/none" in driver.text()
        assert "see /model" in driver.text()
        assert driver.session.override is None


async def test_the_model_list_shows_price_window_and_tiers_and_is_filtered() -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        await driver.send("/model")
        await driver.until(lambda: isinstance(driver.app.screen, PickerScreen))
        options = driver.app.screen.query_one("OptionList")
        lines = [str(option.prompt) for option in options.options]  # type: ignore[attr-defined]
        assert " ".join(lines[0].split()) == ("acme/swift-mini $0.10 → $0.40 128k — S·C")
        assert "price unknown" in lines[2]
        await driver.type("dlarge")
        await driver.pilot.press("enter")
        await driver.until(lambda: "until /auto" in panel_options(driver))
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.override)
        assert driver.session.override == Override(model=STRONG)


async def test_a_tier_is_chosen_by_the_start_of_its_name() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/tier comp")
        await driver.until(lambda: driver.session.override)
        assert driver.session.override == Override(tier=Tier.COMPLEX)
        await driver.send("/tier huge")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert "SIMPLE, MEDIUM, COMPLEX, REASONING" in driver.text()


async def test_why_tells_the_whole_story_of_the_last_turn() -> None:
    async with running(size=(100, 40)) as driver:
        await driver.ready()
        await driver.send("/why")
        await driver.until(lambda: driver.chat.transcript.items)
        assert "No turn was routed yet." in driver.text()
        await driver.send("hi")
        await driver.idle()
        await driver.send("/why")
        await driver.until(lambda: "Not taken" in driver.text())
        newest = driver.chat.transcript.items[-1]
        assert isinstance(newest, RouteItem)
        assert newest is driver.chat.transcript.newest(RouteItem)
        assert newest.receipt is not None
        assert newest.receipt.saved_usd is not None
        elsewhere = formats.usd(newest.receipt.cost_usd + newest.receipt.saved_usd)
        row = next(row for row in driver.rows() if "a higher tier than the ask needs" in row)
        assert f"~{elsewhere} " in row


async def test_cost_says_what_session_and_day_have_cost() -> None:
    async with running(size=(100, 24)) as driver:
        await driver.ready()
        await driver.send("/cost")
        await driver.until(lambda: driver.chat.transcript.items)
        lines = [" ".join(row.split()) for row in driver.rows()]
        assert "this session $0.420 12.4k tokens 12 calls ~$0.800 saved" in lines
        assert "today $1.25 of $5.00 ~$3.40 saved" in lines
        assert "held $0.02 for calls in flight" in lines


async def test_an_unknown_command_names_the_nearest_and_is_not_sent() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/budgte now")
        await driver.until(lambda: driver.chat.transcript.items)
        assert "/budgte is not a command" in driver.text()
        assert "did you mean /budget?" in driver.text()
        assert driver.session.prompts == []


async def test_the_budget_panel_opens_by_key_and_command_and_closes() -> None:
    async with running(size=(100, 50)) as driver:
        await driver.ready()
        for way in ("f2", "/budget"):
            if way == "f2":
                await driver.pilot.press("f2")
            else:
                await driver.send(way)
            await driver.until(lambda: isinstance(driver.app.screen, BudgetScreen))
            await driver.until(lambda: "Today by provider" in panel(driver))
            text = panel(driver)
            assert (
                "spent $1.25    held $0.02    left $3.73    limit $5.00    alert at $4.00" in text
            )
            assert "last hour $0.42    end of day ~$3.10" in text
            assert text.index("acme/deep-large") < text.index("acme/swift-mini")
            assert "Mar 14" in text
            await driver.pilot.press("escape")
            await driver.until(lambda: len(driver.app.screen_stack) == 1)


async def test_a_ledger_that_cannot_be_read_is_said_in_the_panel() -> None:
    class Broken(FakeSession):
        async def spend(self, by: str, *, days: int) -> list[object]:  # type: ignore[override]
            raise OSError("disk")

    async with running(Broken()) as driver:
        await driver.ready()
        await driver.pilot.press("f2")
        await driver.until(lambda: "could not be read" in panel(driver))
        assert driver.app.is_running


async def test_help_lists_every_command_and_bound_key() -> None:
    async with running(size=(100, 60)) as driver:
        await driver.ready()
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        text = panel(driver)
        for command in COMMANDS:
            assert command.usage in text
        assert "Ctrl+O" in text
        assert "Esc" in text
        await driver.pilot.press("f1")
        assert len(driver.app.screen_stack) == 1


@pytest.mark.parametrize("size", [(80, 24), (60, 15)], ids=["80x24", "60x15"])
async def test_help_is_read_to_its_end_by_keys(size: tuple[int, int]) -> None:
    async with running(size=size) as driver:
        await driver.ready()
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        page = driver.app.screen.query_one(".dialog")
        await driver.pilot.press("pagedown")
        await driver.until(lambda: page.scroll_y > 0)
        await driver.pilot.press("end")
        await driver.until(lambda: page.scroll_y == page.max_scroll_y > 0)


async def test_themes_are_previewed_and_escape_takes_the_old_one_back() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/theme")
        await driver.until(lambda: isinstance(driver.app.screen, PickerScreen))
        await driver.type("light")
        await driver.until(lambda: driver.app.theme == "ralex-light")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.theme == "ralex-dark")
        await driver.send("/theme ralex-light")
        await driver.until(lambda: driver.app.theme == "ralex-light")


async def test_new_starts_a_fresh_session_but_not_while_a_turn_runs() -> None:
    gate = asyncio.Event()
    session = FakeSession(scripts=[[*opening("x"), gate, finished()]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.send("/new")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert driver.session is session
        gate.set()
        await driver.idle()
        await driver.send("/new")
        await driver.until(lambda: driver.chat.session is not session)
        assert driver.chat.transcript.items == []
        await driver.send("fresh")
        await driver.idle()
        assert driver.session.prompts == ["fresh"]


async def test_copy_takes_the_last_code_block_without_its_fence() -> None:
    text = "Do:\n\n```sh\nls -l\npwd\n```\n\nand done"
    async with running(FakeSession(scripts=[plain_turn("x", text)])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.pilot.press("ctrl+y")
        assert driver.app.clipboard == "ls -l\npwd"


async def test_ctrl_c_stops_a_turn_and_twice_leaves_when_idle() -> None:
    never = asyncio.Event()
    session = FakeSession(scripts=[[*opening("x"), never]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.pilot.press("ctrl+c")
        await driver.until(lambda: not driver.chat.is_turn_running)
        assert session.interrupted == 1
        await driver.pilot.press("ctrl+c")
        driver.clock.now += 3
        await driver.pilot.press("ctrl+c")
        assert driver.app.is_running
        driver.clock.now += 1
        await driver.pilot.press("ctrl+c")
        await driver.until(lambda: not driver.app.is_running)


async def test_leaving_while_a_turn_runs_stops_it_first() -> None:
    session = FakeSession(scripts=[[*opening("x"), asyncio.Event()]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.pilot.press("ctrl+q")
        await driver.until(lambda: not driver.app.is_running)
        assert session.interrupted == 1
    assert driver.opener.closed == 1


async def test_ctrl_d_leaves_only_with_an_empty_prompt() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("ab")
        await driver.pilot.press("home", "ctrl+d")
        assert driver.chat.prompt.text == "b"
        await driver.pilot.press("ctrl+d", "ctrl+d")
        await driver.until(lambda: not driver.app.is_running)


async def test_clear_empties_the_screen_and_the_next_turn_is_shown() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("one")
        await driver.idle()
        await driver.send("/clear")
        await driver.until(lambda: not driver.chat.transcript.items)
        await driver.send("two")
        await driver.idle()
        assert "▌ two" in driver.text()
        assert driver.chat.transcript.newest(AnswerItem) is not None


@pytest.mark.parametrize(
    ("hours", "words"), [(2.34, "limit reached in ~2.3 h"), (0.5, "limit reached in ~30 min")]
)
def test_the_panel_says_when_the_limit_will_be_reached(hours: float, words: str) -> None:
    forecast = DayForecast(
        last_hour_usd=Decimal(2), end_of_day_usd=Decimal("9.5"), hours_to_limit=hours
    )
    text = today(Money(budget=budget(), forecast=forecast), 80).plain
    assert f"last hour $2.00    end of day ~$9.50    {words}" in text
