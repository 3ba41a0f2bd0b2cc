"""``ralex sessions``: list, show, search, export, rename, delete."""

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ralex.commands import sessions, spend
from ralex.core.codec import event_from_json
from ralex.core.events import AgentEvent, Notice
from ralex.core.ids import SessionId
from ralex.core.stream import TextDelta
from ralex.errors import ConfigError, SessionLockedError, SessionNotFoundError, UsageError
from ralex.opened import local_now
from ralex.store.sessions import SqliteSessions
from tests.commands.command_line import call
from tests.store.test_sessions import called, calling, finished, replied, started

EVENTS: list[AgentEvent] = [
    started("why does *this* fail?\n<script>alert(1)</script>"),
    calling(),
    called("```\n\x1b[2Jboom </pre>\n```"),
    TextDelta(text="because"),
    replied("because of **that**"),
    finished(),
    started("and now?"),
    calling("c2"),
    TextDelta(text="half an ans"),
]


async def store(folder: Path) -> SqliteSessions:
    return await SqliteSessions.open(folder / "home" / "sessions.db", now=local_now)


@pytest.fixture
def session_id(tmp_path: Path) -> SessionId:
    async def fill() -> SessionId:
        opened = await store(tmp_path)
        made = await opened.create(project=str(tmp_path), title="a \x1b]0;title\x07 of mine")
        await opened.append(made, EVENTS)
        other = await opened.create(project="/elsewhere", title="other")
        await opened.append(other, [started("nothing of note")])
        await opened.aclose()
        return made

    return asyncio.run(fill())


def test_times_that_no_calendar_has_are_shown_as_none(
    tmp_path: Path, session_id: SessionId
) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "sessions.db")) as connection:
        connection.execute("UPDATE session SET updated_s = 1e300, created_s = 9e999, turns = -3")
        connection.execute("UPDATE session SET turns = 1 WHERE id = ?", (session_id,))
        connection.commit()

    listed = call(sessions, tmp_path, "list", "--json")
    shown = call(sessions, tmp_path, "show", session_id)

    (found,) = json.loads(listed.out)
    assert (found["created_s"], found["updated_s"]) == (0.0, 0.0)
    assert "1970-01-01" in shown.out or "1969-12-31" in shown.out


