"""The view follows the end exactly, or stays with the reader exactly; nothing in between."""

import random
from enum import StrEnum, auto

import pytest

from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    AnyItem,
    FoldItem,
    NoticeItem,
    ToolItem,
    ToolState,
    UserItem,
)
from ralex.tui.widgets.transcript.view import Transcript
from tests.tui.helpers import Driver, running

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def text(chance: random.Random, most: int = 160) -> str:
    lines = [
        " ".join(chance.choices(WORDS, k=chance.randint(1, most)))
        for _ in range(chance.randint(1, 4))
    ]
    return "\n\n".join(lines)


def entry(chance: random.Random) -> AnyItem:
    match chance.randrange(5):
        case 0:
            return UserItem(text=text(chance))
        case 1:
            return ToolItem(call_id="", name="bash", title="make", output=text(chance, 30))
        case 2:
            return FoldItem(head="Thought", text=text(chance))
        case 3:
            return NoticeItem(level="info", text=text(chance, 30))
        case _:
            return AnswerItem(text=text(chance))


def at_end(transcript: Transcript) -> bool:
    """Tell whether the last row of the last entry is the last row of the view."""
    last = len(transcript.items) - 1
    rows = len(transcript._rows(last))
    bottom = transcript.scroll_offset.y + transcript.size.height
    is_short = transcript._heights.total <= transcript.size.height
    return is_short or transcript._heights.top(last) + rows == bottom


def reading(transcript: Transcript) -> tuple[int, int]:
    """Give the entry and the row of it that is at the top."""
    y = transcript.scroll_offset.y
    index = transcript._heights.at(y)
    return id(transcript.items[index]), y - transcript._heights.top(index)


async def resize(driver: Driver, width: int, height: int) -> None:
    await driver.pilot.resize_terminal(width, height)
    await driver.pilot.pause()


class Act(StrEnum):
    """What may happen to a transcript."""

    APPEND = auto()
    GROW = auto()
    TOGGLE_ABOVE = auto()
    RESIZE = auto()
    SCROLL = auto()
    FOLLOW = auto()
    RESTYLE = auto()


async def act(driver: Driver, what: Act, chance: random.Random) -> None:
    transcript = driver.chat.transcript
    last, top = transcript.items[-1], transcript._heights.at(transcript.scroll_offset.y)
    match what:
        case Act.APPEND:
            transcript.append(entry(chance))
        case Act.GROW if isinstance(last, AnswerItem | UserItem | NoticeItem):
            last.text += "\n" + text(chance)
            transcript.update_item(last)
        case Act.TOGGLE_ABOVE if top > 1:
            transcript.toggle_item(transcript.items[chance.randrange(top)])
        case Act.RESIZE:
            await resize(driver, chance.randint(60, 200), chance.randint(15, 60))
        case Act.SCROLL if chance.random() < 0.5:
            y = chance.randint(0, int(transcript.max_scroll_y))
            transcript.scroll_to(y=y, animate=False)
        case Act.SCROLL:
            transcript.scroll_to(y=transcript.scroll_offset.y - 7, animate=False)
        case Act.FOLLOW:
            transcript.follow()
        case Act.RESTYLE:
            driver.chat.restyle()
        case _:
            pass


@pytest.mark.parametrize("seed", [0, 2, 3, 14])
async def test_whatever_comes_the_end_is_followed_or_the_reader_left_in_peace(seed: int) -> None:
    chance = random.Random(seed)
    async with running(size=(90, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load([entry(chance) for _ in range(60)])
        assert at_end(transcript)
        for _ in range(120):
            follows, before = transcript.is_following, reading(transcript)
            what = chance.choice(list(Act))
            await act(driver, what, chance)
            if what is Act.SCROLL:
                continue
            if what is Act.RESIZE and not follows:
                # A view that grew past the end cannot keep the entry at its top.
                assert reading(transcript)[0] == before[0] or at_end(transcript), seed
                continue
            follows = follows or what is Act.FOLLOW
            assert transcript.is_following or not follows, (seed, what)
            if follows:
                assert at_end(transcript), (seed, what)
            else:
                assert reading(transcript) == before, (seed, what)


async def test_the_end_is_found_at_once_after_a_change_of_width_further_up() -> None:
    chance = random.Random(1)
    async with running(size=(200, 40)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load([entry(chance) for _ in range(300)])
        transcript.scroll_to(y=100, animate=False)
        await resize(driver, 64, 24)
        assert not transcript.is_following
        await driver.pilot.press("ctrl+end")
        assert transcript.is_following
        assert at_end(transcript)
        transcript.append(NoticeItem(level="info", text="the last word"))
        assert "the last word" in driver.rows()[-1]


def cards(count: int, lines: int) -> list[AnyItem]:
    output = "\n".join(f"row {at}" for at in range(lines))
    return [
        ToolItem(call_id="", name="read", title=f"file {at}", output=output, state=ToolState.DONE)
        for at in range(count)
    ]


async def test_a_card_that_is_opened_keeps_its_first_line_in_place_and_shows_its_end() -> None:
    async with running(size=(90, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load(cards(60, 8))
        height = transcript.size.height
        y = next(at for at, row in enumerate(driver.rows()) if row.strip()) + 4
        title = driver.rows()[y].split()[1:4]
        await driver.pilot.click("#transcript", offset=(8, y))
        await driver.pilot.pause()
        assert driver.rows()[y].split()[1:4] == title
        assert "row 7" in driver.rows()[y + 8]
        assert not transcript.is_following
        await driver.pilot.click("#transcript", offset=(8, y))
        await driver.pilot.pause()
        assert transcript.is_following
        # Near the end there is no room below: as much moves up as the card needs.
        await driver.pilot.press("ctrl+o")
        await driver.pilot.pause()
        assert "row 7" in driver.rows()[height - 1]
        assert transcript.is_following
        tall = cards(1, 38)[0]
        transcript.append(tall)
        await driver.pilot.press("ctrl+o")
        await driver.pilot.pause()
        assert "file 0" in driver.rows()[1]


async def test_a_running_card_that_is_opened_shows_its_newest_line() -> None:
    async with running(size=(90, 20)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        card = cards(1, 30)[0]
        assert isinstance(card, ToolItem)
        card.state = ToolState.RUNNING
        transcript.load([*cards(20, 3), card])
        await driver.pilot.press("ctrl+o")
        await driver.pilot.pause()
        assert "row 29" in driver.rows()[-1]
        assert transcript.is_following


async def test_what_comes_into_view_when_a_card_is_closed_is_drawn_whole() -> None:
    chance = random.Random(5)
    async with running(size=(90, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        tall = cards(1, 40)[0]
        answers = [AnswerItem(text=f"{at}: {text(chance, 60)}") for at in range(40)]
        transcript.load([tall, *answers])
        transcript.scroll_to(y=0, animate=False)
        transcript.toggle_item(tall)
        driver.chat.restyle()
        transcript.toggle_item(tall)
        await driver.pilot.pause()
        shown = [row for row in driver.rows() if row.strip()]
        top = transcript._heights.at(transcript.scroll_offset.y + transcript.size.height - 1)
        assert all(transcript._heights.is_exact(at) for at in range(top + 1))
        assert "file 0" in shown[0]
