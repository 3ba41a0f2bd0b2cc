"""The plan of a session: a short list that the model keeps and that outlives compaction."""

from collections.abc import Mapping
from typing import cast

from ralex.core.messages import ToolSpec
from ralex.core.patterns import lazy_pattern
from ralex.errors import ToolError
from ralex.tools.base import TodoItem, ToolContext, ToolOutcome
from ralex.tools.params import Param, Params
from ralex.tools.titles import one_line, without_control

_MAX_ITEMS = 50
_MAX_CHARACTERS = 300
_MARKS = {"pending": "[ ]", "in_progress": "[>]", "done": "[x]"}
_STATUSES = {
    "": "pending",
    "pending": "pending",
    "todo": "pending",
    "open": "pending",
    "not_started": "pending",
    "in_progress": "in_progress",
    "inprogress": "in_progress",
    "active": "in_progress",
    "doing": "in_progress",
    "done": "done",
    "completed": "done",
    "complete": "done",
    "finished": "done",
    "cancelled": "done",
}
_TEXT_NAMES = ("text", "content", "task", "title", "description", "step", "name")
_STATUS_NAMES = ("status", "state")
_DONE_NAMES = ("done", "completed", "is_done", "checked")
_LINE = lazy_pattern(r"\s*(?:[-*+]|\d+[.)])?\s*(?:\[([ xX>~/-]?)\])?\s*(.*)")

_PARAMS = Params(
    Param(
        name="items",
        kind="array",
        required=True,
        aliases=("todos", "todo", "tasks", "list", "plan"),
        description="the whole list, each time",
    ),
    item_schema={
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["pending", "in_progress", "done"]},
            "text": {"type": "string"},
        },
        "required": ["text", "status"],
    },
)


class TodoTool:
    """Keeps the plan."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="todo",
            description="Keep a plan for work of several steps; send it again when a step is done.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """The plan is the session's own; no file changes."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Say what is being worked on."""
        try:
            items = read_items(arguments)
        except ToolError:
            return "todo"
        current = next((item.text for item in items if item.status == "in_progress"), "")
        return one_line(current) or f"{len(items)} items"

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Replace the plan.

        Raises:
            ToolError: If an entry has no text or an unknown status.
        """
        items = read_items(arguments)
        context.todos = items
        done = sum(1 for item in items if item.status == "done")
        lines = [f"{_MARKS[item.status]} {item.text}" for item in items]
        return ToolOutcome(
            text="\n".join(lines) or "(the plan is empty)", summary=f"{done} of {len(items)} done"
        )


def read_items(arguments: Mapping[str, object]) -> tuple[TodoItem, ...]:
    """Read the entries of a plan.

    Raises:
        ToolError: If an entry has no text or an unknown status.
    """
    given = _PARAMS.coerce(_with_lines_read(arguments)).items("items")
    if len(given) > _MAX_ITEMS:
        raise ToolError(f"the plan has {len(given)} items: keep it to {_MAX_ITEMS}")
    return tuple(_item(value, number) for number, value in enumerate(given, start=1))


def _with_lines_read(arguments: Mapping[str, object]) -> Mapping[str, object]:
    """Take a plan that is written as a list in Markdown apart."""
    read = dict(arguments)
    for name, value in arguments.items():
        if isinstance(value, str) and _is_list(value.strip()):
            read[name] = [_line(line) for line in value.splitlines() if line.strip()]
    return read


def _is_list(text: str) -> bool:
    return text[:1] not in ("", "[", "{") and text.casefold() not in ("null", "none", "undefined")


def _line(text: str) -> dict[str, object]:
    match = _LINE.fullmatch(text)
    if match is None:
        return {"text": text}
    mark = (match[1] or "").strip()
    status = "pending" if not mark else "done" if mark in "xX" else "in_progress"
    return {"text": match[2], "status": status}


def _item(value: object, number: int) -> TodoItem:
    if isinstance(value, str):
        fields: dict[str, object] = {"text": value}
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
    else:
        raise ToolError(f"item {number} must be an object with text and status")
    text = next((fields[name] for name in _TEXT_NAMES if fields.get(name)), "")
    text = without_control(str(text)) if isinstance(text, str | int | float) else ""
    if not text.strip():
        raise ToolError(f'item {number} has no "text"')
    given = next((fields[name] for name in _STATUS_NAMES if fields.get(name)), "")
    if not given and any(fields.get(name) is True for name in _DONE_NAMES):
        given = "done"
    word = str(given).strip().casefold().replace("-", "_").replace(" ", "_")
    if word not in _STATUSES:
        raise ToolError(f"item {number}: status must be pending, in_progress or done")
    return TodoItem(text=text[:_MAX_CHARACTERS], status=_STATUSES[word])
