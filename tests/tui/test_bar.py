"""The status bar: what a prompt would cost, what the money changes, and what a click opens."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ralex.core.routing import RouteReason, TierPrice
from ralex.core.tiers import Tier
from ralex.tui.screens.budget.screen import BudgetScreen
from ralex.tui.screens.dialogs.picker import PickerScreen
from ralex.tui.widgets.status.status import StatusBar, price_text
from ralex.tui.widgets.transcript.items import ReportItem
from tests.tui.fake_session import CHEAP, STRONG, FakeSession, budget, route
from tests.tui.helpers import Driver, running


class Priced(FakeSession):
    """A session that notes what it was asked to price."""

    def price_of_next_turn(self, ask: str) -> tuple[TierPrice, ...]:
        self.priced = [*getattr(self, "priced", []), ask]
        is_hard = "refactor" in ask
        return (
            TierPrice(
                tier=Tier.SIMPLE,
                model=CHEAP,
                estimated_usd=Decimal("0.0004"),
                is_chosen=not is_hard,
            ),
            TierPrice(tier=Tier.COMPLEX, model=STRONG, estimated_usd=None, is_chosen=is_hard),
        )


async def priced(driver: Driver) -> None:
    await driver.until(lambda: driver.chat.query_one(StatusBar).price is not None)


async def test_what_is_written_is_priced_a_moment_after_the_last_key() -> None:
    session = Priced(last_route=route())
    async with running(session) as driver:
        await driver.ready()
        assert "next" not in driver.bar()
        await driver.type("hi")
        await priced(driver)
        assert "next SIMPLE → swift-mini ~$0.0004" in driver.bar()
        await driver.until(lambda: session.priced[-1] == "hi")  # type: ignore[attr-defined]  # set with the first price
        driver.chat.prompt.put("refactor it")
        await driver.until(lambda: "~$?" in driver.bar())
        assert "next COMPLEX → deep-large ~$?" in driver.bar()
        driver.chat.prompt.put("")
        await driver.until(lambda: "next" not in driver.bar())
        assert "SIMPLE → swift-mini" in driver.bar()


@pytest.mark.parametrize("text", ["/", "/help", "!ls", "  "])
async def test_what_begins_no_turn_has_no_price_and_leaves_no_timer(text: str) -> None:
    session = Priced()
    async with running(session) as driver:
        await driver.ready()
        driver.chat.prompt.put(text)
        await driver.pilot.pause()
        assert driver.chat._pricer._timer is None
        assert not hasattr(session, "priced")


async def test_no_timer_is_left_when_the_price_is_shown() -> None:
    async with running(Priced()) as driver:
        await driver.ready()
        await driver.type("hi")
        await priced(driver)
        assert driver.chat._pricer._timer is None


def test_a_price_is_an_estimate_unknown_or_free() -> None:
    assert price_text(Decimal("0.0123")) == "~$0.0123"
    assert price_text(None) == "~$?"
    assert price_text(Decimal(0)) == "free"


async def test_a_key_shows_the_price_on_every_tier_and_a_choice_holds_once() -> None:
    session = Priced()
    async with running(session, size=(100, 30)) as driver:
        await driver.ready()
        await driver.type("hi")
        await driver.pilot.press("f3")
        await driver.until(lambda: isinstance(driver.app.screen, PickerScreen))
        await driver.type("complex")
        await driver.pilot.press("enter")
        await driver.until(lambda: session.override)
        assert session.override is not None
        assert (session.override.tier, session.override.once) == (Tier.COMPLEX, True)
        assert driver.chat.prompt.text == "hi"


@pytest.mark.parametrize(
    ("spent", "says"), [("3.00", ""), ("4.10", "cheaper tiers"), ("5.00", "paid calls stop")]
)
async def test_the_bar_says_what_the_money_changes(spent: str, says: str) -> None:
    async with running(FakeSession(money=budget(spent=spent, held="0")), size=(120, 24)) as driver:
        await driver.ready()
        money = f"${spent} / $5.00"
        assert money in driver.bar()
        after = driver.bar().split(money)[1]
        assert ("cheaper tiers" in after, "paid calls stop" in after) == (
            says == "cheaper tiers",
            says == "paid calls stop",
        )


async def test_a_limit_that_only_warns_stops_nothing_in_the_bar_either() -> None:
    money = replace(budget(spent="5.00", held="0"), has_cutoff=False)
    async with running(FakeSession(money=money), size=(120, 24)) as driver:
        await driver.ready()
        assert "$5.00 / $5.00" in driver.bar()
        assert "stop" not in driver.bar()


async def test_the_mode_key_goes_round_and_the_bar_follows() -> None:
    async with running() as driver:
        await driver.ready()
        for mode in ("ask", "plan", "yolo"):
            await driver.pilot.press("shift+tab")
            assert driver.session.mode == mode
            assert driver.bar().startswith(mode)
            assert driver.app.focused is driver.chat.prompt


async def test_a_click_opens_what_the_part_is_about() -> None:
    session = FakeSession(last_route=route(Tier.SIMPLE, CHEAP, RouteReason.SCORE))
    async with running(session, size=(120, 24)) as driver:
        await driver.ready()
        bar = driver.bar()

        async def click(text: str) -> None:
            await driver.pilot.click("StatusBar", offset=(2 + bar.index(text), 0))

        await click("yolo")
        assert session.mode == "ask"
        session.mode = "yolo"
        driver.chat.show_session()
        await click("swift-mini")
        await driver.until(lambda: isinstance(driver.app.screen, PickerScreen))
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        await click("128k")
        await driver.until(lambda: driver.chat.transcript.newest(ReportItem))
        await click("$1.25")
        await driver.until(lambda: isinstance(driver.app.screen, BudgetScreen))
