"""Between check and use: files that change, appear or become links just then."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools.paths import open_folder, open_regular
from ralex.tools.textfile import load, save
from tests.tools.unprivileged import run_unprivileged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a real folder: nothing on the way to it is a link."""
    return tmp_path.resolve()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_link_that_took_a_files_place_is_not_read(folder: Path) -> None:
    (folder / "secret").write_text("secret")
    (folder / "a.txt").symlink_to("secret")
    with pytest.raises(ToolError, match="link"):
        open_regular(folder / "a.txt")


def test_a_link_that_took_a_folders_place_is_not_gone_through(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "real" / "a.txt").write_text("secret")
    (folder / "sub").symlink_to("real")
    with pytest.raises(ToolError):
        open_regular(folder / "sub" / "a.txt")
    with pytest.raises(OSError, match=r"directory|link"), open_folder(folder / "sub"):
        pass
    with pytest.raises(ToolError):
        save(folder / "sub" / "new.txt", b"x", expected=None)
    assert names(folder / "real") == ["a.txt"]


def test_a_file_that_changed_after_it_was_loaded_is_not_replaced(folder: Path) -> None:
    path = folder / "a.txt"
    path.write_text("one\n")
    loaded = load(path)
    path.write_text("two\n")
    with pytest.raises(ToolError, match="changed since"):
        save(path, b"three\n", expected=loaded.stamp)
    assert path.read_text() == "two\n"
    assert names(folder) == ["a.txt"]


def test_a_file_that_appeared_meanwhile_is_not_replaced(folder: Path) -> None:
    path = folder / "a.txt"
    path.write_text("theirs\n")
    with pytest.raises(ToolError, match="appeared meanwhile"):
        save(path, b"ours\n", expected=None)
    assert path.read_text() == "theirs\n"
    assert names(folder) == ["a.txt"]


def test_a_link_that_took_the_place_of_a_file_to_be_changed_is_left(folder: Path) -> None:
    path, outside = folder / "a.txt", folder / "outside"
    path.write_text("one\n")
    loaded = load(path)
    outside.write_text("one\n")
    path.unlink()
    path.symlink_to("outside")
    with pytest.raises(ToolError, match="link"):
        save(path, b"two\n", expected=loaded.stamp)
    assert outside.read_text() == "one\n"


def test_a_write_that_is_killed_leaves_the_old_file_and_nothing_beside_it(folder: Path) -> None:
    if not hasattr(os, "O_TMPFILE"):
        pytest.skip("files without a name are Linux's")
    (folder / "a.txt").write_text("old")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from ralex.tools.textfile import load, save\n"
        "path = Path(sys.argv[1])\n"
        "stamp = load(path).stamp\n"
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)\n"
        "save(path, b'new' * 1_000_000, expected=stamp)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder / "a.txt")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert names(folder) == ["a.txt"]
    assert (folder / "a.txt").read_text() == "old"


def test_files_are_written_where_none_can_be_without_a_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    save(folder / "a.txt", b"one", expected=None)
    save(folder / "a.txt", b"two", expected=load(folder / "a.txt").stamp)
    assert names(folder) == ["a.txt"]
    assert (folder / "a.txt").read_bytes() == b"two"


def test_a_read_only_file_is_not_replaced_although_its_folder_would_allow_it(folder: Path) -> None:
    (folder / "a.txt").write_text("old\n")
    (folder / "a.txt").chmod(0o444)
    code = """
        print(call("read", path="a.txt"))
        print(call("edit", path="a.txt", old="old", new="new"))
        print(call("write", path="a.txt", content="new"))
    """
    lines = run_unprivileged(code, folder).splitlines()
    assert lines[0] == "1→old"
    assert all("is read-only" in line for line in lines[1:])
    assert len(lines) == 3
    assert (folder / "a.txt").read_text() == "old\n"
