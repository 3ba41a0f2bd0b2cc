"""Search with ripgrep: how it is called, and how what it prints is read."""

import contextlib
import os
import re
from pathlib import Path

from ralex.core.patterns import lazy_pattern
from ralex.tools import grep_search
from ralex.tools.grep_query import Match, Query
from ralex.tools.walk import ALWAYS_SKIPPED

_SUFFIX = lazy_pattern(r"\*\.\w+")
_PARSE_ERROR = re.compile(rb"regex parse error|look-around|backreferences|not supported")
_DENIED = re.compile(rb"(?:rg: )?(.+): Permission denied \(os error \d+\)")
_RECORD = re.compile(rb"(\d+):(\d+):(\d+):(.*)", re.DOTALL)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotUnderstoodError(Exception):
    """Ripgrep refuses a pattern that may be a regular expression all the same."""


def command_for(ripgrep: str, query: Query) -> list[str]:
    """Give the command line of a search."""
    # --no-config: a file of the user's own could run other programs (--pre).
    command = [ripgrep, "--no-config", "--null", "--no-heading", "--with-filename"]
    command += ["--line-number", "--column", "--byte-offset", "--color=never", "--hidden"]
    command += ["--no-require-git", "--crlf"]
    # The user's own ignore files and those of other tools are not what git ignores here.
    command += ["--no-ignore-global", "--no-ignore-dot"]
    if query.is_ignored:
        command.append("--no-ignore-parent")
    command += [f"--glob=!{name}" for name in sorted(ALWAYS_SKIPPED)]
    command += [f"--max-columns={grep_search.MAX_COLUMNS}", "--max-columns-preview"]
    if not query.is_file:
        command.append(f"--max-filesize={grep_search.MAX_FILE_BYTES}")
    if query.ignores_case:
        command.append("--ignore-case")
    if _SUFFIX.fullmatch(query.include_text):
        # A glob of its own would bring back what git ignores; a type does not.
        command += [f"--type-add=wanted:{query.include_text}", "--type=wanted"]
    return [*command, "--regexp", query.pattern, "--", str(query.folder)]


class Reader:
    """Makes matches of ripgrep's lines; one after the other, because a name may hold line feeds."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._root = os.fsencode(query.folder)
        self._begun: list[bytes] = []

    def take(self, record: bytes) -> Match | None:
        """Read one line.

        Raises:
            NotUnderstoodError: It says that the pattern is none for ripgrep.
        """
        path, separator, rest = record.partition(b"\0")
        if not separator:
            return self._without_name(record)
        if not path.startswith(self._root):
            path = b"\n".join([*self._begun, path])
        self._begun.clear()
        found = _RECORD.fullmatch(rest)
        name = os.fsdecode(path)
        if found is None or not self._query.wants(name):
            return None
        line = found[4]
        if len(line) > grep_search.MAX_COLUMNS:
            line = _around(name, int(found[3]), int(found[2])) or line
        return Match(
            path=name, number=int(found[1]), line=line.decode("utf-8", "replace").rstrip("\r")
        )

    def _without_name(self, record: bytes) -> Match | None:
        if (denied := _DENIED.fullmatch(record)) is not None:
            return Match(path=os.fsdecode(denied[1]), number=0, line="")
        if record.startswith(self._root):
            self._begun = [record]
        elif self._begun:
            self._begun.append(record)
        elif _PARSE_ERROR.search(record):
            raise NotUnderstoodError
        return None


def _around(name: str, line_at: int, column: int) -> bytes:
    """Give the part of a long line where its match is; ripgrep shows the beginning only."""
    start = max(line_at, line_at + column - 1 - grep_search.MAX_COLUMNS // 4)
    with contextlib.suppress(OSError), Path(name).open("rb") as file:
        if file.read(2) in _WIDE_MARKS:
            return b""  # what ripgrep counted are not the bytes of the file
        file.seek(start)
        data = file.read(grep_search.MAX_COLUMNS + 1)
        piece, ending, _ = data[: grep_search.MAX_COLUMNS].partition(b"\n")
        head = "…".encode() if start > line_at else b""
        goes_on = not ending and len(data) > grep_search.MAX_COLUMNS
        return head + piece + ("…".encode() if goes_on else b"")
    return b""
