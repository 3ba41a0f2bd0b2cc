"""Pictures of the prompt and what belongs to it."""

import asyncio
from pathlib import Path

from textual.pilot import Pilot

from ralex.core.events import ShellRan
from ralex.tui.app import RalexApp
from ralex.tui.past import PastPrompts, history_path
from ralex.tui.preferences import Preferences
from ralex.tui.screens.history.screen import HistoryScreen
from ralex.tui.widgets.status.status import StatusBar
from tests.tui.fake_session import FakeOpener, FakeSession, Step, budget, opening, route
from tests.tui.test_closing import ASK
from tests.tui.test_pictures import SIZES, THEMES, Compare, chat_of, ready, until

EARLIER = (
    "explain how a discount is computed",
    "why does test_expired fail?",
    "rename total to sum_of in the checkout\n\nKeep the old name as an alias,\nand say so in the "
    "changelog.",
    "日本語のエラーメッセージを直す",
    "a prompt that is much longer than any terminal is wide, because somebody explained at length "
    "what the discount codes of the last three campaigns were and how they were meant to combine",
)


def ralex(session: FakeSession, home: Path, *, theme: str = "ralex-dark") -> RalexApp:
    return RalexApp(
        FakeOpener(session),
        theme=theme,
        preferences=Preferences(home=home),
        clock=lambda: 0.0,
        is_still=True,
    )


@THEMES
@SIZES
def test_earlier_prompts(
    snap_compare: Compare, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    past = PastPrompts(history_path(tmp_path, "/home/ada/shop"))
    for text in EARLIER:
        past.append(text)

    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))
        await pilot.press("up", "up")

    app = ralex(FakeSession(), tmp_path, theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=opened)


def test_earlier_prompts_in_little_room(snap_compare: Compare, tmp_path: Path) -> None:
    past = PastPrompts(history_path(tmp_path, "/home/ada/shop"))
    for number in range(30):
        past.append(f"{EARLIER[number % 5]} {number}")

    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put("rename")
        bar = chat_of(pilot).query_one(StatusBar)
        await until(pilot, lambda: bar.price is not None)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))

    app = ralex(FakeSession(), tmp_path)
    assert snap_compare(app, terminal_size=(60, 15), run_before=opened)


@THEMES
@SIZES
def test_price_and_what_waits(
    snap_compare: Compare, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    script: list[Step] = [*opening(ASK), asyncio.Event()]
    session = FakeSession(scripts=[script], money=budget(spent="4.10", held="0"))

    async def waiting(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat = chat_of(pilot)
        for text in (ASK, "and do not forget the changelog", "!make test"):
            chat.prompt.put(text)
            chat.prompt.submit()
            await until(pilot, lambda: chat.is_turn_running)
        await until(pilot, lambda: len(chat.conversation.waiting) == 2)
        chat.prompt.put("!git status")
        await pilot.pause()

    app = ralex(session, tmp_path, theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=waiting)


@THEMES
@SIZES
def test_price_of_what_is_written(
    snap_compare: Compare, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    async def written(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put(ASK)
        bar = chat_of(pilot).query_one(StatusBar)
        await until(pilot, lambda: bar.price is not None)

    app = ralex(FakeSession(last_route=route()), tmp_path, theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=written)


@THEMES
@SIZES
def test_prices_by_tier(
    snap_compare: Compare, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put(ASK)
        await pilot.press("f3")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    app = ralex(FakeSession(), tmp_path, theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=opened)


@THEMES
@SIZES
def test_commands_of_the_users(
    snap_compare: Compare, size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    failing = ShellRan(
        command="pytest -q tests/test_checkout.py",
        output="..F\n1 failed, 2 passed in 0.41s",
        exit_code=1,
        elapsed_ms=1_400,
    )

    async def ran(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat = chat_of(pilot)
        for number, text in enumerate(("!git status", "!!env | sort"), start=1):
            chat.prompt.put(text)
            chat.prompt.submit()
            await until(pilot, lambda number=number: len(chat.transcript.items) == number + 1)
            await until(pilot, lambda: not chat.is_turn_running)
        await pilot.press("shift+tab")
        pilot.app.clear_notifications()
        await pilot.pause()

    app = ralex(FakeSession(stored=[failing]), tmp_path, theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=ran)
