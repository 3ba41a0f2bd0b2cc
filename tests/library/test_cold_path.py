"""What must stay light is measured in a fresh interpreter, in modules and not in times."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

HEAVY = {
    "asyncio", "ssl", "pydantic", "httpx", "textual", "rich", "tiktoken", "yaml", "sqlite3",
    "aiosqlite", "pygments", "markdown_it",
}  # fmt: skip


def modules_after(code: str, *, isolated: bool = True) -> set[str]:
    flags = ["-I"] if isolated else []
    done = subprocess.run(
        [sys.executable, *flags, "-c", f"{code}\nimport sys\nprint(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split("\n")[-2].split())


def test_importing_ralex_and_making_a_client_loads_nothing_heavy() -> None:
    loaded = modules_after("import ralex; ralex.Client()")
    assert not loaded & HEAVY
    added = loaded - modules_after("pass")
    assert len(added) <= 60, sorted(added)


def test_the_check_itself_would_notice() -> None:
    assert modules_after("import ralex, asyncio") & HEAVY


def test_classifying_loads_no_network_database_or_screen() -> None:
    loaded = modules_after("import ralex; ralex.classify('hello')")
    assert not loaded & (HEAVY - {"rich"})


@pytest.mark.parametrize(
    "module",
    [
        "ralex.agent.session",
        "ralex.dispatch.dispatcher",
        "ralex.headless.start",
        "ralex.plain.start",
        "ralex.wiring",
        "ralex.cli",
        "ralex.tools.registry",
        "ralex.config.load",
    ],
)
def test_rooms_without_a_screen_never_load_textual(module: str) -> None:
    assert not modules_after(f"import {module}") & {"textual", "rich"}


def test_the_version_needs_nothing_else() -> None:
    code = "import sys; sys.argv = ['ralex', '--version']\nfrom ralex.__main__ import main\nmain()"
    assert not modules_after(code) & (HEAVY | {"argparse", "ralex.cli"})


def test_what_few_tool_calls_need_is_loaded_by_them() -> None:
    loaded = modules_after("import ralex.tools.registry, ralex.agent.session")
    rare = {"http.client", "email", "html", "html.entities", "yaml", "pathspec", "tree_sitter"}
    assert not loaded & rare


def test_a_change_loads_the_grammar_of_its_own_language_alone() -> None:
    code = "from ralex.tools.syntax import note_on_syntax as note\n"
    assert "tree_sitter" not in modules_after(
        f"{code}note('a.py', 'a', 'b'); note('a.md', '', 'b')"
    )
    loaded = modules_after(f"{code}note('a.go', 'package a', 'package b')")
    assert {name for name in loaded if name.startswith("tree_sitter_") and "." not in name} == {
        "tree_sitter_go"
    }


def test_no_call_searches_the_path_for_a_module_that_is_not_there() -> None:
    is_missing = find_spec("sniffio") is None
    assert ("sniffio" in modules_after("import ralex.providers.http")) == is_missing
