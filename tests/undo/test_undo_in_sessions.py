"""Undo as a session has it: over real tools, stored, and told to the model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ralex.core.events import ChangesUndone, Notice, ToolCallFinished, TurnFinished
from ralex.core.messages import UserMessage
from ralex.errors import UndoError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, of, shell, step
from tests.agent.stand import Stand, play
from tests.undo.conftest import git


def write(path: str, content: str) -> ScriptedCall:
    return ScriptedCall(name="write", arguments={"path": path, "content": content})


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    """Give a stand over a repository with one committed file."""
    async with AsyncExitStack() as stack:
        made = Stand(tmp_path, stack)
        (made.project / "a.txt").write_text("alpha\n")
        git(made.project, "init", "-q")
        git(made.project, "add", "-A")
        git(made.project, "commit", "-q", "-m", "start")
        yield made


def last_prompt(stand: Stand) -> str:
    """Give the last message that the user's side sent."""
    messages = [one for one in stand.provider.requests[-1].messages if isinstance(one, UserMessage)]
    return messages[-1].text


async def test_files_a_command_changed_are_listed_with_the_call_and_the_turn(stand: Stand) -> None:
    session = await stand.open(
        [step(write("made.txt", "x\n"), shell("echo more >> a.txt; echo y > b.txt")), DONE]
    )
    events = await play(session, HELLO)
    assert [one.files_changed for one in of(events, ToolCallFinished)] == [
        ("made.txt",),
        ("a.txt", "b.txt"),
    ]
    assert of(events, TurnFinished)[0].files_changed == ("made.txt", "a.txt", "b.txt")
    assert not of(events, Notice)


async def test_what_was_made_and_removed_in_one_turn_is_not_listed(stand: Stand) -> None:
    session = await stand.open(
        [step(write("made.txt", "x\n"), shell("rm made.txt; echo y > a.txt")), DONE]
    )
    assert of(await play(session, HELLO), TurnFinished)[0].files_changed == ("a.txt",)


async def test_a_command_that_fails_counts_with_what_it_did(stand: Stand) -> None:
    session = await stand.open([step(shell("echo x > a.txt; exit 3")), DONE])
    events = await play(session, HELLO)
    assert of(events, ToolCallFinished)[0].files_changed == ("a.txt",)
    await session.undo()
    assert (stand.project / "a.txt").read_text() == "alpha\n"


async def test_undo_and_redo_are_stored_and_told_to_the_model_once(stand: Stand) -> None:
    session = await stand.open(
        [step(shell("echo x > a.txt")), DONE, DONE, DONE],
    )
    await play(session, HELLO)
    report = await session.undo()
    assert report.restored == ("a.txt",)
    assert (stand.project / "a.txt").read_text() == "alpha\n"
    assert [one.paths for one in of(await session.history(), ChangesUndone)] == [("a.txt",)]
    await play(session, "And now?")
    assert "The user undid changes you had made, to: a.txt." in last_prompt(stand)
    assert last_prompt(stand).endswith("And now?")
    await play(session, "And then?")
    assert "undid" not in last_prompt(stand)


async def test_an_undo_that_was_taken_back_is_no_news(stand: Stand) -> None:
    session = await stand.open([step(shell("echo x > a.txt")), DONE, DONE])
    await play(session, HELLO)
    await session.undo()
    assert (await session.redo()).restored == ("a.txt",)
    await play(session, "And now?")
    assert last_prompt(stand) == "And now?"


async def test_a_resumed_session_knows_of_the_undo_and_can_redo(stand: Stand) -> None:
    session = await stand.open([step(shell("echo x > a.txt")), DONE])
    await play(session, HELLO)
    await session.undo()
    session = await stand.open([DONE, DONE], continues=True)
    await play(session, "And now?")
    assert "to: a.txt" in last_prompt(stand)
    session = await stand.open([DONE], continues=True)
    await play(session, "And then?")
    assert "undid" not in last_prompt(stand)
    assert (await session.redo()).restored == ("a.txt",)
    assert (stand.project / "a.txt").read_text() == "x\n"


async def test_an_interrupted_command_can_be_undone(stand: Stand) -> None:
    session = await stand.open([step(shell("echo x > a.txt; touch started; sleep 30")), DONE])
    async with asyncio.timeout(20), session.turn(HELLO):
        while not (stand.project / "started").exists():  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.01)
    assert set((await session.undo()).restored) == {"a.txt", "started"}
    assert (stand.project / "a.txt").read_text() == "alpha\n"


async def test_no_undo_while_a_turn_runs(stand: Stand) -> None:
    session = await stand.open([ScriptedStep(text="one two three four")], tokens_per_s=20)
    async with session.turn(HELLO) as events:
        await anext(aiter(events))
        with pytest.raises(UndoError):
            await session.undo()


async def test_the_diff_shows_the_last_turn_or_the_session(stand: Stand) -> None:
    session = await stand.open(
        [
            step(shell("echo one > a.txt; printf 'a\\0b' > raw")), DONE,
            step(shell("echo two > a.txt; chmod +x a.txt; touch empty")), DONE,
            step(shell("rm a.txt")), DONE,
        ]
    )  # fmt: skip
    assert await session.diff("session") == ""
    await play(session, HELLO)
    assert "-alpha\n+one\n" in await session.diff("turn")
    await play(session, HELLO)
    turn, whole = await session.diff("turn"), await session.diff("session")
    assert "-one\n+two\n" in turn
    assert "a.txt: file → program\n" in turn
    assert "empty: new, empty\n" in turn
    assert "-alpha\n+two\n" in whole
    assert "raw: binary, 0 → 3 bytes\n" in whole
    await play(session, HELLO)
    assert "--- a/a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-two\n" in await session.diff("turn")


async def test_outside_of_git_in_a_home_folder_the_reach_of_undo_is_said(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(stand.project))
    session = await stand.open(
        [step(shell("echo x > a.txt"), write("b.txt", "b\n")), step(shell("true")), DONE]
    )
    events = await play(session, HELLO)
    (notice,) = of(events, Notice)
    assert notice.level == "info"
    assert notice.text.startswith("undo covers only edits of files here")
    assert of(events, TurnFinished)[0].files_changed == ("b.txt",)
    report = await session.undo()
    assert report.restored == ("b.txt",)
    assert "shell" in report.note


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "`a.txt`"},
        {"path": "file://a.txt"},
        {"filePath": "a.txt"},
        {"File-Name": " a.txt "},
        {"target": "a.txt", "file_path": "other.txt"},
    ],
    ids=["quoted", "as an address", "alias", "alias in other spelling", "two aliases"],
)
async def test_a_file_is_undone_however_the_call_names_it(
    stand: Stand, arguments: dict[str, object]
) -> None:
    calls = (
        ScriptedCall(name="read", arguments={"path": "a.txt"}),
        ScriptedCall(name="write", arguments={**arguments, "content": "new\n"}),
    )
    session = await stand.open([step(*calls), DONE])
    await play(session, HELLO)
    assert (stand.project / "a.txt").read_text() == "new\n"
    assert (await session.undo()).restored == ("a.txt",)
    assert (stand.project / "a.txt").read_text() == "alpha\n"
