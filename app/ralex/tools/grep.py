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
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools import grep_search
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.globs import compile_glob
from ralex.tools.grep_query import Match, Query
from ralex.tools.params import PATH_ALIASES, Param, Params, Values
from ralex.tools.paths import (
    check_listable,
    display,
    kind_of,
    not_searched,
    open_regular,
    resolve_readable,
    suggest,
)
from ralex.tools.ripgrep import NotUnderstoodError, Reader, command_for
from ralex.tools.textfile import detect, read_sample
from ralex.tools.titles import title_from
from ralex.tools.walk import WalkLimits, is_ignored, walk_files

MAX_RESULTS = 200
DEFAULT_RESULTS = 100
MAX_SECONDS = 10.0
_MAX_RECORD_BYTES = 1024 * 1024
_MAX_OWN_BYTES = grep_search.MAX_NAMED_BYTES
_POSIX = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "xdigit": "0-9a-fA-F",
    "word": r"\w",
    "punct": r"!-/:-@\[-`{-~",
}
_POSIX_CLASS = re.compile(r"\[:(\w+):\]")

_Found: TypeAlias = "tuple[list[Match], list[str]]"

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
        query = await asyncio.to_thread(
            _query, values, raw, resolve_readable(raw, context), context.hidden_from("grep")
        )
        ripgrep = self._ripgrep
        if ripgrep is None:
            ripgrep = await asyncio.to_thread(
                shutil.which, "rg", path=context.environment.get("PATH")
            )
        found, notes = await _search(ripgrep, query, context)
        return _outcome(query, found, notes, context)


def _query(values: Values, raw: str, folder: Path, is_hidden: Callable[[str], bool]) -> Query:
    """Look at what is to be searched.

    Raises:
        ToolError: If it is not there, may not be read, or is no text; or there is no pattern.
    """
    pattern = values.text("pattern")
    if not pattern or "\0" in pattern:
        raise ToolError(
            'argument "pattern" is empty or holds a NUL character: give a regular expression'
        )
    kind = kind_of(folder)
    if not kind:
        raise ToolError(suggest(raw, folder))
    if kind == "a folder":
        check_listable(folder)
    else:
        _check_text(raw, folder)
    include = values.text("include").strip()
    asked = values.integer("max_results") or 0
    return Query(
        pattern=pattern,
        folder=folder,
        is_file=kind != "a folder",
        is_ignored=is_ignored(folder),
        include=compile_glob(include.removeprefix("!")) if include else None,
        include_text=include,
        is_exclusion=include.startswith("!"),
        ignores_case=values.flag("ignore_case"),
        limit=min(MAX_RESULTS, asked if asked > 0 else DEFAULT_RESULTS),
        is_hidden=cache(is_hidden),
    )


def _check_text(raw: str, path: Path) -> None:
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        sample = read_sample(descriptor)
    finally:
        os.close(descriptor)
    detect(sample, raw, size, is_whole=len(sample) >= size)


def _outcome(
    query: Query, found: list[Match], notes: list[str], context: ToolContext
) -> ToolOutcome:
    denied = [match.path for match in found if not match.number]
    found = [match for match in found if match.number]
    matches = sorted(found[: query.limit], key=lambda match: (match.path, match.number))
    names = {path: display(Path(path), context) for path in {match.path for match in matches}}
    lines = [f"{names[match.path]}:{match.number}: {match.line}" for match in matches]
    if len(found) > query.limit:
        notes.insert(0, f"(first {query.limit} matches: narrow the pattern or the path)")
    notes += not_searched([path for path in denied if not query.is_hidden(path)], context)
    if not matches:
        notes.insert(0, f"no match for {query.pattern}")
        if "\n" in query.pattern:
            notes.append("(lines are searched one by one: a pattern with a line break finds none)")
    count = len(matches)
    beyond = "+" if len(found) > query.limit or (notes and matches) else ""
    return ToolOutcome(
        text="\n".join([*lines, *notes]),
        summary=f"{count}{beyond} match{'es' if count != 1 else ''}",
    )


async def _search(ripgrep: str | None, query: Query, context: ToolContext) -> _Found:
    """Search with ripgrep; what it does not understand (look-around, a lone brace) without it."""
    if ripgrep:
        with contextlib.suppress(NotUnderstoodError, OSError):
            return await _with_ripgrep(ripgrep, query, context)
    return await _without_ripgrep(query)


async def _without_ripgrep(query: Query) -> _Found:
    if query.is_file and (size := query.folder.stat().st_size) > _MAX_OWN_BYTES:
        raise ToolError(f"{query.folder} has {size:,} bytes: search it with grep in bash")
    pattern = _POSIX_CLASS.sub(lambda match: _POSIX.get(match[1], match[0]), query.pattern)
    try:
        # What Python might read in another way some day is not worth a line on the screen.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except re.error as error:
        raise ToolError(
            f"{query.pattern!r} is not a regular expression ({error}): "
            "put a backslash before ( ) [ { * + ? . where you mean the character"
        ) from error
    limits = WalkLimits()
    files = await asyncio.to_thread(_files, query, limits)
    task = {
        "pattern": pattern,
        "most_bytes": _MAX_OWN_BYTES if query.is_file else grep_search.MAX_FILE_BYTES,
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
    return found + [Match(path=path, number=0, line="") for path in limits.denied], notes


def _files(query: Query, limits: WalkLimits) -> list[str]:
    if kind_of(query.folder) != "a folder":
        return [str(query.folder)]
    return [path for path in walk_files(query.folder, limits) if query.wants(path)]


def _own_match(record: bytes) -> Match | None:
    with contextlib.suppress(ValueError):
        path, number, line = cast("tuple[str, int, str]", json.loads(record))
        return Match(path=path, number=number, line=line)
    return None


async def _with_ripgrep(ripgrep: str, query: Query, context: ToolContext) -> _Found:
    command, take = command_for(ripgrep, query), Reader(query).take
    found, is_late = await _records(command, b"", query.limit + 1, context.environment, take)
    return found, ["(the search took too long and was stopped: give a path)"] if is_late else []


async def _records(
    command: list[str],
    given: bytes,
    limit: int,
    environment: Mapping[str, str],
    read: Callable[[bytes], Match | None],
) -> tuple[list[Match], bool]:
    """Run a searcher and take its first matches; it is ended when they are enough or time is up."""
    found: list[Match] = []
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
    found: list[Match],
    limit: int,
    read: Callable[[bytes], Match | None],
) -> None:
    if process.stdin is None or process.stdout is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()
    while limit > 0:
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
            limit -= match.number > 0
