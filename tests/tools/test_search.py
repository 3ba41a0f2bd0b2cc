"""grep, glob and ls: what a developer would see, within bounds."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools import grep_search
from ralex.tools.base import ToolContext
from ralex.tools.glob import GlobTool
from ralex.tools.globs import compile_glob
from ralex.tools.grep import GrepTool
from ralex.tools.ls import LsTool
from ralex.tools.walk import WalkLimits, walk_files
from tests.tools.unprivileged import run_unprivileged

OWN = GrepTool(ripgrep="")
RIPGREP = shutil.which("rg")


@pytest.fixture
def project(workspace: Path) -> Path:
    (workspace / ".git" / "info").mkdir(parents=True)
    (workspace / ".git" / "info" / "exclude").write_text("private/\n")
    (workspace / ".gitignore").write_text("# comment\n*.log\nbuild/\n!keep.log\n")
    for name in ("src/app.py", "src/deep/util.py", "web/index.ts", "README.md", "a.log"):
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"first\nneedle in {name}\n")
    for name in ("build/out.py", "private/x.py", "keep.log", ".git/needle.py"):
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("needle\n")
    (workspace / "src" / ".gitignore").write_text("deep/*.tmp\n")
    (workspace / "src" / "deep" / "x.tmp").write_text("needle\n")
    return workspace


async def grep(context: ToolContext, pattern: str, **more: object) -> str:
    return (await OWN.run({"pattern": pattern, **more}, context)).text


async def glob(context: ToolContext, pattern: str, **more: object) -> str:
    return (await GlobTool().run({"pattern": pattern, **more}, context)).text


async def ls(context: ToolContext, path: str = ".") -> str:
    return (await LsTool().run({"path": path}, context)).text


async def test_grep_gives_path_line_and_text_and_skips_what_git_ignores(
    context: ToolContext, project: Path
) -> None:
    lines = (await grep(context, "needle")).split("\n")
    assert lines == [
        "README.md:2: needle in README.md",
        "keep.log:1: needle",
        "src/app.py:2: needle in src/app.py",
        "src/deep/util.py:2: needle in src/deep/util.py",
        "web/index.ts:2: needle in web/index.ts",
    ]


async def test_grep_narrows_by_path_include_and_case(context: ToolContext, project: Path) -> None:
    assert "web" not in await grep(context, "needle", include="*.py")
    assert (await grep(context, "needle", path="web")).startswith("web/index.ts:2:")
    assert (await grep(context, "NEEDLE", ignore_case="true", path="web")).startswith("web/")
    assert await grep(context, "NEEDLE") == "no match for NEEDLE"
    assert "index.ts" in await grep(context, "needle", include="*.{ts,tsx}")
    assert (await grep(context, "needle", path="src/app.py")).startswith("src/app.py:2")


async def test_grep_is_bounded_in_matches_and_line_length(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "many.txt").write_text("hit\n" * 1000)
    (workspace / "min.js").write_text("a" * 100_000 + "\n" + "b" * 5000 + "TARGET" + "c" * 5000)
    text = await grep(context, "hit", max_results=5)
    assert text.count("many.txt") == 5
    assert "(first 5 matches" in text
    found = await grep(context, "TARGET")
    assert "TARGET" in found
    assert len(found) < 600


async def test_a_pattern_that_backtracks_for_ever_is_stopped(
    context: ToolContext, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.tools.grep.MAX_SECONDS", 1.0)
    (workspace / "a.txt").write_text("a" * 60 + "!\n")
    started = time.monotonic()
    assert "took too long" in await grep(context, "(a+)+$")
    assert time.monotonic() - started < 20


async def test_a_wrong_pattern_is_answered_with_the_fix(context: ToolContext) -> None:
    with pytest.raises(ToolError, match=r"not a regular expression.*backslash"):
        await grep(context, "foo(")


async def test_grep_passes_over_binary_special_and_unreadable_things(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "a.bin").write_bytes(b"needle\0")
    (workspace / "latin.txt").write_bytes(b"caf\xe9 needle\n")
    (workspace / os.fsdecode(b"n\xffme.txt")).write_text("needle\n")
    os.mkfifo(workspace / "pipe")
    (workspace / "loop").symlink_to(".")
    (workspace / "dangling").symlink_to("nowhere")
    text = await grep(context, "needle")
    assert text == "latin.txt:1: caf\ufffd needle\nn\ufffdme.txt:1: needle"
    with pytest.raises(ToolError, match="outside"):
        await grep(context, "root", path="/etc/passwd")


async def test_ripgreps_records_come_out_in_the_same_form(
    context: ToolContext, project: Path, tmp_path: Path
) -> None:
    program = tmp_path / "rg"
    program.write_text(
        "#!/bin/sh\n"
        f"printf '%s\\000%s\\n' '{project}/web/index.ts' '2:1:6:needle in web/index.ts'\n"
        f"printf '%s\\000%s\\n' '{project}/src/app.py' '2:1:6:needle: in src'\n"
        "echo 'rg: something on the error stream'\n"
        f"printf '%s\\n' \"$@\" > '{tmp_path}/arguments'\n"
    )
    program.chmod(0o755)
    tool = GrepTool(ripgrep=str(program))
    outcome = await tool.run(
        {"pattern": "-needle", "include": "*.py", "ignore_case": True}, context
    )
    assert outcome.text == "src/app.py:2: needle: in src", (
        "the other file is none that was asked for"
    )
    given = (tmp_path / "arguments").read_text().splitlines()
    assert given[-4:] == ["--regexp", "-needle", "--", str(project)]
    assert {"--no-config", "--ignore-case", "--type-add=wanted:*.py"} <= set(given)


@pytest.mark.skipif(RIPGREP is None, reason="ripgrep is not installed")
@pytest.mark.parametrize(
    ("pattern", "more"),
    [
        ("needle", {}),
        ("needle", {"include": "*.py"}),
        ("needle", {"include": "src/**/*.py"}),
        ("needle", {"include": "*.log"}),
        ("needle", {"include": "*.{ts,md}"}),
        ("NEEDLE", {}),
        ("NEEDLE", {"ignore_case": True}),
        ("needle", {"path": "src"}),
        ("needle", {"path": "src/app.py"}),
        ("needle", {"path": "a.log"}),
        ("needle", {"path": "a.log", "include": "*.py"}),
        ("^$", {}),
        ("end$", {}),
        (r"\bn\w+e\b", {}),
        ("(?<=in )src", {}),
        (r"(e)\1", {}),
        ("func{", {}),
        ("é", {}),
        ("wide", {}),
        ("-needle", {}),
        ("no such thing", {}),
        ("[[:alpha:]]+dle", {}),
        ("TARGET|START", {}),
        ("needle", {"include": "!*.py"}),
        ("needle", {"path": "build"}),
        ("needle", {"path": "private"}),
        ("needle", {"path": "huge.txt", "max_results": -1}),
    ],
)
async def test_ripgrep_and_the_own_search_find_the_same(
    context: ToolContext, project: Path, pattern: str, more: dict[str, object]
) -> None:
    (project / "crlf.txt").write_bytes(b"first end\r\n\r\nlast end\r\n")
    (project / "latin.txt").write_bytes(b"caf\xe9 needle\n")
    (project / "accent.txt").write_text("café func{\n")
    (project / "wide.txt").write_bytes("wide needle\n".encode("utf-16"))
    (project / "mark.txt").write_bytes("\ufeffneedle first\n".encode())
    (project / "a.bin").write_bytes(b"needle" * 3000 + b"\0")
    (project / ".ignore").write_text("web/\n")
    (project / ".hg").mkdir()
    (project / ".hg" / "x.py").write_text("needle\n")
    (project / ".hidden").write_text("needle -needle\n")
    (project / "link.py").symlink_to("src/app.py")
    (project / "huge.txt").write_text("needle\n" * 1_300_000)
    (project / "two\nlines.txt").write_text("needle\nTARGET\n")
    (project / "long.js").write_text("a" * 5000 + "TARGET" + "b" * 5000 + "\nSTART" + "c" * 900)
    os.mkfifo(project / "pipe")
    arguments = {"pattern": pattern, "max_results": 200, **more}
    own = await OWN.run(arguments, context)
    theirs = await GrepTool(ripgrep=RIPGREP).run(arguments, context)
    assert theirs.text == own.text


SEARCHERS = [
    pytest.param(OWN, id="own"),
    pytest.param(
        GrepTool(ripgrep=RIPGREP),
        id="ripgrep",
        marks=pytest.mark.skipif(RIPGREP is None, reason="ripgrep is not installed"),
    ),
]


@pytest.mark.parametrize("tool", SEARCHERS)
async def test_names_with_line_feeds_and_long_lines_come_out_whole(
    context: ToolContext, workspace: Path, tool: GrepTool
) -> None:
    (workspace / "two\nlines.txt").write_text("needle\n")
    (workspace / "long.js").write_text("a" * 5000 + "needle" + "b" * 5000)
    lines = (await tool.run({"pattern": "needle"}, context)).text.split("\n")
    assert lines[1] == r"two\nlines.txt:1: needle"
    assert re.fullmatch(r"long\.js:1: …a{100}needleb+…", lines[0])


@pytest.mark.parametrize("tool", SEARCHERS)
async def test_a_file_that_cannot_be_searched_is_no_file_without_matches(
    context: ToolContext, workspace: Path, tool: GrepTool
) -> None:
    (workspace / "a.bin").write_bytes(b"needle\0")
    os.mkfifo(workspace / "pipe")
    with pytest.raises(ToolError, match="is binary"):
        await tool.run({"pattern": "needle", "path": "a.bin"}, context)
    with pytest.raises(ToolError, match="named pipe"):
        await tool.run({"pattern": "needle", "path": "pipe"}, context)
    with pytest.raises(ToolError, match="NUL"):
        await tool.run({"pattern": "a\0b"}, context)
    kept = workspace / "output.txt"
    kept.write_text("line\n" * 2_000_000 + "needle\n")
    found = await tool.run({"pattern": "needle", "path": "output.txt"}, context)
    assert found.text == "output.txt:2000001: needle", "a command's output is kept to be searched"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/nowhere", id="own"),
        pytest.param(
            str(Path(RIPGREP or "/").parent),
            id="ripgrep",
            marks=pytest.mark.skipif(RIPGREP is None, reason="ripgrep is not installed"),
        ),
    ],
)
def test_places_that_may_not_be_read_are_named(workspace: Path, path: str) -> None:
    (workspace / "a.txt").write_text("needle\n")
    (workspace / "locked").mkdir()
    (workspace / "locked").chmod(0)
    (workspace / "secret").touch(mode=0)
    code = """
        print(call("grep", pattern="needle"))
        print(call("glob", pattern="*.txt"))
        for tool in ("grep", "glob", "ls"):
            print(call(tool, pattern="x", path="locked"))
        print(call("grep", pattern="x", path="secret"))
        context.hides = lambda tool: lambda path: path.endswith(("locked", "secret"))
        print(call("grep", pattern="needle"), call("glob", pattern="*.txt"))
    """
    try:
        lines = run_unprivileged(code, workspace, path=path).splitlines()
    finally:
        (workspace / "locked").chmod(0o700)
    locked = f"refused: {workspace / 'locked'} may not be used: permission denied"
    assert lines[0] == "a.txt:1: needle"
    assert re.fullmatch(r"\(not searched, permission denied: \w+ and 1 more\)", lines[1])
    assert lines[2:] == [
        "a.txt",
        "(not searched, permission denied: locked)",
        locked,
        locked,
        locked,
        f"refused: {workspace / 'secret'} may not be used: permission denied",
        "a.txt:1: needle a.txt",
    ]


async def test_a_pattern_that_python_wonders_about_writes_nothing_on_the_screen(
    context: ToolContext, project: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "no match" in await grep(context, "[[x]z")
        assert "no file" in await glob(context, "[[x&&--||~~]z")
    assert compile_glob("[[a]x").fullmatch("[x")


async def test_ls_and_glob_show_what_is_in_an_ignored_folder_that_is_named(
    context: ToolContext, project: Path
) -> None:
    assert await ls(context, "build") == "out.py"
    assert await glob(context, "*.py", path="build") == "build/out.py"
    assert "build" not in await glob(context, "**/*.py")


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("/etc/*.conf", "path '/etc' and pattern '*.conf'"), ("../*", "path '..' and pattern '*'")],
)
async def test_a_glob_that_leads_out_is_told_how_to_search_there(
    context: ToolContext, project: Path, pattern: str, hint: str
) -> None:
    with pytest.raises(ToolError, match=re.escape(hint)):
        await glob(context, pattern)


@pytest.mark.skipif(RIPGREP is None, reason="ripgrep is not installed")
async def test_a_pattern_that_nobody_understands_is_refused_with_ripgrep_too(
    context: ToolContext, project: Path
) -> None:
    with pytest.raises(ToolError, match=r"not a regular expression.*backslash"):
        await GrepTool(ripgrep=RIPGREP).run({"pattern": "foo("}, context)


async def test_glob_finds_at_any_depth_newest_first(context: ToolContext, project: Path) -> None:
    os.utime(project / "src/deep/util.py", (2_000_000_000, 2_000_000_000))
    assert (await glob(context, "*.py")).split("\n") == ["src/deep/util.py", "src/app.py"]
    assert await glob(context, "src/*.py") == "src/app.py"
    assert await glob(context, "**/*.py", path="src/deep") == "src/deep/util.py"
    assert await glob(context, f"{project}/web/**") == "web/index.ts"
    assert await glob(context, "*.nothing") == "no file matches *.nothing"


async def test_glob_begins_where_its_pattern_does(
    context: ToolContext, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk of the whole tree would stop at its limit before it came to the folder."""
    monkeypatch.setattr("ralex.tools.walk.MAX_FILES", 20)
    denied: list[str] = []
    monkeypatch.setattr(WalkLimits.__init__, "__defaults__", (20, 5.0, False, denied))
    for name in ("a", "z/inner"):
        (workspace / name).mkdir(parents=True)
        for number in range(15):
            (workspace / name / f"{number}.txt").write_text("")
    (workspace / "link").symlink_to("z")
    assert (await glob(context, "z/inner/1*.txt")).count("z/inner/1") == 6
    assert "too large" in await glob(context, "**/1*.txt")
    assert "no file matches" in await glob(context, "link/inner/*.txt")
    (workspace / ".gitignore").write_text("z/\n")
    (workspace / ".git").mkdir()
    assert (await glob(context, "z/inner/1*.txt")).count("z/inner/1") == 6, "it is named"


