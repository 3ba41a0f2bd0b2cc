"""Between check and use: files that change, appear or become links just then."""

from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools.paths import open_folder, open_regular
from ralex.tools.textfile import load, save


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
