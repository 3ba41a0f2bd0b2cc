"""The project's files for ``@``: what git knows where there is git, else what lies there."""

import os
import subprocess
from pathlib import Path
from typing import Final

_MOST: Final = 100_000
_GIT_TIMEOUT_S: Final = 5
_LEFT_OUT: Final = frozenset({".git", "node_modules", ".venv", "__pycache__", ".mypy_cache"})


def project_files(root: Path) -> list[str]:
    """List paths relative to a folder, at most 100,000; meant for a thread, as it may take long."""
    listed = _from_git(root)
    return _walked(root) if listed is None else listed


def _from_git(root: Path) -> list[str] | None:
    command = [
        "git",
        "-C",
        str(root),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    names = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted(name for name in names if name)[:_MOST]


def _walked(root: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        base = Path(folder).relative_to(root)
        found += [str(base / name) for name in sorted(names)]
        if len(found) >= _MOST:
            break
    return found[:_MOST]
