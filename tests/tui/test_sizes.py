"""Every screen in little room: nothing that must be read is cut, and what is laid out follows."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from ralex.core.ids import ModelId, SessionId
from ralex.core.models import Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.tui.formats import shortened_left
from ralex.tui.hanging import beside
from ralex.tui.screens.sessions.screen import SessionsScreen
from ralex.tui.widgets.completion.completion import Completion
from ralex.tui.widgets.header.header import Header
from ralex.tui.widgets.transcript.items import ReportItem
from tests.tui.fake_session import MODELS, FakeOpener, FakeSession, budget, route
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import Compare, chat_of, ralex, ready, until

TINY = (60, 15)
LONG = ModelId("openrouter/anthropic/claude-sonnet-4.6")
MODEL = replace(
    MODELS[1],
    id=LONG,
    provider="openrouter",
    name="anthropic/claude-sonnet-4.6",
    price=flat_price(Rates(input=Decimal(15), output=Decimal(75))),
    context_window=1_050_000,
)
CHEAP = replace(MODEL, id=ModelId("openrouter/deepseek/deepseek-v4-flash-lite"))
ROUTER = Router(name="house", tiers=dict.fromkeys(Tier, (LONG, CHEAP.id)))


def session() -> FakeSession:
    return FakeSession(models=(MODEL, CHEAP), router=ROUTER)


def seen(driver: Driver) -> str:
    """What the terminal shows, row by row."""
    rows = driver.app.screen._compositor.render_strips()
    return "\n".join(row.text.rstrip() for row in rows)


async def opened(driver: Driver, what: str) -> None:
    await driver.ready()
    if what.startswith("/"):
        await driver.send(what)
    else:
        await driver.pilot.press(what)
    await driver.until(lambda: len(driver.app.screen_stack) == 2)
    if what == "f2":
        panel = driver.app.screen.query_one(OptionList)
        await driver.until(lambda: panel.option_count)


@pytest.mark.parametrize("what", ["f1", "f2", "f3", "ctrl+p", "/tier", "/mode", "/theme"])
async def test_nothing_is_cut_in_little_room(what: str) -> None:
    async with running(session(), size=TINY) as driver:
        await opened(driver, what)
        pages: list[str] = []
        for _ in range(40):
            pages.append(seen(driver).replace("Reading the ledger …", ""))
            await driver.pilot.press("pagedown" if what in {"f1", "f2"} else "down")
            await driver.pilot.pause()
        # The chat behind a list is dimmed and may be cut; nothing of it is beside a wide dialog.
        assert not [row for page in pages for row in page.splitlines() if "…" in row]


async def test_the_columns_of_models_are_whole_in_little_room_and_names_keep_their_ends() -> None:
    async with running(session(), size=TINY) as driver:
        await opened(driver, "/model")
        rows = seen(driver).splitlines()
        head = next(row for row in rows if "solved" in row)
        line = next(row for row in rows if "claude-sonnet-4.6  " in row)
        assert head.split("│")[1].split()[-3:] == ["window", "solved", "tier"]
        assert "$15.00→75.00" in line
        assert line.split("│")[1].split()[-1] == "SMCR"
        assert line.index("SMCR") == head.index("tier")
        assert any("at openrouter" in row for row in rows), "what is cut is told below"


async def test_what_commands_do_is_read_whole_in_little_room() -> None:
    async with running(size=TINY) as driver:
        await driver.ready()
        await driver.type("/")
        completion = driver.chat.query_one(Completion)
        assert (
            str(completion.options[0].prompt)
            == "/model      Choose a model, for a turn or task too"
        )
        assert "…" not in seen(driver)
        await driver.pilot.resize_terminal(100, 30)
        await driver.until(lambda: "[id]" in str(completion.options[0].prompt))
        await driver.pilot.resize_terminal(60, 15)
        await driver.until(lambda: "[id]" not in str(completion.options[0].prompt))


async def test_a_report_keeps_to_its_columns_in_little_room() -> None:
    async with running(size=TINY) as driver:
        await driver.ready()
        lines = (
            ("tool results", "~1.1k", "73%", "━" * 18),
            ("together", "~1.2k", "1%", "of 128k, 1 message and a few more words"),
        )
        driver.chat.show(ReportItem(title="Context", lines=lines))
        await driver.pilot.pause()
        assert driver.rows()[1:5] == [
            "  Context",
            "  tool results  ~1.1k  73%  ━━━━━━━━━━━━━━━━━━",
            "  together      ~1.2k  1%   of 128k, 1 message and a few",
            "                            more words",
        ]
        wide = ReportItem(title="Files", lines=(("x" * 9, "y" * 30, "a word " * 4),))
        driver.chat.show(wide)
        await driver.pilot.pause()
        assert [row for row in driver.rows() if row][-2:] == [
            f"  {'x' * 9}  {'y' * 30}  a word a word",
            f"{' ' * 13}a word a word",
        ]


@pytest.mark.parametrize("what", ["/sessions", "ctrl+r"])
async def test_a_screen_looks_the_same_whatever_was_opened_before_it(
    what: str, tmp_path: Path
) -> None:
    async with running(size=(80, 24), home=tmp_path) as driver:
        await driver.ready()
        await driver.send("an ask to be found again")
        await driver.idle()
        await opened(driver, what)
        first = seen(driver)
        await driver.pilot.press("escape")
        await opened(driver, "f1")
        await driver.pilot.press("escape")
        await opened(driver, what)
        assert seen(driver) == first


async def test_lists_follow_a_change_of_size_and_keep_the_mark() -> None:
    async with running(size=(140, 40)) as driver:
        await opened(driver, "/model")
        head = driver.app.screen.query_one("#head", Static)
        assert "USD per million" in str(head.content)
        await driver.pilot.press("down")
        await driver.pilot.resize_terminal(50, 15)
        await driver.until(lambda: "$/M tokens" in str(head.content))
        assert driver.app.screen.query_one(OptionList).highlighted == 1


async def test_deleting_in_little_room_says_all_and_what_enter_does() -> None:
    other = FakeSession(title="Fix the ledger " * 6, id=SessionId("s2"))
    async with running(opener=FakeOpener(FakeSession(), others=[other]), size=TINY) as driver:
        await opened(driver, "/sessions")
        assert isinstance(driver.app.screen, SessionsScreen)
        await driver.pilot.press("down", "delete")
        await driver.pilot.pause()
        text = seen(driver)
        assert "for good?" in text
        assert "Enter deletes · Esc keeps it" in text
        assert "Enter opens" not in text
        await driver.pilot.press("escape")
        await driver.until(lambda: "Enter opens" in seen(driver))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("spent", ["1.25", "4.30", "5.00"])
async def test_money_and_tokens_are_always_in_the_bar(spent: str, width: int) -> None:
    money = budget(spent=spent, held="0")
    busy = FakeSession(money=money, last_route=route(), context_tokens=112_000)
    async with running(busy, size=(width, 15)) as driver:
        await driver.ready()
        assert f"${spent} / $5.00" in driver.bar()
        assert "112k" in driver.bar()
        assert "SIMPLE" in driver.bar()


@pytest.mark.parametrize(("width", "label"), [(60, "DEMO"), (120, "DEMO · simulated prices")])
async def test_the_label_leaves_room_for_the_title(width: int, label: str) -> None:
    named = FakeSession(label="DEMO · simulated prices", branch="feature/" + "x" * 60)
    async with running(named, size=(width, 15)) as driver:
        await driver.ready()
        text = str(driver.chat.query_one(Header).render()).rstrip()
        assert "shop" in text
        assert "Discount codes" in text
        assert text.endswith(f" {label}")


def test_what_is_beside_a_name_is_wrapped_in_its_own_column() -> None:
    text = str(beside("/model", "Choose a model, for a turn or task too", name_width=9, width=30))
    assert text.split("\n") == [
        "/model   Choose a model, for a",
        "         turn or task too",
    ]


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("acme/deep-large", 20, "acme/deep-large"),
        ("acme/deep-large", 8, "…p-large"),
        ("日本語のモデル", 7, "…モデル"),
        ("日本語のモデル", 6, "…デル"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_names_are_cut_at_their_beginning(text: str, width: int, short: str) -> None:
    assert shortened_left(text, width) == short


@pytest.mark.parametrize(
    "what",
    ["f1", "f2", "ctrl+p", "/model", "/tier", "/theme", "/sessions"],
    ids=["help", "budget", "commands", "model", "tier", "theme", "sessions"],
)
def test_picture_in_little_room(snap_compare: Compare, what: str) -> None:
    async def shown(pilot: Pilot[None]) -> None:
        await ready(pilot)
        if what.startswith("/"):
            chat_of(pilot).prompt.put(what)
            chat_of(pilot).prompt.submit()
        else:
            await pilot.press(what)
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.pause()

    assert snap_compare(ralex(session()), terminal_size=TINY, run_before=shown)
