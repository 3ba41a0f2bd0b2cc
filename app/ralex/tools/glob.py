"""Find files by name."""

import asyncio
import os
import re
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.globs import compile_glob
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import (
    check_listable,
    display,
    kind_of,
    not_searched,
    resolve_readable,
    suggest,
)
from ralex.tools.titles import title_from
from ralex.tools.walk import ALWAYS_SKIPPED, WalkLimits, walk_files

MAX_RESULTS = 200

_PARAMS = Params(
    Param(name="pattern", required=True, aliases=("glob", "query", "name", "include")),
    Param(name="path", kind="path", aliases=PATH_ALIASES),
)


class GlobTool:
    """Finds files by pattern, the ones changed last first."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="glob",
            description="Find files by pattern such as src/**/*.py, newest first.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Looking changes nothing."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Give the pattern."""
        return title_from(arguments, ("pattern", "glob", "query"), "glob")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """List matching files.

        Raises:
            ToolError: If the pattern is none, or the folder may not be read.
        """
        values = _PARAMS.coerce(arguments)
        return await asyncio.to_thread(
            _glob, values.text("pattern"), values.text("path", "."), context
        )


def _glob(pattern: str, raw: str, context: ToolContext) -> ToolOutcome:
    pattern = _relative(pattern, context)
    _check_inside(pattern)
    matches = compile_glob(pattern).fullmatch
    folder = resolve_readable(raw, context)
    kind = kind_of(folder)
    if kind != "a folder":
        raise ToolError(f"{raw} is {kind}, not a folder" if kind else suggest(raw, folder))
    check_listable(folder)
    limits = WalkLimits()
    start = len(str(folder).rstrip("/")) + 1
    is_hidden = context.hidden_from("glob")
    found = [
        path
        for path in walk_files(_beginning(pattern, folder), limits)
        if matches(path[start:]) and not is_hidden(path)
    ]
    found.sort(key=lambda path: (-_changed_ns(path), path))
    names = [display(Path(path), context) for path in found[:MAX_RESULTS]]
    notes: list[str] = []
    if len(found) > MAX_RESULTS:
        notes.append(f"(first {MAX_RESULTS} of {len(found)}: narrow the pattern)")
    if limits.is_cut:
        notes.append("(the tree is too large to be searched whole: give a path inside it)")
    notes += not_searched([path for path in limits.denied if not is_hidden(path)], context)
    if not found:
        notes.insert(0, f"no file matches {pattern}")
    count = len(found)
    return ToolOutcome(
        text="\n".join([*names, *notes]),
        summary=f"{count} file{'s' if count != 1 else ''}{'+' if limits.is_cut else ''}",
    )


def _beginning(pattern: str, folder: Path) -> Path:
    """Find the folder that the fixed part of a pattern names: a huge tree around it is no matter.

    A part that is a link is not followed, as the walk would not follow it.
    """
    for part in pattern.split("/")[:-1]:
        if not re.fullmatch(r"[\w.+-]+", part) or part in (".", "..") or part in ALWAYS_SKIPPED:
            break
        if kind_of(folder / part) != "a folder":
            break
        folder /= part
    return folder


def _check_inside(pattern: str) -> None:
    """Refuse a pattern that leads out of the folder searched: rules judge the path alone.

    Raises:
        ToolError: Saying how to search there.
    """
    parts = pattern.split("/")
    if pattern.startswith(("/", "~")) or ".." in parts:
        fixed = list(takewhile(lambda part: not re.search(r"[*?\[{]", part), parts[:-1]))
        folder, rest = "/".join(fixed) or "/", "/".join(parts[len(fixed) :])
        raise ToolError(
            f"the pattern leads out of the folder searched: give path {folder!r} and pattern "
            f"{'*' if rest in ('', '..') else rest!r}"
        )


def _relative(pattern: str, context: ToolContext) -> str:
    """Make a pattern that begins with the working directory relative to it."""
    return pattern.strip().removeprefix(f"{str(context.cwd).rstrip('/')}/")


def _changed_ns(path: str) -> int:
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return 0
