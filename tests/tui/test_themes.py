"""Themes: all that ship are complete and readable, and mistakes are named."""

import re
from pathlib import Path

import pytest
from textual.color import Color

from ralex.errors import ConfigError
from ralex.tui.themes import read_theme, theme_paths
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


@pytest.mark.parametrize("name", SHIPPED)
def test_text_of_a_shipped_theme_can_be_read(name: str) -> None:
    theme = read_theme(theme_paths()[name]).theme
    if theme.ansi:
        pytest.skip("the terminal chooses these colours")
    background, surface = theme.background or "", theme.surface or ""
    assert contrast(theme.foreground or "", background) >= 7
    for colour in (theme.primary, theme.error, theme.warning, theme.success, theme.accent):
        assert contrast(colour or "", background) >= 4.5, colour
    assert contrast(theme.variables["text-muted"], surface) >= 4.5
    assert contrast(theme.variables["text-disabled"], background) >= 3
    for sign in ("added", "removed"):
        ground = theme.variables[f"diff-{sign}-background"]
        assert contrast(theme.variables[f"diff-{sign}"], ground) >= 4.5, sign
    for key, colour in theme.variables.items():
        if key.startswith(("syntax-", "tiers-")):
            assert contrast(colour, theme.variables["code-background"]) >= 3.5, key


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
        assert "mine" in driver.chat.themes
