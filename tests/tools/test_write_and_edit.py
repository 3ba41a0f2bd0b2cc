"""Changing files: everything the model did not ask for stays as it was, to the byte."""

import os
import stat
from pathlib import Path

import pytest

from ralex.errors import EditError, ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.edit import EditTool
from ralex.tools.read import ReadTool
from ralex.tools.write import WriteTool


async def read(context: ToolContext, path: str) -> None:
    await ReadTool().run({"path": path}, context)


async def write(context: ToolContext, path: str, content: str) -> ToolOutcome:
    return await WriteTool().run({"path": path, "content": content}, context)


async def edit(context: ToolContext, path: str, old: str, new: str) -> ToolOutcome:
    return await EditTool().run({"path": path, "old": old, "new": new}, context)


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


async def test_a_new_file_is_written_with_its_folders(
    context: ToolContext, workspace: Path
) -> None:
    outcome = await write(context, "src/new/a.py", "x = 1\n")
    assert (workspace / "src/new/a.py").read_bytes() == b"x = 1\n"
    assert outcome.files_changed == ("src/new/a.py",)
    assert outcome.diff == "--- /dev/null\n+++ b/src/new/a.py\n@@ -0,0 +1 @@\n+x = 1\n"
    assert sorted(p.name for p in (workspace / "src/new").iterdir()) == ["a.py"]


async def test_an_existing_file_is_not_overwritten_unread(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.py").write_text("precious\n")
    with pytest.raises(ToolError, match="not read it: read it first"):
        await write(context, "a.py", "gone\n")
    assert (workspace / "a.py").read_text() == "precious\n"


async def test_a_file_that_was_read_or_written_may_be_overwritten(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.py").write_text("one\n")
    await read(context, "a.py")
    await write(context, "a.py", "two\n")
    await write(context, "a.py", "three\n")
    assert (workspace / "a.py").read_text() == "three\n"


async def test_overwriting_keeps_mode_mark_and_carriage_returns(
    context: ToolContext, workspace: Path
) -> None:
    path = workspace / "run.sh"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    path.chmod(0o750)
    await read(context, "run.sh")
    await write(context, "run.sh", "one\nthree\n")
    assert path.read_bytes() == b"\xef\xbb\xbfone\r\nthree\r\n"
    assert mode_of(path) == 0o750


async def test_an_edit_of_a_crlf_file_with_a_mark_changes_only_its_line(
    context: ToolContext, workspace: Path
) -> None:
    path = workspace / "dos.txt"
    path.write_bytes("\ufeffa = 'é'\r\nb = 2\r\nmixed\nc = 3".encode())
    await read(context, "dos.txt")
    await edit(context, "dos.txt", "a = 'é'\nb = 2", "a = 'é'\nb = 20\nb2 = 21")
    assert path.read_bytes() == ("\ufeffa = 'é'\r\nb = 20\r\nb2 = 21\r\nmixed\nc = 3".encode())


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
async def test_utf_16_stays_utf_16(context: ToolContext, workspace: Path, codec: str) -> None:
    path = workspace / "a.txt"
    path.write_bytes("\ufeffone\ntwo\n".encode(codec))
    await read(context, "a.txt")
    await edit(context, "a.txt", "two", "zwei ü")
    assert path.read_bytes() == "\ufeffone\nzwei ü\n".encode(codec)


async def test_bytes_that_are_not_utf_8_survive_an_edit_beside_them(
    context: ToolContext, workspace: Path
) -> None:
    path = workspace / "sjis.txt"
    path.write_bytes(b"\x83e\x83X\x83g\nkeep\n\x93\xfa\n")
    await read(context, "sjis.txt")
    await edit(context, "sjis.txt", "keep", "kept")
    assert path.read_bytes() == b"\x83e\x83X\x83g\nkept\n\x93\xfa\n"
    with pytest.raises(ToolError, match="not UTF-8"):
        await edit(context, "sjis.txt", "kept", "日本")


async def test_an_edit_keeps_mode_link_and_attributes(
    context: ToolContext, workspace: Path
) -> None:
    target = workspace / "real.sh"
    target.write_text("echo 1\n")
    target.chmod(0o755)
    (workspace / "link.sh").symlink_to("real.sh")
    await read(context, "link.sh")
    await edit(context, "link.sh", "echo 1", "echo 2")
    assert (workspace / "link.sh").is_symlink()
    assert target.read_text() == "echo 2\n"
    assert mode_of(target) == 0o755


async def test_another_hard_link_keeps_the_old_content_and_that_is_said(
    context: ToolContext, workspace: Path
) -> None:
    outside = workspace.parent / "store"
    outside.write_text("shared\n")
    os.link(outside, workspace / "a.txt")
    await read(context, "a.txt")
    outcome = await edit(context, "a.txt", "shared", "own")
    assert "another name (hard links), which keep the old content" in outcome.text
    assert "hard links" not in (await edit(context, "a.txt", "own", "own too")).text
    await edit(context, "a.txt", "own too", "own")
    assert (outside.read_text(), (workspace / "a.txt").read_text()) == ("shared\n", "own\n")


async def test_an_edit_shows_the_new_text_with_numbers_and_a_diff(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 31)))
    await read(context, "a.txt")
    outcome = await edit(context, "a.txt", "line 15", "changed")
    assert "\n10→line 10\n" in outcome.text
    assert "\n15→changed\n" in outcome.text
    assert outcome.text.endswith("20→line 20")
    assert "9→" not in outcome.text.split("\n", 1)[1][:4]
    assert "@@ -12,7 +12,7 @@" in outcome.diff
    assert "-line 15\n+changed\n" in outcome.diff
    assert (outcome.summary, outcome.files_changed) == ("+1 -1", ("a.txt",))


