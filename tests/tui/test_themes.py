"""Themes: all that ship are complete and readable, and mistakes are named."""

import os
import re
from pathlib import Path

import pytest
from textual.color import Color
from textual.events import AppFocus
from textual.widgets import OptionList

from ralex.errors import ConfigError
from ralex.tui.screens.dialogs.picker import PickerScreen
from ralex.tui.themes import read_theme, theme_for, theme_paths
from ralex.tui.widgets.transcript.items import ErrorItem
from tests.tui.fake_session import FakeSession, call, finished, opening
from tests.tui.helpers import running

WINDOW_COLOURS = {"#ff5f57", "#febc2e", "#28c840", "#c5c8c6"}
SHIPPED = sorted(theme_paths())


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of WCAG 2.1."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in Color.parse(colour).rgb]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def over(colour: str, ground: str, share: float) -> str:
    """Mix a colour into a ground, as a half-transparent background does."""
    return Color.parse(ground).blend(Color.parse(colour), share).hex


@pytest.mark.parametrize("name", SHIPPED)
def test_text_of_a_shipped_theme_can_be_read(name: str) -> None:
    theme = read_theme(theme_paths()[name]).theme
    if theme.ansi:
        pytest.skip("the terminal chooses these colours")
    least = 7.0 if name == "contrast" else 4.5
    own = theme.variables
    grounds = {
        "background": theme.background or "",
        "surface": theme.surface or "",
        "panel": theme.panel or "",
    }
    marked = over(theme.primary, grounds["surface"], 0.3)
    seen: dict[str, tuple[str, str]] = {}
    for where, ground in grounds.items():
        for what in ("foreground", "primary", "secondary", "accent", "success", "warning", "error"):
            seen[f"{what} on {where}"] = (str(getattr(theme, what)), ground)
        seen[f"muted on {where}"] = (own["text-muted"], ground)
        if where != "panel":  # nothing faint is written on a panel
            seen[f"faint on {where}"] = (own["text-disabled"], ground)
    seen["foreground on the marked row"] = (theme.foreground or "", marked)
    seen["muted on the marked row"] = (own["text-muted"], marked)
    for sign in ("added", "removed"):
        ground = own[f"diff-{sign}-background"]
        seen[f"{sign} on its ground"] = (own[f"diff-{sign}"], ground)
        seen[f"{sign} on a panel"] = (own[f"diff-{sign}"], grounds["panel"])
    for key, colour in own.items():
        if key.startswith("syntax-"):
            for ground in ("code-background", "diff-added-background", "diff-removed-background"):
                seen[f"{key} on {ground}"] = (colour, own[ground])
        if key.startswith("tiers-"):
            seen[f"{key} on background"] = (colour, grounds["background"])
            seen[f"{key} on surface"] = (colour, grounds["surface"])
    weak = {what: round(contrast(*pair), 2) for what, pair in seen.items()}
    assert {what: ratio for what, ratio in weak.items() if ratio < least} == {}
    assert contrast(theme.foreground or "", grounds["background"]) >= 7


def test_at_least_eight_themes_ship_with_a_light_one_and_one_for_sixteen_colours() -> None:
    themes = [read_theme(path).theme for path in theme_paths().values()]
    assert len(themes) >= 8
    assert sum(not theme.dark for theme in themes) >= 2
    assert any(theme.ansi for theme in themes)


