"""Undo and redo over real repositories: what comes back, what is left alone, what is told."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from ralex.errors import UndoError
from ralex.undo.files import MAX_KEPT_BYTES
from ralex.undo.log import UndoLimits
from tests.undo.conftest import Open, git

COMMANDS = {
    "remove": "rm a.txt",
    "remove a folder": "rm -r src",
    "move": "mv a.txt src/moved.txt",
    "append": "echo more >> a.txt",
    "mode": "chmod -x run.sh; chmod +x a.txt",
    "new files": "mkdir -p deep/er; echo one > deep/er/one; echo two > two",
    "link elsewhere": "ln -sfn src/b.py link",
    "link becomes a file": "rm link; echo plain > link",
    "file becomes a link": "rm a.txt; ln -s run.sh a.txt",
    "file becomes a folder": "rm a.txt; mkdir a.txt; echo x > a.txt/inner",
    "folder becomes a file": "rm -r src; echo x > src",
    "binary": r"printf '\x00\xff\x00' > data.bin",
    "untracked": "echo changed > new.txt; rm -f nothing",
    "strange names": "touch -- '-f' 'a b' $'tab\\there' $'line\\nbreak' 'ü*?[x]' ':(top)'",
    "bytes as a name": r"touch $'\xff\xfe'",
}


@pytest.mark.parametrize("place", ["repository", "folder"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
async def test_what_a_command_did_is_undone_and_redone(
    place: str, command: str, request: pytest.FixtureRequest, open_desk: Open
) -> None:
    request.getfixturevalue(place)
    async with open_desk() as desk:
        before = desk.files()
        changed = await desk.play(command)
        after = desk.files()
        assert changed
        assert before != after
        report = await desk.log.undo()
        assert not report.conflicts
        assert set(report.restored) == set(changed)
        assert desk.files() == before
        redone = await desk.log.redo()
        assert redone.is_redo
        assert set(redone.restored) == set(changed)
        assert desk.files() == after
        await desk.log.undo()
        assert desk.files() == before
        assert desk.log.take_notices() == []


async def test_edits_and_commands_of_one_turn_go_back_together(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        before = desk.files()
        assert await desk.edit("a.txt", "first\n") == ("a.txt",)
        assert await desk.shell("echo second >> a.txt; rm run.sh") == ("a.txt", "run.sh")
        await desk.edit("notes/new.md", "# Notes\n")
        await desk.edit("a.txt", "third\n")
        assert set(await desk.end()) == {"a.txt", "run.sh", "notes/new.md"}
        report = await desk.log.undo()
        assert not report.conflicts
        assert desk.files() == before
        assert not (repository / "notes").exists()


async def test_turns_are_undone_one_by_one_and_redone_in_order(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        states = [desk.files()]
        for text in ("one", "two", "three"):
            await desk.play(f"echo {text} > a.txt")
            states.append(desk.files())
        for state in reversed(states[:-1]):
            await desk.log.undo()
            assert desk.files() == state
        assert (await desk.log.undo()).note == "there is nothing to bring back"
        for state in states[1:]:
            await desk.log.redo()
            assert desk.files() == state
        assert (await desk.log.redo()).note == "there is nothing to bring again"


async def test_an_undone_turn_is_not_brought_again_once_another_changed_files(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("echo one > a.txt")
        await desk.log.undo()
        await desk.play("echo two > src/b.py")
        assert not (await desk.log.redo()).restored
        assert (await desk.log.undo()).restored == ("src/b.py",)
        assert not (await desk.log.undo()).restored
        assert (repository / "a.txt").read_text() == "alpha\n"


async def test_a_path_changed_since_is_a_conflict_and_left_alone(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("echo agent > a.txt; echo agent > src/b.py; echo agent > made.txt")
        (repository / "a.txt").write_text("mine\n")
        (repository / "made.txt").write_text("mine too\n")
        report = await desk.log.undo()
        assert report.restored == ("src/b.py",)
        assert [(one.path, one.reason) for one in report.conflicts] == [
            ("a.txt", "changed since"),
            ("made.txt", "changed since"),
        ]
        assert (repository / "a.txt").read_text() == "mine\n"
        assert (repository / "made.txt").read_text() == "mine too\n"
        assert (await desk.log.redo()).restored == ("src/b.py",)
        assert (repository / "a.txt").read_text() == "mine\n"


async def test_what_the_user_changes_between_and_during_turns_is_not_undone(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("echo one > a.txt")
        (repository / "src" / "b.py").write_text("mine\n")
        await desk.edit("run.sh", "agent\n")
        (repository / "new.txt").write_text("mine\n")
        await desk.shell("echo two > a.txt")
        assert set(await desk.end()) == {"a.txt", "run.sh"}
        await desk.log.undo()
        assert (repository / "src" / "b.py").read_text() == "mine\n"
        assert (repository / "new.txt").read_text() == "mine\n"
        assert (repository / "a.txt").read_text() == "one\n"


async def test_undo_works_in_a_later_process(repository: Path, open_desk: Open) -> None:
    async with open_desk() as desk:
        before = desk.files()
        await desk.edit("a.txt", "edited\n")
        await desk.shell("rm -r src")
        await desk.end()
    async with open_desk() as desk:
        assert len((await desk.log.undo()).restored) == 2
        assert desk.files() == before
    async with open_desk() as desk:
        assert len((await desk.log.redo()).restored) == 2


async def test_calls_that_ended_can_be_undone_after_a_killed_turn(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        before = desk.files()
        await desk.shell("echo one > a.txt")  # and no end of the turn
    async with open_desk() as desk:
        await desk.log.undo()
        assert desk.files() == before


async def test_a_command_that_was_interrupted_counts_with_what_it_did(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        before = desk.files()
        await desk.log.before_change(desk.turn)
        (repository / "a.txt").write_text("half\n")
        assert await desk.end() == ("a.txt",)
        await desk.log.undo()
        assert desk.files() == before


async def test_an_edit_that_was_interrupted_counts_with_what_it_did(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.log.before_change(desk.turn, [repository / "a.txt"])
        (repository / "a.txt").write_text("half\n")
        assert await desk.end() == ("a.txt",)


async def test_sessions_have_undo_of_their_own(repository: Path, open_desk: Open) -> None:
    async with open_desk(session="one") as one, open_desk(session="two") as two:
        await one.shell("echo one > a.txt")
        await two.shell("echo two > src/b.py")
        assert await one.end() == ("a.txt",)
        assert await two.end() == ("src/b.py",)
        assert (await one.log.undo()).restored == ("a.txt",)
        assert (repository / "src" / "b.py").read_text() == "two\n"
        assert (await two.log.undo()).restored == ("src/b.py",)


async def test_no_undo_while_a_turn_runs(repository: Path, open_desk: Open) -> None:
    async with open_desk() as desk:
        await desk.shell("echo one > a.txt")
        with pytest.raises(UndoError, match="a turn is running"):
            await desk.log.undo()


async def test_a_turn_that_changed_nothing_in_the_end_leaves_no_record(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("echo one > a.txt")
        assert await desk.play("echo x > made; rm made; touch a.txt; cat a.txt > /dev/null") == ()
        assert (await desk.log.undo()).restored == ("a.txt",)


async def test_ignored_files_stay_out_unless_a_tool_edits_them(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        assert await desk.play("echo more >> debug.log; mkdir build; echo x > build/out") == ()
        await desk.edit("debug.log", "edited\n")
        assert await desk.end() == ("debug.log",)
        await desk.log.undo()
        assert (repository / "debug.log").read_text() == "ignored\nmore\n"
        assert (repository / "build" / "out").exists()


async def test_large_files_are_named_and_not_touched(repository: Path, open_desk: Open) -> None:
    size = MAX_KEPT_BYTES + 1
    async with open_desk() as desk:
        changed = await desk.play(f"truncate -s {size} big; echo x > a.txt")
        assert changed == ("a.txt", "big")
        report = await desk.log.undo()
        assert report.restored == ("a.txt",)
        assert [one.path for one in report.conflicts] == ["big"]
        assert (repository / "big").stat().st_size == size
        assert await desk.play("true") == ()
        assert await desk.play("rm big") == ("big",)
        store = sum(path.stat().st_size for path in desk.home.rglob("*") if path.is_file())
        assert store < 1_000_000


async def test_permissions_of_edited_files_come_back(repository: Path, open_desk: Open) -> None:
    (repository / "a.txt").chmod(0o600)
    async with open_desk() as desk:
        await desk.edit("a.txt", "other\n")
        await desk.end()
        (repository / "a.txt").chmod(0o644)
        await desk.log.undo()
    assert (repository / "a.txt").stat().st_mode & 0o777 == 0o600


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


async def test_permissions_that_a_command_changed_come_back(
    repository: Path, open_desk: Open
) -> None:
    (repository / "a.txt").chmod(0o640)
    (repository / "run.sh").chmod(0o750)
    async with open_desk() as desk:
        changed = await desk.play("chmod 600 a.txt; chmod 555 run.sh; chmod 644 src/b.py; touch *")
        shown = {one.path: one.note for one in await desk.log.changes("turn")}
        await desk.log.undo()
        undone = [mode_of(repository / name) for name in ("a.txt", "run.sh")]
        await desk.log.redo()
    assert changed == ("a.txt", "run.sh")
    assert shown == {"a.txt": "mode 640 → 600", "run.sh": "mode 750 → 555"}
    assert undone == [0o640, 0o750]
    assert [mode_of(repository / name) for name in ("a.txt", "run.sh")] == [0o600, 0o555]


async def test_a_private_file_that_a_command_removed_comes_back_private(
    repository: Path, open_desk: Open
) -> None:
    (repository / "secret.txt").write_text("key\n")
    (repository / "secret.txt").chmod(0o600)
    async with open_desk() as desk:  # the first session looks at all, the second knows from it
        await desk.play("rm secret.txt")
        await desk.log.undo()
    (repository / "late.txt").write_text("key\n")
    (repository / "late.txt").chmod(0o400)
    async with open_desk() as desk:
        await desk.play("rm -f secret.txt late.txt")
        await desk.log.undo()
    assert [mode_of(repository / name) for name in ("secret.txt", "late.txt")] == [0o600, 0o400]


async def test_permissions_the_user_changed_before_are_what_comes_back(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("true")
        (repository / "a.txt").chmod(0o640)
        await desk.edit("src/b.py", "x = 2\n")  # so that the command looks before it runs
        await desk.shell("chmod 600 a.txt")
        await desk.shell("chmod 604 a.txt")
        await desk.end()
        await desk.log.undo()
    assert mode_of(repository / "a.txt") == 0o640


async def test_permissions_the_user_changed_since_are_a_conflict(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("chmod 600 a.txt")
        (repository / "a.txt").chmod(0o666)
        report = await desk.log.undo()
    assert [one.path for one in report.conflicts] == ["a.txt"]
    assert mode_of(repository / "a.txt") == 0o666


async def test_nothing_is_restored_through_a_link(
    repository: Path, open_desk: Open, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.py").write_text("outside\n")
    async with open_desk() as desk:
        await desk.play("rm src/b.py; rmdir src")
        (repository / "src").symlink_to(outside)
        report = await desk.log.undo()
        assert not report.restored
        assert [one.path for one in report.conflicts] == ["src/b.py"]
    assert (outside / "b.py").read_text() == "outside\n"


async def test_a_folder_that_stands_in_the_way_is_a_conflict(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("rm a.txt")
        (repository / "a.txt").mkdir()
        (repository / "a.txt" / "mine").write_text("mine\n")
        report = await desk.log.undo()
        assert [one.path for one in report.conflicts] == ["a.txt"]
    assert (repository / "a.txt" / "mine").read_text() == "mine\n"


async def test_both_sides_are_shown_for_the_turn_and_the_session(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        await desk.play("echo one > a.txt")
        await desk.play("echo two > a.txt; chmod -x run.sh; rm src/b.py")
        turn = {one.path: one for one in await desk.log.changes("turn")}
        session = {one.path: one for one in await desk.log.changes("session")}
        assert (turn["a.txt"].before, turn["a.txt"].after) == (b"one\n", b"two\n")
        assert (session["a.txt"].before, session["a.txt"].after) == (b"alpha\n", b"two\n")
        assert turn["src/b.py"].after is None
        assert turn["run.sh"].note == "program → file"
        await desk.log.undo()
        assert [one.path for one in await desk.log.changes("session")] == ["a.txt"]


async def test_without_git_edits_can_still_be_undone_and_that_is_said_once(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk(environ={"PATH": "/nonexistent"}) as desk:
        await desk.edit("a.txt", "edited\n")
        await desk.shell("echo x > src/b.py")
        await desk.end()
        await desk.play("echo y > src/b.py")
        (notice,) = desk.log.take_notices()
        assert "only edits of files" in notice
        assert "git is not installed" in notice
        report = await desk.log.undo()
        assert report.restored == ("a.txt",)
        assert "not covered" in report.note
        assert (repository / "src" / "b.py").read_text() == "y\n"


@pytest.mark.parametrize("place", ["home", "above home"])
async def test_a_home_folder_is_not_watched_as_a_whole(
    place: str, folder: Path, open_desk: Open
) -> None:
    home = folder if place == "home" else folder / "src"
    async with open_desk(environ={"PATH": "/usr/bin:/bin", "HOME": str(home)}) as desk:
        await desk.edit("a.txt", "edited\n")
        assert await desk.shell("echo x > src/b.py") == ()
        assert await desk.end() == ("a.txt",)
        assert "not a project" in desk.log.take_notices()[0]
        assert not (desk.home / "snapshots").joinpath("objects").exists()


async def test_git_that_is_too_slow_leaves_the_turn_alone(
    repository: Path, open_desk: Open, tmp_path: Path
) -> None:
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "git").write_text("#!/bin/sh\nexec sleep 30\n")
    (slow / "git").chmod(0o755)
    environ = {"PATH": f"{slow}:/usr/bin:/bin"}
    async with asyncio.timeout(20):
        async with open_desk(environ=environ, limits=UndoLimits(first_s=0.1, later_s=0.1)) as desk:
            assert await desk.play("echo x > a.txt") == ()
            assert "takes too long" in desk.log.take_notices()[0]


async def test_records_that_cannot_be_written_do_not_fail_a_turn(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        desk.home.write_text("a file where a folder should be")
        assert await desk.edit("a.txt", "edited\n") == ()
        await desk.shell("echo x > src/b.py")
        await desk.end()
        assert len(desk.log.take_notices()) == 1


async def test_damaged_records_are_passed_over(repository: Path, open_desk: Open) -> None:
    async with open_desk() as desk:
        await desk.play("echo one > a.txt")
        await desk.play("echo two > a.txt")
        *_, last = sorted(desk.home.rglob("*.json"))
        last.write_text("{")
        report = await desk.log.undo()
        assert [one.reason for one in report.conflicts] == ["changed since"]


async def test_only_the_last_records_are_kept(
    folder: Path, open_desk: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.undo.records.KEPT_RECORDS", 3)
    async with open_desk() as desk:
        for number in range(6):
            await desk.edit("a.txt", f"{number}\n")
            await desk.end()
        assert len(list(desk.home.rglob("*.json"))) == 3
        assert len(list(desk.home.rglob("*.blobs"))) == 3


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def test_the_users_repository_is_never_written(repository: Path, open_desk: Open) -> None:
    (repository / "a.txt").write_text("staged\n")
    git(repository, "add", "a.txt")
    (repository / "a.txt").write_text("and changed\n")
    before = digests(repository / ".git")
    async with open_desk() as desk:
        await desk.play("echo x > a.txt; rm src/b.py; echo y > made")
        await desk.log.undo()
        await desk.log.redo()
        await desk.log.undo()
    assert digests(repository / ".git") == before
    assert (repository / "a.txt").read_text() == "and changed\n"
    assert git(repository, "diff", "--cached", "--name-only") == "a.txt\n"
