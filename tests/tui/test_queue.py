"""What waits: seen, taken back, dropped, and sent when nobody took it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ralex.tui.widgets.queue.queue import Queue
from tests.tui.fake_session import FakeSession, finished, opening
from tests.tui.helpers import Driver, running


@asynccontextmanager
async def busy(*texts: str) -> AsyncGenerator[tuple[Driver, asyncio.Event]]:
    """Run a turn that waits, and say more meanwhile."""
    gate = asyncio.Event()
    session = FakeSession(scripts=[[*opening("one"), gate, finished("ok")]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.until(lambda: driver.chat.is_turn_running)
        for text in texts:
            await driver.send(text)
        await driver.until(lambda: len(driver.chat.conversation.waiting) == len(texts))
        await driver.pilot.pause()
        yield driver, gate


def lines(driver: Driver) -> list[str]:
    return [line.rstrip() for line in str(driver.chat.query_one(Queue).render()).split("\n")]


async def test_up_in_the_empty_prompt_takes_the_newest_back_to_be_changed() -> None:
    async with busy("two", "three") as (driver, gate):
        await driver.pilot.press("up")
        await driver.until(lambda: driver.chat.prompt.text == "three")
        assert driver.chat.conversation.waiting == ["two"]
        await driver.type(" and more")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.chat.conversation.waiting == ["two", "three and more"])
        gate.set()
        await driver.idle()


async def test_up_is_the_history_again_once_nothing_waits() -> None:
    async with busy("two") as (driver, gate):
        await driver.pilot.press("up")
        await driver.until(lambda: driver.chat.prompt.text == "two")
        driver.chat.prompt.put("")
        await driver.pilot.press("up")
        assert driver.chat.prompt.text == "two"
        await driver.pilot.press("up")
        assert driver.chat.prompt.text == "one"
        gate.set()
        await driver.idle()
        assert driver.session.prompts == ["one"]


async def test_what_waits_in_our_own_list_is_taken_back_before_what_was_told() -> None:
    async with busy("two", "!make", "three") as (driver, gate):
        await driver.pilot.press("up")
        await driver.until(lambda: driver.chat.prompt.text == "three")
        driver.chat.prompt.put("")
        await driver.pilot.press("up")
        await driver.until(lambda: driver.chat.prompt.text == "!make")
        assert driver.session.waiting == ["two"]
        gate.set()
        await driver.idle()
        assert driver.session.commands == []


async def test_a_click_takes_back_and_a_click_on_the_cross_drops() -> None:
    async with busy("two", "three") as (driver, gate):
        assert [line.split("  ")[:2] for line in lines(driver)] == [
            ["queued", "two"],
            ["queued", "three"],
        ]
        assert all(line.endswith("✕") for line in lines(driver))
        await driver.pilot.click("#queue", offset=(77, 1))
        await driver.until(lambda: driver.chat.conversation.waiting == ["two"])
        assert driver.chat.prompt.text == ""
        await driver.pilot.click("#queue", offset=(12, 0))
        await driver.until(lambda: driver.chat.prompt.text == "two")
        assert not driver.chat.query_one(Queue).display
        gate.set()
        await driver.idle()
        assert driver.session.prompts == ["one"]


async def test_of_many_the_newest_are_shown() -> None:
    async with busy(*(f"word {n}" for n in range(7))) as (driver, gate):
        shown = lines(driver)
        assert len(shown) == 4
        assert shown[0] == "queued  … 4 more"
        assert "word 6" in shown[3]
        await driver.pilot.click("#queue", offset=(12, 1))
        await driver.until(lambda: driver.chat.prompt.text == "word 4")
        gate.set()
        await driver.idle()
