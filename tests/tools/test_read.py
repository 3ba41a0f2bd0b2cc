"""Reading: bounded for any size, and never stuck on what is not a file."""

import os
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools.base import ToolContext
from ralex.tools.read import ReadTool


async def read(context: ToolContext, path: object, **more: object) -> str:
    return (await ReadTool().run({"path": path, **more}, context)).text


async def test_lines_come_with_their_numbers(context: ToolContext, workspace: Path) -> None:
    (workspace / "a.py").write_bytes(b"import os\n\n\tx = 1\r\nlast")
    assert await read(context, "a.py") == "1→import os\n2→\n3→\tx = 1\n4→last"


async def test_offset_and_limit_choose_lines_and_say_how_to_go_on(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.txt").write_text("".join(f"line {n}\n" for n in range(1, 101)))
    text = await read(context, "a.txt", offset="10", limit=2)
    assert text.startswith("10→line 10\n11→line 11\n(")
    assert "offset 12" in text


async def test_an_offset_beyond_the_end_names_the_number_of_lines(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.txt").write_text("one\ntwo\n")
    with pytest.raises(ToolError, match="has 2 lines"):
        await read(context, "a.txt", offset=9)


async def test_at_most_two_thousand_lines_and_50_kb_are_given(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "many.txt").write_text("x\n" * 5000)
    (workspace / "wide.txt").write_text(("y" * 1000 + "\n") * 500)
    assert (await read(context, "many.txt")).count("\n") == 2000
    assert len(await read(context, "wide.txt")) < 52 * 1024


async def test_a_long_line_is_cut_at_two_thousand_characters(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "min.js").write_text("z" * 5000 + "\nnext\n")
    assert await read(context, "min.js") == f"1→{'z' * 2000}… (3,000 more characters)\n2→next"


async def test_the_file_is_remembered_as_it_was(context: ToolContext, workspace: Path) -> None:
    (workspace / "a.txt").write_text("one\n")
    await read(context, "a.txt")
    assert context.seen[workspace / "a.txt"].size == 4


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("é\nü\n".encode(), id="utf-8"),
        pytest.param("é\nü\n".encode("utf-8-sig"), id="utf-8 with a mark"),
        pytest.param(b"\xff\xfe" + "é\nü\n".encode("utf-16-le"), id="utf-16"),
        pytest.param(b"\xff\xfe\0\0" + "é\nü\n".encode("utf-32-le"), id="utf-32"),
        pytest.param("é\nü\n".encode("latin-1"), id="latin-1"),
    ],
)
async def test_encodings_are_recognised(context: ToolContext, workspace: Path, data: bytes) -> None:
    (workspace / "a.txt").write_bytes(data)
    assert await read(context, "a.txt") == "1→é\n2→ü"


async def test_quotes_and_the_euro_of_a_windows_file_are_read_as_such(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.txt").write_bytes("5 € for “é”\n".encode("cp1252"))
    assert await read(context, "a.txt") == "1→5 € for “é”"
    (workspace / "b.txt").write_bytes(b"\x81 has no meaning there, \xe9\n")
    assert await read(context, "b.txt") == "1→\x81 has no meaning there, é"


async def test_bytes_that_are_no_text_are_refused_also_without_a_nul(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.dat").write_bytes(bytes(range(1, 256)) * 4)
    with pytest.raises(ToolError, match="is binary"):
        await read(context, "a.dat")


@pytest.mark.parametrize("ending", ["", "\n"])
async def test_an_offset_below_zero_counts_from_the_end(
    context: ToolContext, workspace: Path, ending: str
) -> None:
    (workspace / "a.txt").write_text("\n".join("abcde") + ending)
    assert await read(context, "a.txt", offset=-2) == "4→d\n5→e"
    assert await read(context, "a.txt", offset=-9, limit=-1) == "1→a\n2→b\n3→c\n4→d\n5→e"
    (workspace / "none").touch()
    assert "is empty" in await read(context, "none", offset=-1)


async def test_a_place_far_into_a_huge_file_is_given_up(
    context: ToolContext, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.tools.read.MAX_SECONDS", -1.0)
    (workspace / "a.txt").write_text("line\n")
    with pytest.raises(ToolError, match="too large to be read as far as that"):
        await read(context, "a.txt", offset=9)


async def test_an_empty_file_says_so(context: ToolContext, workspace: Path) -> None:
    (workspace / "a.txt").touch()
    assert await read(context, "a.txt") == "(a.txt is empty)"


async def test_a_binary_file_is_refused_with_what_it_is(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.bin").write_bytes(b"\x7fELF\0\0\0" + bytes(1000))
    with pytest.raises(ToolError, match=r"a\.bin is binary \(ELF program, 1,007 bytes\)"):
        await read(context, "a.bin")


async def test_a_folder_is_answered_with_the_tool_to_use(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "src").mkdir()
    with pytest.raises(ToolError, match="ls"):
        await read(context, "src")


async def test_a_missing_file_names_near_ones(context: ToolContext, workspace: Path) -> None:
    (workspace / "settings.py").touch()
    with pytest.raises(ToolError, match=r"does not exist; near it: settings\.py"):
        await read(context, "setings.py")


async def test_a_named_pipe_does_not_hold_the_tool(context: ToolContext, workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    with pytest.raises(ToolError, match="named pipe"):
        await read(context, "pipe")


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/environ", "/etc/passwd", "../x", "~/x"])
async def test_what_lies_outside_is_not_read(context: ToolContext, path: str) -> None:
    with pytest.raises(ToolError, match="outside"):
        await read(context, path)


async def test_a_link_leading_outside_is_not_read(context: ToolContext, workspace: Path) -> None:
    (workspace.parent / "secret").write_text("secret")
    (workspace / "link").symlink_to(workspace.parent / "secret")
    with pytest.raises(ToolError, match="outside"):
        await read(context, "link")


async def test_a_looping_link_is_an_error(context: ToolContext, workspace: Path) -> None:
    (workspace / "a").symlink_to("b")
    (workspace / "b").symlink_to("a")
    with pytest.raises(ToolError):
        await read(context, "a")


@pytest.fixture
def big_log(workspace: Path) -> Path:
    path = workspace / "big.log"
    with path.open("wb") as file:
        file.write(b"a" * 50_000_000 + b"\n")
        for _ in range(50):
            file.write(b"0123456789abcde\n" * 62_500)
    return path


async def test_a_100_mb_file_and_a_50_mb_line_take_little_memory(
    context: ToolContext, big_log: Path
) -> None:
    tracemalloc.start()
    try:
        text = await read(context, "big.log", limit=3)
        late = await read(context, "big.log", offset=3_000_000, limit=1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert text.startswith("1→aaaa")
    assert late.startswith("3000000→0123456789abcde")
    assert peak < 20_000_000


def holding_an_unreadable_file(name: str) -> Path:
    folder = Path(name)
    folder.chmod(0o755)
    (folder / "a.txt").write_text("x")
    (folder / "a.txt").chmod(0)
    return folder


async def test_an_unreadable_file_is_a_clear_refusal() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = holding_an_unreadable_file(name)
        context = ToolContext(cwd=folder, output_dir=folder / "out", environment={})
        was_root = os.geteuid() == 0
        if was_root:
            os.seteuid(65534)
        try:
            with pytest.raises(ToolError, match="permission denied"):
                await read(context, "a.txt")
        finally:
            if was_root:
                os.seteuid(0)
