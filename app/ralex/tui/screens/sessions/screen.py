"""Stored sessions: find one by title or content, look into it, open, copy, rename or delete it."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import ClassVar, Final, Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.ids import SessionId
from ralex.core.records import dataclass
from ralex.errors import RalexError
from ralex.slash import ranked
from ralex.tui import formats
from ralex.tui.formats import shortened
from ralex.tui.ports import SessionOpener, SessionSummary
from ralex.tui.rows import shown_line
from ralex.tui.screens.sessions.preview import preview_lines
from ralex.tui.sizes import HEIGHTS, WIDTHS, dialog_cells

_logger = logging.getLogger(__name__)
_SEARCH_FROM: Final = 3
_PAUSE_S: Final = 0.15
_ROOM_FOR_TURNS: Final = 60
_SUBTITLE: Final = "Enter opens · Esc closes"

Way: TypeAlias = Literal["open", "fork"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A session, and whether to go on in it or in a copy of it."""

    id: SessionId
    way: Way


class Deed(Static):
    """A word that does something when it is clicked, with the key that does the same."""

    def __init__(self, key: str, word: str, action: str) -> None:
        super().__init__(Content.assemble((key, "$primary"), f" {word}"), markup=False)
        self._action = action

    async def on_click(self, event: events.Click) -> None:
        """Do it."""
        event.stop()
        await self.screen.run_action(self._action)


