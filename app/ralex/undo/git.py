"""Run git with an environment of our own, bounded in time, without any of the user's settings."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from ralex.core.records import dataclass

_NEVER_RUN_ANYTHING = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")
_STDERR_SHOWN = 300


class GitFailedError(Exception):
    """Git is missing, ended with an error, or took too long; undo goes on without it."""


class GitTimeoutError(GitFailedError):
    """Git took longer than it may."""


def find_git(environ: Mapping[str, str], cwd: Path) -> str:
    """Find git; empty if there is none.

    Relative entries of PATH and those inside the project are passed over: a project must not choose
    which program runs here.
    """
    for entry in environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(entry)
        if not folder.is_absolute() or folder.is_relative_to(cwd):
            continue
        program = folder / "git"
        if program.is_file() and os.access(program, os.X_OK):
            return str(program)
    return ""


@dataclass(frozen=True, slots=True)
class Running:
    """A git process that writes to a file, so that no pipe can fill up.

    Attributes:
        deadline: On the monotonic clock, in seconds.
    """

    process: "subprocess.Popen[bytes]"
    output: IO[bytes]
    errors: IO[bytes]
    deadline: float

    def result(self, *, accepts: Sequence[int] = (0,)) -> bytes:
        """Wait for the end and give what was printed.

        Raises:
            GitFailedError: If it took too long or failed.
        """
        with self.output, self.errors:
            try:
                code = self.process.wait(max(0.0, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise GitTimeoutError("git took too long") from error
            finally:
                self._end()
            if code not in accepts:
                self.errors.seek(0)
                said = self.errors.read(_STDERR_SHOWN).decode("utf-8", "replace").strip()
                raise GitFailedError(f"git ended with {code}: {said}")
            self.output.seek(0)
            return self.output.read()

    def discard(self) -> None:
        """End the process and let go of what it printed."""
        with self.output, self.errors:
            self._end()

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """A git program with the environment it is to run in.

    Attributes:
        folder: Where it runs.
    """

    program: str
    environment: Mapping[str, str]
    folder: Path

    def start(self, arguments: Sequence[str], *, deadline: float, given: bytes = b"") -> Running:
        """Start git.

        Args:
            deadline: On the monotonic clock, in seconds.
            given: Its standard input.

        Raises:
            GitFailedError: If it cannot be started.
        """
        output, errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - Running closes them
        try:
            with tempfile.TemporaryFile() as source:
                source.write(given)
                source.seek(0)
                process = subprocess.Popen(  # noqa: S603 - a list, no shell, a program we found
                    [self.program, *_NEVER_RUN_ANYTHING, *arguments],
                    cwd=self.folder,
                    env=dict(self.environment),
                    stdin=source,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                )
        except OSError as error:
            output.close()
            errors.close()
            raise GitFailedError(f"git could not be started: {error}") from error
        return Running(process, output, errors, deadline)

    def run(
        self,
        *arguments: str,
        deadline: float,
        given: bytes = b"",
        accepts: Sequence[int] = (0,),
    ) -> bytes:
        """Run git to its end and give what it printed.

        Raises:
            GitFailedError: If it fails, or has not ended at the deadline.
        """
        return self.start(arguments, deadline=deadline, given=given).result(accepts=accepts)


def user_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment to look at the user's repository: their settings, nothing written."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_")}
    return kept | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def shadow_environment(
    environ: Mapping[str, str], *, repository: Path, worktree: Path, index: Path
) -> dict[str, str]:
    """Give the environment of the shadow repository: no settings but its own."""
    return {
        "PATH": environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": str(repository),  # keeps ~/.config/git/attributes out
        "GIT_DIR": str(repository),
        "GIT_WORK_TREE": str(worktree),
        "GIT_INDEX_FILE": str(index),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "ralex",
        "GIT_AUTHOR_EMAIL": "ralex@localhost",
        "GIT_COMMITTER_NAME": "ralex",
        "GIT_COMMITTER_EMAIL": "ralex@localhost",
    }
