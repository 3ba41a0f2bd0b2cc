"""Files that the user names with @ and instruction files beside touched ones reach the model."""

import os
from pathlib import Path

import pytest

from ralex.agent.mentions import mentioned, named_places
from ralex.core.events import ContextAdded, TurnFinished
from ralex.core.messages import UserMessage
from tests.agent.script import DONE, HELLO, breaks, edit, finished_calls, of, read, step, user_texts
from tests.agent.stand import Stand, play


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("look at @a.txt, please", ["a.txt"]),
        ("@sub/b.py:", ["sub/b.py"]),
        ('see @"my notes.md"', ["my notes.md"]),
        ("(@a.txt)", ["a.txt"]),
        ("@a.txt and @a.txt and @sub/b.py", ["a.txt", "sub/b.py"]),
        ("is it in `@a.txt`?", ["a.txt"]),
        ("@a.txt's end, @sub/b.py:10-20", ["a.txt", "sub/b.py"]),
        ("@a.txt#L3… and @sub/b.py#L1-L5", ["a.txt", "sub/b.py"]),
        ("mail me@a.txt or ask @nobody", []),
        ("what is in @sub?", ["sub"]),
        ("@sub/, and so on", ["sub/"]),
        ("@../outside.txt @/etc/passwd @link.txt @. @.. @pipe @loop @none/", []),
    ],
)
def test_existing_files_and_folders_of_the_workspace_are_found(
    tmp_path: Path, prompt: str, found: list[str]
) -> None:
    root = tmp_path / "project"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "outside.txt").write_text("secret")
    for name in ("a.txt", "sub/b.py", "my notes.md"):
        (root / name).write_text("x")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    assert mentioned(prompt, root) == found


async def test_a_mentioned_file_comes_before_the_prompt_and_may_be_edited_at_once(
    stand: Stand,
) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    session = await stand.open([step(edit("a.txt", "alpha", "beta")), DONE])
    await play(session, "change @a.txt")
    first = user_texts(stand.provider.requests[0].messages)[0]
    assert '<file path="a.txt">' in first
    assert "alpha" in first
    assert first.endswith("change @a.txt")
    assert (stand.project / "a.txt").read_text() == "beta\n"


async def test_a_mentioned_folder_is_listed(stand: Stand) -> None:
    (stand.project / "web" / "forms").mkdir(parents=True)
    (stand.project / "web" / "a.js").write_text("let a\n")
    session = await stand.open([DONE])
    await play(session, "tidy @web up")
    first = user_texts(stand.provider.requests[0].messages)[0]
    assert '<folder path="web">\nforms/\na.js' in first
    assert first.endswith("tidy @web up")


async def test_instructions_beside_a_mentioned_file_come_with_it(stand: Stand) -> None:
    (stand.project / "web").mkdir()
    (stand.project / "web" / "AGENTS.md").write_text("In web: use double quotes.\n")
    (stand.project / "web" / "a.js").write_text("let a\n")
    session = await stand.open([step(read("web/a.js")), DONE])
    events = await play(session, "fix @web/a.js")
    assert "double quotes" in user_texts(stand.provider.requests[0].messages)[0]
    assert [e.label for e in of(events, ContextAdded)].count("web/AGENTS.md") == 1
    assert breaks(stand.provider.requests) == 0


async def test_a_huge_mentioned_file_is_cut(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha beta gamma\n" * 500_000)
    session = await stand.open([DONE])
    await play(session, "what is in @a.txt")
    assert len(user_texts(stand.provider.requests[0].messages)[0]) < 70_000


async def test_a_binary_mentioned_file_is_named_as_unread(stand: Stand) -> None:
    (stand.project / "a.bin").write_bytes(bytes(range(256)) * 10)
    session = await stand.open([DONE])
    events = await play(session, "what is in @a.bin")
    assert isinstance(events[-1], TurnFinished)
    assert [e.label for e in of(events, ContextAdded)][-1] == "@a.bin"


async def test_instructions_of_a_folder_come_when_a_file_there_is_touched(stand: Stand) -> None:
    (stand.project / "AGENTS.md").write_text("Use tabs.\n")
    deep = stand.project / "web" / "forms"
    deep.mkdir(parents=True)
    (deep.parent / "AGENTS.md").write_text("In web: use double quotes.\n")
    (deep / "f.js").write_text("let a\n")
    session = await stand.open([step(read("web/forms/f.js")), step(read("AGENTS.md")), DONE, DONE])
    events = await play(session, HELLO)
    requests = stand.provider.requests
    assert "double quotes" not in "".join(user_texts(requests[0].messages))
    newest = requests[1].messages[-1]
    assert isinstance(newest, UserMessage)
    assert "double quotes" in newest.text
    assert [e.label for e in of(events, ContextAdded)].count("web/AGENTS.md") == 1
    await play(session, "again")
    assert breaks(requests) == 0


async def test_nested_instructions_are_told_once_also_after_resuming(stand: Stand) -> None:
    (stand.project / "web").mkdir()
    (stand.project / "web" / "AGENTS.md").write_text("Double quotes.\n")
    (stand.project / "web" / "f.js").write_text("let a\n")
    session = await stand.open([step(read("web/f.js")), DONE])
    await play(session, HELLO)
    again = await stand.open([step(read("web/f.js")), DONE], continues=True)
    assert not of(await play(again, "once more"), ContextAdded)


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("compare with {out}/other/b.py, please", ["other/b.py"]),
        ("look into `{out}/other`.", ["other"]),
        ("and ../other/b.py as well", ["other/b.py"]),
        ("~/notes.txt says how", ["home/notes.txt"]),
        ("{out}/other {out}/other", ["other"]),
        ("{out} and {out}/project and / and ~/ and ../", []),
        ("{out}/none and http://x.org{out}/other", []),
        ("~/.ssh/id_rsa ~/.ssh /proc/self/environ /dev/null", []),
        ("{out}/link", []),
    ],
)
def test_places_that_the_user_names_in_full_may_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prompt: str, found: list[str]
) -> None:
    for name in ("project/a.py", "other/b.py", "home/notes.txt", "home/.ssh/id_rsa"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("home/.ssh/id_rsa")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    places = named_places(
        prompt.replace("{out}", str(tmp_path)), tmp_path / "project", tmp_path / "home"
    )
    assert places == tuple(tmp_path / name for name in found)


async def test_what_is_outside_is_read_once_the_user_has_named_it(
    stand: Stand, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("from outside\n")
    outside = str(tmp_path / "other.txt")
    session = await stand.open(
        [step(read(outside)), DONE, step(read(outside), edit(outside, "from", "x")), DONE]
    )
    (refused,) = finished_calls(await play(session, HELLO))
    assert refused.is_error
    assert "ask the user to name the path" in refused.output
    first, second = finished_calls(await play(session, f"Show me {outside}, please."))
    assert first.output == "1→from outside"
    assert second.is_error
    assert "--add-dir" in second.output
    session = await stand.open([step(read(outside)), DONE], continues=True)
    (again,) = finished_calls(await play(session, "Describe the module."))
    assert not again.is_error
