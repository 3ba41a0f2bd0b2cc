"""Figures of undo: how long a shell command waits for it in a large repository, and what it keeps.

python tests/bench/bench_undo.py [FILES] [FOLDER]
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from ralex.undo.log import UndoLog

FOLDERS = 200
CHANGED = 200
T = TypeVar("T")


def fill(project: Path, files: int) -> None:
    """Make a committed repository of small files."""
    for number in range(files):
        folder = project / f"package{number % FOLDERS:03}"
        if number < FOLDERS:
            folder.mkdir(parents=True)
        text = "".join(f"value_{line} = {number * line}\n" for line in range(50))
        (folder / f"module{number:05}.py").write_text(text)
    settings = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *settings, *arguments], cwd=project, check=True)
    subprocess.run(["git", "repack", "-q", "-a", "-d"], cwd=project, check=True)


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


async def timed(what: str, work: Awaitable[T], hold: str) -> T:
    started = time.perf_counter()
    result = await work
    print(f"{what:52} {(time.perf_counter() - started) * 1000:8.0f} ms   (hold: {hold})")
    return result


async def bench(base: Path) -> None:
    project, home = base / "project", base / "home"
    log = UndoLog(
        folder=home / "snapshots", cwd=project, session_id="bench", environ=os.environ,
        left_out=home,
    )  # fmt: skip
    names = sorted(project.rglob("*.py"))[:CHANGED]

    await timed("first look, before the first command", log.before_change("1"), "1,000 ms")
    await timed("look after a command that changed nothing", log.after_change(), "500 ms")
    await log.after_turn("1")
    print(f"{'kept on disk':52} {size_mb(home):8.1f} MB   (hold: 10 MB)")
    await timed("look before a later command", log.before_change("2"), "500 ms")
    for path in names[: CHANGED // 2]:
        path.unlink()
    for path in names[CHANGED // 2 :]:
        path.write_text("changed\n")
    changed = await timed(f"look after {CHANGED} changes", log.after_change(), "500 ms")
    assert len(changed) == CHANGED
    await timed("end of the turn", log.after_turn("2"), "-")
    print(f"{'kept on disk':52} {size_mb(home):8.1f} MB   (hold: 10 MB)")
    report = await timed(f"undo of {CHANGED} changes", log.undo(), "1,000 ms")
    assert len(report.restored) == CHANGED
    await timed("redo", log.redo(), "1,000 ms")
    await timed("an edit: before", log.before_change("3", [names[-1]]), "-")
    names[-1].write_text("edited\n")
    await timed("an edit: after", log.after_change([names[-1]]), "-")
    await log.after_turn("3")
    await timed("close", log.aclose(), "-")
    print("notices:", log.take_notices() or "none")
    again = UndoLog(
        folder=home / "snapshots", cwd=project, session_id="later", environ=os.environ,
        left_out=home,
    )  # fmt: skip
    await timed("first look of a later session", again.before_change("1"), "1,000 ms")
    await again.aclose()
    print("notices:", again.take_notices() or "none")


def main() -> None:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    base = Path(tempfile.mkdtemp(prefix="ralex-bench-", dir=sys.argv[2] if sys.argv[2:] else None))
    try:
        fill(base / "project", files)
        print(f"{files:,} files")
        asyncio.run(bench(base))
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
