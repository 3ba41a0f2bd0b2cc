"""``!command`` on the screen: a card, no turn, in order with what else waits."""

import asyncio

from ralex.core.events import ShellRan
from ralex.slash import read_shell
from ralex.tui.widgets.transcript.items import ErrorItem, NoticeItem, ToolItem, ToolState
from ralex.tui.widgets.transcript.scribe import items_of
from tests.tui.fake_session import FakeSession, finished, opening
from tests.tui.helpers import running


def test_what_is_a_command_for_the_shell() -> None:
    assert read_shell("!git status") == ("git status", True)
    assert read_shell("!! env ") == ("env", False)
    assert read_shell("! a\nb") == ("a\nb", True)
    assert read_shell("!") == ("", True)
    assert read_shell("hi !x") is None


async def test_a_command_is_a_card_with_its_output_and_no_turn() -> None:
    session = FakeSession(
        ran=ShellRan(command="pytest", output="1 failed", exit_code=1, elapsed_ms=1_500)
    )
    async with running(session) as driver:
        await driver.ready()
        await driver.type("!pytest")
        assert driver.chat.prompt.has_class("-shell")
        await driver.pilot.press("enter")
        await driver.idle()
        assert not driver.chat.prompt.has_class("-shell")
        assert session.prompts == []
        assert session.commands == [("pytest", True)]
        card = driver.chat.transcript.newest(ToolItem)
        assert isinstance(card, ToolItem)
        assert (card.state, card.is_open) == (ToolState.FAILED, True)
        assert "1 failed" in driver.text()
        assert "exit 1 · 1.5 s" in driver.text()


async def test_two_marks_keep_it_from_the_model() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("!!env")
        await driver.idle()
        assert driver.session.commands == [("env", False)]
        assert "not for the model" in driver.text()


async def test_a_mark_alone_says_what_is_missing() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("!")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert "such as !git status" in driver.text()


async def test_a_command_waits_for_the_turn_and_what_follows_waits_for_the_command() -> None:
    gate = asyncio.Event()
    session = FakeSession(scripts=[[*opening("one"), gate, finished("ok")]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.send("!make")
        await driver.send("two")
        await driver.until(lambda: len(driver.chat.conversation.waiting) == 2)
        assert session.commands == []
        gate.set()
        await driver.idle()
        assert session.commands == [("make", True)]
        assert session.prompts == ["one", "two"]


async def test_escape_stops_a_command() -> None:
    session = FakeSession(gate=asyncio.Event())
    async with running(session) as driver:
        await driver.ready()
        await driver.send("!sleep 600")
        await driver.until(lambda: session.commands)
        await driver.pilot.press("escape")
        await driver.idle()
        card = driver.chat.transcript.newest(ToolItem)
        assert isinstance(card, ToolItem)
        assert card.state is ToolState.UNKNOWN
        assert isinstance(driver.chat.transcript.newest(NoticeItem), NoticeItem)


def test_a_stored_command_is_the_same_card() -> None:
    event = ShellRan(command="make [all]", output="\x1b]52;c;QQ==\x07ok", exit_code=0, elapsed_ms=5)
    (item,) = items_of([event])
    assert isinstance(item, ToolItem)
    assert (item.name, item.title, item.output) == ("!", "make [all]", "␛ok")
    (stopped,) = items_of([ShellRan(command="x", output="", exit_code=None, elapsed_ms=5)])
    assert isinstance(stopped, ToolItem)
    assert stopped.summary.startswith("stopped")
