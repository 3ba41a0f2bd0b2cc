"""Write a whole file: new ones freely, existing ones only after the model has seen them.

What the model does not send is kept: mode, owner, byte order mark, encoding, and carriage returns
where the file has them throughout.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import FileStamp, ToolContext, ToolOutcome
from ralex.tools.diffs import unified_diff
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import display, kind_of, resolve_writable
from ralex.tools.syntax import note_on_syntax
from ralex.tools.textfile import TextFile, is_unchanged, load, save
from ralex.tools.titles import title_from

_PARAMS = Params(
    Param(name="path", kind="path", required=True, aliases=PATH_ALIASES),
    Param(
        name="content",
        required=True,
        aliases=("contents", "text", "file_text", "data", "body", "new_content", "code"),
        description="the whole file",
    ),
)


class WriteTool:
    """Creates and overwrites files."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="write",
            description=(
                "Create a file (and its folders) or overwrite one you have read. "
                "To change part of a file use edit."
            ),
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Writing changes files."""
        return True

    def title(self, arguments: Mapping[str, object]) -> str:
        """Name the file."""
        return title_from(arguments, ("path", *PATH_ALIASES, "filePath"), "write")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Write a file, all of it or nothing.

        Raises:
            ToolError: If the path is closed, or the file exists and was not read as it is now.
        """
        values = _PARAMS.coerce(arguments)
        path = resolve_writable(values.text("path"), context)
        content = values.text("content")
        return await asyncio.to_thread(_write, path, content, context)


def _write(path: Path, content: str, context: ToolContext) -> ToolOutcome:
    shown = display(path, context)
    existing = _existing(path, context)
    before = existing.text if existing else ""
    if existing is None:
        data, after = _encoded(content), content
    else:
        after = _in_style(content, existing.text)
        data = existing.encode(after)
    if existing is not None and after == existing.text:
        return ToolOutcome(text=f"{shown} already holds exactly that", summary="unchanged")
    context.seen[path] = save(path, data, expected=existing.stamp if existing else None)
    count = len(content.splitlines())
    done = "created" if existing is None else "overwrote"
    note = note_on_syntax(path.name, before if existing else None, after)
    return ToolOutcome(
        text=f"{done} {shown} ({count} lines){note}{existing.note_on_links if existing else ''}",
        summary=f"{done}, {count} lines",
        diff=unified_diff(before, after, shown),
        files_changed=(shown,),
    )


def _existing(path: Path, context: ToolContext) -> TextFile | None:
    if not kind_of(path):
        return None
    file = load(path)
    require_seen(path, context.seen.get(path), file.stamp, context)
    return file


def require_seen(path: Path, seen: FileStamp | None, now: FileStamp, context: ToolContext) -> None:
    """Refuse to change a file that the model does not know as it is.

    Raises:
        ToolError: If it was never read, or changed since.
    """
    shown = display(path, context)
    if seen is None:
        raise ToolError(f"{shown} exists and you have not read it: read it first")
    if not is_unchanged(seen, now):
        raise ToolError(f"{shown} changed since you read it: read it again")


def _encoded(content: str) -> bytes:
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        raise ToolError("content holds half of a surrogate pair: send plain characters") from error


def _in_style(content: str, before: str) -> str:
    """Give a text the carriage returns of a file that has them on every line."""
    breaks = before.count("\n")
    if breaks and before.count("\r\n") == breaks and "\r\n" not in content:
        return content.replace("\n", "\r\n")
    return content.removeprefix("\ufeff")