class SessionsScreen(ModalScreen[Chosen | None]):
    """A list with a filter above it and a look inside below it.

    Args:
        opener: Reads, renames and deletes what is stored.
        found: What is listed at first, the newest first.
        current: The session that is open.
    """

    CSS_PATH = "sessions.tcss"
    AUTO_FOCUS = "Input"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Close", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
        Binding("ctrl+f", "fork", "Go on in a copy", show=False, priority=True),
        Binding("ctrl+r", "rename", "Rename", show=False, priority=True),
        Binding("ctrl+d,delete", "delete", "Delete", show=False, priority=True),
    ]

    def __init__(
        self, opener: SessionOpener, found: Sequence[SessionSummary], *, current: str
    ) -> None:
        super().__init__()
        self._opener = opener
        self._all = {each.id: each for each in found}
        self._current = current
        self._hits: dict[SessionId, str] = {}
        self._shown: list[SessionId] = []
        self._looks: dict[SessionId, Content] = {}
        self._doing: Literal["find", "rename", "delete"] = "find"
        self._query = ""

    @override
    def compose(self) -> ComposeResult:
        """Filter, list, a look inside, what can be done."""
        with Vertical(classes="frame") as dialog:
            dialog.border_title = "Sessions"
            dialog.border_subtitle = _SUBTITLE
            entry = Input(placeholder="search titles and texts", compact=True)
            entry.cursor_blink = False
            yield entry
            options = OptionList(markup=False, compact=True)
            options.can_focus = False
            yield options
            yield Static("", id="look", markup=False)
            with Horizontal(id="deeds"):
                yield Deed("Ctrl+F", "copy", "fork")
                yield Deed("Ctrl+R", "rename", "rename")
                yield Deed("Del", "delete", "delete")
            yield Static("", id="asked", markup=False)

    def on_mount(self) -> None:
        """List everything."""
        self._clear_question()
        self._fill()

    def on_resize(self, _event: events.Resize) -> None:
        """Cut titles and prompts anew."""
        self._looks = {}
        self._fill()

    @property
    def _chosen(self) -> SessionSummary | None:
        at = self.query_one(OptionList).highlighted
        return self._all.get(self._shown[at]) if at is not None and at < len(self._shown) else None

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        if self._doing == "find" and event.value != self._query:
            self._query = event.value
            self._hits = {}
            self._fill()
            self._search(event.value)

    @work(exclusive=True, group="search", exit_on_error=False)
    async def _search(self, text: str) -> None:
        if len(text.strip()) < _SEARCH_FROM:
            return
        await asyncio.sleep(_PAUSE_S)  # while someone types, only the last text is looked for
        try:
            hits = await self._opener.search(text)
        except RalexError as error:
            self._ask(Content.styled(shown_line(error.message), "$error"))
            return
        for hit in hits:
            self._all.setdefault(hit.session.id, hit.session)
            self._hits[hit.session.id] = shown_line(hit.excerpt)
        self._fill()

    @on(Input.Submitted)
    async def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        chosen = self._chosen
        if chosen is None:
            return
        match self._doing:
            case "find":
                self.dismiss(Chosen(id=chosen.id, way="open"))
            case "rename":
                await self._rename(chosen.id, event.value)
            case "delete":
                await self._delete(chosen.id)

    @on(OptionList.OptionSelected)
    def _click(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._doing == "find":
            self.dismiss(Chosen(id=self._shown[event.option_index], way="open"))

    @on(OptionList.OptionHighlighted)
    def _mark(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if (chosen := self._chosen) is not None:
            self._look_into(chosen.id)

    @property
    def _look_rows(self) -> int:
        """Rows of the look inside, as in the style sheet."""
        return 3 if self.size.height < HEIGHTS[1][0] else 5

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look_into(self, session_id: SessionId) -> None:
        """Show what was said last; read once for each session."""
        if session_id not in self._looks:
            try:
                told = await self._opener.look(session_id)
            except RalexError as error:
                self._looks[session_id] = Content.styled(shown_line(error.message), "$error")
            else:
                self._looks[session_id] = preview_lines(
                    told, most=self._look_rows, width=dialog_cells(self.size.width)
                )
        excerpt = self._hits.get(session_id, "")
        parts: list[Content | str] = [self._looks[session_id]]
        if excerpt:
            parts = [Content.assemble(("found  ", "$warning"), excerpt, "\n"), *parts]
        self.query_one("#look", Static).update(Content.assemble(*parts))

    def action_move(self, step: int) -> None:
        """Mark another session."""
        options = self.query_one(OptionList)
        if self._shown and self._doing == "find":
            options.highlighted = ((options.highlighted or 0) + step) % len(self._shown)

    def action_back(self) -> None:
        """Leave what was begun, or the list."""
        if self._doing == "find":
            self.dismiss(None)
        else:
            self._find_again()

    def action_fork(self) -> None:
        """Go on in a copy of the marked session."""
        if self._doing == "find" and (chosen := self._chosen) is not None:
            self.dismiss(Chosen(id=chosen.id, way="fork"))

    def action_rename(self) -> None:
        """Ask for another title."""
        if (chosen := self._chosen) is not None:
            self._doing = "rename"
            entry = self.query_one(Input)
            entry.value = shown_line(chosen.title)
            entry.cursor_position = len(entry.value)
            self._ask(
                Content.styled("What is it called?", "$warning"),
                subtitle="Enter renames · Esc keeps the old title",
            )

    def action_delete(self) -> None:
        """Ask whether to delete the marked session."""
        chosen = self._chosen
        if chosen is None:
            return
        if chosen.id == self._current:
            self._ask(Content.styled("This session is open; it cannot be deleted.", "$error"))
            return
        self._doing = "delete"
        title = shortened(shown_line(chosen.title) or chosen.id, 40)
        turns = formats.count(chosen.turns, "turn")
        self._ask(
            Content.styled(f"Delete “{title}” with its {turns} for good?", "$error"),
            subtitle="Enter deletes · Esc keeps it",
        )

    async def _rename(self, session_id: SessionId, typed: str) -> None:
        title = shown_line(typed)
        if not title:
            return
        try:
            await self._opener.rename(session_id, title)
        except RalexError as error:
            self._ask(Content.styled(shown_line(error.message), "$error"))
            return
        await self._read_again()

    async def _delete(self, session_id: SessionId) -> None:
        try:
            await self._opener.delete(session_id)
        except RalexError as error:
            self._doing = "find"
            self._ask(Content.styled(shown_line(f"{error.message}; {error.hint}"), "$error"))
            return
        await self._read_again()

    async def _read_again(self) -> None:
        self._all = {each.id: each for each in await self._opener.stored()}
        self._hits = {}
        self._find_again()
        self._fill()
        self._search(self._query)

    def _find_again(self) -> None:
        self._doing = "find"
        self.query_one(Input).value = self._query
        self._clear_question()

    def _ask(self, text: Content, *, subtitle: str = _SUBTITLE) -> None:
        self.query_one(".frame", Vertical).border_subtitle = subtitle
        self.query_one("#asked", Static).update(text)
        self.query_one("#asked").display = True
        self.query_one("#deeds").display = False
        # Where there is little room the question stands where the look inside was.
        self.query_one("#look").display = self.size.height >= HEIGHTS[1][0]

    def _clear_question(self) -> None:
        self.query_one(".frame", Vertical).border_subtitle = _SUBTITLE
        self.query_one("#asked").display = False
        for name in ("#deeds", "#look"):
            self.query_one(name).display = True

    def _fill(self) -> None:
        before = self._chosen.id if self._shown and self._chosen is not None else self._current
        named = {f"{each.title} {each.id}": each.id for each in self._all.values()}
        self._shown = [named[text] for text in ranked(self._query, named, most=200)]
        self._shown += [hit for hit in self._hits if hit not in self._shown]
        now = time.time()
        options = self.query_one(OptionList)
        options.clear_options()
        room = dialog_cells(self.size.width) - 1  # one cell is the scroll bar's
        options.add_options(
            Option(_line(self._all[one], now, room, is_open=one == self._current))
            for one in self._shown
        )
        if self._shown:
            at = (number for number, one in enumerate(self._shown) if one == before)
            options.highlighted = 0 if self._query else next(at, 0)
        else:
            self.query_one("#look", Static).update("no session fits")


def _line(session: SessionSummary, now: float, room: int, *, is_open: bool) -> Content:
    right = f"{formats.age(now - session.updated_s):>11}"
    if room >= _ROOM_FOR_TURNS:
        right += f"  {formats.count(session.turns, 'turn'):>9}"
    wide = max(8, room - cell_len(right) - 4)
    title = shown_line(session.title) or session.id
    mark = ("● ", "$success") if is_open else "  "
    return Content.assemble(
        mark, set_cell_size(shortened(title, wide), wide), (f"  {right}", "$text-muted")
    )
