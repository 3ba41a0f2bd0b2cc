"""Commands about the work of a session: its changes to files, and what it keeps in mind."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from ralex.core.events import ChangesUndone
from ralex.core.ids import TurnId
from ralex.tui import formats
from ralex.tui.rows import shown, shown_line
from ralex.tui.widgets.transcript.items import (
    AnyItem,
    NoticeItem,
    ReportItem,
)
from ralex.tui.widgets.transcript.scribe import Scribe, undone_text

if TYPE_CHECKING:
    from ralex.agent.report import ContextReport
    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen
    from ralex.undo.model import UndoReport

_BAR: Final = 24


class WorkCommands:
    """Runs ``/undo``, ``/redo``, ``/diff``, ``/compact`` and ``/context``."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self.table: dict[str, Callable[[str], Awaitable[None]]] = {
            "undo": self._undo,
            "redo": self._redo,
            "diff": self._diff,
            "compact": self._compact,
            "context": self._context,
        }

    async def _undo(self, _argument: str) -> None:
        async def work(session: "ChatSession", _scribe: Scribe) -> AnyItem:
            return undo_item(await session.undo())

        self._screen.conversation.occupy("taking back the last turn's changes", work)

    async def _redo(self, _argument: str) -> None:
        async def work(session: "ChatSession", _scribe: Scribe) -> AnyItem:
            return undo_item(await session.redo())

        self._screen.conversation.occupy("bringing changes back", work)

    async def _diff(self, argument: str) -> None:
        session = self._screen.session
        if argument not in {"", "turn", "session"}:
            self._screen.show_error(f"/diff does not know {argument}", "/diff or /diff session")
        elif session is None:
            self._screen.show_error("the session is not open yet", "try again in a moment")
        else:
            from ralex.tui.screens.diff.screen import DiffScreen  # noqa: PLC0415

            scope = "session" if argument == "session" else "turn"
            self._screen.host.push_screen(DiffScreen(session, scope))

    async def _compact(self, argument: str) -> None:
        async def work(session: "ChatSession", scribe: Scribe) -> AnyItem | None:
            event = await session.compact(argument)
            if event is None:
                return NoticeItem(level="info", text="There is too little to summarise yet.")
            scribe.write(event)
            return None

        self._screen.conversation.occupy("summarising the conversation", work)

    async def _context(self, _argument: str) -> None:
        session = self._screen.session
        if session is None:
            self._screen.show_error("the session is not open yet", "try again in a moment")
        else:
            self._screen.show(context_item(session.context_report()))


def undo_item(report: "UndoReport") -> NoticeItem:
    """Tell what an undo or redo came to."""
    if report.restored:
        event = ChangesUndone(
            turn_id=TurnId(report.turn_id), paths=report.restored, is_redo=report.is_redo
        )
        lines = [undone_text(event)]
    elif report.conflicts:
        lines = ["Nothing was changed."]
    else:
        lines = [] if report.note else ["There is nothing to bring back."]
        if not report.is_redo and lines:
            lines = ["There is nothing to undo."]
    lines += [
        f"left alone: {shown_line(each.path)} — {shown_line(each.reason)}"
        for each in report.conflicts
    ]
    if report.note:
        lines.append(shown(report.note))
    return NoticeItem(level="warning" if report.conflicts else "info", text="\n".join(lines))


def context_item(report: "ContextReport") -> ReportItem:
    """Show by kind what fills the window, as bars."""
    total = report.total_tokens
    lines: list[tuple[str, ...]] = []
    for share in report.shares:
        part = share.tokens / total if total else 0.0
        full, _ = formats.meter(part, _BAR)
        lines.append(
            (share.kind, f"{'~' + formats.tokens(share.tokens):>6}", f"{part:>4.0%}", full)
        )
    window = f"of {formats.tokens(report.window)}" if report.window else ""
    used = f"{total / report.window:>4.0%}" if report.window else ""
    messages = formats.count(report.messages, "message")
    last = f"{window}, {messages}" if window else messages
    lines.append(("together", f"{'~' + formats.tokens(total):>6}", used, last))
    return ReportItem(title="Context", lines=tuple(lines))
