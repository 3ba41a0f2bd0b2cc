"""Real repositories, real shell commands, and a log that plays turns over them."""

import asyncio
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from ralex.undo.log import UndoLimits, UndoLog

ENVIRON = {"PATH": "/usr/bin:/bin"}
PATIENT = UndoLimits(first_s=30, later_s=30)


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


class Desk:
    """Plays what a session does: edits of files and shell commands, turn by turn."""

    def __init__(
        self,
        home: Path,
        project: Path,
        *,
        session: str = "s1",
        limits: UndoLimits = PATIENT,
        environ: dict[str, str] | None = None,
    ) -> None:
        self.project = project
        self.home = home
        self.log = UndoLog(
            folder=home / "snapshots",
            cwd=project,
            session_id=session,
            environ=ENVIRON if environ is None else environ,
            left_out=home,
            limits=limits,
        )
        self._turn = 0

    async def edit(self, name: str, content: str | bytes) -> tuple[str, ...]:
        """Change a file as edit and write do."""
        path = self.project / name
        await self.log.before_change(self.turn, [path])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return await self.log.after_change([path])

    async def shell(self, command: str) -> tuple[str, ...]:
        """Change files as a command does."""
        await self.log.before_change(self.turn)
        process = await asyncio.create_subprocess_exec("/bin/bash", "-c", command, cwd=self.project)
        assert await process.wait() == 0
        return await self.log.after_change()

    @property
    def turn(self) -> str:
        return f"t{self._turn}"

    async def end(self) -> tuple[str, ...]:
        """End the turn; the next call belongs to the next."""
        changed = await self.log.after_turn(self.turn)
        self._turn += 1
        return changed or ()

    async def play(self, command: str) -> tuple[str, ...]:
        """Play a turn of one command."""
        await self.shell(command)
        return await self.end()

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Tell everything in the project but git's own folder: kind, execution, content."""
        found: dict[str, tuple[int, bytes]] = {}
        for path in sorted(self.project.rglob("*")):
            name = str(path.relative_to(self.project))
            if ".git" in path.parts or (path.is_dir() and not path.is_symlink()):
                continue
            if path.is_symlink():
                found[name] = (-1, str(path.readlink()).encode())
            else:
                found[name] = (path.stat().st_mode & 0o100, path.read_bytes())
        return found


Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def open_desk(tmp_path: Path) -> Open:
    """Open a desk over ``tmp_path/project``, as a new process would."""

    @asynccontextmanager
    async def opened(
        *,
        session: str = "s1",
        limits: UndoLimits = PATIENT,
        environ: dict[str, str] | None = None,
        inside: str = "",
    ) -> AsyncGenerator[Desk]:
        desk = Desk(
            tmp_path / "ralex",
            tmp_path / "project" / inside,
            session=session,
            limits=limits,
            environ=environ,
        )
        try:
            yield desk
        finally:
            await desk.log.aclose()

    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder that no repository knows."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "a.txt").write_text("alpha\n")
    (project / "src" / "b.py").write_text("b = 1\n")
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "run.sh").chmod(0o755)
    (project / "link").symlink_to("a.txt")
    (project / "data.bin").write_bytes(bytes(range(256)) * 20)
    return project


@pytest.fixture
def repository(folder: Path) -> Path:
    """Make a repository with a commit, an ignored file and an untracked one."""
    git(folder, "init", "-q", "-b", "main")
    (folder / ".gitignore").write_text("*.log\nbuild/\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    (folder / "new.txt").write_text("untracked\n")
    (folder / "debug.log").write_text("ignored\n")
    return folder
