"""Whatever is done to a tree, undo brings it back to what it was and redo to what it became."""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ralex.undo.files import look
from ralex.undo.model import ABSENT
from ralex.undo.records import Records
from tests.undo.conftest import Desk, git

NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/f", "new", "ünï code"])
CONTENTS = st.sampled_from([b"", b"one\n", b"two\n", b"\x00\xff", b"one\r\n"])
ACTIONS = st.tuples(
    st.sampled_from(["write", "remove", "link", "mode", "edit", "folder"]), NAMES, CONTENTS
)


def act(project: Path, kind: str, name: str, content: bytes) -> None:
    """Do one thing to the tree as a command could."""
    path = project / name
    match kind:
        case "remove":
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        case "mode":
            if path.is_file() and not path.is_symlink():
                path.chmod(path.stat().st_mode ^ 0o111)
        case _:
            clear(project, path)
            if kind == "link":
                path.symlink_to("somewhere")
            elif kind == "folder":
                path.mkdir()
                (path / "inner").write_bytes(content)
            else:
                path.write_bytes(content)


def clear(project: Path, path: Path) -> None:
    """Make place for a file: what is there goes, folders above it come."""
    for above in [*reversed(path.relative_to(project).parents), path.relative_to(project)]:
        full = project / above
        if full == path and full.is_dir() and not full.is_symlink():
            shutil.rmtree(full)
        elif full.is_symlink() or full.is_file():
            full.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)


@settings(max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.dictionaries(st.sampled_from(["a", "b", "d/a", "d/e/f"]), CONTENTS, min_size=1),
    turns=st.lists(st.lists(ACTIONS, min_size=1, max_size=4), min_size=1, max_size=3),
    is_repository=st.booleans(),
)
def test_undo_and_redo_walk_through_the_states_of_a_tree(
    start: dict[str, bytes],
    turns: list[list[tuple[str, str, bytes]]],
    is_repository: bool,
) -> None:
    with tempfile.TemporaryDirectory() as base:
        project = Path(base, "project")
        for name, content in start.items():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_bytes(content)
        if is_repository:
            git(project, "init", "-q")
            git(project, "add", "-A")
        asyncio.run(walk(Path(base), project, turns))


async def walk(base: Path, project: Path, turns: list[list[tuple[str, str, bytes]]]) -> None:
    desk = Desk(base / "ralex", project)
    states = [desk.files()]
    for actions in turns:
        for kind, name, content in actions:
            path = project / name
            may_edit = not any(one.is_symlink() or one.is_file() for one in path.parents)
            if kind == "edit" and may_edit and not path.is_dir() and not path.is_symlink():
                await desk.edit(name, content)
            else:
                await desk.log.before_change(desk.turn)
                act(project, kind, name, content)
                await desk.log.after_change()
        if await desk.end():
            states.append(desk.files())
        assert desk.files() == states[-1]
    for state in reversed(states[:-1]):
        assert not (await desk.log.undo()).conflicts
        assert desk.files() == state
    for state in states[1:]:
        assert not (await desk.log.redo()).conflicts
        assert desk.files() == state
    assert desk.log.take_notices() == []
    await desk.log.aclose()


def test_a_content_that_was_damaged_is_not_given_out(tmp_path: Path) -> None:
    records = Records(tmp_path / "records", "s")
    record = records.start("t")
    (tmp_path / "a").write_bytes(b"content")
    seen = look(tmp_path, "a")
    records.note(record, "a", seen, (ABSENT, b""))
    (blobs,) = tmp_path.rglob("*.blobs")
    assert records.content(record, seen[0]) == b"content"
    blobs.write_bytes(os.urandom(blobs.stat().st_size))
    assert records.content(record, seen[0]) is None


def test_a_record_that_grows_too_large_keeps_names_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.undo.records.MAX_RECORD_BYTES", 1500)
    records = Records(tmp_path / "records", "../odd name")
    record = records.start("t")
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(os.urandom(1000))
        records.note(record, name, look(tmp_path, name), (ABSENT, b""))
    assert [one.is_kept for one in record.changes.values()] == [True, False]
    assert not (tmp_path / "odd name").exists()
