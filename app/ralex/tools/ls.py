"""List a folder."""

import asyncio
import os
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import (
    check_listable,
    display,
    explain,
    kind_of,
    printable,
    resolve_readable,
    suggest,
)
from ralex.tools.titles import title_from
from ralex.tools.walk import rules_above

MAX_ENTRIES = 300
_MAX_SCANNED = 20_000

_PARAMS = Params(Param(name="path", kind="path", aliases=PATH_ALIASES))


class LsTool:
    """Lists folders."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="ls",
            description="List a folder; subfolders end in /.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Looking changes nothing."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Name the folder."""
        return title_from(arguments, ("path", *PATH_ALIASES), ".")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """List a folder.

        Raises:
            ToolError: If it is no folder, or may not be read.
        """
        values = _PARAMS.coerce(arguments)
        return await asyncio.to_thread(_ls, values.text("path", "."), context)


def _ls(raw: str, context: ToolContext) -> ToolOutcome:
    folder = resolve_readable(raw, context)
    kind = kind_of(folder)
    if kind != "a folder":
        raise ToolError(f"{raw} is {kind}, not a folder" if kind else suggest(raw, folder))
    check_listable(folder)
    rules = rules_above(folder).entering(str(folder))
    folders: list[str] = []
    files: list[str] = []
    ignored = 0
    try:
        with os.scandir(folder) as entries:
            scanned = list(islice(entries, _MAX_SCANNED + 1))
    except OSError as error:
        raise ToolError(explain(error, folder)) from error
    for entry in scanned[:_MAX_SCANNED]:
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name == ".git" or rules.ignores(entry.path, is_folder=is_folder):
            ignored += 1
        elif is_folder:
            folders.append(f"{printable(entry.name)}/")
        else:
            files.append(_shown(entry))
    names = sorted(folders) + sorted(files)
    lines = names[:MAX_ENTRIES]
    if len(names) > MAX_ENTRIES:
        lines.append(f"(first {MAX_ENTRIES} of {len(names)}: use glob with a pattern)")
    if len(scanned) > _MAX_SCANNED:
        lines.append(f"(the folder holds more than {_MAX_SCANNED} entries: use glob)")
    if ignored:
        lines.append(f"({ignored} ignored not shown)")
    shown = display(folder, context)
    count = len(names)
    return ToolOutcome(
        text="\n".join(lines) or f"({shown} is empty)",
        summary=f"{count} entr{'ies' if count != 1 else 'y'}",
    )


def _shown(entry: os.DirEntry[str]) -> str:
    name = printable(entry.name)
    if not entry.is_symlink():
        return name
    try:
        return f"{name} -> {printable(str(Path(entry.path).readlink()))}"
    except OSError:
        return f"{name} -> ?"