def test_the_two_first_themes_ship() -> None:
    assert {"ralex-dark", "ralex-light"} <= set(SHIPPED)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[colors]\nbackground = 7", "background"),
        ('[colors]\nbackground = "mauve-ish"', "colors.background"),
        ("colors = 3", "[colors]"),
        ("not toml", "broken.toml"),
    ],
)
def test_a_theme_with_a_mistake_names_file_and_key(text: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_theme(path)
    assert str(path) in caught.value.message
    assert named in caught.value.message


def test_a_theme_needs_only_its_plain_colours(tmp_path: Path) -> None:
    dark = theme_paths()["ralex-dark"].read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(dark[: dark.index("[code]")], encoding="utf-8")
    theme = read_theme(path).theme
    assert theme.variables["diff-added"] == theme.success


async def test_an_unknown_theme_is_a_warning_and_the_default_is_used() -> None:
    async with running(theme="no-such") as driver:
        await driver.ready()
        assert driver.app.theme == "ralex-dark"
        assert "no theme no-such" in driver.text()


async def test_no_color_is_respected_and_signs_still_tell_added_from_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-old\n+new\n"
    script = [*opening("x"), *call("edit", "a.py", diff=diff), finished()]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.pilot.press("ctrl+o")
        assert driver.app.no_color
        picture = driver.app.export_screenshot()
        assert "1 - old" in driver.text()
        assert "1 + new" in driver.text()
    colours = set(re.findall(r"fill: (#[0-9a-f]{6})", picture))
    assert colours
    assert all(colour[1:3] == colour[3:5] == colour[5:7] for colour in colours - WINDOW_COLOURS)


async def test_a_users_theme_is_found_in_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    light = theme_paths()["ralex-light"].read_text(encoding="utf-8")
    (tmp_path / "themes" / "mine.toml").write_text(light, encoding="utf-8")
    async with running(theme="mine", home=tmp_path) as driver:
        assert driver.app.theme == "mine"
        assert "mine" in driver.chat.themes.names()


MINE = """title = "Mine"
[colors]
background = "#000000"
surface = "#101010"
panel = "#202020"
foreground = "#ffffff"
muted = "#bbbbbb"
faint = "#888888"
primary = "#8888ff"
secondary = "#ff88ff"
accent = "#88ffff"
success = "#88ff88"
warning = "#ffff88"
error = "#ff8888"
"""


async def test_a_changed_theme_of_ones_own_is_read_again_when_ralex_is_looked_at(
    tmp_path: Path,
) -> None:
    path = tmp_path / "themes" / "mine.toml"
    path.parent.mkdir()
    path.write_text(MINE)
    async with running(home=tmp_path, theme="mine") as driver:
        await driver.ready()
        before = driver.app.theme_variables["background"]
        path.write_text(MINE.replace("#000000", "#123456"))
        os.utime(path, (1, 1))
        driver.app.post_message(AppFocus())
        await driver.until(lambda: driver.app.theme_variables["background"] != before)
        path.write_text(MINE.replace("#101010", "mauve-ish"))
        os.utime(path, (2, 2))
        driver.app.post_message(AppFocus())
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert "colors.surface = 'mauve-ish' is not a colour" in driver.text()
        assert driver.app.theme_variables["background"].lower() == "#123456"


async def test_a_theme_that_comes_later_is_offered_and_a_wrong_one_says_why(
    tmp_path: Path,
) -> None:
    async with running(home=tmp_path, size=(100, 30)) as driver:
        await driver.ready()
        (tmp_path / "themes").mkdir()
        (tmp_path / "themes" / "mine.toml").write_text(MINE)
        (tmp_path / "themes" / "odd.toml").write_text("[colors]")
        await driver.send("/theme")
        await driver.until(lambda: isinstance(driver.app.screen, PickerScreen))
        options = driver.app.screen.query_one(OptionList).options
        lines = {str(one.prompt).split()[0]: str(one.prompt) for one in options}
        assert lines["mine"].split(maxsplit=1)[1] == "Mine · dark · yours"
        assert lines["ember"].count("mber") == 1, "a title says more than the name"
        assert "cannot be used" in lines["odd"]
        await driver.type("mine")
        await driver.until(lambda: driver.app.theme == "mine")


@pytest.mark.parametrize(
    ("chosen", "environ", "shown"),
    [
        ("ralex-dark", {"TERM": "xterm-16color"}, "ansi"),
        ("ralex-dark", {"TERM": "linux"}, "ansi"),
        ("ralex-dark", {"TERM": "xterm", "COLORTERM": "truecolor"}, "ralex-dark"),
        ("ralex-dark", {"TERM": "screen-256color"}, "ralex-dark"),
        ("fjord", {"TERM": "linux"}, "fjord"),
        ("ralex-dark", {"TERM": "xterm-256color", "NO_COLOR": "1"}, "ansi"),
    ],
)
def test_a_terminal_of_sixteen_colours_starts_with_its_own(
    chosen: str, environ: dict[str, str], shown: str
) -> None:
    assert theme_for(chosen, environ) == shown
