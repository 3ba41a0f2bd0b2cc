"""The transcript: the list of everything said and done, with what people do to it.

Selecting and copying, searching, jumping, opening and closing entries, by mouse or by keys alone.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from typing_extensions import override

from ralex.tui.rows import Line, painted
from ralex.tui.widgets.transcript.items import AnyItem, UserItem
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
        self._search: re.Pattern[str] | None = None

    @override
    def load(self, items: Sequence[AnyItem]) -> None:
        """Replace all items and show the end."""
        self.current = None
        super().load(items)

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

    def search(self, query: str) -> list[int]:
        """Mark a text wherever it is shown and return the items that contain it, in order."""
        self._search = re.compile(re.escape(query), re.IGNORECASE) if query else None
        self.refresh()
        if not query:
            return []
        found = query.casefold()
        return [at for at, item in enumerate(self.items) if found in item.source.casefold()]

    def reveal(self, index: int, query: str) -> None:
        """Scroll to the first row of an item that shows a text, opening the item if need be."""
        item = self.items[index]
        self.current = index
        pattern = re.compile(re.escape(query), re.IGNORECASE)
        line = self._line_with(index, pattern)
        if line is None and item.can_open and not item.is_open:
            self.toggle_item(item)
            line = self._line_with(index, pattern)
        self.show_item(index)
        if line is not None:
            y = self._heights.top(index) + line
            if not self.scroll_offset.y <= y < self.scroll_offset.y + self.size.height:
                self.scroll_to(y=max(0, y - self.size.height // 3), animate=False)
        self.refresh()

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
        if line == 0 or (line > 0 and not item.is_open):
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

    def _line_with(self, index: int, pattern: re.Pattern[str]) -> int | None:
        rows = self._rows(index)
        return next((at for at, each in enumerate(rows) if pattern.search(each.strip.text)), None)

    @override
    def overlay(self, strip: Strip, index: int, line: int) -> Strip:
        """Lay the search's matches, the selection and the current entry's mark over a row."""
        if self._search is not None and self.palette is not None:
            for found in reversed(list(self._search.finditer(strip.text))):
                strip = painted(strip, found.start(), found.end(), self.palette.match)
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
            return Strip.blank(width, self.rich_style)
        segments = [Segment(text, style) for text, style in self._welcome[y - start]]
        return Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)
