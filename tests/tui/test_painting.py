"""What is painted is what a whole new drawing would show, and no more than changed is drawn."""

import asyncio
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import cast

import pytest
from rich.cells import cell_len
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate
from textual.geometry import Offset
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from ralex.tui.app import RalexApp
from ralex.tui.markdown.feed import LiveMarkdown
from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    AnyItem,
    FoldItem,
    NoticeItem,
    ToolItem,
    UserItem,
)
from ralex.tui.widgets.transcript.list_view import ItemList
from ralex.tui.widgets.transcript.render import ItemRenderer
from ralex.tui.widgets.transcript.stream import TextStream
from ralex.tui.widgets.transcript.view import Transcript
from tests.tui.helpers import Driver, running

WORDS = ["alpha", "beta", "世界", "gamma", "`code`", "**bold**", "see https://a.example/x"]


def cells(strip: Strip) -> list[object]:
    """List what each cell shows; the second half of a wide letter shows nothing."""
    shown: list[object] = []
    for text, style, _ in strip.discard_meta():
        look = str(style)
        for letter in text:
            shown.append((letter, look))
            shown += [("", look)] * (cell_len(letter) - 1)
    return shown


class Glass:
    """A terminal: it shows what was painted last in each cell."""

    def __init__(self, app: RalexApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: dict[int, dict[int, object]] = {}
        shown = cast("Callable[..., None]", app._display)

        def display(screen: Screen[object], update: RenderableType | None) -> None:
            match update:
                case ChopsUpdate():
                    for y, start, end in update.spans:
                        for x, strip in update.chops[y].items():
                            if strip is not None and x < end and x + strip.cell_length > start:
                                self._write(y, x, strip.crop(0, end - x))
                case LayoutUpdate():
                    for y, strips in enumerate(update.strips):
                        self._write(y, 0, Strip.join(list(strips)))
                case _:
                    pass
            shown(screen, update)

        monkeypatch.setattr(app, "_display", display)

    def _write(self, y: int, x: int, strip: Strip) -> None:
        self.rows.setdefault(y, {}).update(enumerate(cells(strip), x))


@contextmanager
def drawn_by_textual(driver: Driver) -> Generator[None]:
    """Let the transcript be drawn Textual's way, everything anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ItemList, "render_lines", ScrollView.render_lines)
        for widget in [driver.app.screen, *driver.app.screen.walk_children(Widget)]:
            widget._styles_cache.clear()
            if isinstance(widget, ScrollView):
                widget.vertical_scrollbar._set_dirty()
                widget.vertical_scrollbar._styles_cache.clear()
        yield


def whole(driver: Driver) -> list[list[object]]:
    """Draw the whole screen anew, by Textual's own compositor."""
    compositor = driver.app.screen._compositor
    size = compositor.size
    with drawn_by_textual(driver):
        chops = Compositor._render_chops(compositor, size.region, lambda y: True)
    return [cells(Strip.join(list(chops[y].values()))) for y in range(size.height)]


async def settled(driver: Driver) -> None:
    await driver.pilot.pause()
    await driver.until(lambda: not driver.app.screen._dirty_widgets)


def words(chance: random.Random, most: int = 60) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(1, most)))


def entry(chance: random.Random) -> AnyItem:
    return chance.choice(
        [
            UserItem(text=words(chance)),
            NoticeItem(level="info", text=words(chance, 10)),
            ToolItem(call_id="", name="bash", title="make", output=words(chance)),
            FoldItem(head="Thought", text=words(chance)),
            AnswerItem(text=f"# {words(chance, 3)}\n\n{words(chance)}\n\n- a\n- b\n"),
        ]
    )


def one_of(transcript: Transcript, chance: random.Random) -> AnyItem:
    return chance.choice(transcript.items[-6:])


async def act(driver: Driver, stream: TextStream, chance: random.Random) -> None:
    """Do something that a user or a turn could do."""
    transcript = driver.chat.transcript
    match chance.randrange(12):
        case 0 | 1 | 2:
            stream.add_answer(
                chance.choice([words(chance, 12), "\n\n", "\n```py\nx = 1\n", "\n- "])
            )
        case 3:
            stream.add_reasoning(words(chance, 8) + "\n")
        case 4:
            stream.finish()
            transcript.append(entry(chance))
        case 5:
            item = one_of(transcript, chance)
            if isinstance(item, NoticeItem):
                item.text = words(chance, 40)
                transcript.update_item(item)
            transcript.toggle_item(item)
        case 6:
            y = transcript.scroll_offset.y + chance.randint(-9, 9)
            transcript.scroll_to(y=y, animate=False)
        case 7:
            transcript.follow()
        case 8:
            await driver.pilot.press(chance.choice(["a", "enter", "backspace", "ctrl+j", "slash"]))
        case 9:
            transcript.seek(chance.choice(["alpha", "b", ""]), 0)
        case 10:
            end = (len(transcript.items) << 20) | 1
            select: dict[Widget, Selection] = {transcript: Selection(Offset(0, 0), Offset(3, end))}
            driver.app.screen.selections = select if chance.random() < 0.5 else {}
        case _:
            await driver.pilot.resize_terminal(chance.randint(40, 110), chance.randint(12, 34))