async def test_glob_gives_at_most_two_hundred(context: ToolContext, workspace: Path) -> None:
    for number in range(230):
        (workspace / f"{number}.txt").touch()
    text = await glob(context, "*.txt")
    assert text.count(".txt") == 200
    assert "first 200 of 230" in text


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a/b/c.py", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/**/*.py", "a/c.py", True),
        ("a/**", "a/b/c.py", True),
        ("**/test_*.{py,ts}", "x/test_a.ts", True),
        ("[!a]*.c", "b.c", True),
        ("[!a]*.c", "a.c", False),
        ("a?c", "abc", True),
        ("src/", "src/x/y", True),
        ("./a.b", "a.b", True),
        ("a+(b).c", "a+(b).c", True),
    ],
)
def test_globs_mean_what_they_mean_elsewhere(pattern: str, path: str, matches: bool) -> None:
    assert bool(compile_glob(pattern).fullmatch(path)) is matches


def test_a_hostile_glob_is_still_matched_quickly() -> None:
    started = time.monotonic()
    assert not compile_glob("**/" * 50 + "*a").fullmatch("b/" * 200)
    assert time.monotonic() - started < 20


async def test_ls_marks_folders_and_links_and_hides_what_git_ignores(
    context: ToolContext, project: Path
) -> None:
    (project / "link").symlink_to("src")
    assert (await ls(context)).split("\n") == [
        "src/",
        "web/",
        ".gitignore",
        "README.md",
        "keep.log",
        "link -> src",
        "(4 ignored not shown)",
    ]
    assert await ls(context, "web") == "index.ts"


