"""Change part of a file: the engine decides where, this keeps everything else as it was."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from ralex.core.messages import ToolSpec
from ralex.errors import EditError, ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.diffs import change_between, unified_diff
from ralex.tools.edit_engine import apply_edit
from ralex.tools.notebook import cells_of, edit_notebook, is_notebook, rendered
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import display, kind_of, resolve_writable, suggest
from ralex.tools.syntax import note_on_syntax
from ralex.tools.textfile import load, save
from ralex.tools.titles import title_from
from ralex.tools.write import require_seen

_WINDOW = 5
_MAX_WINDOW_LINES = 60
_MAX_COLUMNS = 400

_PARAMS = Params(
    Param(name="path", kind="path", required=True, aliases=PATH_ALIASES),
    Param(
        name="old",
        required=True,
        aliases=("old_string", "old_str", "old_text", "search", "find"),
        description="lines copied from the file, without line numbers; must be unique",
    ),
    Param(
        name="new",
        required=True,
        aliases=("new_string", "new_str", "new_text", "replace", "replacement"),
        description="what replaces them, written out in full",
    ),
    Param(name="replace_all", kind="boolean", aliases=("all", "global", "replaceall")),
)


class EditTool:
    """Replaces a piece of a file."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="edit",
            description="Replace text in a file you have read.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Editing changes files."""
        return True

    def title(self, arguments: Mapping[str, object]) -> str:
        """Name the file."""
        return title_from(arguments, ("path", *PATH_ALIASES, "filePath"), "edit")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Replace a piece of a file, or leave the file alone.

        Raises:
            EditError: If where or what is not certain; with the closest real lines.
            ToolError: If the file cannot be changed, or is not as the model read it.
        """
        values = _PARAMS.coerce(arguments)
        raw = values.text("path")
        path = resolve_writable(raw, context)
        return await asyncio.to_thread(
            _edit,
            raw,
            path,
            values.text("old"),
            values.text("new"),
            values.flag("replace_all"),
            context,
        )


def _edit(
    raw: str,
    path: Path,
    old: str,
    new: str,
    replace_all: bool,  # noqa: FBT001 - passed on to a thread by position
    context: ToolContext,
) -> ToolOutcome:
    if not kind_of(path):
        raise ToolError(f"{suggest(raw, path)}; to create it use write")
    file = load(path)
    shown = display(path, context)
    require_seen(path, context.seen.get(path), file.stamp, context)
    try:
        after = _applied(path, file.text, old, new, replace_all)
    except EditError as error:
        raise EditError(f"{shown}: {error.message}", hint=error.hint) from error
    context.seen[path] = save(path, file.encode(after), expected=file.stamp)
    diff = unified_diff(file.text, after, shown)
    added = sum(1 for line in diff.splitlines()[2:] if line.startswith("+"))
    removed = sum(1 for line in diff.splitlines()[2:] if line.startswith("-"))
    note = note_on_syntax(path.name, file.text, after) + file.note_on_links
    window = _window(*_as_read(path, file.text, after))
    return ToolOutcome(
        text=f"edited {shown}; it now reads:\n{window}{note}",
        summary=f"+{added} -{removed}",
        diff=diff,
        files_changed=(shown,),
    )


def _applied(
    path: Path,
    text: str,
    old: str,
    new: str,
    replace_all: bool,  # noqa: FBT001 - as apply_edit takes it
) -> str:
    """Apply an edit; in a notebook to the text of its cells, or to its JSON if that stays whole."""
    if not is_notebook(path.name) or cells_of(text) is None:
        return apply_edit(text, old, new, replace_all)
    try:
        return edit_notebook(text, old, new, replace_all)
    except EditError as error:
        with contextlib.suppress(EditError):
            after = apply_edit(text, old, new, replace_all)
            if cells_of(after) is not None:
                return after
        raise error from None


def _as_read(path: Path, before: str, after: str) -> tuple[str, str]:
    """Give two texts as the read tool shows them: notebooks as their cells, where those changed."""
    if is_notebook(path.name):
        old, new = cells_of(before), cells_of(after)
        if old is not None and new is not None and old != new:
            return rendered(old), rendered(new)
    return before, after


def _window(before: str, after: str) -> str:
    """Show the changed lines and five around them, numbered as the read tool does."""
    change = change_between(before, after, _WINDOW)
    lines = [
        f"{number}→{line[:_MAX_COLUMNS]}"
        for number, line in enumerate(change.new, start=change.skipped + 1)
    ]
    if len(lines) > _MAX_WINDOW_LINES:
        half = _MAX_WINDOW_LINES // 2
        lines[half:-half] = [f"… {len(lines) - 2 * half} lines"]
    return "\n".join(lines) or "(empty)"
