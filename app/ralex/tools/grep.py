"""Search file contents, with ripgrep where it is installed and an own search elsewhere."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools import grep_search
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.globs import compile_glob
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import display, kind_of, resolve_readable, suggest
from ralex.tools.titles import title_from
from ralex.tools.walk import WalkLimits, walk_files

MAX_RESULTS = 200
DEFAULT_RESULTS = 100
MAX_SECONDS = 10.0
_MAX_RECORD_BYTES = 1024 * 1024

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    path: str
    number: int
    line: str


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
        if ripgrep:
            found, notes = await _with_ripgrep(ripgrep, query, context)
        else:
            found, notes = await _without_ripgrep(query)
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
    }
    given = json.dumps(task).encode() + b"\n" + b"\0".join(map(os.fsencode, files))
    records, is_late = await _records(
        [sys.executable, "-I", "-S", str(grep_search.__file__)], given, query.limit + 1, {}
    )
    found = [match for record in records if (match := _own_match(record)) is not None]
    notes: list[str] = []
    if is_late:
        notes.append("(the search took too long and was stopped: use a simpler pattern or a path)")
    if limits.is_cut:
        notes.append("(the tree is too large to be searched whole: give a path inside it)")
    return found, notes


def _files(query: _Query, limits: WalkLimits) -> list[str]:
    if kind_of(query.folder) != "a folder":
        return [str(query.folder)]
    start = len(str(query.folder).rstrip("/")) + 1
    return [
        path
        for path in walk_files(query.folder, limits)
        if query.include is None or query.include.fullmatch(path[start:])
    ]


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
    command += ["--line-number", "--color=never", "--hidden", "--glob=!.git", "--no-require-git"]
    command += [
        f"--max-columns={grep_search.MAX_COLUMNS}",
        "--max-columns-preview",
        "--max-filesize=8M",
    ]
    if query.ignores_case:
        command.append("--ignore-case")
    if query.include_text:
        command.append(f"--glob={query.include_text}")
    command += ["--regexp", query.pattern, "--", str(query.folder)]
    records, is_late = await _records(command, b"", query.limit + 1, context.environment)
    found = [match for record in records if (match := _ripgrep_match(record)) is not None]
    if not found and records and b"regex parse error" in b"".join(records):
        raise ToolError(
            f"{query.pattern!r} is not a regular expression: "
            "put a backslash before ( ) [ { * + ? . where you mean the character"
        )
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
    command: list[str], given: bytes, limit: int, environment: Mapping[str, str]
) -> tuple[list[bytes], bool]:
    """Run a searcher and take its first lines; it is ended when they are enough or time is up."""
    records: list[bytes] = []
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
            await _exchange(process, given, records, limit)
    except TimeoutError:
        return records, True
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return records, False


async def _exchange(
    process: asyncio.subprocess.Process, given: bytes, records: list[bytes], limit: int
) -> None:
    if process.stdin is None or process.stdout is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()
    while len(records) < limit:
        try:
            line = await process.stdout.readline()
        except ValueError:
            # A line beyond the limit of the buffer; the searchers cut theirs, so it is no match.
            continue
        if not line:
            return
        records.append(line.removesuffix(b"\n"))
