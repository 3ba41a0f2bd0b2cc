"""Run the installed command as a user would: a process of its own, an empty home, a real server."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PRICED = """
router = "test"
[models."openai/scripted"]
price = { input = 1.00, output = 2.00 }
context_window = 128000
[routers.test]
tiers = { SIMPLE = ["openai/scripted"] }
"""


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str

    @property
    def result(self) -> dict[str, object]:
        """The last JSON object on stdout."""
        value: dict[str, object] = json.loads(self.stdout.strip().splitlines()[-1])
        return value

    def result_of_all(self) -> dict[str, object]:
        """All of stdout as one JSON object."""
        value: dict[str, object] = json.loads(self.stdout)
        return value


class Ralex:
    """The installed command in a home and a project of its own."""

    def __init__(self, home: Path, project: Path) -> None:
        self.home = home
        self.project = project

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "RALEX_HOME": str(self.home / "ralex"),
            "LANG": "C.UTF-8",
            **extra,
        }

    def configure(self, text: str) -> None:
        folder = self.home / "ralex"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / "config.toml").write_text(text, encoding="utf-8")

    def __call__(self, *args: str, stdin: str | None = None, **extra: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "ralex", *args],
            cwd=self.project,
            env=self.environment(extra),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def only_session(self) -> str:
        """The id of the one session there is."""
        (session,) = json.loads(self("sessions", "list", "--json").stdout)
        return str(session["id"])

    def popen(self, *args: str, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "ralex", *args],
            cwd=self.project,
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
