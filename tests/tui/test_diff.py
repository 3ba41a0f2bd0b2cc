"""What changed, on a screen of its own: file by file, in one column or two."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from ralex.errors import UndoError
from ralex.tui.screens.diff.screen import DiffScreen
from ralex.tui.screens.diff.view import RowsView
from ralex.tui.widgets.transcript.diffs import by_file
from tests.tui.fake_session import FakeSession
from tests.tui.helpers import Driver, running
from tests.tui.test_hostile import MARKUP, OWN, UNSAFE, corpus
from tests.tui.test_hostile_dialogs import visible
from tests.tui.test_pictures import DIFF, SIZES, THEMES, Compare, chat_of, ralex, ready, until

MORE = f"""{DIFF}--- a/tests/test_checkout.py
+++ b/tests/test_checkout.py
@@ -1,2 +1,3 @@
 import pytest
--- gone
++++ new
+日本語 = "emoji 👩‍💻 and wide"
--- a/old.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
logo.png: binary, 3 → 9 bytes
"""


@asynccontextmanager
async def shown(
    diffs: dict[str, str], command: str = "/diff", size: tuple[int, int] = (120, 40)
) -> AsyncGenerator[Driver, None]:
    async with running(FakeSession(diffs=diffs), size=size) as driver:
        await driver.ready()
        await driver.send(command)
        await driver.until(lambda: isinstance(driver.app.screen, DiffScreen))
        await driver.until(lambda: "Reading" not in head(driver))
        await driver.pilot.pause()
        yield driver


def head(driver: Driver) -> str:
    return str(driver.app.screen.query_one("#head", Static).content)


def text(driver: Driver) -> str:
    view = driver.app.screen.query_one(RowsView)
    return "\n".join(view.render_line(y).text.rstrip() for y in range(view.size.height))


def test_a_diff_is_taken_apart_by_file_whatever_its_lines_look_like() -> None:
    files = by_file(MORE)
    assert [(one.name, one.added, one.removed) for one in files] == [
        ("src/checkout.py", 3, 1),
        ("tests/test_checkout.py", 2, 1),
        ("old.txt", 0, 1),
        ("logo.png: binary, 3 → 9 bytes", 0, 0),
    ]


async def test_files_are_gone_through_and_columns_changed() -> None:
    async with shown({"turn": MORE}) as driver:
        assert "src/checkout.py   1 of 4 files, the last turn   +5 −3" in head(driver)
        assert "return max(Decimal(0), result)" in text(driver)
        await driver.pilot.press("n")
        await driver.until(lambda: "tests/test_checkout.py" in head(driver))
        assert "+++ new" in text(driver)
        before = text(driver)
        await driver.pilot.press("s")
        await driver.until(lambda: text(driver) != before)
        await driver.pilot.press("p", "p")
        await driver.until(lambda: "logo.png: binary" in text(driver))
        await driver.pilot.click(OptionList, offset=(3, 2))
        await driver.until(lambda: "old.txt" in head(driver))
        await driver.pilot.press("escape")
        assert len(driver.app.screen_stack) == 1


async def test_turn_and_session_are_changed_in_place() -> None:
    async with shown({"session": DIFF}) as driver:
        assert "No file was changed in the last turn." in text(driver)
        await driver.pilot.press("t")
        await driver.until(lambda: "this session" in head(driver))
        assert "discount(code, result)" in text(driver)
    async with shown({"session": DIFF}, "/diff session") as driver:
        assert "this session" in head(driver)


async def test_records_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_self: FakeSession, _scope: str) -> str:
        raise UndoError("the records are damaged [/x]", hint="they are left as they are")

    monkeypatch.setattr(FakeSession, "diff", refuse)
    async with shown({}) as driver:
        assert "the records are damaged [/x]" in head(driver)


async def test_a_very_large_change_is_cut_and_scrolls() -> None:
    large = "--- a/a\n+++ b/a\n@@ -0,0 +1,20000 @@\n" + "+line\n" * 20_000
    async with shown({"turn": large}, size=(60, 15)) as driver:
        view = driver.app.screen.query_one(RowsView)
        assert view.virtual_size.height == 5_000
        await driver.pilot.press("end")
        await driver.until(lambda: "15,002 more lines" in text(driver))


@pytest.mark.parametrize("hostile", [*MARKUP, *OWN, *corpus()], ids=ascii)
async def test_hostile_changes_are_only_text(hostile: str) -> None:
    diff = f"--- a/{hostile}\n+++ b/{hostile}\n@@ -1 +1 @@ {hostile}\n-{hostile}\n+{hostile}\n"
    async with shown({"turn": diff * 2}) as driver:
        assert UNSAFE.search(visible(driver).replace("\n", "")) is None
        assert driver.app.is_running


@THEMES
@SIZES
def test_picture_of_changes(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put("/diff")
        chat_of(pilot).prompt.submit()
        await until(pilot, lambda: isinstance(pilot.app.screen, DiffScreen))
        await until(pilot, lambda: pilot.app.screen.query_one(OptionList).option_count)

    app = ralex(FakeSession(diffs={"turn": MORE}), theme=theme)
    assert snap_compare(app, terminal_size=size, run_before=opened)
