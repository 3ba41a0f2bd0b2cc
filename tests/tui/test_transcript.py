"""The virtual list: place, follow, selection, search, and texts of any size."""

import asyncio

import pytest
from textual.geometry import Offset
from textual.selection import Selection

from ralex.core.events import AgentEvent
from ralex.tui.rows import Row
from ralex.tui.widgets.transcript.items import AnswerItem, AnyItem, ToolItem, UserItem
from ralex.tui.widgets.transcript.view import Transcript
from tests.tui.fake_session import FakeSession, Step, call, deltas, finished, opening, plain_turn
from tests.tui.helpers import Driver, running

LONG = "A sentence that is long enough to wrap on a narrow screen, again and again. " * 4


def events(steps: list[Step]) -> list[AgentEvent]:
    return [step for step in steps if not isinstance(step, asyncio.Event | Exception)]


def stored_turns(count: int) -> list[AgentEvent]:
    turns: list[Step] = []
    for number in range(count):
        text = f"Answer {number}.\n\n{LONG}\n\n```python\nx = {number}\n```\n\n- a\n- b\n"
        turn = plain_turn(f"question {number}", text)
        turns += [*turn[:3], *call("bash", f"command {number}", output="x\n" * 30), *turn[3:]]
    return events(turns)


def view(driver: Driver) -> Transcript:
    return driver.chat.transcript


async def test_a_long_session_opens_at_its_end_and_page_up_moves_by_a_page() -> None:
    async with running(FakeSession(stored=stored_turns(120)), size=(100, 30)) as driver:
        await driver.ready()
        transcript = view(driver)
        assert transcript.scroll_offset.y == transcript.max_scroll_y
        assert "• b" in driver.text()
        for _ in range(25):
            before = driver.rows()
            await driver.pilot.press("pageup")
            after = driver.rows()
            assert after[-2:] == before[:2]
        assert not transcript.is_following


async def test_nothing_moves_while_the_reader_is_scrolled_up_and_a_turn_writes() -> None:
    gate, more = asyncio.Event(), asyncio.Event()
    script = [
        *opening("next"),
        *deltas("# One\n\n" + LONG),
        gate,
        *deltas(LONG * 8),
        more,
        finished(),
    ]
    session = FakeSession(stored=stored_turns(20), scripts=[script])
    async with running(session, size=(90, 30)) as driver:
        await driver.ready()
        await driver.send("next")
        await driver.until(lambda: isinstance(view(driver).items[-1], AnswerItem))
        for _ in range(3):
            await driver.pilot.press("pageup")
        before = driver.rows()
        gate.set()
        await driver.until(lambda: view(driver).items[-1].source.count("again") > 20)
        assert driver.rows()[:-1] == before[:-1]
        assert "more below" in driver.rows()[-1]
        await driver.pilot.press("ctrl+end")
        assert view(driver).is_following
        assert "more below" not in driver.text()
        more.set()
        await driver.idle()
        assert view(driver).scroll_offset.y == view(driver).max_scroll_y


async def test_a_card_that_opens_above_the_view_does_not_move_it() -> None:
    async with running(FakeSession(stored=stored_turns(20)), size=(90, 30)) as driver:
        await driver.ready()
        card = next(item for item in view(driver).items if isinstance(item, ToolItem))
        await driver.pilot.press("pageup")
        before = driver.rows()
        view(driver).toggle_item(card)
        await driver.pilot.pause()
        assert driver.rows() == before


async def test_resizing_keeps_the_entry_at_the_top() -> None:
    async with running(FakeSession(stored=stored_turns(30)), size=(100, 30)) as driver:
        await driver.ready()
        for _ in range(6):
            await driver.pilot.press("pageup")
        view(driver).jump_user(1)
        await driver.pilot.pause()
        top = driver.rows()[1]
        assert top.startswith("▌ question")
        for width in (70, 62, 130, 100):
            await driver.pilot.resize_terminal(width, 30)
            await driver.pilot.pause()
            assert driver.rows()[1] == top, width


async def test_a_theme_change_keeps_the_place_and_changes_the_colours() -> None:
    async with running(FakeSession(stored=stored_turns(30)), size=(100, 30)) as driver:
        await driver.ready()
        await driver.pilot.press("pageup", "pageup")
        before = driver.rows()
        colours = {part.style for part in view(driver).render_line(5)}
        driver.chat.set_theme("ralex-light")
        await driver.pilot.pause()
        await driver.pilot.pause()
        assert driver.rows() == before
        assert {part.style for part in view(driver).render_line(5)} != colours