async def test_ls_is_bounded_and_answers_what_is_no_folder(
    context: ToolContext, workspace: Path
) -> None:
    for number in range(310):
        (workspace / f"{number:03}").touch()
    text = await ls(context)
    assert text.count("\n") == 300
    assert "first 300 of 310" in text
    with pytest.raises(ToolError, match="a file, not a folder"):
        await ls(context, "001")
    with pytest.raises(ToolError, match="outside"):
        await ls(context, "/root")


async def test_links_that_loop_end_no_search(context: ToolContext, workspace: Path) -> None:
    (workspace / "a").mkdir()
    (workspace / "a" / "up").symlink_to("..")
    (workspace / "a" / "x.py").write_text("needle\n")
    assert await grep(context, "needle") == "a/x.py:1: needle"
    assert await glob(context, "*.py") == "a/x.py"
    assert await ls(context, "a/up/a") == "up -> ..\nx.py"


def test_a_walk_stops_at_its_limits_and_says_so(workspace: Path) -> None:
    for number in range(50):
        (workspace / str(number)).touch()
    limits = WalkLimits(files=10)
    assert len(list(walk_files(workspace, limits))) == 10
    assert limits.is_cut
    late = WalkLimits(seconds=0.0)
    for number in range(500):
        (workspace / f"f{number}").touch()
    assert len(list(walk_files(workspace, late))) < 550
    assert late.is_cut


def test_a_nested_ignore_file_may_bring_something_back(workspace: Path) -> None:
    (workspace / ".gitignore").write_text("*.txt\n")
    (workspace / "kept").mkdir()
    (workspace / "kept" / ".gitignore").write_text("!*.txt\n")
    (workspace / "kept" / "a.txt").touch()
    (workspace / "b.txt").touch()
    found = [re.sub(".*workspace/", "", path) for path in walk_files(workspace, WalkLimits())]
    assert found == [".gitignore", "kept/.gitignore", "kept/a.txt"]


def test_a_search_that_nobody_ends_is_ended_by_the_system(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("a" * 40 + "b")
    task = {"pattern": "(a+)+$", "ignore_case": False, "limit": 9, "cpu_s": 1}
    given = json.dumps(task).encode() + b"\n" + os.fsencode(tmp_path / "long.txt")

    # The time-out is the failure's, not the measure's: unbounded, this pattern takes for ever.
    ended = subprocess.run(
        [sys.executable, "-I", "-S", grep_search.__file__], input=given, timeout=120, check=False
    )

    assert ended.returncode in {-signal.SIGXCPU, -signal.SIGKILL}
