"""A limit refuses a call: the sum is shown, and the user stops, allows more or goes on cheaper."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from ralex.core.budget import BudgetState
from ralex.core.events import TurnFailed
from ralex.core.routing import Override
from ralex.core.tiers import Tier
from ralex.tui.screens.budget.screen import BudgetScreen
from ralex.tui.screens.dialogs.limit import LimitScreen, offers
from tests.tui.fake_session import STRONG, FakeSession, Step, failed, opening
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import SIZES, THEMES, Compare, ralex, ready, until

SUM = "this call may cost $0.42 but only $0.11 of today's $5.00 is left ($4.89 spent, $0.00 held)"


def refused(message: str = SUM) -> list[Step]:
    event = replace(failed(message, "raise it with /budget", code="budget_exceeded"), model=STRONG)
    return [*opening("an expensive ask")[:2], event]


@asynccontextmanager
async def at_limit(message: str = SUM) -> AsyncGenerator[Driver, None]:
    async with running(FakeSession(scripts=[refused(message)])) as driver:
        await driver.ready()
        await driver.send("an expensive ask")
        await driver.until(lambda: isinstance(driver.app.screen, LimitScreen))
        yield driver


async def choose(driver: Driver, words: str) -> None:
    options = driver.app.screen.query_one(OptionList)
    at = next(n for n, one in enumerate(options.options) if words in str(one.prompt))
    options.highlighted = at
    await driver.pilot.press("enter")
    await driver.until(lambda: not isinstance(driver.app.screen, LimitScreen))


async def test_stopping_is_the_first_choice_and_the_prompt_is_kept() -> None:
    async with at_limit() as driver:
        assert SUM in str(driver.app.screen.query_one(".question", Static).content)
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.chat.prompt.text == "an expensive ask")
        assert driver.session.money.raised_usd == 0
        assert driver.session.prompts == ["an expensive ask"]


async def test_more_for_today_is_one_choice_away() -> None:
    async with at_limit() as driver:
        await choose(driver, "$5.00 more today")
        await driver.until(lambda: driver.session.money.raised_usd == 5)
        await driver.until(lambda: f"/ ${driver.session.money.limit_usd}" in driver.bar())
        await driver.until(lambda: "Today may cost $10.00 now" in driver.text())
        driver.chat.prompt.submit()
        await driver.idle()
        await driver.until(lambda: driver.session.prompts == ["an expensive ask"] * 2)


@pytest.mark.parametrize(
    ("limit", "sums"),
    [
        ("0.50", ["0.10", "0.50"]),
        ("5", ["1.00", "5.00"]),
        ("50", ["10.00", "50.00"]),
        ("0.03", ["0.01", "0.03"]),
        ("0.004", ["0.01"]),
        ("0", ["1.00", "5.00"]),
    ],
)
def test_what_is_offered_fits_the_limit(limit: str, sums: list[str]) -> None:
    assert [str(one) for one in offers(Decimal(limit))] == sums


async def test_offers_do_not_grow_with_what_was_allowed_already() -> None:
    event = refused()[-1]
    assert isinstance(event, TurnFailed)
    money = BudgetState(
        day="2026-01-01",
        limit_usd=Decimal("1.50"),
        raised_usd=Decimal("1.00"),
        alert_usd=None,
        spent_usd=Decimal("1.49"),
        held_usd=Decimal(0),
    )
    script = [*refused()[:-1], replace(event, budget=money)]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("an expensive ask")
        await driver.until(lambda: isinstance(driver.app.screen, LimitScreen))
        shown = "\n".join(str(o.prompt) for o in driver.app.screen.query_one(OptionList).options)
        assert "Allow $0.10 more today" in shown
        assert "Allow $0.50 more today" in shown


async def test_after_paid_steps_the_word_to_go_on_waits_in_the_input() -> None:
    *before, event = refused()
    later = replace(event, steps=3) if isinstance(event, TurnFailed) else event
    async with running(FakeSession(scripts=[[*before, later]])) as driver:
        await driver.ready()
        await driver.send("an expensive ask")
        await driver.until(lambda: isinstance(driver.app.screen, LimitScreen))
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.chat.prompt.text == "continue")


async def test_the_cheapest_tier_can_take_the_task() -> None:
    async with at_limit() as driver:
        await choose(driver, "Go on cheaper")
        await driver.until(
            lambda: driver.session.override == Override(tier=Tier.SIMPLE, for_task=True)
        )


async def test_all_limits_are_one_choice_away() -> None:
    async with at_limit() as driver:
        await choose(driver, "all limits")
        await driver.until(lambda: isinstance(driver.app.screen, BudgetScreen))


async def test_more_for_today_is_not_offered_where_another_limit_refused() -> None:
    async with at_limit(SUM.replace("today's", "this session's")) as driver:
        options = driver.app.screen.query_one(OptionList).options
        assert not any("more today" in str(one.prompt) for one in options)


@THEMES
@SIZES
def test_picture_of_the_limit(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def told(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await until(pilot, lambda: isinstance(pilot.app.screen, LimitScreen))

    app = ralex(FakeSession(scripts=[refused()]), theme=theme, prompt="an expensive ask")
    assert snap_compare(app, terminal_size=size, run_before=told)