async def test_a_change_of_width_while_an_answer_arrives_keeps_all_of_it() -> None:
    gate = asyncio.Event()
    script = [
        *opening("x"),
        *deltas(LONG + "\n\n```python\n"),
        gate,
        *deltas("y = 1\n```\nend"),
        finished(),
    ]
    async with running(FakeSession(scripts=[script]), size=(100, 30)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: "```python" in view(driver).items[-1].source)
        await driver.pilot.resize_terminal(60, 30)
        driver.chat.set_theme("ralex-light")
        gate.set()
        await driver.idle()
        assert view(driver).items[-1].source == LONG + "\n\n```python\ny = 1\n```\nend"
        assert any("y = 1" in row for row in driver.rows())


async def test_a_selection_copies_paragraphs_unwrapped_and_without_decoration() -> None:
    async with running(FakeSession(scripts=[plain_turn("q", LONG)]), size=(60, 30)) as driver:
        await driver.ready()
        await driver.send("q")
        await driver.idle()
        transcript = view(driver)
        transcript.screen.selections = {transcript: Selection(None, None)}
        copied = driver.chat.get_selected_text()
        assert copied is not None
        assert LONG.strip() in copied
        assert "▌" not in copied
        assert copied.startswith("q\n")


async def test_a_drag_selects_what_is_under_it_and_ctrl_c_copies_it() -> None:
    async with running(FakeSession(scripts=[plain_turn("q", "alpha beta gamma")])) as driver:
        await driver.ready()
        await driver.send("q")
        await driver.idle()
        y = next(at for at, row in enumerate(driver.rows()) if "alpha" in row)
        await driver.pilot.mouse_down("#transcript", offset=(8, y))
        await driver.pilot.hover("#transcript", offset=(12, y))
        await driver.pilot.mouse_up("#transcript", offset=(12, y))
        await driver.pilot.pause()
        await driver.pilot.press("ctrl+c")
        assert driver.app.clipboard == "beta"
        assert driver.app.is_running


async def test_wide_characters_are_selected_whole() -> None:
    async with running(FakeSession(scripts=[plain_turn("q", "漢字かな text")])) as driver:
        await driver.ready()
        await driver.send("q")
        await driver.idle()
        transcript = view(driver)
        at = len(transcript.items) - 1
        key = at << 20 | 1
        selection = Selection(Offset(2, key), Offset(4, key))
        assert transcript.get_selection(selection) == ("漢字", "\n")


async def test_the_search_finds_marks_and_opens() -> None:
    async with running(FakeSession(stored=stored_turns(40)), size=(100, 30)) as driver:
        await driver.ready()
        await driver.pilot.press("ctrl+f")
        await driver.type("question 7")
        await driver.until(lambda: "▌ question 7" in driver.text())
        line = next(at for at, row in enumerate(driver.rows()) if "question 7" in row)
        styles = view(driver).palette
        assert styles is not None
        parts = list(view(driver).render_line(line))
        ground = styles.match_here.bgcolor
        marked = [part.text for part in parts if part.style and part.style.bgcolor == ground]
        assert marked == ["question 7"]
        await driver.pilot.press("escape")
        assert driver.app.focused is driver.chat.prompt


async def test_jumping_goes_from_one_own_message_to_the_next() -> None:
    async with running(FakeSession(stored=stored_turns(10)), size=(90, 30)) as driver:
        await driver.ready()
        await driver.pilot.press("ctrl+up")
        first = driver.rows()[1]
        await driver.pilot.press("ctrl+up")
        second = driver.rows()[1]
        assert first == "▌ question 8"
        assert second == "▌ question 7"
        await driver.pilot.press("ctrl+down")
        assert driver.rows()[1] == first


async def test_the_keyboard_alone_opens_and_copies_entries() -> None:
    async with running(FakeSession(stored=stored_turns(3)), size=(90, 30)) as driver:
        await driver.ready()
        await driver.pilot.press("tab")
        assert driver.app.focused is view(driver)
        while not isinstance(view(driver).items[view(driver).current or 0], ToolItem):
            await driver.pilot.press("up")
        assert any(row.startswith("› ✓ bash") for row in driver.rows())
        await driver.pilot.press("enter")
        assert "│ x" in driver.text()
        await driver.pilot.press("c")
        assert driver.app.clipboard.startswith("bash command")
        await driver.pilot.press("escape")
        assert driver.app.focused is driver.chat.prompt


async def test_words_typed_after_opening_a_card_reach_the_prompt() -> None:
    async with running(FakeSession(stored=stored_turns(3)), size=(90, 30)) as driver:
        await driver.ready()
        y = next(at for at, line in enumerate(driver.rows()) if "✓ bash" in line)
        await driver.pilot.click(offset=(20, y + view(driver).region.y))
        await driver.until(lambda: "│ x" in driver.text())
        await driver.type("just")
        assert driver.chat.prompt.text == "just"
        await driver.pilot.press("tab")
        assert driver.app.focused is view(driver)
        await driver.type("ify")
        assert driver.app.focused is driver.chat.prompt
        assert driver.chat.prompt.text == "justify"


