"""The budget panel: limits are changed in place, sums are straight, foreign names are only text."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from ralex.core.budget import SpendRow
from ralex.core.usage import Usage
from ralex.errors import ConfigError, UsageError
from ralex.tui.screens.budget.limits import read_amount
from ralex.tui.screens.budget.report import Money, report, today
from ralex.tui.screens.budget.screen import BudgetScreen
from tests.tui.fake_session import FakeSession, budget
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import SIZES, THEMES, Compare, ralex, ready, until

LINES = ["daily", "alert", "session", "project", "monthly", "today"]


@asynccontextmanager
async def panel(
    session: FakeSession | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncGenerator[Driver, None]:
    async with running(session or FakeSession(), size=size) as driver:
        await driver.ready()
        await driver.pilot.press("f2")
        await driver.until(
            lambda: (
                isinstance(driver.app.screen, BudgetScreen)
                and driver.app.screen.query_one(OptionList).option_count
            )
        )
        yield driver


def words(driver: Driver) -> str:
    screen = driver.app.screen
    parts = [str(one.content) for one in screen.query(Static) if one.display]
    parts += [str(one.prompt) for one in screen.query_one(OptionList).options]
    return "\n".join(parts)


async def change(driver: Driver, kind: str, typed: str) -> None:
    driver.app.screen.query_one(OptionList).highlighted = LINES.index(kind)
    await driver.pilot.press("enter")
    driver.app.screen.query_one(Input).value = typed
    await driver.pilot.press("enter")
    await driver.pilot.pause()


@pytest.mark.parametrize(
    ("kind", "typed", "amount"),
    [
        ("daily", "7.5", Decimal("7.5")),
        ("alert", "$3", Decimal(3)),
        ("session", "0,50", Decimal("0.50")),
        ("project", "20", Decimal(20)),
        ("monthly", "60", Decimal(60)),
        ("daily", "off", None),
        ("daily", "0", Decimal(0)),
    ],
)
async def test_each_limit_is_changed_in_place(
    kind: str, typed: str, amount: Decimal | None
) -> None:
    async with panel() as driver:
        await change(driver, kind, typed)
        await driver.until(lambda: "from now on" in words(driver))
        assert getattr(driver.session.limits, f"{kind}_usd") == amount
        assert "/home/ada/config.toml" in words(driver)
        assert not driver.app.screen.query_one(Input).display


async def test_the_bar_follows_what_the_panel_changed() -> None:
    async with panel() as driver:
        await change(driver, "today", "2")
        await driver.until(lambda: "$2.00 more today" in words(driver))
        await driver.pilot.press("escape")
        await driver.until(lambda: "$1.25 / $7.00" in driver.bar())


async def test_more_for_today_can_be_given_changed_and_taken_back() -> None:
    async with panel() as driver:
        await change(driver, "today", "2")
        await driver.until(lambda: "$2.00 more today" in words(driver))
        assert driver.session.money.raised_usd == 2
        assert "$7.00 (+$2.00)" in words(driver)
        await change(driver, "today", "1")
        await driver.until(lambda: "$1.00 more today" in words(driver))
        assert driver.session.money.raised_usd == 1
        await change(driver, "today", "off")
        await driver.until(lambda: "usual limit" in words(driver))
        assert driver.session.money.raised_usd == 0
        assert driver.session.limits.daily_usd == 5


async def test_what_is_no_amount_is_refused_and_can_be_corrected() -> None:
    async with panel() as driver:
        await change(driver, "daily", "plenty [/x]")
        await driver.until(lambda: "is no amount" in words(driver))
        assert driver.session.limits.daily_usd == 5
        await driver.pilot.press("escape")
        assert isinstance(driver.app.screen, BudgetScreen)
        await driver.pilot.press("escape")
        assert not isinstance(driver.app.screen, BudgetScreen)


async def test_what_another_layer_decides_is_said() -> None:
    session = FakeSession(limit_notes=("a project's file holds it at $1.00",))
    async with panel(session) as driver:
        await change(driver, "daily", "9")
        await driver.until(lambda: "a project's file holds it" in words(driver))


async def test_a_file_that_cannot_be_written_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(_self: FakeSession, _kind: str, _usd: Decimal | None) -> None:
        raise ConfigError("config.toml cannot be written", hint="check its owner")

    monkeypatch.setattr(FakeSession, "set_limit", refuse)
    async with panel() as driver:
        await change(driver, "daily", "9")
        await driver.until(lambda: "cannot be written" in words(driver))


async def test_it_works_by_mouse_on_a_small_screen_and_reads_on() -> None:
    async with panel(size=(60, 15)) as driver:
        box = driver.app.screen.query_one("VerticalScroll")
        assert box.scroll_y == 0
        await driver.pilot.press("pagedown")
        await driver.until(lambda: box.scroll_y > 0)
        await driver.pilot.press("pageup")
        await driver.until(lambda: box.scroll_y == 0)
        await driver.pilot.click(OptionList, offset=(3, 0))
        await driver.until(lambda: driver.app.screen.query_one(Input).display)


@pytest.mark.parametrize("text", ["", "five", "-1", "nan", "inf", "1e9", "$", "1 2"])
def test_only_sums_of_money_are_amounts(text: str) -> None:
    with pytest.raises(UsageError):
        read_amount(text)


def row(key: str, cost: str, saved: str = "0") -> SpendRow:
    return SpendRow(
        key=key, calls=1, cost_usd=Decimal(cost), saved_usd=Decimal(saved), usage=Usage()
    )


@pytest.mark.parametrize("width", range(40, 121, 10))
def test_no_figure_of_the_day_stands_alone(width: int) -> None:
    figures = [
        line
        for line in today(Money(budget=budget(), groups={}, days=[]), width).plain.split("\n")
        if "$" in line
    ]
    counts = [line.count("$") for line in figures]
    assert len(counts) == 1 or min(counts) > 1, figures


@pytest.mark.parametrize("width", [40, 52, 64, 70, 96])
def test_every_line_fits_and_the_chart_has_thirty_days(width: int) -> None:
    money = Money(
        budget=budget(spent="6"),
        groups={
            "model": [row("日本語の/とても長いモデルの名前" * 4, "0.5"), row("[/x]", "1")],
            "tier": [],
        },
        days=[row("2026-03-14", "6"), row("2026-02-13", "1"), row("2026-02-12", "77")],
    )
    text = report(money, width)
    assert all(line.cell_length <= width for line in text.split("\n"))
    assert "[/x]" in text.plain
    assert "together $7.00" in text.plain  # what is older than thirty days is not in the sum
    assert "Feb 13" in text.plain
    first = text.plain.split("Last 30 days\n")[1].split("\n")
    assert {line.rstrip("$0123456789. ")[-1:] for line in first[:5]} <= {"█", "┄", ""}
    assert all(line.cell_length <= width for line in today(money, width).split("\n"))


@THEMES
@SIZES
def test_picture_of_changing_a_limit(
    snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    async def changing(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await pilot.press("f2")
        await until(
            pilot,
            lambda: (
                isinstance(pilot.app.screen, BudgetScreen)
                and pilot.app.screen.query_one(OptionList).option_count
            ),
        )
        await pilot.press("down", "enter")

    session = FakeSession(money=budget(spent="4.10"))
    assert snap_compare(ralex(session, theme=theme), terminal_size=size, run_before=changing)
