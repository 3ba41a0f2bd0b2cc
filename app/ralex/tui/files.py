"""The project's files for ``@``: what git knows where there is git, else what lies there."""

import os
import re
import subprocess
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

_MOST: Final = 100_000
_MOST_RANKED: Final = 2_000
"""Of the paths that hold a query; what is typed next makes them fewer."""
_GIT_TIMEOUT_S: Final = 5
_LEFT_OUT: Final = frozenset({".git", "node_modules", ".venv", "__pycache__", ".mypy_cache"})


class FileIndex:
    """Paths that can be searched while someone types, a hundred thousand of them as well.

    All paths are one string, so that a search is a few passes in C and not a loop over paths.

    Args:
        paths: Relative to the project, in the order in which they are listed.
    """

    def __init__(self, paths: Sequence[str] = ()) -> None:
        self.paths = tuple(paths)
        self._nothing = ""
        folded = [_folded(path) for path in self.paths]
        self._text = "\n".join(folded)
        self._starts = list(accumulate((len(path) + 1 for path in folded), initial=0))[:-1]

    def search(self, query: str, *, most: int = 50) -> list[str]:
        """Give the paths that hold the query, names before folders, then those with its letters."""
        wanted = _folded(query)
        if not wanted:
            return list(self.paths[:most])
        if self._nothing and wanted.startswith(self._nothing):
            return []
        close = self._holding(wanted)
        found = sorted(close, key=lambda at: self._rank(at, wanted))[:most]
        if len(found) < most and len(wanted) > 1:
            found += self._in_order(wanted, most - len(found), set(close))
        self._nothing = "" if found else wanted
        return [self.paths[at] for at in found]

    def _holding(self, wanted: str) -> list[int]:
        """Find paths by a part of them, of very many the first."""
        found: list[int] = []
        text, at = self._text, self._text.find(wanted)
        while at >= 0 and len(found) < _MOST_RANKED:
            line = bisect_right(self._starts, at) - 1
            found.append(line)
            end = self._starts[line + 1] if line + 1 < len(self._starts) else len(text)
            at = text.find(wanted, end)
        return found

    def _rank(self, line: int, wanted: str) -> tuple[int, int, int]:
        """Sort a name that begins with the query first, then one that holds it, then folders."""
        start = self._starts[line]
        end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self._text)
        name = self._text.rfind("/", start, end) + 1 or start
        at = self._text.find(wanted, name, end)
        return (0 if at == name else 1 if at >= 0 else 2, end - start, line)

    def _in_order(self, wanted: str, most: int, known: Collection[int]) -> list[int]:
        """Find paths by letters in order; each letter is sought once in a line, never again."""
        letters = (f"[^{re.escape(letter)}\n]*+{re.escape(letter)}" for letter in wanted)
        pattern = re.compile(f"^{''.join(letters)}", re.MULTILINE)
        found: list[int] = []
        for match in pattern.finditer(self._text):
            line = bisect_right(self._starts, match.start()) - 1
            if line not in known:
                found.append(line)
                if len(found) == most:
                    break
        return found


def _folded(text: str) -> str:
    return text.lower().replace("\n", " ")


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
