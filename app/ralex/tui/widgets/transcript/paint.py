"""How rows of the transcript get onto the screen with as little work as can be.

While an answer arrives the view moves by a row or two with each frame, and all others are the same
strips as before: their colours, their cuts and their bytes for the terminal are kept while they are
in view.
"""

from collections.abc import Sequence
from math import ceil

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from ralex.tui.palette import Palette
from ralex.tui.rows import Row


class Paint:
    """Strips as they are painted: on the background and through the filters, kept by identity."""

    def __init__(self) -> None:
        self._look: tuple[Style, Color, tuple[LineFilter, ...]] | None = None
        self._done: dict[int, tuple[Strip, Strip]] = {}

    def mix(self, style: Style, background: Color, filters: Sequence[LineFilter]) -> None:
        """Set what strips are painted with; another look forgets the old one's strips."""
        look = (style, background, tuple(filters))
        if look != self._look:
            self._look = look
            self._done.clear()

    def on(self, strip: Strip, width: int) -> Strip:
        """Paint a strip, filled up to a width in cells."""
        # The strip is kept with what was made of it, so that its identity stays its own.
        known = self._done.get(id(strip))
        if known is not None and known[1].cell_length == width:
            return known[1]
        if self._look is None:
            return strip
        style, background, filters = self._look
        segments = list(strip)
        if strip.cell_length < width:
            segments.append(Segment(" " * (width - strip.cell_length)))
        segments = list(Segment.apply_style(segments, style))
        for each in filters:
            segments = each.apply(segments, background)
        painted = Strip(segments, max(width, strip.cell_length)).crop(0, width)
        self._done[id(strip)] = strip, painted
        return painted

    def trim(self, most: int) -> None:
        """Forget all strips once there are many: those in view are soon there again."""
        if len(self._done) > most:
            self._done.clear()


class Thumb:
    """Where the scroll bar's thumb is: the bar is painted again only when that changes."""

    def __init__(self) -> None:
        self._place = (0, 0)

    def move(self, view: ScrollView) -> None:
        """Tell the bar how long the list is and where the view."""
        if not view.show_vertical_scrollbar:
            return
        bar, total, size = view.vertical_scrollbar, view.virtual_size.height, view.size.height
        bar.set_reactive(ScrollBar.window_virtual_size, total)
        bar.set_reactive(ScrollBar.position, bar.validate_position(view.scroll_y))
        place = (0, size)
        if total > size > 0:  # as Textual draws it, in eighths of a cell
            length = max(1, size * size / total)
            start = (size - length) * view.scroll_y / (total - size)
            place = int(start * 8), ceil(length * 8)
        if place != self._place:
            self._place = place
            bar.refresh()


def changed_lines(before: Sequence[Row] | None, rows: list[Row]) -> list[int]:
    """List the rows that look different; those that do not become the old objects again.

    Args:
        before: None if the rows were not drawn, so that all are new.
        rows: Changed in place.
    """
    if before is None:
        return list(range(len(rows)))
    changed: list[int] = []
    for line, (old, new) in enumerate(zip(before, rows, strict=False)):
        if new is old:
            continue
        if new == old:
            rows[line] = old
        else:
            changed.append(line)
    return [*changed, *range(len(before), len(rows))]


def with_note(strip: Strip, note: str, palette: Palette) -> Strip:
    """Lay a short note over the end of a strip, if it has room for one."""
    room = strip.cell_length - cell_len(note) - 1
    if room < 0:
        return strip
    style = palette.raised + palette.accent
    return Strip.join([strip.crop(0, room), Strip([Segment(note, style), Segment(" ")])])
