"""Sessions on the screen: chosen, copied, named, written out; and their work, seen and undone."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal

import pytest
from textual.widgets import OptionList, Static

from ralex.core.events import AgentEvent, ChangesUndone, ContextCompacted
from ralex.core.ids import SessionId, TurnId
from ralex.tui import formats
from ralex.tui.screens.sessions.screen import SessionsScreen
from ralex.tui.widgets.header.header import Header
from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    ErrorItem,
    FoldItem,
    NoticeItem,
    UserItem,
)
from ralex.undo.model import Conflict, UndoReport
from tests.tui.fake_session import FakeOpener, FakeSession, Step, finished, opening, plain_turn
from tests.tui.helpers import Driver, running

DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,2 @@\n one\n+two\nlogo.png: binary, 3 → 9 bytes\n"


def stored(*steps: Step) -> list[AgentEvent]:
    return [step for step in steps if not isinstance(step, asyncio.Event | Exception)]


def other(title: str = "Old talk", name: str = "s2") -> FakeSession:
    return FakeSession(
        id=SessionId(name),
        title=title,
        context_tokens=44_000,
        stored=stored(*plain_turn("an old question", "An old answer.")),
    )


def lines(driver: Driver) -> list[str]:
    options = driver.app.screen.query_one(OptionList).options
    return [" ".join(str(option.prompt).split()) for option in options]


async def told(driver: Driver, kind: type[NoticeItem] | type[ErrorItem] = NoticeItem) -> str:
    await driver.until(lambda: driver.chat.transcript.newest(kind))
    item = driver.chat.transcript.newest(kind)
    assert item is not None
    return item.source


def prompts(driver: Driver) -> Sequence[str]:
    return [item.source for item in driver.chat.transcript.items if isinstance(item, UserItem)]


async def test_the_session_list_shows_title_age_and_turns_is_filtered_and_resumes() -> None:
    opener = FakeOpener(FakeSession(), others=[other(), other("日本語のタイトル", "s3")])
    async with running(opener=opener, size=(100, 24)) as driver:
        await driver.ready()
        await driver.send("hello")
        await driver.idle()
        await driver.send("/sessions")
        await driver.until(lambda: isinstance(driver.app.screen, SessionsScreen))
        assert lines(driver) == [
            "● Discount codes in the checkout just now 1 turn",
            "Old talk 2 h ago 4 turns",
            "日本語のタイトル 4 h ago 7 turns",
        ]
        await driver.type("old")
        await driver.until(lambda: len(lines(driver)) == 1)
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.chat.session is opener.others[0])
        await driver.ready()
        assert prompts(driver) == ["an old question"]
        assert "An old answer." in driver.text()
        assert driver.chat.query_one(Header).title == "Old talk"
        assert "44k / 128k" in driver.bar()
        await driver.send("and now")
        await driver.idle()
        assert opener.others[0].prompts == ["and now"]


async def test_a_session_open_elsewhere_says_so_and_the_present_one_stays() -> None:
    opener = FakeOpener(FakeSession(), others=[other()], locked={"s2"})
    async with running(opener=opener) as driver:
        await driver.ready()
        await driver.send("hello")
        await driver.idle()
        before = driver.chat.session
        await driver.send("/resume s2")
        said = await told(driver, ErrorItem)
        assert said == (
            "the session s2 is open in another ralex (process 71)\n"
            "close it there, or go on in a copy: /fork s2"
        )
        assert driver.chat.session is before
        assert prompts(driver) == ["hello"]
        await driver.send("/fork s2")
        await driver.until(lambda: driver.chat.session is not before)
        assert driver.session.id == "s2-copy"
        assert prompts(driver) == ["an old question"]


async def test_the_open_session_is_not_opened_again_and_an_unknown_one_is_an_error() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/resume s1")
        assert await told(driver) == "This session is the one that is open."
        await driver.send("/resume nope")
        assert "there is no session 'nope'" in await told(driver, ErrorItem)


async def test_no_other_session_is_opened_while_a_turn_runs() -> None:
    gate = asyncio.Event()
    session = FakeSession(scripts=[[*opening("x"), gate, finished()]])
    async with running(opener=FakeOpener(session, others=[other()])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.send("/resume s2")
        assert "a turn is still running" in await told(driver, ErrorItem)
        assert driver.chat.session is session
        gate.set()
        await driver.idle()


async def test_a_fork_goes_on_in_a_copy_and_says_so() -> None:
    session = FakeSession(stored=stored(*plain_turn("first", "One.")))
    async with running(session) as driver:
        await driver.ready()
        await driver.send("/fork")
        await driver.until(lambda: driver.chat.session is not session)
        assert "This is a copy" in await told(driver)
        assert prompts(driver) == ["first"]
        await driver.send("second")
        await driver.idle()
        assert session.prompts == []
        assert driver.session.prompts == ["second"]


async def test_a_session_is_renamed_in_the_header_too() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/rename")
        assert "a title is missing" in await told(driver, ErrorItem)
        await driver.send("/rename The  big\x1b[31m one")
        assert "called" in await told(driver)
        assert driver.session.title == driver.chat.query_one(Header).title == "The big one"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("/export", ("md", "")),
        ("/export json", ("json", "")),
        ("/export html out/talk.html", ("html", "out/talk.html")),
        ("/export talk.json", ("json", "talk.json")),
        ("/export my notes", ("md", "my notes")),
    ],
)
async def test_an_export_tells_where_the_file_is(typed: str, asked: tuple[str, str]) -> None:
    async with running(size=(100, 24)) as driver:
        await driver.ready()
        await driver.send(typed)
        said = await told(driver)
        assert driver.opener.exports == [asked]
        assert said == f"The session is in /home/ada/shop/{asked[1] or f'ralex-s1.{asked[0]}'}"


async def test_what_the_stores_have_to_say_is_shown_once() -> None:
    session = FakeSession(notices=["sessions.db was restored from a backup"])
    async with running(opener=FakeOpener(session, others=[other()])) as driver:
        await driver.ready()
        assert await told(driver) == "sessions.db was restored from a backup"
        driver.opener.others[0].notices = session.notices
        await driver.send("/resume s2")
        await driver.until(lambda: driver.chat.session is not session)
        assert "restored" not in driver.text()


async def test_undo_and_redo_name_files_and_conflicts() -> None:
    conflict = Conflict(path="b.py", reason="changed since")
    undone = UndoReport(turn_id="t1", restored=("a.py", "[x].md"), conflicts=(conflict,))
    session = FakeSession(
        undos=[undone, UndoReport(turn_id="t1", restored=("a.py",), is_redo=True), UndoReport()]
    )
    async with running(session) as driver:
        await driver.ready()
        await driver.send("/undo")
        assert await told(driver) == (
            "Undone in 2 files:\na.py\n[x].md\nleft alone: b.py — changed since"
        )
        await driver.idle()
        await driver.send("/redo")
        await driver.until(lambda: "Redone in 1 file:" in driver.text())
        await driver.idle()
        await driver.send("/undo")
        await driver.until(lambda: "There is nothing to undo." in driver.text())


async def test_an_undo_of_an_earlier_run_is_shown_with_the_history() -> None:
    event = ChangesUndone(turn_id=TurnId("t1"), paths=("a.py",), conflicts=("b.py",))
    async with running(FakeSession(stored=[event])) as driver:
        await driver.ready()
        assert await told(driver) == ("Undone in 1 file:\na.py\nleft alone: b.py")


async def test_diff_does_not_know_every_word() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send("/diff all")
        assert "/diff does not know all" in await told(driver, ErrorItem)


async def test_no_turn_meets_a_compaction_and_its_summary_can_be_opened() -> None:
    gate = asyncio.Event()
    event = ContextCompacted(
        text="",
        summary="We added codes.",
        kept_messages=4,
        tokens_before=90_000,
        tokens_after=8_000,
        cost_usd=Decimal("0.002"),
    )
    session = FakeSession(compaction=event, gate=gate)
    async with running(session) as driver:
        await driver.ready()
        await driver.send("/compact the codes")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.send("next")
        assert session.prompts == []
        waiting = str(driver.chat.query_one("#queue", Static).render())
        assert waiting.startswith("queued  next ")
        gate.set()
        await driver.idle()
        assert session.compacted == ["the codes"]
        assert session.prompts == ["next"]
        fold = driver.chat.transcript.newest(FoldItem)
        assert fold is not None
        assert "We added codes." in fold.source
        assert driver.chat.transcript.newest(AnswerItem) is not None


async def test_a_compaction_can_be_stopped_and_too_little_is_said() -> None:
    session = FakeSession(gate=asyncio.Event())
    async with running(session) as driver:
        await driver.ready()
        await driver.send("/compact")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.pilot.press("escape")
        assert await told(driver) == "Stopped: summarising the conversation."
        await driver.idle()
        session.gate = None
        await driver.send("/compact")
        await driver.until(lambda: "There is too little to summarise yet." in driver.text())


async def test_the_context_is_shown_by_kind() -> None:
    async with running(size=(100, 24)) as driver:
        await driver.ready()
        await driver.send("/context")
        await driver.until(lambda: driver.chat.transcript.items)
        rows = [" ".join(row.split()) for row in driver.rows()]
        assert "tool results ~6.1k 49% ━━━━━━━━━━━━" in rows
        assert "summary ~0 0%" in rows
        assert "together ~12.4k 10% of 128k, 14 messages" in rows


def test_an_age_is_told_in_its_largest_unit() -> None:
    day = 86_400
    ages = [0, 59, 60, 3_599, 3_600, 2 * day - 1, 2 * day, 99 * day, 400 * day]
    assert [formats.age(each) for each in ages] == [
        "just now",
        "just now",
        "1 min ago",
        "59 min ago",
        "1 h ago",
        "47 h ago",
        "2 days ago",
        "99 days ago",
        "13 mon ago",
    ]
    assert formats.age(-5) == "just now"
