"""What stands on the screen can be read: every letter against the ground it is drawn on."""

from collections.abc import AsyncGenerator, Iterator

import pytest
from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.style import Style

from ralex.tui.themes import read_theme, theme_paths
from tests.tui.fake_session import FakeSession
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import ASK, DIFF, work
from tests.tui.test_themes import contrast

COLOURED = sorted(name for name, path in theme_paths().items() if not read_theme(path).theme.ansi)
SIGNS = set("─━│┃▌▏╭╮╰╯▁▂▃▄▅▆▇█▔▕▊▎●○ ")
"""Lines, bars and dots: seen, not read."""


def drawn(driver: Driver) -> Iterator[tuple[str, Style]]:
    """Give each piece of text in front of the veil with its style."""
    screen = driver.app.screen
    front = [part.region for part in screen.children if part.id != "textual-toastrack"]
    for y, strip in enumerate(screen._compositor.render_strips()):  # pyright: ignore[reportPrivateUsage]
        x = 0
        for text, style, _ in strip:
            is_in_front = any(region.contains(x, y) for region in front)
            x += cell_len(text)
            if is_in_front and style is not None and text.strip():
                yield text, style


async def places(driver: Driver) -> AsyncGenerator[str, None]:
    """Go through what is drawn in colours of its own."""
    await driver.ready()
    await driver.send(ASK)
    await driver.idle()
    transcript = driver.chat.transcript
    for item in transcript.items:
        if item.can_open:
            transcript.toggle_item(item)
    await driver.pilot.pause()
    yield "turn"
    assert transcript.max_scroll_y == 0, "all of the turn is drawn"
    await driver.pilot.press("ctrl+f")
    await driver.type("code")
    await driver.pilot.pause()
    yield "search"
    await driver.pilot.press("escape", "slash")
    await driver.pilot.pause()
    yield "completion"
    driver.chat.prompt.put("")
    for command in ("/model", "/sessions", "/budget"):
        await driver.send(command)
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        yield command
        while len(driver.app.screen_stack) > 1:
            await driver.pilot.press("escape")


def hexes(colour: Color | None) -> str:
    assert colour is not None
    assert not colour.is_default
    return colour.get_truecolor().hex


@pytest.mark.parametrize("theme", COLOURED)
async def test_everything_drawn_can_be_read_in_every_theme(theme: str) -> None:
    session = FakeSession(scripts=[work()], diffs={"session": DIFF, "turn": DIFF})
    weak: dict[tuple[str, str], str] = {}
    async with running(session, size=(120, 120), theme=theme) as driver:
        async for place in places(driver):
            for text, style in drawn(driver):
                ink, ground = hexes(style.color), hexes(style.bgcolor)
                if not set(text) <= SIGNS and contrast(ink, ground) < 4.5:
                    weak[ink, ground] = f"{text.strip()!r} in {place}"
    assert weak == {}


async def test_the_sixteen_colours_are_the_terminals_own_on_any_ground() -> None:
    session = FakeSession(scripts=[work()], diffs={"session": DIFF, "turn": DIFF})
    fixed: set[str] = set()
    async with running(session, size=(120, 120), theme="ansi") as driver:
        async for place in places(driver):
            for text, style in drawn(driver):
                for colour in (style.color, style.bgcolor):
                    if colour is not None and colour.type is ColorType.TRUECOLOR:
                        fixed.add(f"{text.strip()!r} in {place}: {colour.name}")
    assert fixed == set()
