"""Undo as a session knows it: around tool calls, at the end of turns, and told to the model."""

from __future__ import annotations  # undo itself loads when the first call may change something

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from ralex.agent.ports import SessionStore
from ralex.core.events import AgentEvent, ChangesUndone, ContextAdded, Notice
from ralex.core.ids import SessionId, TurnId
from ralex.dispatch.finishing import finish
from ralex.errors import ToolError, UndoError
from ralex.tools.base import Tool, ToolContext, ToolOutcome
from ralex.tools.diffs import unified_diff
from ralex.tools.subjects import subject_of

if TYPE_CHECKING:
    from ralex.undo.log import UndoLog
    from ralex.undo.model import ChangedFile, UndoReport

T = TypeVar("T")
Emit = Callable[[AgentEvent], Awaitable[None]]

NOTE_LABEL = "undo"
_EDITORS = frozenset({"edit", "write"})
_NAMED_PATHS = 30
_MAX_DIFF_LINES = 2000
_JOBS = "what a background job changed while no call ran or waited for it is not covered"


class Changes:
    """Watches what the calls of a session change, and takes it back.

    Args:
        open_log: Opens what keeps the bytes; None where undo is not wired, and then nothing is
            watched.
        events: What is stored of the session.
    """

    def __init__(
        self,
        open_log: Callable[[], UndoLog] | None,
        *,
        session_id: SessionId,
        store: SessionStore,
        events: Sequence[AgentEvent] = (),
    ) -> None:
        self._open_log = open_log
        self._log: UndoLog | None = None
        self._session_id = session_id
        self._store = store
        self._turn_id = TurnId("")
        self._waits = asyncio.Lock()
        self._untold: dict[TurnId, ChangesUndone] = {}
        for event in events:
            match event:
                case ChangesUndone():
                    self._remember(event)
                case ContextAdded(label=label) if label == NOTE_LABEL:
                    self._untold.clear()
                case _:
                    pass

    async def run(
        self, tool: Tool, arguments: Mapping[str, object], context: ToolContext, emit: Emit
    ) -> ToolOutcome:
        """Run a call and add to its outcome what it changed.

        Raises:
            ToolError: As the tool does.
        """
        log = self._opened() if tool.is_mutating or self._is_wait(tool, arguments) else None
        if log is None:
            return await tool.run(arguments, context)
        if tool.is_mutating:
            return await self._watched(log, tool, arguments, context, emit)
        async with self._waits:  # read-only calls run at once, and each look ends the one before
            return await self._watched(log, tool, arguments, context, emit)

    def _is_wait(self, tool: Tool, arguments: Mapping[str, object]) -> bool:
        """Tell whether a call waits for a background command, which may change files meanwhile."""
        if tool.spec.name != "job" or self._log is None:
            return False
        from ralex.tools.job import takes_time  # noqa: PLC0415 - loaded with the first job

        return takes_time(arguments)

    async def _watched(
        self,
        log: UndoLog,
        tool: Tool,
        arguments: Mapping[str, object],
        context: ToolContext,
        emit: Emit,
    ) -> ToolOutcome:
        paths = _paths(tool.spec.name, arguments, context)
        await log.before_change(self._turn_id, paths)
        for text in log.take_notices():
            await emit(Notice(level="info", text=text))
        last_job = _last_job(context)
        try:
            outcome = await tool.run(arguments, context)
        except (ToolError, OSError):
            await log.after_change(paths)
            raise
        if _last_job(context) != last_job:
            await log.remark(_JOBS)
        changed = await log.after_change(paths)
        known = outcome.files_changed
        more = tuple(path for path in changed if path not in known)
        return replace(outcome, files_changed=(*known, *more)) if more else outcome

    async def watch(self, work: Callable[[], Awaitable[T]], emit: Emit) -> T:
        """Do something that may change any file, as a call that is no tool's.

        Raises:
            OSError: As the work does.
        """
        log = self._opened()
        if log is None:
            return await work()
        await log.before_change(self._turn_id, None)
        for text in log.take_notices():
            await emit(Notice(level="info", text=text))
        try:
            return await work()
        finally:
            await finish(log.after_change(None))

    def begin(self, turn_id: TurnId) -> list[ContextAdded]:
        """Begin a turn; gives what the model must be told of what the user took back."""
        self._turn_id = turn_id
        told = [
            ContextAdded(label=NOTE_LABEL, text=_note(one), is_standing=False)
            for one in self._untold.values()
        ]
        self._untold.clear()
        return told

    async def end(self, reported: list[str]) -> None:
        """End the turn, also an interrupted one, and put right what is reported as changed.

        Args:
            reported: Paths so far; what was undone within the turn goes, what an interrupted call
                changed comes.
        """
        if self._log is None:
            return
        known = await finish(self._log.after_turn(self._turn_id))
        if known is not None:
            order = {path: place for place, path in enumerate(reported)}
            reported[:] = sorted(known, key=lambda path: order.get(path, len(order)))

    async def undo(self) -> UndoReport:
        """Take back the last turn's changes; see ``UndoLog.undo``."""
        return await self._move(is_redo=False)

    async def redo(self) -> UndoReport:
        """Bring again what the last undo took back."""
        return await self._move(is_redo=True)

    async def diff(self, scope: Literal["turn", "session"]) -> str:
        """Show what the last turn or the session changed, as a unified diff of bounded size."""
        log = self._opened()
        if log is None:
            return ""
        files = await log.changes(scope)
        return await asyncio.to_thread(_diff, files)

    async def _move(self, *, is_redo: bool) -> UndoReport:
        log = self._opened()
        if log is None:
            raise UndoError("undo is not available here")
        report = await (log.redo() if is_redo else log.undo())
        if report.restored:
            event = ChangesUndone(
                turn_id=TurnId(report.turn_id),
                is_redo=is_redo,
                paths=report.restored,
                conflicts=tuple(one.path for one in report.conflicts),
            )
            self._remember(event)
            await self._store.append(self._session_id, [event])
        return report

    def _opened(self) -> UndoLog | None:
        if self._log is None and self._open_log is not None:
            self._log = self._open_log()
        return self._log

    def _remember(self, event: ChangesUndone) -> None:
        """Keep what the model does not know yet; an undo and its redo are no news."""
        earlier = self._untold.pop(event.turn_id, None)
        if earlier is None or earlier.is_redo is event.is_redo:
            self._untold[event.turn_id] = event