async def test_an_edit_numbers_lines_as_read_does_whatever_they_hold(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.txt").write_text("one\ftwo\u2028\x85three\n" * 20 + "last\n")
    await read(context, "a.txt")
    assert "\n21→end" in (await edit(context, "a.txt", "last", "end")).text


async def test_an_edit_of_an_unread_file_is_refused(context: ToolContext, workspace: Path) -> None:
    (workspace / "a.txt").write_text("one\n")
    with pytest.raises(ToolError, match="read it first"):
        await edit(context, "a.txt", "one", "two")


async def test_an_edit_of_a_file_changed_since_is_refused(
    context: ToolContext, workspace: Path
) -> None:
    path = workspace / "a.txt"
    path.write_text("one\n")
    await read(context, "a.txt")
    path.write_text("one!\n")
    with pytest.raises(ToolError, match="changed since you read it: read it again"):
        await edit(context, "a.txt", "one", "two")
    assert path.read_text() == "one!\n"


async def test_a_file_that_was_only_touched_may_be_edited(
    context: ToolContext, workspace: Path
) -> None:
    path = workspace / "a.txt"
    path.write_text("one\n")
    await read(context, "a.txt")
    os.utime(path, (1, 1))
    await edit(context, "a.txt", "one", "two")
    assert path.read_text() == "two\n"


async def test_a_file_the_model_wrote_may_be_edited(context: ToolContext, workspace: Path) -> None:
    await write(context, "a.txt", "one\n")
    await edit(context, "a.txt", "one", "two")
    await edit(context, "a.txt", "two", "three")
    assert (workspace / "a.txt").read_text() == "three\n"


async def test_an_ambiguous_edit_is_refused_with_the_lines(
    context: ToolContext, workspace: Path
) -> None:
    path = workspace / "a.txt"
    path.write_text("x\ny\nx\n")
    await read(context, "a.txt")
    with pytest.raises(EditError, match=r"a\.txt: old matches 2 places \(lines 1, 3\)"):
        await edit(context, "a.txt", "x", "z")
    outcome = await EditTool().run(
        {"path": "a.txt", "old": "x", "new": "z", "replace_all": "true"}, context
    )
    assert path.read_text() == "z\ny\nz\n"
    assert outcome.summary == "+2 -2"


async def test_a_fault_the_edit_makes_is_noted_after_it_is_applied(
    context: ToolContext, workspace: Path
) -> None:
    await write(context, "a.py", "x = (1)\n")
    outcome = await edit(context, "a.py", "(1)", "(1")
    assert not outcome.is_error
    assert "applied; note: Python does not parse it (line 1:" in outcome.text
    again = await edit(context, "a.py", "x =", "y =")
    assert "note:" not in again.text


@pytest.mark.parametrize(
    "path",
    [
        "../q",
        "x/../../q",
        "~/q",
        "/etc/q",
        "q\0",
        "q" * 300,
        ".git/hooks/post-merge",
        ".Git/config",
        "sub/.git/config",
        ".ralex/x.toml",
        "  ",
        "x/..",
        "x/",
        ".",
    ],
)
async def test_closed_paths_are_refused_without_a_trace(
    context: ToolContext, workspace: Path, path: str
) -> None:
    before = everything(workspace.parent)
    with pytest.raises(ToolError):
        await write(context, path, "x")
    assert everything(workspace.parent) == before


async def test_a_sibling_whose_name_begins_alike_is_outside(
    context: ToolContext, workspace: Path
) -> None:
    with pytest.raises(ToolError, match="outside"):
        await write(context, f"{workspace}2/q", "x")


async def test_links_out_of_the_workspace_are_not_written_through(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "up").symlink_to("..")
    (workspace / "file").symlink_to(workspace.parent / "target")
    for path in ("up/q", "file"):
        with pytest.raises(ToolError, match="outside"):
            await write(context, path, "x")
    assert [path.name for path in everything(workspace.parent) if path.parent != workspace] == [
        "workspace"
    ]


async def test_an_extra_root_may_be_written(context: ToolContext, workspace: Path) -> None:
    other = workspace.parent / "other"
    other.mkdir()
    context.extra_roots = (other,)
    await write(context, str(other / "a.txt"), "x\n")
    assert (other / "a.txt").read_text() == "x\n"


async def test_names_that_only_look_odd_are_allowed(context: ToolContext, workspace: Path) -> None:
    for path in ("...", ".gitignore", "x/y.txt", f"{workspace}/abs"):
        await write(context, path, "x\n")
    assert (workspace / "...").read_text() == "x\n"


async def test_a_binary_file_is_not_edited(context: ToolContext, workspace: Path) -> None:
    (workspace / "bin.dat").write_bytes(b"\x00\xff\x00\xfe")
    with pytest.raises(ToolError, match="binary"):
        await edit(context, "bin.dat", "a", "b")


async def test_a_failed_write_leaves_no_temporary_file(
    context: ToolContext, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "a.txt").write_text("one\n")
    await read(context, "a.txt")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ToolError, match="disk is full"):
        await edit(context, "a.txt", "one", "two")
    assert everything(workspace) == [workspace / "a.txt"]
    assert (workspace / "a.txt").read_text() == "one\n"
