"""Links of the model: clickable, shown in full before anything opens, and only those of the web."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from ralex.tui.screens.dialogs.link import LinkScreen
from tests.tui.fake_session import FakeSession, plain_turn
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import SIZES, THEMES, Compare, chat_of, done, ralex, until

TEXT = (
    "See [the docs](https://example.org/docs?a=1) or https://example.org/bare, "
    "not [this](javascript:x)."
)


@asynccontextmanager
async def answered(text: str) -> AsyncGenerator[Driver, None]:
    async with running(FakeSession(scripts=[plain_turn("x", text)]), size=(110, 24)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        yield driver


async def click(driver: Driver, word: str) -> None:
    rows = driver.rows()
    y = next(y for y, row in enumerate(rows) if word in row)
    await driver.pilot.click("#transcript", offset=(rows[y].index(word) + 1, y))
    await driver.pilot.pause()


@pytest.mark.parametrize(
    ("word", "address"),
    [
        ("the docs", "https://example.org/docs?a=1"),
        ("(https://example.org/docs", "https://example.org/docs?a=1"),
        ("https://example.org/bare", "https://example.org/bare"),
    ],
    ids=["words", "address", "bare"],
)
async def test_a_click_shows_where_a_link_leads_and_opens_only_on_word(
    word: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    async with answered(TEXT) as driver:
        monkeypatch.setattr(driver.app, "open_url", opened.append)
        await click(driver, word)
        await driver.until(lambda: isinstance(driver.app.screen, LinkScreen))
        assert str(driver.app.screen.query_one(".subject Static", Static).content) == address
        await driver.pilot.press("enter")
        assert opened == []
        await click(driver, word)
        await driver.until(lambda: isinstance(driver.app.screen, LinkScreen))
        await driver.pilot.press("up", "enter")
        await driver.until(lambda: opened == [address])


async def test_an_address_is_copied_on_word() -> None:
    async with answered(TEXT) as driver:
        await click(driver, "the docs")
        await driver.until(lambda: isinstance(driver.app.screen, LinkScreen))
        await driver.pilot.click(OptionList, offset=(2, 1))
        await driver.until(lambda: driver.app.clipboard == "https://example.org/docs?a=1")


@pytest.mark.parametrize(
    "text",
    ["[this](javascript:x)", "[this](file:///etc/passwd)", "[this](vscode://open)", "this"],
)
async def test_what_is_no_address_of_the_web_is_no_link(text: str) -> None:
    async with answered(text) as driver:
        await click(driver, "this")
        assert not isinstance(driver.app.screen, LinkScreen)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("(https://a.example/x).", "https://a.example/x"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("**https://a.example/ü?q=1#z**, and", "https://a.example/ü?q=1#z"),
    ],
)
async def test_an_address_ends_where_the_sentence_goes_on(text: str, address: str) -> None:
    async with answered(text) as driver:
        await click(driver, "https://a")
        await driver.until(lambda: isinstance(driver.app.screen, LinkScreen))
        assert str(driver.app.screen.query_one(".subject Static", Static).content) == address


@THEMES
@SIZES
def test_picture_of_a_link(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def clicked(pilot: Pilot[None]) -> None:
        await done(pilot)
        transcript = chat_of(pilot).transcript
        transcript.post_message(transcript.LinkWanted("https://example.org/docs?a=1&b=" + "x" * 90))
        await until(pilot, lambda: isinstance(pilot.app.screen, LinkScreen))

    app = ralex(FakeSession(scripts=[plain_turn("x", TEXT)]), theme=theme, prompt="x")
    assert snap_compare(app, terminal_size=size, run_before=clicked)