@pytest.mark.parametrize("zone", ["XXX-25", "XXX167"])
def test_a_time_zone_that_is_none_is_refused_where_the_date_counts(
    tmp_path: Path, session_id: SessionId, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        listed = call(sessions, tmp_path, "list")
        with pytest.raises(ConfigError, match="a day or more away from UTC"):
            call(spend, tmp_path)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert session_id in listed.out


def test_list_shows_sessions_of_every_folder_or_of_this_one(
    tmp_path: Path, session_id: SessionId
) -> None:
    everywhere = call(sessions, tmp_path)
    here = call(sessions, tmp_path, "list", "--here")

    assert len(everywhere.out.splitlines()) == 2
    (line,) = here.out.splitlines()
    assert line.startswith(session_id)
    assert "  2 turns  a " in line
    assert " of mine  (" in line
    assert "\x1b" not in everywhere.out


def test_list_as_json(tmp_path: Path, session_id: SessionId) -> None:
    listed = json.loads(call(sessions, tmp_path, "list", "--json", "--limit", "1").out)

    assert len(listed) == 1
    assert listed[0]["turns"] == 1


def test_no_sessions_is_no_error(tmp_path: Path) -> None:
    assert call(sessions, tmp_path).out == "no sessions\n"


def test_search_shows_the_place(tmp_path: Path, session_id: SessionId) -> None:
    output = call(sessions, tmp_path, "search", "of", "**that**")

    assert session_id in output.out
    assert "because of **that**" in output.out


def test_show_has_asks_answers_and_what_was_cut_off(tmp_path: Path, session_id: SessionId) -> None:
    shown = call(sessions, tmp_path, "show", session_id[-4:]).out

    assert "> why does *this* fail?" in shown
    assert "because of **that**" in shown
    assert "▸ bash ls · exit 0" in shown
    assert "half an ans" in shown
    assert "bash ls · outcome unknown" in shown
    assert shown.count("because") == 1
    assert "\x1b" not in shown


def test_markdown_fences_hold_whatever_a_tool_printed(
    tmp_path: Path, session_id: SessionId
) -> None:
    text = call(sessions, tmp_path, "export", session_id).out

    assert text.startswith("# a ")
    assert "````\n```\nboom </pre>\n```\n````" in text
    assert "cost $0.0015" in text
    assert "\x1b" not in text


def test_json_holds_every_event_as_it_was(tmp_path: Path, session_id: SessionId) -> None:
    exported = json.loads(call(sessions, tmp_path, "export", session_id, "--format", "json").out)

    assert exported["session"]["id"] == session_id
    assert [event_from_json(event) for event in exported["events"]] == EVENTS


def test_html_escapes_everything_foreign_and_loads_nothing(
    tmp_path: Path, session_id: SessionId
) -> None:
    class Tags(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.seen: set[str] = set()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.add(tag)
            if tag not in {"meta", "br"}:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    page = call(sessions, tmp_path, "export", session_id, "--format", "html").out
    tags = Tags()
    tags.feed(page)

    assert tags.open == []
    assert not tags.seen & {"script", "img", "link", "iframe"}
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page


def test_rename(tmp_path: Path, session_id: SessionId) -> None:
    call(sessions, tmp_path, "rename", session_id, "a", "new", "name")

    assert "a new name" in call(sessions, tmp_path, "list", "--here").out


def test_delete_needs_a_yes(tmp_path: Path, session_id: SessionId) -> None:
    with pytest.raises(UsageError, match="for good") as caught:
        call(sessions, tmp_path, "delete", session_id)
    assert "--yes" in caught.value.hint

    kept = tmp_path / "home" / "tool-output" / session_id / "bash-1.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("long")

    assert "deleted" in call(sessions, tmp_path, "delete", session_id, "--yes").out
    assert not kept.exists()

    with pytest.raises(SessionNotFoundError):
        call(sessions, tmp_path, "show", session_id)


def test_a_session_that_is_open_elsewhere_is_read_but_not_deleted(
    tmp_path: Path, session_id: SessionId
) -> None:
    async def hold() -> None:
        opened = await store(tmp_path)
        await opened.append(session_id, [Notice(level="info", text="x")])
        shown = await asyncio.to_thread(call, sessions, tmp_path, "show", session_id)
        assert "because" in shown.out
        with pytest.raises(SessionLockedError):
            await asyncio.to_thread(call, sessions, tmp_path, "delete", session_id, "--yes")
        await opened.aclose()

    asyncio.run(hold())


@pytest.mark.parametrize(
    "words", [("show",), ("rename", "x"), ("search",), ("delete", "a", "b"), ("dance",)]
)
def test_wrong_words_are_a_usage_error(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="does not understand"):
        call(sessions, tmp_path, *words)


def test_fork_copies_everything_under_an_id_of_its_own(
    tmp_path: Path, session_id: SessionId
) -> None:
    copy = call(sessions, tmp_path, "fork", session_id[-5:]).out.strip()

    assert copy != session_id
    original = json.loads(call(sessions, tmp_path, "export", session_id, "--format", "json").out)
    copied = json.loads(call(sessions, tmp_path, "export", copy, "--format", "json").out)
    assert copied["events"] == original["events"]
    assert copied["session"]["forked_from"] == session_id


@pytest.mark.parametrize("title", ["", "  "])
def test_a_title_is_never_taken_away(tmp_path: Path, session_id: SessionId, title: str) -> None:
    with pytest.raises(UsageError, match="title"):
        call(sessions, tmp_path, "rename", session_id, title)

    assert "of mine" in call(sessions, tmp_path).out


def test_a_call_of_a_killed_turn_stands_in_that_turn(tmp_path: Path, session_id: SessionId) -> None:
    async def go_on() -> None:
        opened = await store(tmp_path)
        await opened.append(session_id, [started("go on then"), replied("on it"), finished()])
        await opened.aclose()

    asyncio.run(go_on())

    for words in (("show",), ("export",), ("export", "--format", "html")):
        shown = call(sessions, tmp_path, words[0], session_id, *words[1:]).out
        assert shown.count("outcome unknown") == 1
        assert shown.index("and now?") < shown.index("outcome unknown") < shown.index("go on then")
