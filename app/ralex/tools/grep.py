"""Search file contents, with ripgrep where it is installed and an own search elsewhere."""

import asyncio
import contextlib
import json
import math
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from ralex.core.messages import ToolSpec
from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools import grep_search
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.globs import compile_glob
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import display, kind_of, resolve_readable, suggest
from ralex.tools.titles import title_from
from ralex.tools.walk import ALWAYS_SKIPPED, WalkLimits, walk_files

MAX_RESULTS = 200
DEFAULT_RESULTS = 100
MAX_SECONDS = 10.0
_MAX_RECORD_BYTES = 1024 * 1024
_SUFFIX = re.compile(r"\*\.\w+")
_PARSE_ERROR = re.compile(rb"regex parse error|look-around|backreferences|not supported")

_PARAMS = Params(
    Param(
        name="pattern",
        required=True,
        aliases=("regex", "query", "search", "text"),
        description="regular expression",
    ),
    Param(name="path", kind="path", aliases=PATH_ALIASES),
    Param(
        name="include",
        aliases=("glob", "file_pattern", "include_pattern", "filter"),
        description="glob such as *.py",
    ),
    Param(
        name="ignore_case",
        kind="boolean",
        aliases=("case_insensitive", "i", "-i", "insensitive"),
    ),
    Param(name="max_results", kind="integer", aliases=("limit", "head_limit", "max_count")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    pattern: str
    folder: Path
    include: re.Pattern[str] | None
    include_text: str
    ignores_case: bool
    limit: int

    def wants(self, path: str) -> bool:
        """Tell whether a file is one of those asked for; a file named itself always is."""
        if self.include is None or path == str(self.folder):
            return True
        start = len(str(self.folder).rstrip("/")) + 1
        return self.include.fullmatch(path[start:]) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    path: str
    number: int
    line: str


class _NotUnderstoodError(Exception):
    """Ripgrep refuses a pattern that may be a regular expression all the same."""


class GrepTool:
    """Searches file contents."""

    def __init__(self, *, ripgrep: str | None = None) -> None:
        """Choose the searcher.

        Args:
            ripgrep: Path of the program; found on PATH if left out, and not used if empty.
        """
        self._ripgrep = ripgrep

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="grep",
            description="Search file contents; gives path:line: text.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Looking changes nothing."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Give the pattern."""
        return title_from(arguments, ("pattern", "regex", "query"), "grep")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """List matching lines.

        Raises:
            ToolError: If the pattern is none, or the folder may not be read.
        """
        values = _PARAMS.coerce(arguments)
        raw = values.text("path", ".")
        folder = resolve_readable(raw, context)
        if not kind_of(folder):
            raise ToolError(suggest(raw, folder))
        include = values.text("include")
        query = _Query(
            pattern=values.text("pattern"),
            folder=folder,
            include=compile_glob(include) if include else None,
            include_text=include,
            ignores_case=values.flag("ignore_case"),
            limit=min(MAX_RESULTS, max(1, values.integer("max_results") or DEFAULT_RESULTS)),
        )
        if not query.pattern:
            raise ToolError('argument "pattern" is empty: give a regular expression')
        ripgrep = self._ripgrep
        if ripgrep is None:
            ripgrep = await asyncio.to_thread(
                shutil.which, "rg", path=context.environment.get("PATH")
            )
        found, notes = await _search(ripgrep, query, context)
        return _outcome(query, found, notes, context)


def _outcome(
    query: _Query, found: list[_Match], notes: list[str], context: ToolContext
) -> ToolOutcome:
    matches = sorted(found[: query.limit], key=lambda match: (match.path, match.number))
    names = {path: display(Path(path), context) for path in {match.path for match in matches}}
    lines = [f"{names[match.path]}:{match.number}: {match.line}" for match in matches]
    if len(found) > query.limit:
        notes.insert(0, f"(first {query.limit} matches: narrow the pattern or the path)")
    if not matches:
        notes.insert(0, f"no match for {query.pattern}")
    count = len(matches)
    more = "+" if len(found) > query.limit or (notes and matches) else ""
    return ToolOutcome(
        text="\n".join([*lines, *notes]),
        summary=f"{count}{more} match{'es' if count != 1 else ''}",
    )


async def _search(
    ripgrep: str | None, query: _Query, context: ToolContext
) -> tuple[list[_Match], list[str]]:
    """Search with ripgrep; what it does not understand (look-around, a lone brace) without it."""
    if ripgrep:
        with contextlib.suppress(_NotUnderstoodError, OSError):
            return await _with_ripgrep(ripgrep, query, context)
    return await _without_ripgrep(query)


async def _without_ripgrep(query: _Query) -> tuple[list[_Match], list[str]]:
    try:
        re.compile(query.pattern)
    except re.error as error:
        raise ToolError(
            f"{query.pattern!r} is not a regular expression ({error}): "
            "put a backslash before ( ) [ { * + ? . where you mean the character"
        ) from error
    limits = WalkLimits()
    files = await asyncio.to_thread(_files, query, limits)
    task = {
        "pattern": query.pattern,
        "ignore_case": query.ignores_case,
        "limit": query.limit + 1,
        "cpu_s": math.ceil(2 * MAX_SECONDS),
    }
    given = json.dumps(task).encode() + b"\n" + b"\0".join(map(os.fsencode, files))
    command = [sys.executable, "-I", "-S", str(grep_search.__file__)]
    found, is_late = await _records(command, given, query.limit + 1, {}, _own_match)
    notes: list[str] = []
    if is_late:
        notes.append("(the search took too long and was stopped: use a simpler pattern or a path)")
    if limits.is_cut:
        notes.append("(the tree is too large to be searched whole: give a path inside it)")
    return found, notes


def _files(query: _Query, limits: WalkLimits) -> list[str]:
    if kind_of(query.folder) != "a folder":
        return [str(query.folder)]
    return [path for path in walk_files(query.folder, limits) if query.wants(path)]


def _own_match(record: bytes) -> _Match | None:
    with contextlib.suppress(ValueError):
        path, number, line = cast("tuple[str, int, str]", json.loads(record))
        return _Match(path=path, number=number, line=line)
    return None


async def _with_ripgrep(
    ripgrep: str, query: _Query, context: ToolContext
) -> tuple[list[_Match], list[str]]:
    # --no-config: a file of the user's own could run other programs (--pre).
    command = [ripgrep, "--no-config", "--null", "--no-heading", "--with-filename"]
    command += ["--line-number", "--color=never", "--hidden", "--no-require-git", "--crlf"]
    # The user's own ignore files and those of other tools are not what git ignores here.
    command += ["--no-ignore-global", "--no-ignore-dot"]
    command += [f"--glob=!{name}" for name in sorted(ALWAYS_SKIPPED)]
    command += [f"--max-columns={grep_search.MAX_COLUMNS}", "--max-columns-preview"]
    command.append(f"--max-filesize={grep_search.MAX_FILE_BYTES}")
    if query.ignores_case:
        command.append("--ignore-case")
    if _SUFFIX.fullmatch(query.include_text):
        # A glob of its own would bring back what git ignores; a type does not.
        command += [f"--type-add=wanted:{query.include_text}", "--type=wanted"]
    command += ["--regexp", query.pattern, "--", str(query.folder)]

    def read(record: bytes) -> _Match | None:
        match = _ripgrep_match(record)
        if match is None and _PARSE_ERROR.search(record):
            raise _NotUnderstoodError
        return match if match is not None and query.wants(match.path) else None

    found, is_late = await _records(command, b"", query.limit + 1, context.environment, read)
    return found, ["(the search took too long and was stopped)"] if is_late else []


def _ripgrep_match(record: bytes) -> _Match | None:
    path, separator, rest = record.partition(b"\0")
    number, colon, line = rest.partition(b":")
    if not separator or not colon or not number.isdigit():
        return None
    return _Match(
        path=os.fsdecode(path),
        number=int(number),
        line=line.decode("utf-8", "replace").rstrip("\r"),
    )


async def _records(
    command: list[str],
    given: bytes,
    limit: int,
    environment: Mapping[str, str],
    read: Callable[[bytes], _Match | None],
) -> tuple[list[_Match], bool]:
    """Run a searcher and take its first matches; it is ended when they are enough or time is up."""
    found: list[_Match] = []
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
        limit=_MAX_RECORD_BYTES,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(MAX_SECONDS):
            await _exchange(process, given, found, limit, read)
    except TimeoutError:
        return found, True
    finally:
        if process.returncode is None:
            # Not process.kill(): it reaps a process that has just ended, under asyncio's feet.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return found, False


async def _exchange(
    process: asyncio.subprocess.Process,
    given: bytes,
    found: list[_Match],
    limit: int,
    read: Callable[[bytes], _Match | None],
) -> None:
    if process.stdin is None or process.stdout is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()
    while len(found) < limit:
        try:
            line = await process.stdout.readline()
        except ValueError:
            # A line beyond the limit of the buffer; the searchers cut theirs, so it is no match.
            continue
        if not line:
            return
        match = read(line.removesuffix(b"\n"))
        if match is not None:
            found.append(match)
