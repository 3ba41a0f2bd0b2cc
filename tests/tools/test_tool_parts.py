"""The small parts of the room: environment, diffs, syntax notes, and the corpus of paths."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.errors import ToolError
from ralex.tools.base import ToolContext
from ralex.tools.diffs import change_between, unified_diff
from ralex.tools.edit import EditTool
from ralex.tools.environment import tool_environment
from ralex.tools.ls import LsTool
from ralex.tools.read import ReadTool
from ralex.tools.syntax import note_on_syntax
from ralex.tools.write import WriteTool
from tests.conftest import SHARED


def test_the_environment_is_built_from_an_allow_list() -> None:
    environ = {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "VIRTUAL_ENV": "/venv",
        "OPENAI_API_KEY": "sk",
        "GITHUB_TOKEN": "t",
        "LC_SECRET": "s",
        "DB_PASSWORD": "p",
        "SOMETHING_ELSE": "x",
        "BASH_ENV": "/evil",
        "LD_PRELOAD": "/evil.so",
    }
    assert tool_environment(environ) == {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "VIRTUAL_ENV": "/venv",
    }


def test_a_diff_numbers_its_hunks_as_the_files_do() -> None:
    before = "".join(f"{n}\n" for n in range(1, 101))
    diff = unified_diff(before, before.replace("\n50\n", "\nfifty\n"), "a.txt")
    assert diff.startswith("--- a/a.txt\n+++ b/a.txt\n@@ -47,7 +47,7 @@\n 47\n")
    assert "-50\n+fifty\n" in diff
    assert unified_diff(before, before, "a.txt") == ""


TEXTS = st.lists(st.sampled_from(["a", "b", "", "a\fb", "x\u2028"]), max_size=9).flatmap(
    lambda rows: st.sampled_from(["\n".join(rows), "\n".join([*rows, ""]), "\r\n".join(rows)])
)


def lines_of(text: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


@given(before=TEXTS, after=TEXTS, around=st.integers(0, 3))
def test_outside_of_a_change_two_texts_are_alike(before: str, after: str, around: int) -> None:
    change = change_between(before, after, around)
    old, new = lines_of(before), lines_of(after)
    start, old_stop = change.skipped, change.skipped + len(change.old)
    new_stop = start + len(change.new)
    assert old[start:old_stop] == change.old
    assert new[start:new_stop] == change.new
    assert (old[:start], old[old_stop:]) == (new[:start], new[new_stop:])


def test_a_huge_diff_is_bounded() -> None:
    before = "".join(f"a{n}\n" for n in range(30_000))
    after = "".join(f"b{n}\n" for n in range(30_000))
    diff = unified_diff(before, after, "a.txt")
    assert diff.count("\n") <= 402
    assert len(unified_diff("x" * 100_000, "y" * 100_000, "a.txt")) < 2000


@pytest.mark.parametrize(
    ("name", "before", "after", "note"),
    [
        ("a.py", "x = 1\n", "x = (1\n", "line 1"),
        ("a.py", "x = (\n", "x = (1\n", ""),
        ("a.py", None, "def f(:\n", "Python does not parse it"),
        ("a.json", "{}", '{"a": }', "not valid JSON"),
        ("a.toml", "a = 1\r\n", "a = \r\n", "not valid TOML"),
        ("a.toml", "a = 1\r\n", "a = 2\r\n", ""),
        ("a.txt", "x", "(", ""),
        ("a.yaml", "a: 1\n", "a: [1\n", "line 2"),
        ("a.yml", None, "a: 1\n b: 2\n", "not valid YAML"),
        ("a.yml", "a: [\n", "a: [1\n", ""),
        ("a.yaml", "a: 1\n", "a: !Ref b\nc: &x 1\n---\nd: *x\n", ""),
        ("a.yaml", None, "a: {{ .Values.x }}\n{% if x %}\n", ""),
        ("a.yaml", None, "a: '\\x'\nb: \"\\q\"\n", "line 2"),
        ("tsconfig.json", "{}", '{\n  // why\n  "a": "//x", /* b */\n}', ""),
        ("tsconfig.build.json", "{}", '{\n  // why\n  "a": \n}', "line 4"),
        ("a.jsonc", None, '{"a": [1, 2,], "b": ",}"}', ""),
        ("a.jsonc", None, '{"a": [1 2]}', "not valid JSON"),
        ("package.json", "{}", '{"a": 1, // b\n}', "not valid JSON"),
        ("rc.json", '{"a": 1, // b\n}', '{"a": 2, // b\n}', ""),
        ("rc.json", '{"a": 1, // b\n}', '{"a": 2 // b\n', "not valid JSON"),
        ("a.ipynb", '{"cells": []}', '{"cells": [}', "not valid JSON"),
    ],
)
def test_only_new_faults_are_noted(name: str, before: str | None, after: str, note: str) -> None:
    text = note_on_syntax(name, before, after)
    assert note in text
    assert bool(text) is bool(note)
    assert not text or text.startswith("\napplied; note: ")


@pytest.mark.parametrize("name", ["a.json", "a.jsonc", "a.ipynb", "a.toml", "a.py", "a.yaml"])
def test_a_number_too_long_for_python_fails_no_change(name: str) -> None:
    number = "1" * 6_000
    text = f"a = {number}\n" if name in ("a.toml", "a.py") else f'{{"a": {number}}}\n'
    assert note_on_syntax(name, None, text) in ("", note_on_syntax("a.py", None, text))


def test_a_yaml_file_of_any_making_is_checked_quickly() -> None:
    bomb = "a: &a [x,x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a,*a]\n" for n in range(5000))
    assert note_on_syntax("a.yaml", None, bomb) == ""
    assert note_on_syntax("a.yaml", None, "[" * 100)
    assert note_on_syntax("a.yaml", None, "[" * 100_000) == ""
    assert note_on_syntax("a.jsonc", None, '"' * 300_001)
    assert note_on_syntax("a.jsonc", None, "/*" * 100_000)


PATHS = SHARED / "security" / "paths.jsonl"
ROWS: list[dict[str, Any]] = (
    [json.loads(line) for line in PATHS.read_text().splitlines()] if PATHS.exists() else []
)


def arrange(row: dict[str, Any], workspace: Path, home: Path) -> str:
    def filled(text: str) -> str:
        return text.replace("{WS}", str(workspace)).replace("{HOME}", str(home))

    for name in ("main.c", "lib/a.c"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text("int a;\n")
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_rsa").write_text("secret")
    for step in row["setup"]:
        if "symlink" in step:
            (workspace / step["symlink"]).symlink_to(filled(step["to"]))
        elif "hardlink" in step:
            os.link(filled(step["to"]), workspace / step["hardlink"])
        elif "fifo" in step:
            os.mkfifo(workspace / step["fifo"])
        elif "file" in step:
            (workspace / step["file"]).write_bytes(bytes.fromhex(step["bytes_hex"]))
    return filled(row["path"])


def state(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@pytest.mark.skipif(not ROWS, reason="the corpus of paths is not beside this checkout")
@pytest.mark.parametrize("row", ROWS, ids=[f"{row['id']} {row['why']}" for row in ROWS])
async def test_paths_are_allowed_or_denied_as_the_corpus_says(
    row: dict[str, Any],
    context: ToolContext,
    workspace: Path,
    tmp_path: Path,
    own_surroundings: Path,
) -> None:
    if row["tool"] == "delete":
        pytest.skip("there is no tool that deletes")
    path = arrange(row, workspace, own_surroundings)
    before = state(tmp_path) | state(own_surroundings)

    async def call() -> None:
        if row["tool"] == "read":
            await ReadTool().run({"path": path}, context)
        elif row["tool"] == "list":
            await LsTool().run({"path": path}, context)
        elif row["tool"] == "write":
            await WriteTool().run({"path": path, "content": "new\n"}, context)
        else:
            await ReadTool().run({"path": path}, context)
            await EditTool().run({"path": path, "old": "a", "new": "b"}, context)

    if row["verdict"] == "allow":
        await call()
    else:
        with pytest.raises(ToolError) as caught:
            await call()
        assert "\n" not in caught.value.message
        assert state(tmp_path) | state(own_surroundings) == before
