"""The first frame: from Textual and light modules only, with nothing opened before it."""

import gc
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from tests.conftest import ROOT
from tests.e2e.command import PRICED, Ralex
from tests.e2e.pseudo_terminal import PseudoTerminal
from tests.tui.helpers import running

PROBE = """
import json, sys
from textual.app import App
from ralex.tui.app import RalexApp

HEAVY = ("markdown_it", "pygments.lexers", "httpx", "sqlite3", "aiosqlite", "pydantic_core",
         "tiktoken", "ralex.wiring", "ralex.config", "ralex.core.events", "ralex.core.routing")
seen = {}

class Opener:
    async def open(self):
        seen["at_open"] = app.is_mounted_and_drawn()
        raise SystemExit
    async def new(self): ...
    async def aclose(self): ...

class Probe(RalexApp):
    def is_mounted_and_drawn(self):
        return seen.get("frames", 0) > 0
    def _display(self, screen, renderable):
        super()._display(screen, renderable)
        if renderable is not None and not seen.get("frames"):
            seen["frames"] = 1
            seen["heavy"] = sorted(name for name in sys.modules if name in HEAVY)
            seen["focused"] = getattr(self.focused, "id", None)

app = Probe(Opener())

async def main():
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(400):
            await pilot.pause(0.005)
            if "at_open" in seen:
                break

import asyncio
try:
    asyncio.run(main())
except BaseException as error:
    seen["ended"] = type(error).__name__
print(json.dumps(seen))
"""


def test_the_first_frame_needs_nothing_heavy_and_comes_before_the_session() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT / "app",
        timeout=60,
    )
    assert done.stdout, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["heavy"] == []
    assert seen["focused"] == "prompt"
    assert seen["at_open"] is True


COMMAND_PROBE = """
import json, os, sys
from collections import Counter
from textual.app import App
from textual.css import stylesheet

read = Counter()
parse, display = stylesheet.parse, App._display

def counted(scope, css, *args, **named):
    read[css] += 1
    return parse(scope, css, *args, **named)

def first(self, screen, renderable):
    display(self, screen, renderable)
    if renderable is not None:
        seen = {
            "modules": sorted(sys.modules),
            "times_read": [times for css, times in read.items() if "ChatScreen {" in css],
            "classes": sorted(screen.classes),
            "widgets": [type(each).__name__ for each in screen.walk_children()],
        }
        with open(out, "w") as file:
            json.dump(seen, file)
        os._exit(0)

stylesheet.parse, App._display = counted, first
out = sys.argv.pop()
from ralex.__main__ import main
main()
"""

BEHIND = (
    "markdown_it", "pygments.lexers", "httpx", "sqlite3", "aiosqlite", "pydantic_core", "tiktoken",
    "hashlib", "yaml", "jsonschema", "ralex.wiring", "ralex.opened", "ralex.agent", "ralex.store",
    "ralex.tools", "ralex.providers", "ralex.dispatch", "ralex.undo", "ralex.observe",
    "ralex.core.events", "ralex.core.shell", "ralex.core.permissions",
)  # fmt: skip


def first_frame(tmp_path: Path) -> Mapping[str, object]:
    """Start the command with a configuration file, and give what there is at its first frame."""
    ralex = Ralex(tmp_path / "home", tmp_path / "shop")
    ralex.home.mkdir()
    ralex.project.mkdir()
    ralex.configure(PRICED)
    out = tmp_path / "seen.json"
    environment = ralex.environment({"OPENAI_API_KEY": "sk-test", "TERM": "xterm-256color"})
    command = [sys.executable, "-c", COMMAND_PROBE, str(out)]
    with PseudoTerminal(command, cwd=ralex.project, environment=environment) as terminal:
        assert terminal.wait_for_end() == 0, terminal.text
    return cast("dict[str, object]", json.loads(out.read_text()))


def test_the_command_s_first_frame_waits_for_nothing_that_a_session_needs(tmp_path: Path) -> None:
    seen = first_frame(tmp_path)
    modules = cast("list[str]", seen["modules"])
    assert "ralex.config.schema" in modules  # the file was read
    assert [name for name in modules if name in BEHIND] == []
    assert {"Completion", "Search"} & {*cast("list[str]", seen["widgets"])} == set()


def test_styles_are_read_once_and_for_the_size_that_the_terminal_has(tmp_path: Path) -> None:
    seen = first_frame(tmp_path)
    assert seen["times_read"] == [1]
    assert seen["classes"] == ["-tall"]


async def test_what_was_loaded_is_left_out_of_collections_until_the_app_ends() -> None:
    async with running() as driver:
        await driver.ready()
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
