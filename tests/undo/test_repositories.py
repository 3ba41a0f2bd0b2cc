"""Repositories of every shape: what the shadow starts from, and what it must never touch or run."""

import os
import subprocess
from pathlib import Path

import pytest

from ralex.undo.log import UndoLimits
from tests.undo.conftest import ENVIRON, Open, git


async def test_a_repository_without_a_commit(folder: Path, open_desk: Open) -> None:
    git(folder, "init", "-q")
    await goes_there_and_back(open_desk)


async def test_a_repository_with_a_stale_index_lock(repository: Path, open_desk: Open) -> None:
    (repository / ".git" / "index.lock").touch()
    await goes_there_and_back(open_desk)
    assert (repository / ".git" / "index.lock").exists()


async def test_a_linked_worktree(repository: Path, open_desk: Open, tmp_path: Path) -> None:
    main = tmp_path / "main"
    os.rename(repository, main)  # noqa: PTH104 - a fixture of this test, not its work
    git(main, "worktree", "add", "-q", str(repository), "-b", "side")
    await goes_there_and_back(open_desk)


async def test_an_index_in_two_files(repository: Path, open_desk: Open) -> None:
    git(repository, "update-index", "--split-index")
    await goes_there_and_back(open_desk)


async def test_a_merge_that_stopped_at_a_conflict(repository: Path, open_desk: Open) -> None:
    git(repository, "checkout", "-q", "-b", "side")
    (repository / "a.txt").write_text("side\n")
    git(repository, "commit", "-q", "-am", "side")
    git(repository, "checkout", "-q", "main")
    (repository / "a.txt").write_text("main\n")
    git(repository, "commit", "-q", "-am", "main")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "side")
    await goes_there_and_back(open_desk)


async def test_a_repository_with_sha256_names(folder: Path, open_desk: Open) -> None:
    git(folder, "init", "-q", "--object-format=sha256")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    await goes_there_and_back(open_desk)


async def test_a_broken_index_is_replaced_by_the_last_commit(
    repository: Path, open_desk: Open
) -> None:
    (repository / ".git" / "index").write_bytes(b"not an index")
    await goes_there_and_back(open_desk)


async def goes_there_and_back(open_desk: Open) -> None:
    async with open_desk() as desk:
        before = desk.files()
        changed = await desk.play("echo x >> a.txt; rm src/b.py; chmod -x run.sh; echo y > made")
        assert set(changed) == {"a.txt", "src/b.py", "run.sh", "made"}
        after = desk.files()
        assert not (await desk.log.undo()).conflicts
        assert desk.files() == before
        await desk.log.redo()
        assert desk.files() == after
        assert desk.log.take_notices() == []


async def test_submodules_and_repositories_inside_are_left_alone(
    repository: Path, open_desk: Open, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "x").write_text("x\n")
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "x")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    git(repository, "commit", "-q", "-m", "sub")
    git(repository, "clone", "-q", str(other), "nested")
    async with open_desk() as desk:
        changed = await desk.play("echo y > sub/x; echo y > nested/x; echo y > a.txt")
        assert changed == ("a.txt",)
        (told,) = desk.log.take_notices()
        assert told.endswith("in repositories inside this one: nested, sub")
        await desk.log.undo()
        assert (repository / "sub" / "x").read_text() == "y\n"
        assert (repository / "nested" / "x").read_text() == "y\n"


