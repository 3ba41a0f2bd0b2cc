"""The first frame: from Textual and light modules only, with nothing opened before it."""

import gc
import json
import subprocess
import sys

from tests.conftest import ROOT
from tests.tui.helpers import running

PROBE = """
import json, sys
from textual.app import App
from ralex.tui.app import RalexApp

HEAVY = ("markdown_it", "pygments.lexers", "httpx", "sqlite3", "aiosqlite", "pydantic", "tiktoken",
         "ralex.wiring", "ralex.config", "ralex.core.events", "ralex.core.routing")
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


async def test_what_was_loaded_is_left_out_of_collections_until_the_app_ends() -> None:
    async with running() as driver:
        await driver.ready()
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
