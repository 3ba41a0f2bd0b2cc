"""What is not sent outlives a process that is killed, and nothing of it outlives one that left."""

import json
import stat
import subprocess
import sys
from pathlib import Path

from ralex.tui.unsent import LONGEST, Unsent, UnsentFile
from tests.conftest import ROOT
from tests.tui.fake_session import FakeSession, plain_turn
from tests.tui.helpers import running

PROJECT = FakeSession().project
KILLED = """
import os, signal, sys
from pathlib import Path
from ralex.tui.unsent import Unsent, UnsentFile
file = UnsentFile(Path(sys.argv[1]), sys.argv[2])
file.keep(Unsent(session="s9", title="Old [work]", draft="half a tho", waiting=("first",)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), PROJECT], cwd=ROOT / "app", check=False
    )
    assert done.returncode < 0


def files(home: Path) -> list[Path]:
    return sorted((home / "unsent").glob("*.json"))


def test_a_file_that_is_held_is_nobody_elses_and_its_owners_only(tmp_path: Path) -> None:
    mine, other = UnsentFile(tmp_path, PROJECT), UnsentFile(tmp_path, PROJECT)
    mine.keep(Unsent(draft="a longer text"))
    mine.keep(Unsent(draft="short"))
    assert other.take() == mine.take() == []
    (path,) = files(tmp_path)
    assert json.loads(path.read_text())["draft"] == "short"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert UnsentFile(tmp_path, "/elsewhere").take() == []
    mine.leave()
    assert [left.draft for left in other.take()] == ["short"]
    assert files(tmp_path) == []


def test_what_cannot_be_read_or_is_very_long_is_left_out(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"waiting": 7}'):
        file = UnsentFile(tmp_path, PROJECT)
        file.keep(Unsent(draft="x"))
        files(tmp_path)[0].write_text(text)
        file.leave()
        assert UnsentFile(tmp_path, PROJECT).take() == []
    file = UnsentFile(tmp_path, PROJECT)
    file.keep(Unsent(session="s1", draft="x" * (LONGEST + 1)))
    file.leave()
    assert UnsentFile(tmp_path, PROJECT).take() == [Unsent(session="s1")]


async def test_after_a_kill_the_words_are_back_and_the_session_is_named(tmp_path: Path) -> None:
    killed(tmp_path)
    async with running(home=tmp_path, size=(100, 24)) as driver:
        await driver.until(lambda: driver.chat.prompt.text)
        assert driver.chat.prompt.text == "first\nhalf a tho"
        told = "/resume s9 goes on with: Old [work]"
        await driver.until(
            lambda: any(told in item.source for item in driver.chat.transcript.items)
        )
        assert driver.session.prompts == []


async def test_what_was_typed_meanwhile_stays(tmp_path: Path) -> None:
    killed(tmp_path)
    async with running(home=tmp_path) as driver:
        driver.chat.prompt.put("and this")
        await driver.until(lambda: "half" in driver.chat.prompt.text)
        assert driver.chat.prompt.text == "first\nhalf a tho\nand this"


async def test_what_is_written_is_kept_and_forgotten_when_the_user_leaves(tmp_path: Path) -> None:
    async with running(FakeSession(scripts=[plain_turn("x", "y")]), home=tmp_path) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.type("draft")
        whole = '"draft": "draft"'
        await driver.until(lambda: files(tmp_path) and whole in files(tmp_path)[0].read_text())
        kept = json.loads(files(tmp_path)[0].read_text())
        assert (kept["draft"], kept["session"]) == ("draft", driver.session.id)
        await driver.chat.action_leave()
    assert files(tmp_path) == []


async def test_a_lost_terminal_leaves_the_words_to_the_next_start(tmp_path: Path) -> None:
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await driver.type("draft")
        driver.app._end(129)
        await driver.until(lambda: driver.app.return_code == 129)
    async with running(home=tmp_path) as driver:
        await driver.until(lambda: driver.chat.prompt.text == "draft")


async def test_who_closes_a_terminal_with_nothing_written_is_not_reminded(tmp_path: Path) -> None:
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.until(lambda: files(tmp_path))
        driver.app._end(129)
        await driver.until(lambda: driver.app.return_code == 129)
    assert files(tmp_path) == []


async def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "unsent").write_text("not a folder")
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await driver.type("draft")
        notes = driver.app._notifications
        await driver.until(lambda: any("not kept" in each.message for each in notes))
