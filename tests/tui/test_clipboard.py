"""Pictures that come into the prompt: dropped on the terminal, or from the clipboard."""

import shutil
import stat
from pathlib import Path

import pytest
from textual import events

from ralex.errors import UsageError
from ralex.tui.clipboard import clipboard_picture
from ralex.tui.widgets.prompt.images import image_mentions
from tests.tui.helpers import running

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


@pytest.mark.parametrize(
    ("pasted", "mention"),
    [
        ("/home/ada/x.png", "@/home/ada/x.png "),
        ("'/home/ada/my pic.png'", '@"/home/ada/my pic.png" '),
        ('"/p/q.JPG" ', "@q.JPG "),
        ("/home/ada/my\\ pic.png", '@"/home/ada/my pic.png" '),
        ("/home/ada/my pic.png", '@"/home/ada/my pic.png" '),
        ("file:///home/ada/my%20pic.png", '@"/home/ada/my pic.png" '),
        ("file:///p/a.png\nfile:///p/sub/b.jpg\n", "@a.png @sub/b.jpg "),
        ("/p/a.png /p/b.webp", "@a.png @b.webp "),
        ("/p/漢字 絵.gif", '@"漢字 絵.gif" '),
        ("see /p/a.png", None),
        ("/p/a.txt", None),
        ("/p/a.txt /x.png", None),
        ("pic.png", None),
        ("http://example.org/y.png", None),
        ("file://host/x.png", None),
        ("/p/a.png\nis broken", None),
        ("", None),
        (" ", None),
        ("'/p/a.png", None),
        ("/p/" + "a" * 30_000 + ".png", None),
        ("\\", None),
    ],
)
def test_a_paste_of_nothing_but_pictures_becomes_mentions(pasted: str, mention: str | None) -> None:
    assert image_mentions(pasted, "/p") == mention


async def test_a_picture_that_is_dropped_is_mentioned_at_the_cursor() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("what is on ")
        driver.app.post_message(events.Paste("'/home/ada/shop/my shot.png'"))
        await driver.until(lambda: "@" in driver.chat.prompt.text)
        assert driver.chat.prompt.text == 'what is on @"my shot.png" '


def a_program(folder: Path, name: str, script: str) -> dict[str, str]:
    """Put a program on a path of its own, beside the shell it needs."""
    folder.mkdir(exist_ok=True)
    for tool in ("sh", "cat"):
        link = folder / tool
        if not link.exists():
            link.symlink_to(shutil.which(tool) or f"/bin/{tool}")
    program = folder / name
    program.write_text(f"#!{folder}/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": str(folder), "WAYLAND_DISPLAY": "w", "DISPLAY": ":0"}


def wayland(folder: Path, kinds: str, data: bytes) -> dict[str, str]:
    (folder / "data").write_bytes(data)
    script = f'if [ "$1" = --list-types ]; then echo "{kinds}"; else cat "{folder}/data"; fi'
    return a_program(folder / "bin", "wl-paste", script)


def test_the_clipboards_picture_is_saved_once_for_its_owner_only(tmp_path: Path) -> None:
    environ = wayland(tmp_path, "text/plain image/png", PNG)
    path = clipboard_picture(environ, tmp_path / "pictures")
    assert path is not None
    assert path.read_bytes() == PNG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert clipboard_picture(environ, tmp_path / "pictures") == path
    assert len(list((tmp_path / "pictures").iterdir())) == 1


@pytest.mark.parametrize(
    ("kinds", "data"),
    [("text/plain", b"hi"), ("image/png", b"no picture"), ("", b""), ("image/svg+xml", b"<svg/>")],
    ids=["text", "a lie", "nothing", "another kind"],
)
def test_what_is_no_picture_is_none(tmp_path: Path, kinds: str, data: bytes) -> None:
    assert clipboard_picture(wayland(tmp_path, kinds, data), tmp_path / "pictures") is None
    assert not (tmp_path / "pictures").exists()


def test_x11_is_asked_where_wayland_is_not(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(PNG)
    script = f'case "$*" in *TARGETS) echo image/png;; *) cat "{tmp_path}/data";; esac'
    environ = a_program(tmp_path / "bin", "xclip", script)
    path = clipboard_picture(environ, tmp_path / "pictures")
    assert path is not None
    assert path.suffix == ".png"


def test_without_a_program_it_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no program") as caught:
        clipboard_picture({"PATH": str(tmp_path), "DISPLAY": ":0"}, tmp_path / "pictures")
    assert "xclip" in caught.value.hint


async def test_the_key_mentions_the_clipboards_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in wayland(tmp_path, "image/png", PNG).items():
        monkeypatch.setenv(name, value)
    async with running(home=tmp_path / "home") as driver:
        await driver.ready()
        await driver.pilot.press("ctrl+v")
        await driver.until(lambda: driver.chat.prompt.text)
        assert driver.chat.prompt.text.startswith(f"@{tmp_path}/home/pictures/pasted-")