async def test_only_the_working_directory_of_a_larger_repository_is_watched(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk(inside="src") as desk:
        before = desk.files()
        assert set(await desk.play("echo x >> b.py; echo y > c.py; echo z > ../a.txt")) == {
            "b.py",
            "c.py",
        }
        await desk.log.undo()
        assert desk.files() == before
        assert (repository / "a.txt").read_text() == "z\n"


@pytest.mark.parametrize("is_setting", [False, True], ids=["attributes", "settings"])
async def test_line_ends_come_back_as_they_were(
    is_setting: bool, repository: Path, open_desk: Open
) -> None:
    (repository / "dos.txt").write_bytes(b"one\r\ntwo\r\n")
    if is_setting:
        git(repository, "config", "core.autocrlf", "true")
    else:
        (repository / ".gitattributes").write_text("* text=auto\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "line ends")
    assert "i/lf" in git(repository, "ls-files", "--eol", "dos.txt")
    await comes_back_byte_for_byte(open_desk, "dos.txt")


async def test_files_that_a_filter_replaces_come_back_as_they_were(
    repository: Path, open_desk: Open
) -> None:
    (repository / ".gitattributes").write_text("*.big filter=pointer\n")
    git(repository, "config", "filter.pointer.clean", "echo pointer")
    git(repository, "config", "filter.pointer.smudge", "cat")
    (repository / "model.big").write_bytes(b"the true bytes\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "filter")
    assert git(repository, "show", "HEAD:model.big") == "pointer\n"
    await comes_back_byte_for_byte(open_desk, "model.big")


async def test_keywords_and_encodings_come_back_as_they_were(
    repository: Path, open_desk: Open
) -> None:
    (repository / ".gitattributes").write_text(
        "id.txt ident\nwide.txt text working-tree-encoding=UTF-16LE\n"
    )
    (repository / "id.txt").write_text("$Id: 123 $\n")
    (repository / "wide.txt").write_bytes("wide\r\n".encode("utf-16-le"))
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "conversions")
    await comes_back_byte_for_byte(open_desk, "id.txt")
    await comes_back_byte_for_byte(open_desk, "wide.txt")


async def comes_back_byte_for_byte(open_desk: Open, name: str) -> None:
    async with open_desk() as desk:
        before = desk.files()
        assert await desk.play(f"echo other > {name}") == (name,)
        await desk.log.undo()
        assert desk.files() == before
        assert await desk.play(f"rm {name}") == (name,)
        await desk.log.undo()
        assert desk.files() == before
        assert desk.log.take_notices() == []


async def test_staged_and_sparse_marks_do_not_hide_changes(
    repository: Path, open_desk: Open
) -> None:
    (repository / "a.txt").write_text("staged\n")
    git(repository, "add", "a.txt")
    git(repository, "add", "-N", "new.txt")
    git(repository, "rm", "-q", "--cached", "src/b.py")
    await goes_there_and_back(open_desk)


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
async def test_files_that_git_is_told_not_to_look_at_are_looked_at(
    repository: Path, open_desk: Open, mark: str
) -> None:
    git(repository, "update-index", mark, "a.txt", "src/b.py")
    index = (repository / ".git" / "index").read_bytes()
    await goes_there_and_back(open_desk)
    assert (repository / ".git" / "index").read_bytes() == index


async def test_files_that_a_sparse_checkout_leaves_out_are_no_changes(
    repository: Path, open_desk: Open
) -> None:
    git(repository, "sparse-checkout", "set", "--no-cone", "/*", "!/src/")
    assert not (repository / "src").exists()
    async with open_desk() as desk:
        assert await desk.play("echo x > a.txt") == ("a.txt",)
        await desk.log.undo()
        assert not (repository / "src").exists()


async def test_undo_outlives_objects_that_the_user_throws_away(
    repository: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        (repository / "a.txt").write_text("only staged\n")
        git(repository, "add", "a.txt")
        await desk.play("echo x > a.txt")
        git(repository, "rm", "-q", "--cached", "-f", "a.txt")
        git(repository, "prune", "--expire=now")
        await desk.log.undo()
        assert (repository / "a.txt").read_text() == "only staged\n"


async def test_settings_of_the_project_run_nothing(
    repository: Path, open_desk: Open, tmp_path: Path
) -> None:
    spy = tmp_path / "ran"
    script = tmp_path / "spy.sh"
    script.write_text(f"#!/bin/sh\ntouch {spy}\n")
    script.chmod(0o755)
    (repository / ".gitattributes").write_text("*.txt filter=spy diff=spy\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "attributes")
    for name in ("filter.spy.clean", "filter.spy.smudge", "diff.spy.textconv", "core.fsmonitor"):
        git(repository, "config", name, str(script))
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman"):
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).symlink_to(script)
    async with open_desk() as desk:
        await desk.play("echo x > a.txt")
        await desk.log.undo()
        await desk.log.changes("session")
    assert not spy.exists()


async def test_a_git_of_the_project_is_not_run(
    repository: Path, open_desk: Open, tmp_path: Path
) -> None:
    (repository / "git").write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\nexit 1\n")
    (repository / "git").chmod(0o755)
    environ = {"PATH": f".:{repository}:{ENVIRON['PATH']}"}
    async with open_desk(environ=environ) as desk:
        assert await desk.play("echo x > a.txt") == ("a.txt",)
    assert not (tmp_path / "ran").exists()


async def test_the_users_own_ignore_file_counts(
    repository: Path, open_desk: Open, tmp_path: Path
) -> None:
    home = tmp_path / "me"
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text("*.scratch\n")
    (repository / ".git" / "info" / "exclude").write_text("*.private\n")
    async with open_desk(environ=ENVIRON | {"HOME": str(home)}) as desk:
        assert await desk.play("touch x.scratch x.private x.seen") == ("x.seen",)


async def test_ralex_does_not_watch_itself(folder: Path, open_desk: Open, tmp_path: Path) -> None:
    (tmp_path / "ralex").symlink_to(folder / "own")
    (folder / "own").mkdir()
    async with open_desk() as desk:
        assert await desk.play("echo x > a.txt; echo y > own/file") == ("a.txt",)


async def test_outside_a_repository_derived_folders_are_left_out(
    folder: Path, open_desk: Open
) -> None:
    async with open_desk() as desk:
        changed = await desk.play("mkdir -p node_modules/x; touch node_modules/x/y made")
        assert changed == ("made",)


async def test_too_many_files_outside_a_repository_are_not_watched(
    folder: Path, open_desk: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.undo.shadow.MAX_UNSEEDED_FILES", 3)
    async with open_desk() as desk:
        assert await desk.play("echo x > a.txt") == ()
        assert "more than 3 files" in desk.log.take_notices()[0]
        await desk.edit("a.txt", "edited\n")
        await desk.end()
        assert (await desk.log.undo()).restored == ("a.txt",)


async def test_what_killed_processes_left_is_swept(repository: Path, open_desk: Open) -> None:
    async with open_desk() as desk:
        await desk.play("echo x > a.txt")
        (store,) = (desk.home / "snapshots").iterdir()
    left = [
        store / "index-1-dead",
        store / "index-1-dead.lock",
        store / "objects" / "pack" / "tmp_pack_abc",
        store / "objects" / "17" / "tmp_obj_abc",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"half")
    async with open_desk() as desk:
        await desk.play("echo y > a.txt")
        assert not any(path.exists() for path in left)
    assert not list(store.glob("index-*"))


async def test_objects_that_nothing_needs_are_dropped(
    repository: Path, open_desk: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.undo.shadow._MANY_OBJECTS", 0)
    async with open_desk() as desk:
        for number in range(4):
            await desk.play(f"for i in $(seq 200); do echo {number} $i > file$i; done")
        (store,) = (desk.home / "snapshots").iterdir()
    assert len(list(store.glob("objects/??/*"))) < 300
    async with open_desk() as desk:
        assert not (await desk.log.undo()).conflicts
        assert (repository / "file7").read_text() == "2 7\n"


async def test_the_store_is_for_its_owner_alone(repository: Path, open_desk: Open) -> None:
    async with open_desk() as desk:
        await desk.edit("a.txt", "x\n")
        await desk.play("echo y > a.txt")
        (store,) = (desk.home / "snapshots").iterdir()
    assert store.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
async def test_unreadable_files_do_not_stop_the_rest(repository: Path, open_desk: Open) -> None:
    async with open_desk() as desk:
        assert await desk.play("echo x > closed; chmod 000 closed; echo x > a.txt") == (
            "a.txt",
            "closed",
        )
        assert (await desk.log.undo()).restored == ("a.txt",)


def age(folder: Path) -> None:
    """Make files older than any index: git doubts those that are as new as it."""
    for path in folder.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)


async def test_a_later_session_starts_quickly_from_what_the_last_one_knew(
    folder: Path, open_desk: Open
) -> None:
    age(folder)
    async with open_desk() as desk:
        await desk.play("true")
        (store,) = (desk.home / "snapshots").iterdir()
    objects = {path.name for path in store.glob("objects/??/*")}
    assert objects
    for path in store.glob("objects/??/*"):
        path.unlink()
    async with open_desk(session="s2", limits=UndoLimits(first_s=30)) as desk:
        await desk.play("echo x > new")
    assert len(list(store.glob("objects/??/*"))) == 1


async def test_a_first_look_that_takes_too_long_goes_on_in_the_next_turn(
    folder: Path, open_desk: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.undo.shadow._PORTION", 2)
    slow = tmp_path / "bin"
    slow.mkdir()
    script = '#!/bin/sh\ncase "$*" in *update-index*)\n'
    script += f"  echo x >> {slow}/count; [ $(wc -l < {slow}/count) -eq 2 ] && exec sleep 30\n"
    script += 'esac\nexec /usr/bin/git "$@"\n'
    (slow / "git").write_text(script)
    (slow / "git").chmod(0o755)
    environ = {"PATH": f"{slow}:{ENVIRON['PATH']}"}
    async with open_desk(environ=environ, limits=UndoLimits(first_s=2, later_s=30)) as desk:
        assert await desk.play("echo x > a.txt") == ()
        assert await desk.play("echo y > a.txt") == ("a.txt",)
        await desk.log.undo()
        assert (folder / "a.txt").read_text() == "x\n"
