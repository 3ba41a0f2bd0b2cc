"""The transcript: the list of everything said and done, with what people do to it.

Selecting and copying, searching, jumping, opening and closing entries, by mouse or by keys alone.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from typing_extensions import override

from ralex.tui.palette import Palette
from ralex.tui.rows import Line, painted
from ralex.tui.widgets.transcript.drawn import Renderer
from ralex.tui.widgets.transcript.finding import Finder
from ralex.tui.widgets.transcript.items import SHOW_ALL_META, AnyItem, UserItem
from ralex.tui.widgets.transcript.list_view import LINE_BITS, ItemList

_LETTERS = frozenset({"k", "j", "c", "space"})


class Transcript(ItemList, can_focus=True):
    """Everything said and done in the session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Entry above", show=False),
        Binding("down,j", "move(1)", "Entry below", show=False),
        Binding("enter,space", "fold", "Open or close the entry", show=False),
        Binding("c", "copy_item", "Copy the entry", show=False),
        Binding("escape,tab", "leave", "Back to the prompt", show=False),
    ]

    FOCUS_ON_CLICK = False  # whoever opens a card by mouse goes on typing where they were
    DEFAULT_CSS = """
    Transcript { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    class Left(Message):
        """The user is done here; the prompt should have the focus."""

    class Typed(Message):
        """The user writes while the transcript has the focus."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class CopyWanted(Message):
        """The user wants a text in the clipboard."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class LinkWanted(Message):
        """The user clicked a link; nothing was opened."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.current: int | None = None
        self._welcome: list[Line] = []
        self._finder = Finder()

    @override
    def load(self, items: Sequence[AnyItem]) -> None:
        """Replace all items and show the end."""
        self.current = None
        self._finder = Finder()
        super().load(items)

    @override
    def restyle(self, renderer: Renderer, palette: Palette) -> None:
        """Draw everything with another renderer, in place."""
        self._finder.forget()
        super().restyle(renderer, palette)

    @override
    def update_item(self, item: AnyItem) -> None:
        """Draw an item again: it grew, opened, closed or changed its state."""
        if self._finder.is_active and (index := self._places.get(id(item))) is not None:
            self._finder.forget(index)
            self.refresh()  # matches are numbered through all entries
        super().update_item(item)

    def welcome(self, lines: Sequence[Line]) -> None:
        """Set what is shown while there are no items."""
        self._welcome = list(lines)
        self.refresh()

    def jump_user(self, step: int) -> None:
        """Go to the user's message before (-1) or after (1) the top of the view."""
        top = self.scroll_offset.y
        places = [index for index, item in enumerate(self.items) if isinstance(item, UserItem)]
        if step < 0:
            wanted = [at for at in places if self._heights.top(at) < top][-1:]
        else:
            wanted = [at for at in places if self._heights.top(at) > top][:1]
        if not wanted:
            if step > 0:
                self.follow()
            return
        self.current = wanted[0]
        for _ in range(2):
            self.scroll_to(y=self._heights.top(wanted[0]), animate=False)
        self.refresh()

    def seek(self, query: str, step: int) -> tuple[int, int]:
        """Mark a text wherever it is shown, and go to the next match, opening its entry if need be.

        Args:
            query: Upper or lower case; an empty text ends the search.
            step: To newer matches (1), older ones (-1), or the newest of all (0).

        Returns:
            The number of the match from 1 and of all; zeros if there is none.
        """
        self._finder.look(self.items, query)
        index = self._finder.next_entry(step)
        if index is not None:
            self.current = index
            item = self.items[index]
            is_folded = item.can_open and not item.is_open
            if is_folded and self._finder.hides(index, self._rows(index)):
                self.toggle_item(item)
            line = self._finder.stop(index, step, self._rows(index))
            self._show_line(index, line or 0)
        self.refresh()
        return self._finder.place

    def _show_line(self, index: int, line: int) -> None:
        """Scroll to a row of an entry unless it is in sight."""
        for _ in range(2):  # what is measured on the way may move it
            y = self._heights.top(index) + line
            if self.scroll_offset.y <= y < self.scroll_offset.y + self.size.height:
                return
            self.scroll_to(y=max(0, y - self.size.height // 3), animate=False)

    def action_move(self, step: int) -> None:
        """Make another entry the current one."""
        places = [at for at, item in enumerate(self.items) if item.can_open or item.source]
        if not places:
            return
        start = self.current
        if start is None:
            start = self._heights.at(self.scroll_offset.y + self.size.height) + (step < 0)
        after = [at for at in places if (at > start if step > 0 else at < start)]
        if after:
            self.current = after[0] if step > 0 else after[-1]
            self.show_item(self.current)
        self.refresh()

    def action_fold(self) -> None:
        """Open or close the current entry."""
        if self.current is not None and self.current < len(self.items):
            self.toggle_item(self.items[self.current])

    def action_copy_item(self) -> None:
        """Ask for the current entry's text in the clipboard."""
        if self.current is not None and (text := self.items[self.current].source):
            self.post_message(self.CopyWanted(text))

    def action_leave(self) -> None:
        """Give the focus back to the prompt."""
        self.current = None
        self.refresh()
        self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        """Hand letters that mean nothing here to the prompt, so that none is lost."""
        if event.is_printable and event.character and event.key not in _LETTERS:
            event.stop()
            self.post_message(self.Typed(event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Hand what is pasted to the prompt."""
        event.stop()
        self.post_message(self.Typed(event.text))

    def on_click(self, event: events.Click) -> None:
        """Open or close what was clicked, if it was its first line."""
        if self.text_selection is not None:
            return
        address: object = event.style.meta.get("link_to")
        if isinstance(address, str):
            self.post_message(self.LinkWanted(address))
            return
        offset = event.get_content_offset(self)
        if offset is None or not self.items:
            return
        y = offset.y + self.scroll_offset.y
        index = self._heights.at(y)
        if index >= len(self.items):
            return
        item = self.items[index]
        line = y - self._heights.top(index) - item.gap
        is_for_all = SHOW_ALL_META in event.style.meta
        if line == 0 or is_for_all or (line > 0 and not item.is_open):
            self.current = index if item.can_open else self.current
            self.toggle_item(item)

    @override
    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Give the selected text: paragraphs unwrapped, decoration left out."""
        start, end = selection
        first = start.y >> LINE_BITS if start else 0
        last = end.y >> LINE_BITS if end else len(self.items) - 1
        text = ""
        for index in range(first, min(last, len(self.items) - 1) + 1):
            for line, shown in enumerate(self._rows(index)):
                span = selection.get_span(index << LINE_BITS | line)
                if span is None:
                    continue
                whole = shown.strip.text
                stop = len(whole) if span[1] < 0 else span[1]
                part = whole[max(shown.gutter, span[0]) : stop].rstrip()
                text += (shown.join if text else "") + part
        return (text.strip("\n"), "\n") if text.strip() else None

    @override
    def selection_updated(self, selection: Selection | None) -> None:
        """Show the selection."""
        self.refresh()

    @override
    def overlay(self, strip: Strip, index: int, line: int) -> Strip:
        """Lay the search's matches, the selection and the current entry's mark over a row."""
        if self._finder.is_active and self.palette is not None:
            for mark in self._finder.marks(index, self._rows(index)).by_line.get(line, ()):
                is_here = self._finder.current == (index, mark.number)
                style = self.palette.match_here if is_here else self.palette.match
                strip = painted(strip, mark.start, mark.end, style)
        if (selection := self.text_selection) is not None:
            span = selection.get_span(index << LINE_BITS | line)
            if span is not None:
                end = len(strip.text) if span[1] < 0 else span[1]
                style = self.screen.get_component_rich_style("screen--selection")
                strip = painted(strip, span[0], end, style)
        is_current = index == self.current and line == self.items[index].gap
        if is_current and self.has_focus and self.palette is not None:
            mark = Strip([Segment("›", self.palette.current)], 1)
            strip = Strip.join([mark, strip.crop(1, strip.cell_length)])
        return strip

    @override
    def empty_line(self, y: int) -> Strip:
        """Give a line of the hints."""
        width = self.size.width
        start = max(0, (self.size.height - len(self._welcome)) // 2)
        if not start <= y < start + len(self._welcome):
            return Strip.blank(width)
        segments = [Segment(text, style) for text, style in self._welcome[y - start]]
        return Strip(segments).adjust_cell_length(width)
