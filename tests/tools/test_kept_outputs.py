"""Kept outputs: how much of them stays, and that nobody's open session loses any."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ralex.core.ids import SessionId
from ralex.tools import kept_outputs
from ralex.tools.job_output import JobOutput
from ralex.tools.jobs import jobs_in
from ralex.tools.kept_outputs import OpenOutputs, forget, make_room, sweep
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


def test_age_alone_removes_nothing(root: Path) -> None:
    keep(root, "one", "bash-1.txt", days=4000)
    sweep(root)
    assert left(root) == {"one/bash-1.txt"}


def test_the_oldest_go_when_all_are_too_large_together(root: Path) -> None:
    for day in range(6):
        keep(root, f"s{day}", "bash-1.txt", days=day, size=120 * 1024 * 1024)
    sweep(root)
    assert left(root) == {f"s{day}/bash-1.txt" for day in range(4)}


async def test_an_open_session_loses_nothing(root: Path) -> None:
    keep(root, "open", "bash-1.txt", days=100, size=400 * 1024 * 1024)
    keep(root, "closed", "bash-1.txt", days=1, size=200 * 1024 * 1024)
    keep(root, "closed", "bash-2.txt", days=0, size=20)
    outputs = OpenOutputs(root, "open")
    sweep(root)
    assert left(root) == {"open/bash-1.txt", "closed/bash-2.txt"}
    keep(root, "closed", "bash-3.txt", days=0, size=200 * 1024 * 1024)
    await outputs.aclose()
    assert left(root) == {"closed/bash-2.txt", "closed/bash-3.txt"}


HOLDER = """
import sys, time
from collections.abc import Awaitable, Callable
from pathlib import Path
from ralex.tools.kept_outputs import OpenOutputs
held = OpenOutputs(Path(sys.argv[1]), "other")
print("open", flush=True)
sys.stdin.read()
"""


LARGE = 510 * 1024 * 1024


def test_a_session_of_another_process_loses_nothing_until_that_is_killed(root: Path) -> None:
    keep(root, "other", "bash-1.txt", size=LARGE)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        sweep(root)
        assert left(root) == {"other/bash-1.txt"}
        other.kill()
        other.wait()
        sweep(root)
        assert left(root) == set()


async def test_two_that_have_one_session_open_hold_it_both(root: Path) -> None:
    first, second = OpenOutputs(root, "one"), OpenOutputs(root, "one")
    keep(root, "one", "bash-1.txt", size=LARGE)
    await first.aclose()
    assert left(root) == {"one/bash-1.txt"}
    await second.aclose()
    assert left(root) == set()


def test_a_deleted_session_takes_its_outputs_with_it(root: Path) -> None:
    keep(root, "one", "bash-1.txt")
    keep(root, "two", "bash-1.txt")
    forget(root, "one")
    forget(root, "three")
    assert left(root) == {"two/bash-1.txt"}
    assert not (root / "one").exists()


async def test_a_session_without_outputs_leaves_no_folder(root: Path) -> None:
    outputs = OpenOutputs(root, "one")
    sweep(root)
    assert (root / "one").is_dir()
    await outputs.aclose()
    assert not (root / "one").exists()


async def test_sessions_hold_their_outputs_and_sweep_when_they_close(tmp_path: Path) -> None:
    root = tmp_path / "tool-output"
    old, own = (keep(root, name, "a.txt", days=9, size=LARGE) for name in ("old", "own"))
    closing: list[Callable[[], Awaitable[None]]] = []
    jobs_in(tmp_path, closing.append)(SessionId("own"))
    sweep(root)
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
    keep(root, "one", "a.txt", size=LARGE)
    (root / "one" / "to").symlink_to(target / "a.txt")
    os.utime(root / "one" / "to", (0, 0), follow_symlinks=False)
    (root / "one" / "folder").mkdir()
    (root / "plain.txt").write_text("x")
    sweep(root)
    assert (target / "a.txt").exists()
    assert (root / "one" / "to").is_symlink()
    assert (root / "one" / "folder").is_dir()
    assert (root / "plain.txt").exists()
    assert not (root / "one" / "a.txt").exists()


def test_no_folder_at_all_is_no_trouble(root: Path) -> None:
    sweep(root)
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
