"""Kept outputs: how long they stay, and that nobody's open session loses any."""

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ralex.core.ids import SessionId
from ralex.tools import kept_outputs
from ralex.tools.job_output import JobOutput
from ralex.tools.jobs import jobs_in
from ralex.tools.kept_outputs import MAX_AGE_S, OpenOutputs, make_room, sweep
from ralex.tools.output import OutputBuffer

NOW_S = 1_700_000_000.0
DAY_S = 86_400


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "tool-output"


def keep(root: Path, session: str, name: str, *, days: float = 0, size: int = 10) -> Path:
    """Write an output of a session; it takes no room on the disk, however large."""
    path = root / session / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    changed_s = NOW_S - days * DAY_S
    os.utime(path, (changed_s, changed_s))
    return path


def left(root: Path) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in root.glob("*/*") if path.name != ".open"}


def test_outputs_stay_for_a_week(root: Path) -> None:
    keep(root, "one", "bash-1.txt", days=6.9)
    keep(root, "one", "bash-2.txt", days=7.1)
    keep(root, "two", "web-1.txt", days=30)
    sweep(root, NOW_S)
    assert left(root) == {"one/bash-1.txt"}
    assert not (root / "two").exists()
    assert MAX_AGE_S == 7 * DAY_S


def test_the_oldest_go_when_all_are_too_large_together(root: Path) -> None:
    for day in range(6):
        keep(root, f"s{day}", "bash-1.txt", days=day, size=120 * 1024 * 1024)
    sweep(root, NOW_S)
    assert left(root) == {f"s{day}/bash-1.txt" for day in range(4)}


async def test_an_open_session_loses_nothing(root: Path) -> None:
    keep(root, "open", "bash-1.txt", days=100, size=400 * 1024 * 1024)
    keep(root, "closed", "bash-1.txt", days=1, size=200 * 1024 * 1024)
    keep(root, "closed", "bash-2.txt", days=0, size=20)
    outputs = OpenOutputs(root, "open")
    sweep(root, NOW_S)
    assert left(root) == {"open/bash-1.txt", "closed/bash-2.txt"}
    await outputs.aclose()
    assert "open/bash-1.txt" not in left(root)


HOLDER = """
import sys, time
from collections.abc import Awaitable, Callable
from pathlib import Path
from ralex.tools.kept_outputs import OpenOutputs
held = OpenOutputs(Path(sys.argv[1]), "other")
print("open", flush=True)
sys.stdin.read()
"""


def test_a_session_of_another_process_loses_nothing_until_that_is_killed(root: Path) -> None:
    keep(root, "other", "bash-1.txt", days=100)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        sweep(root, NOW_S)
        assert left(root) == {"other/bash-1.txt"}
        other.kill()
        other.wait()
        sweep(root, NOW_S)
        assert left(root) == set()


async def test_two_that_have_one_session_open_hold_it_both(root: Path) -> None:
    first, second = OpenOutputs(root, "one"), OpenOutputs(root, "one")
    keep(root, "one", "bash-1.txt", days=100)
    await first.aclose()
    assert left(root) == {"one/bash-1.txt"}
    await second.aclose()
    assert left(root) == set()


async def test_a_session_without_outputs_leaves_no_folder(root: Path) -> None:
    outputs = OpenOutputs(root, "one")
    sweep(root, NOW_S)
    assert (root / "one").is_dir()
    await outputs.aclose()
    assert not (root / "one").exists()


async def test_sessions_hold_their_outputs_and_sweep_when_they_close(tmp_path: Path) -> None:
    root = tmp_path / "tool-output"
    old, own = keep(root, "old", "a.txt", days=1e4), keep(root, "own", "b.txt", days=1e4)
    closing: list[Callable[[], Awaitable[None]]] = []
    jobs_in(tmp_path, closing.append)(SessionId("own"))
    sweep(root, time.time())
    assert own.exists()
    assert not old.exists()
    for close in reversed(closing):
        await close()
    assert not own.exists()


def test_links_folders_and_other_peoples_files_stay(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    keep(tmp_path, "mine", "a.txt", days=100)
    root.mkdir()
    (root / "link").symlink_to(target)
    keep(root, "one", "a.txt", days=100)
    (root / "one" / "to").symlink_to(target / "a.txt")
    os.utime(root / "one" / "to", (0, 0), follow_symlinks=False)
    (root / "one" / "folder").mkdir()
    (root / "plain.txt").write_text("x")
    sweep(root, NOW_S)
    assert (target / "a.txt").exists()
    assert (root / "one" / "to").is_symlink()
    assert (root / "one" / "folder").is_dir()
    assert (root / "plain.txt").exists()
    assert not (root / "one" / "a.txt").exists()


def test_no_folder_at_all_is_no_trouble(root: Path) -> None:
    sweep(root, NOW_S)
    make_room(root / "one")
    assert not root.exists()


@pytest.mark.parametrize("kind", ["command", "job"])
def test_a_session_that_goes_on_drops_its_own_oldest(
    root: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_outputs, "MAX_SESSION_BYTES", 100_000)
    for day in range(4):
        keep(root, "one", f"bash-{day}.txt", days=day, size=40_000)
    path = root / "one" / "new.txt"
    if kind == "job":
        JobOutput(path).close()
    else:
        output = OutputBuffer(path)
        output.add(b"x" * 50_000)
        output.close()
    assert left(root) == {"one/bash-0.txt", "one/bash-1.txt", "one/new.txt"}