async def test_a_narrow_card_says_what_was_called_before_how_it_ended() -> None:
    script = [
        *opening("x"),
        *call(
            "bash", "git push --force origin main", is_error=True, summary="Not run: denied " * 5
        ),
        finished(),
    ]
    async with running(FakeSession(scripts=[script]), size=(60, 15)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        (line,) = [one for one in driver.rows() if "bash" in one]
        assert "bash  git push --force origi" in line
        assert "Not run: denied" in line
        assert line.endswith("…")


async def test_an_answer_of_five_megabytes_and_a_line_of_one_are_shown() -> None:
    huge = ("word " * 30 + "\n\n") * 33_000
    stored = events([*plain_turn("a", huge), *plain_turn("b", "x" * 1_000_000)])
    async with running(FakeSession(stored=stored)) as driver:
        await driver.ready()
        for _ in range(5):
            await driver.pilot.press("pageup")
        assert "xxxx" in driver.text()
        view(driver).scroll_to(y=0, animate=False)
        await driver.pilot.pause()
        assert "word word" in driver.text()


async def test_ten_thousand_cards_are_scrolled_searched_and_opened() -> None:
    cards = [
        step
        for number in range(10_000)
        for step in call(
            "bash", f"command {number}", output=f"line {number}\n" * 3, number=str(number)
        )
    ]
    async with running(FakeSession(stored=events([*opening("many")[:2], *cards]))) as driver:
        await driver.ready()
        transcript = view(driver)
        assert "command 9999" in driver.text()
        for _ in range(3):
            await driver.pilot.press("pageup")
        assert "command 99" in driver.text()
        assert transcript.seek("line 5000", 0) == (3, 3)
        await driver.pilot.pause()
        assert "line 5000" in driver.text()
        transcript.scroll_to(y=0, animate=False)
        await driver.pilot.pause()
        assert "command 0" in driver.text()


async def test_a_streamed_answer_is_handed_over_in_parts_and_complete() -> None:
    text = "".join(f"Line {number} of a long answer.\n\n" for number in range(2_500))
    script = [*opening("x"), *deltas(text, 2_000), finished(text)]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        answers = [item for item in view(driver).items if isinstance(item, AnswerItem)]
        assert len(answers) > 1
        assert all(item.live is None for item in answers)
        whole = "".join(item.source for item in answers)
        assert [f"Line {number} " in whole for number in (0, 1_249, 2_499)] == [True] * 3
        assert whole.count("of a long answer") == 2_500


async def test_a_long_prompt_is_folded_and_opens() -> None:
    prompt = "\n".join(f"row {number}" for number in range(40))
    async with running(FakeSession(stored=events(plain_turn(prompt, "ok")))) as driver:
        await driver.ready()
        assert "… 28 more lines" in driver.text()
        item = view(driver).items[0]
        assert isinstance(item, UserItem)
        view(driver).toggle_item(item)
        await driver.pilot.pause()
        view(driver).scroll_to(y=0, animate=False)
        await driver.pilot.press("pagedown")
        assert "row 30" in driver.text()


@pytest.mark.parametrize(("name", "kept", "gone"), [("bash", 200, 160), ("read", 40, 41)])
async def test_a_card_opened_again_shows_all_of_a_long_output(
    name: str, kept: int, gone: int
) -> None:
    output = "\n".join(f"row {number}" for number in range(1, 201))
    arguments = '{"command": "seq 200"}' if name == "bash" else '{"path": "a.py"}'
    step = call(name, "a.py", arguments=arguments, output=output, summary="200 lines")
    script = [*opening("x"), *step, finished()]
    async with running(FakeSession(scripts=[script]), size=(80, 300)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.pilot.press("ctrl+o")
        assert f"│ row {kept}\n" in driver.text()
        assert f"│ row {gone}\n" not in driver.text()
        place = next(y for y, row in enumerate(driver.rows()) if "160" in row and "…" in row)
        assert "open again to see all" in driver.rows()[place]
        top = driver.chat.transcript.region.y
        await driver.pilot.click(offset=(8, top + place))
        assert all(f"│ row {number}\n" in driver.text() for number in (1, 41, 160, 200))
        assert "open again" not in driver.text()
        await driver.pilot.press("ctrl+o")
        assert "│ row" not in driver.text()


async def test_an_entry_that_cannot_be_drawn_is_said_so_and_the_rest_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with running(FakeSession(stored=stored_turns(2))) as driver:
        await driver.ready()
        renderer = view(driver).renderer
        draw = renderer.render

        def burst(item: AnyItem, total: int) -> list[Row]:
            return [] if 1 // (not isinstance(item, ToolItem)) == 0 else draw(item, total)

        monkeypatch.setattr(renderer, "render", burst)
        view(driver).notify_style_update()
        await driver.pilot.pause()
        assert "this entry cannot be drawn" in driver.text()
        assert driver.app.is_running