def _last_job(context: ToolContext) -> int:
    jobs = context.jobs.all() if context.jobs is not None else ()
    return jobs[-1].id if jobs else 0


def _paths(
    name: str, arguments: Mapping[str, object], context: ToolContext
) -> tuple[Path, ...] | None:
    """Name the files a call will touch; None if it may touch any."""
    if name not in _EDITORS:
        return None
    texts = subject_of(name, arguments, context).texts  # read as the tool itself will read them
    return (Path(texts[-1]),) if texts else None


def _note(event: ChangesUndone) -> str:
    names = ", ".join(event.paths[:_NAMED_PATHS])
    more = len(event.paths) - _NAMED_PATHS
    names += f" and {more} more" if more > 0 else ""
    if event.is_redo:
        return f"The user brought back changes that had been undone, to: {names}."
    return (
        f"The user undid changes you had made, to: {names}. "
        "These files are again as they were before that turn; read them before you edit them."
    )


def _diff(files: Sequence[ChangedFile]) -> str:
    lines: list[str] = []
    for file in files:
        lines += _file_diff(file)
        if len(lines) > _MAX_DIFF_LINES:
            lines[_MAX_DIFF_LINES:] = ["… the rest of the diff is left out"]
            break
    return "".join(f"{line}\n" for line in lines)


def _file_diff(file: ChangedFile) -> list[str]:
    lines = [f"{file.path}: {file.note}"] if file.note else []
    before, after = file.before or b"", file.after or b""
    if b"\0" in before or b"\0" in after:
        return [*lines, f"{file.path}: binary, {len(before):,} → {len(after):,} bytes"]
    text = unified_diff(
        before.decode("utf-8", "replace"), after.decode("utf-8", "replace"), file.path
    )
    if file.after is None:
        text = text.replace(f"+++ b/{file.path}\n", "+++ /dev/null\n", 1)
    if not text and (file.before is None) != (file.after is None):
        lines.append(f"{file.path}: {'removed' if file.after is None else 'new'}, empty")
    return lines + text.splitlines()
