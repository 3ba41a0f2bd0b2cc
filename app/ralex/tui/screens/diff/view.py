"""Rows that are drawn once and scrolled; one widget, however many there are."""

from collections.abc import Callable, Sequence

from textual.events import Resize
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from typing_extensions import override

from ralex.tui.rows import Row


class RowsView(ScrollView, can_focus=True):
    """Shows rows made for its width."""

    DEFAULT_CSS = """
    RowsView { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._make: Callable[[int], Sequence[Row]] | None = None
        self._rows: Sequence[Row] = ()
        self._row_width = 0

    def show(self, make: Callable[[int], Sequence[Row]]) -> None:
        """Show what a function makes of a width in cells, from its top."""
        self._make = make
        self._lay_out()
        self.scroll_to(y=0, animate=False)

    def on_resize(self, _event: Resize) -> None:
        """Make the rows anew for another width."""
        if self.scrollable_content_region.width != self._row_width:
            self._lay_out()

    @override
    def render_line(self, y: int) -> Strip:
        """Give one visible line."""
        at = y + self.scroll_offset.y
        if at >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        strip = self._rows[at].strip.adjust_cell_length(self.size.width)
        return strip.apply_style(self.rich_style)

    def _lay_out(self) -> None:
        self._row_width = self.scrollable_content_region.width
        if self._make is None or not self._row_width:
            return
        self._rows = self._make(self._row_width)
        self.virtual_size = Size(self._row_width, len(self._rows))
        self.refresh()
