"""Search: every match is counted, marked and a stop, wrapped and folded ones too."""

from textual.widgets import Static

from ralex.tui.rows import Row
from ralex.tui.widgets.transcript.finding import Finder
from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    AnyItem,
    NoticeItem,
    ToolItem,
    UserItem,
)
from tests.tui.helpers import Driver, running


def place(driver: Driver) -> str:
    return str(driver.chat.query_one("#place", Static).render()).split("  ")[0]


def marked(driver: Driver, *, here: bool = True) -> list[tuple[int, str]]:
    """Give row and text of what is marked on the screen."""
    transcript = driver.chat.transcript
    palette = transcript.palette
    assert palette is not None
    ground = (palette.match_here if here else palette.match).bgcolor
    return [
        (y, part.text)
        for y in range(transcript.size.height)
        for part in transcript.render_line(y)
        if part.style and part.style.bgcolor == ground
    ]


def entries() -> list[AnyItem]:
    filler: list[AnyItem] = [NoticeItem(level="info", text=f"line {at}") for at in range(60)]
    return [
        UserItem(text="a needle here and a Needle there"),
        *filler,
        AnswerItem(text="one needle\n\n" + "word " * 14 + "the needle and thread\n\nno more"),
        ToolItem(call_id="", name="bash", title="grep needle", output="x\nneedle\n"),
        *filler[:5],
    ]


async def look(driver: Driver, text: str) -> None:
    await driver.pilot.press("ctrl+f")
    await driver.type(text)
    await driver.until(lambda: place(driver))


async def test_every_match_is_a_stop_from_the_newest_to_the_oldest_and_round() -> None:
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load(entries())
        await look(driver, "needle")
        seen = [place(driver)]
        texts = [marked(driver)]
        for _ in range(6):
            await driver.pilot.press("enter")
            await driver.pilot.pause()
            seen.append(place(driver))
            texts.append(marked(driver))
        assert seen == ["6/6", "5/6", "4/6", "3/6", "2/6", "1/6", "6/6"]
        assert [[part.casefold() for _, part in found] for found in texts] == [["needle"]] * 7
        await driver.pilot.press("down")
        await driver.until(lambda: place(driver) == "1/6")
        await driver.pilot.press("shift+enter")
        await driver.until(lambda: place(driver) == "2/6")
        assert len(marked(driver, here=False)) == 1


async def test_a_folded_entry_is_opened_for_what_it_hides() -> None:
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        card = ToolItem(call_id="", name="bash", title="make", output="a pin\nanother pin\n")
        title = ToolItem(call_id="", name="read", title="pin.txt", output="nothing")
        transcript.load([card, title])
        await look(driver, "pin")
        assert (place(driver), title.is_open, card.is_open) == ("3/3", False, False)
        await driver.pilot.press("enter")
        await driver.until(lambda: place(driver) == "2/3")
        assert card.is_open
        assert "another pin" in driver.text()


async def test_words_that_were_wrapped_apart_are_found_and_marked_in_both_rows() -> None:
    async with running(size=(60, 20)) as driver:
        await driver.ready()
        driver.chat.transcript.load([AnswerItem(text="word " * 10 + "alpha beta gamma")])
        width = next(row for row in driver.rows() if "word" in row)
        query = "alpha beta gamma"
        assert query not in width
        await look(driver, query)
        assert place(driver) == "1/1"
        assert " ".join(part.strip() for _, part in marked(driver)) == query
        assert len({y for y, _ in marked(driver)}) == 2


async def test_no_match_is_said_and_the_view_stays() -> None:
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        driver.chat.transcript.load(entries())
        await driver.chat.open_search("haystack")
        await driver.until(lambda: place(driver))
        assert place(driver) == "no match"
        assert driver.chat.transcript.is_following
        await driver.pilot.press("escape")
        await driver.pilot.press("ctrl+f")
        await driver.until(lambda: driver.chat.query_one("#search").display)
        assert place(driver) == "no match"


async def test_the_search_goes_on_while_entries_come_and_change() -> None:
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load(entries())
        await look(driver, "needle")
        await driver.pilot.press("enter")
        await driver.until(lambda: place(driver) == "5/6")
        transcript.append(AnswerItem(text="needle needle"))
        await driver.pilot.press("enter")
        await driver.until(lambda: place(driver) == "4/8")
        await driver.pilot.press("escape")
        await driver.pilot.pause()
        assert marked(driver) == marked(driver, here=False) == []


async def test_what_a_card_does_not_show_is_one_stop() -> None:
    lines = "\n".join(f"{at} {'gem' if at < 5 else 'x'}" for at in range(500))
    card = ToolItem(
        call_id="", name="bash", title="make", arguments={"command": "make"}, output=lines
    )
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        driver.chat.transcript.load([card, NoticeItem(level="info", text="gem")])
        await look(driver, "gem")
        assert place(driver) == "6/6"
        await driver.pilot.press("enter")
        await driver.until(lambda: place(driver) == "1/2")
        await driver.pilot.press("enter")
        await driver.until(lambda: place(driver) == "2/2")


def test_a_finder_without_a_query_finds_nothing() -> None:
    finder = Finder()
    finder.look([NoticeItem(level="info", text="x")], "")
    rows: list[Row] = []
    assert (finder.next_entry(1), finder.place, finder.is_active) == (None, (0, 0), False)
    assert finder.marks(0, rows).by_line == {}