@pytest.mark.parametrize("seed", range(8))
async def test_every_part_that_is_painted_leaves_the_screen_as_if_drawn_whole(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        glass = Glass(driver.app, monkeypatch)
        driver.chat.transcript.load([entry(chance) for _ in range(12)])
        driver.app.screen.refresh()
        stream = TextStream(driver.chat.transcript)
        for _ in range(40):
            for _ in range(chance.randint(1, 3)):
                await act(driver, stream, chance)
            await asyncio.sleep(0.04)
            await settled(driver)
            for y, row in enumerate(whole(driver)):
                shown = [glass.rows[y].get(x) for x in range(len(row))]
                assert shown == row, (seed, y)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, where: type, name: str) -> Generator[list[object]]:
    """Note the calls of a method."""
    calls: list[object] = []
    real: Callable[..., object] = getattr(where, name)

    def call(self: object, *args: object, **options: object) -> object:
        calls.append(args)
        return real(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(where, name, call)
        yield calls


async def test_a_key_in_the_prompt_draws_no_row_of_the_transcript(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        driver.chat.transcript.load([entry(random.Random(1)) for _ in range(40)])
        await driver.pilot.press("x")
        await settled(driver)
        with counted(monkeypatch, ItemList, "_line") as drawn:
            await driver.pilot.press("y")
            await settled(driver)
        assert driver.chat.prompt.text == "xy"
        assert not drawn


async def test_a_growing_line_draws_itself_only_and_lays_nothing_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load([entry(random.Random(2)) for _ in range(40)])
        stream = TextStream(transcript)
        stream.add_answer("first words")
        await driver.until(lambda: "first words" in driver.text())
        await settled(driver)
        with counted(monkeypatch, ItemList, "_line") as drawn:
            stream.add_answer(" and more")
            await driver.until(lambda: not stream._pending)
            await settled(driver)
        assert len(drawn) == 1
        with counted(monkeypatch, Screen, "_refresh_layout") as layouts:
            for number in range(20):
                stream.add_answer(f"\n\nparagraph {number}")
                await driver.until(lambda: not stream._pending)
            await settled(driver)
        assert "paragraph 19" in driver.text()
        assert not layouts


async def test_rows_that_only_move_up_are_not_made_again() -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load([entry(random.Random(3)) for _ in range(40)])
        await settled(driver)
        region = transcript.size.region
        before = transcript.render_lines(region)
        transcript.append(NoticeItem(level="info", text="one line", gap=0))
        after = transcript.render_lines(region)
        assert all(old is new for old, new in zip(before[1:], after[:-1], strict=True))


async def test_the_scroll_bar_is_painted_when_its_thumb_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load([NoticeItem(level="info", text="a", gap=0) for _ in range(9_000)])
        await settled(driver)
        bar = transcript.vertical_scrollbar
        with counted(monkeypatch, type(bar), "refresh") as painted:
            for number in range(20):
                transcript.append(NoticeItem(level="info", text=f"{number}", gap=0))
            await settled(driver)
            assert not painted
            assert (bar.window_virtual_size, bar.position) == (9_020, transcript.max_scroll_y)
            transcript.scroll_to(y=3_000, animate=False)
            assert painted


async def test_a_part_of_a_long_answer_is_not_drawn_twice_and_right_when_seen_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        transcript.load([entry(random.Random(4)) for _ in range(8)])
        stream = TextStream(transcript)
        # A list whose items stand apart from the middle on: drawn whole, all of them do.
        part = "- an item of a long list\n" * 400 + "- the last before the gap\n\n"
        with counted(monkeypatch, ItemRenderer, "_answer") as drawn:
            for _ in range(9):
                stream.add_answer(part)
                await driver.until(lambda: not stream._pending)
        parts = [item for item in transcript.items if isinstance(item, AnswerItem)]
        assert len(parts) > 3
        assert not [args for args in drawn if len(str(args)) > 5_000]
        stream.finish()
        transcript.extend([NoticeItem(level="info", text="a\n" * 300) for _ in range(20)])
        for step in (-1, 1):
            for _ in range(400):
                transcript.scroll_to(y=transcript.scroll_offset.y + step * 25, animate=False)
                top = transcript._heights.at(transcript.scroll_offset.y)
                for index in range(top, min(top + 2, len(transcript.items))):
                    assert transcript._heights.height(index) == len(transcript._rows(index))


async def test_text_that_comes_faster_than_it_is_drawn_is_drawn_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "".join(f"Sentence {number} of many. \n\n" for number in range(4_000))
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        stream = TextStream(transcript)
        with counted(monkeypatch, LiveMarkdown, "feed") as feeds:
            stream.add_answer(text)
            await driver.until(lambda: len(feeds) > 4)
            stream.finish()
        assert max(len(str(args)) for args in feeds) < 10_000
        assert "Sentence 3999 of many." in driver.text()
        said = "".join(item.source for item in transcript.items)
        assert said.split() == text.split()


async def test_of_many_entries_that_come_at_once_only_those_in_view_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        transcript = driver.chat.transcript
        with counted(monkeypatch, ItemRenderer, "render") as drawn:
            transcript.extend([AnswerItem(text=f"part {number}") for number in range(2_000)])
        assert "part 1999" in driver.text()
        assert len(drawn) < 40
        transcript.scroll_to(y=100, animate=False)
        with counted(monkeypatch, ItemRenderer, "render") as drawn:
            transcript.extend([AnswerItem(text=f"more {number}") for number in range(2_000)])
        assert not drawn
