"""What the tools of a resumed or copied session remember: the plan, and the files already seen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ralex.core.events import AgentEvent, FileSeen, ToolCallFinished, ToolCallStarted
from ralex.core.ids import CallId
from ralex.core.toolargs import parse_arguments
from ralex.errors import ToolError
from ralex.tools.base import FileStamp, TodoItem
from ralex.tools.todo import read_items


def stored_plan(events: Sequence[AgentEvent]) -> tuple[TodoItem, ...]:
    """Give the plan as the model last wrote it."""
    calls: dict[CallId, str] = {}
    plan: tuple[TodoItem, ...] = ()
    for event in events:
        match event:
            case ToolCallStarted(name="todo"):
                calls[event.call_id] = event.arguments_json
            case ToolCallFinished(name="todo", is_error=False) if event.call_id in calls:
                try:
                    plan = read_items(parse_arguments(calls[event.call_id]))
                except ToolError:
                    continue
            case _:
                pass
    return plan


class Sights:
    """Keeps what is stored of the files the model has seen level with what the tools know."""

    def __init__(self) -> None:
        self._told: dict[Path, FileStamp] = {}

    def news(self, seen: Mapping[Path, FileStamp]) -> tuple[FileSeen, ...]:
        """Give what is new since the last time, to be stored."""
        found: list[FileSeen] = []
        for path, stamp in seen.items():
            if self._told.get(path) is not stamp:
                self._told[path] = stamp
                found.append(
                    FileSeen(
                        path=str(path),
                        mtime_ns=stamp.mtime_ns,
                        size=stamp.size,
                        digest=stamp.digest,
                    )
                )
        return tuple(found)

    def restore(self, events: Sequence[AgentEvent]) -> dict[Path, FileStamp]:
        """Give what stored events say of files, the newest of each."""
        for event in events:
            if isinstance(event, ToolCallFinished):
                for one in event.seen:
                    self._told[Path(one.path)] = FileStamp(
                        mtime_ns=one.mtime_ns, size=one.size, digest=one.digest
                    )
        return dict(self._told)
