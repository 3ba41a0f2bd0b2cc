"""Pictures of the prompt and what belongs to it."""

from pathlib import Path

from textual.pilot import Pilot

from ralex.tui.app import RalexApp
from ralex.tui.past import PastPrompts, history_path
from ralex.tui.preferences import Preferences
from ralex.tui.screens.history.screen import HistoryScreen
from tests.tui.fake_session import FakeOpener, FakeSession
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
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, HistoryScreen))

    app = ralex(FakeSession(), tmp_path)
    assert snap_compare(app, terminal_size=(60, 15), run_before=opened)
