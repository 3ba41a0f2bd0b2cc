"""Pictures of the first start and of trusting a project."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from ralex.errors import ConfigError
from ralex.providers.local_servers import LocalServer
from ralex.tui.app import RalexApp
from ralex.tui.screens.setup.screen import SetupScreen
from tests.tui.test_pictures import SIZES, THEMES, Compare
from tests.tui.test_setup import Call, Place

SERVERS = [LocalServer(name="ollama", base_url="http://127.0.0.1:11434/v1", models=("a", "b"))]


def app_at(place: Place, theme: str) -> RalexApp:
    return RalexApp(place.opener, theme=theme, clock=lambda: 0.0, is_still=True, lobby=place.lobby)


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause()
            await asyncio.sleep(0.002)
    await pilot.pause()


async def opened(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, SetupScreen))
    options = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count >= 7)
    await until(pilot, lambda: "looking" not in str(pilot.app.screen.query_one("#note").render()))


async def choose(pilot: Pilot[None], name: str) -> None:
    options = pilot.app.screen.query_one(OptionList)
    at = next(n for n, one in enumerate(options.options) if str(one.prompt).startswith(name))
    options.highlighted = at
    await pilot.press("enter")
    await pilot.pause()


@THEMES
@SIZES
def test_choosing_a_provider(
    snap_compare: Compare, tmp_path: Path, size: tuple[int, int], theme: str
) -> None:
    app = app_at(Place(tmp_path, Call(), SERVERS), theme)
    assert snap_compare(app, terminal_size=size, run_before=opened)


def test_choosing_on_a_small_screen(snap_compare: Compare, tmp_path: Path) -> None:
    app = app_at(Place(tmp_path, Call(), []), "ralex-dark")
    assert snap_compare(app, terminal_size=(60, 15), run_before=opened)


@THEMES
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)], ids=["60x15", "80x24", "120x40"])
def test_giving_a_key(
    snap_compare: Compare, tmp_path: Path, size: tuple[int, int], theme: str
) -> None:
    async def typed(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await choose(pilot, "OpenRouter")
        pilot.app.screen.query_one(Input).value = "sk-or-1234567890123"
        await pilot.pause()

    app = app_at(Place(tmp_path, Call(), []), theme)
    assert snap_compare(app, terminal_size=size, run_before=typed)


@pytest.mark.parametrize("is_refused", [True, False], ids=["refused", "works"])
@THEMES
@SIZES
def test_what_the_test_said(
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    theme: str,
    is_refused: bool,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # so that paths in the picture are the same anywhere
    hint = "check OPENROUTER_API_KEY, or the key you pasted"
    error = ConfigError("openrouter does not accept the key (401): No auth credentials", hint=hint)

    async def told(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await choose(pilot, "OpenRouter")
        pilot.app.screen.query_one(Input).value = "sk-or-1234567890123"
        await pilot.press("enter")
        options = pilot.app.screen.query_one(OptionList)
        first = "Try again" if is_refused else "Start"
        await until(pilot, lambda: options.option_count and str(options.options[0].prompt) == first)

    app = app_at(Place(tmp_path, Call(*[error] * is_refused), []), theme)
    assert snap_compare(app, terminal_size=size, run_before=told)
