"""The list of sessions: searched by content, looked into, copied, renamed, deleted after asking."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from ralex.core.events import AgentEvent
from ralex.core.ids import SessionId
from ralex.demo.stage import set_stage
from ralex.errors import UsageError
from ralex.opener import EngineOpener
from ralex.run_options import RunOptions
from ralex.tui.app import RalexApp
from ralex.tui.screens.sessions.preview import preview_lines
from ralex.tui.screens.sessions.screen import SessionsScreen
from tests.tui.fake_session import FakeOpener, FakeSession, plain_turn
from tests.tui.helpers import Driver, running
from tests.tui.test_launch import say
from tests.tui.test_pictures import SIZES, THEMES, Compare, chat_of, ready, until


def told(*turns: tuple[str, str]) -> list[AgentEvent]:
    steps = [step for prompt, text in turns for step in plain_turn(prompt, text)]
    return [step for step in steps if not isinstance(step, Exception | asyncio.Event)]


def others() -> list[FakeSession]:
    return [
        FakeSession(
            id=SessionId("s2"),
            title="Prices with VAT in the basket",
            stored=told(("Add VAT to prices", "VAT is in."), ("And round it", "Rounded [/x].")),
        ),
        FakeSession(
            id=SessionId("s3"),
            title="日本語のエラーメッセージを直す",
            stored=told(("エラーを直して", "直しました。")),
        ),
        FakeSession(
            id=SessionId("s4"),
            title="A title that is much too long for any list it is shown in" * 2,
        ),
    ]


@asynccontextmanager
async def listed(locked: set[str] | None = None) -> AsyncGenerator[Driver, None]:
    opener = FakeOpener(FakeSession(), others=others(), locked=locked or set())
    async with running(opener=opener) as driver:
        await driver.ready()
        await driver.send("/sessions")
        await driver.until(lambda: isinstance(driver.app.screen, SessionsScreen))
        await driver.until(lambda: driver.app.screen.query_one(OptionList).option_count == 4)
        yield driver


def titles(driver: Driver) -> list[str]:
    options = driver.app.screen.query_one(OptionList).options
    return [" ".join(str(one.prompt).split()) for one in options]


def part(driver: Driver, name: str) -> str:
    return str(driver.app.screen.query_one(name, Static).content)


async def test_a_session_can_be_found_by_what_was_said_in_it() -> None:
    async with listed() as driver:
        await driver.type("Rounded")
        await driver.until(lambda: titles(driver) and titles(driver)[0].startswith("Prices"))
        await driver.until(lambda: "found  … Rounded …" in part(driver, "#look"))
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.id == "s2")


async def test_what_was_said_last_is_shown_for_the_marked_one() -> None:
    async with listed() as driver:
        await driver.pilot.press("down")
        await driver.until(lambda: "› And round it" in part(driver, "#look"))
        assert "Rounded [/x]." in part(driver, "#look")


async def test_a_copy_is_made_by_key_or_click() -> None:
    async with listed() as driver:
        await driver.pilot.press("down", "ctrl+f")
        await driver.until(lambda: driver.session.id == "s2-copy")
    async with listed() as driver:
        await driver.pilot.press("down")
        await driver.pilot.click("#deeds Deed")
        await driver.until(lambda: driver.session.id == "s2-copy")


async def test_another_title_is_given_in_place() -> None:
    async with listed() as driver:
        await driver.pilot.press("down", "ctrl+r")
        entry = driver.app.screen.query_one(Input)
        assert entry.value == "Prices with VAT in the basket"
        entry.value = "VAT"
        await driver.pilot.press("enter")
        await driver.until(lambda: "VAT 2 h ago 4 turns" in titles(driver))
        await driver.pilot.press("ctrl+r", "escape")
        assert isinstance(driver.app.screen, SessionsScreen)
        assert driver.app.screen.query_one(Input).value == ""


async def test_deleting_asks_first_and_the_open_session_stays() -> None:
    async with listed() as driver:
        await driver.pilot.press("delete")
        assert "cannot be deleted" in part(driver, "#asked")
        await driver.pilot.press("down", "delete")
        assert "Delete “Prices with VAT in the basket” with its 4 turns" in part(driver, "#asked")
        await driver.pilot.press("escape")
        assert len(titles(driver)) == 4
        await driver.pilot.press("delete", "enter")
        await driver.until(lambda: len(titles(driver)) == 3)
        assert [each.id for each in driver.opener.others] == ["s3", "s4"]


async def test_one_that_is_open_elsewhere_is_not_deleted() -> None:
    async with listed(locked={"s2"}) as driver:
        await driver.pilot.press("down", "delete", "enter")
        await driver.until(lambda: "open in another ralex" in part(driver, "#asked"))
        assert len(titles(driver)) == 4


async def test_the_real_stores_search_look_rename_and_delete(tmp_path: Path) -> None:
    with set_stage() as stage:
        opener = EngineOpener(
            stage.config, RunOptions(cwd=stage.project), providers={"demo": stage.provider}
        )
        try:
            first = await opener.open()
            await say(first, stage.story.prompts[0])
            word = stage.story.prompts[0].split()[-1]
            assert [hit.session.id for hit in await opener.search(word)] == [first.id]
            look = preview_lines(await opener.look(first.id), most=5, width=60).plain
            assert stage.story.prompts[0][:20] in look
            with pytest.raises(UsageError, match="open"):
                await opener.delete(first.id)
            await opener.rename(first.id, "Another")
            assert first.title == "Another"
            await opener.new()
            await opener.rename(first.id, "A third")
            assert [each.title for each in await opener.stored()] == ["A third"]
            kept = stage.config.home / "tool-output" / first.id / "bash-1.txt"
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text("long")
            await opener.delete(first.id)
            assert await opener.stored() == []
            assert not kept.exists()
        finally:
            await opener.aclose()


@THEMES
@SIZES
def test_picture_of_sessions(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put("/sessions")
        chat_of(pilot).prompt.submit()
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await pilot.press("down")
        look = pilot.app.screen.query_one("#look", Static)
        await until(pilot, lambda: "And round it" in str(look.content))

    app = RalexApp(
        FakeOpener(FakeSession(), others=others()), theme=theme, clock=lambda: 0.0, is_still=True
    )
    assert snap_compare(app, terminal_size=size, run_before=opened)


def test_picture_of_deleting_in_little_room(snap_compare: Compare) -> None:
    async def asked(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put("/sessions")
        chat_of(pilot).prompt.submit()
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await pilot.press("down", "delete")
        look = pilot.app.screen.query_one("#look", Static)
        await until(pilot, lambda: "And round it" in str(look.content))

    app = RalexApp(FakeOpener(FakeSession(), others=others()), clock=lambda: 0.0, is_still=True)
    assert snap_compare(app, terminal_size=(60, 15), run_before=asked)
