"""A scrolling list of any number of items in one widget: where they are, and which are drawn.

Nothing in it is a widget but itself, so its size costs neither layout nor memory. Heights are
estimated, and measured when an item comes into view; measuring never moves the line being read.
While the end is in sight the view follows what arrives; scrolled up, it stays where it is.
"""

import logging
from collections.abc import Sequence
from typing import Final, cast

from textual import events
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from typing_extensions import override

from ralex.tui.palette import Palette
from ralex.tui.rows import Row, blank, row
from ralex.tui.widgets.transcript.drawn import DrawnRows, Renderer
from ralex.tui.widgets.transcript.heights import Heights, estimate
from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    AnyItem,
    FoldItem,
    is_growing,
)
from ralex.tui.widgets.transcript.paint import Paint, Thumb, changed_lines, with_note

_logger = logging.getLogger(__name__)
_AHEAD: Final = 5
_VIRTUAL_SIZE = cast("Reactive[Size]", Widget.virtual_size)
LINE_BITS: Final = 20
"""Bits of a selection coordinate that count lines within an item."""


class ItemList(ScrollView):
    """Items from top to bottom.

    Attributes:
        items: Change them by ``load``, ``append``, ``extend`` and ``update_item`` only.
        is_following: The view stays at the end as items arrive.
        palette: The styles in force, or None before ``restyle``.
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.items: list[AnyItem] = []
        self.is_following = True
        self.palette: Palette | None = None
        self._renderer: Renderer | None = None
        self._heights = Heights()
        self._places: dict[int, int] = {}
        self._cache = DrawnRows()
        self._row_width = 0
        self._is_adjusting = False
        self._has_news = False
        self._paint = Paint()
        self._thumb = Thumb()

    @property
    def renderer(self) -> Renderer:
        """What draws the items.

        Raises:
            RuntimeError: If ``restyle`` was not called yet.
        """
        if self._renderer is None:
            raise RuntimeError("the transcript has no renderer yet")
        return self._renderer

    @property
    def row_width(self) -> int:
        """Cells of a row."""
        return self._row_width

    def restyle(self, renderer: Renderer, palette: Palette) -> None:
        """Draw everything with another renderer, in place."""
        self._renderer = renderer
        self.palette = palette
        self._lay_out(is_new_width=True)

    def load(self, items: Sequence[AnyItem]) -> None:
        """Replace all items and show the end."""
        self.items = list(items)
        self._places = {id(item): index for index, item in enumerate(self.items)}
        self.is_following, self._has_news = True, False
        self._lay_out(is_new_width=True)

    def append(self, item: AnyItem) -> None:
        """Add an item at the end."""
        self.extend([item])

    def extend(self, items: Sequence[AnyItem]) -> None:
        """Add items at the end; only those that are seen are drawn."""
        first = len(self.items)
        for item in items:
            self._places[id(item)] = len(self.items)
            self.items.append(item)
            self._heights.append(estimate(item, self._row_width) if self._row_width else 1)
        if not self._row_width or not items:
            return
        follow = self.is_following
        is_news = not follow and not self._has_news
        self._has_news |= is_news
        if self._add_up(follow=follow) or is_news:
            self.refresh()
        else:
            self._repaint(first, [], is_shifted=True)
        if not follow:
            self._settle()

    def hand_over(self, item: AnyItem, rows: list[Row]) -> None:
        """Take the rows of an item that grows no more; it is drawn anew when next seen."""
        index = self._places.get(id(item))
        if index is None or not self._row_width:
            return
        self._cache.drop(index)
        rows = [*[blank(self._row_width)] * item.gap, *rows]
        self._keep(index, rows, is_provisional=True)
        self._heights.set(index, len(rows))

    def update_item(self, item: AnyItem) -> None:
        """Draw an item again: it grew, opened, closed or changed its state."""
        index = self._places.get(id(item))
        if index is None:
            return
        follow = self.is_following
        before = self._cache.drop(index)
        if not self._row_width:
            return
        is_above = (
            self._heights.top(index) + self._heights.height(index) <= self.scroll_offset.y
            if index < len(self._heights) - 1
            else False
        )
        rows = self._rows(index)
        lines = changed_lines(before, rows)
        difference = self._heights.set(index, len(rows))
        is_news = not follow and index == len(self.items) - 1 and not self._has_news
        self._has_news |= is_news
        # Taken before: a list that gets shorter may move the view to its new end by itself.
        y = self.scroll_offset.y + difference
        if self._add_up(follow=follow) or is_news:
            self.refresh()
        else:
            self._repaint(index, lines, is_shifted=difference != 0)
        if difference and is_above and not follow:
            self._jump(y)
        if not follow:
            self._settle()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.is_following, self._has_news = True, False
        self._sync(follow=True)

    def show_newest(self) -> None:
        """Go to the last item: to its end, or to its beginning if it does not fit the view."""
        self.follow()
        last = len(self.items) - 1
        if self._row_width and last >= 0 and self._heights.height(last) > self.size.height:
            self._jump(self._heights.top(last))
            self.is_following, self._has_news = False, True

    def newest(self, *kinds: type[AnyItem]) -> AnyItem | None:
        """Find the last item of some kinds."""
        return next((item for item in reversed(self.items) if isinstance(item, kinds)), None)

    def toggle_item(self, item: AnyItem) -> None:
        """Open a folded item, or close it; its first line stays in sight, in place if it can."""
        index = self._places.get(id(item))
        if not item.can_open or index is None:
            return
        y = self.scroll_offset.y
        item.toggle()
        self.screen.clear_selection()
        self.update_item(item)
        is_in_sight = y <= self._heights.top(index) + item.gap < y + self.size.height
        if is_in_sight and not (self.is_following and is_growing(item)):
            self._keep_in_sight(index, y)

    def show_item(self, index: int) -> None:
        """Scroll so that an item is in sight, at the top if it was not."""
        for _ in range(2):
            top, height = self._heights.top(index), self._heights.height(index)
            if (
                self.scroll_offset.y <= top
                and top + height <= self.scroll_offset.y + self.size.height
            ):
                return
            self.scroll_to(y=top, animate=False)

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out for the new size; the item at the top stays there."""
        self._lay_out(is_new_width=self.scrollable_content_region.width != self._row_width)

    @override
    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        self._cache.clear()
        super().notify_style_update()

    @override
    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Measure what comes into view and keep the line that is being read in place."""
        if not self._is_adjusting and len(self._heights) and self._row_width:
            self._is_adjusting = True
            self._measure_view(round(old_value))
            self._is_adjusting = False
        self.is_following = self.scroll_offset.y >= self.max_scroll_y
        if self.is_following:
            self._has_news = False
        if not self._is_adjusting:  # else whoever adjusts tells it where that ended
            self._thumb.move(self)
        if round(old_value) != round(new_value):
            self.refresh(self.size.region)

    @override
    def render_line(self, y: int) -> Strip:
        """Give one visible line, each cell with its place, which is what a selection is made of."""
        strip, place = self._line(y)
        strip = strip.apply_style(self.rich_style)
        return strip if place is None else strip.apply_offsets(0, place)

    @override
    def render_lines(self, crop: Region) -> list[Strip]:
        """Give lines to be painted: Textual's way to them draws each anew with every frame."""
        width, height = self.region.size
        self._paint.mix(self.rich_style, self.background_colors[1], self.get_line_filters())
        strips = [self._paint.on(self._line(y)[0], width) for y in crop.line_range]
        self._paint.trim(4 * height)
        if crop.column_span == (0, width):
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def _line(self, y: int) -> tuple[Strip, int | None]:
        """Give one visible line without a background, and its place in the list."""
        if not self.items:
            return self.empty_line(y), None
        place = y + self.scroll_offset.y
        index = self._heights.at(place)
        if index >= len(self.items):
            return Strip.blank(self._row_width), None
        rows = self._rows(index)
        line = place - self._heights.top(index)
        if line >= len(rows):
            return Strip.blank(self._row_width), None
        strip = self.overlay(rows[line].strip, index, line)
        if self._has_news and y == self.size.height - 1 and self.palette is not None:
            strip = with_note(strip, " ↓ more below · End ", self.palette)
        return strip, index << LINE_BITS | line

    def overlay(self, strip: Strip, index: int, line: int) -> Strip:  # noqa: ARG002 - for subclasses
        """Lay marks over a row of an item before it is shown."""
        return strip

    def empty_line(self, y: int) -> Strip:  # noqa: ARG002 - for subclasses
        """Give a line of the view while there are no items."""
        return Strip.blank(self.size.width)

    def _rows(self, index: int) -> list[Row]:
        rows = self._cache.get(index)
        if rows is None:
            rows = self._drawn(self.items[index])
            self._keep(index, rows)
        return rows

    def _keep(self, index: int, rows: list[Row], *, is_provisional: bool = False) -> None:
        for gone in self._cache.keep(index, rows, is_provisional=is_provisional):
            self._heights.doubt(gone)

    def _drawn(self, item: AnyItem) -> list[Row]:
        """Draw an item; one that cannot be drawn must not take the whole screen with it."""
        try:
            return self.renderer.render(item, self._row_width)
        except Exception:
            _logger.exception("an entry of the transcript could not be drawn")
            note = [("  this entry cannot be drawn; the log file says why", self.rich_style)]
            return [row(note, total=self._row_width)]

    def _measure(self, index: int) -> int:
        if self._heights.is_exact(index):
            return 0
        return self._heights.set(index, len(self._rows(index)))

    def _measure_view(self, old: int) -> None:
        """Measure all items in view; rows gained above the reading line move the view along."""
        y = self.scroll_offset.y
        for _ in range(4):
            index = self._heights.at(y)
            bottom = self._heights.top(min(index, len(self._heights)))
            shift = total = 0
            while index < len(self._heights) and bottom < y + self.size.height + total + _AHEAD:
                difference = self._measure(index)
                total += abs(difference)
                bottom += self._heights.height(index)
                if self._heights.top(index) < max(y, old):
                    shift += difference
                index += 1
            if not total:
                return
            y += shift
            old += shift
            self._sync(follow=False)
            self.scroll_to(y=y, animate=False)

    def _lay_out(self, *, is_new_width: bool) -> None:
        follow = self.is_following
        y = self.scroll_offset.y
        top = self._heights.at(y)
        below = y - self._heights.top(top) if top < len(self._heights) else 0
        if is_new_width:
            self._row_width = self.scrollable_content_region.width
            self._cache.clear()
            if not self._row_width:
                return
            self._renew_live()
            self._heights.reset(estimate(item, self._row_width) for item in self.items)
            self.screen.clear_selection()
        if not self._row_width or not self.items:
            self._resize_list()
            self.refresh()
            return
        if not follow:
            # What is above the view of the item at the top takes no room in it.
            self._measure_run(min(top, len(self.items) - 1), 1, hidden=below)
        self._sync(follow=follow)
        if not follow and top < len(self.items):
            inside = min(below, max(0, self._heights.height(top) - 1))
            self._jump(self._heights.top(top) + inside)
        self.is_following = follow

    def _renew_live(self) -> None:
        """Feed texts that are still arriving again, for the new width or colours."""
        for item in self.items[-8:]:
            if isinstance(item, AnswerItem | FoldItem) and item.live is not None:
                is_answer = isinstance(item, AnswerItem)
                start = self.renderer.live if is_answer else self.renderer.live_plain
                live = start(self._row_width)
                live.feed(item.live.source)
                item.live = live

    def _measure_run(self, index: int, step: int, *, hidden: int = 0) -> bool:
        """Measure items from one on, down (1) or up (-1), until they fill the view.

        Returns:
            Whether any had another height than was thought.
        """
        need = self.size.height + _AHEAD + hidden
        is_changed = False
        while need > 0 and 0 <= index < len(self.items):
            is_changed |= self._measure(index) != 0
            need -= self._heights.height(index)
            index += step
        return is_changed

    def _settle(self) -> None:
        """Measure what came into view from below because something above it got shorter."""
        y = self.scroll_offset.y
        top = self._heights.at(y)
        if top < len(self.items) and self._measure_run(top, 1, hidden=y - self._heights.top(top)):
            self._resize_list()
            self._thumb.move(self)
            self.refresh()

    def _sync(self, *, follow: bool) -> None:
        self._add_up(follow=follow)
        self.refresh()

    def _add_up(self, *, follow: bool) -> bool:
        """Compute where everything is, and go to the end if the view is to follow.

        Returns:
            Whether items other than those known to have changed did so.
        """
        is_changed = False
        if follow and self._row_width:
            # The end is known only once what is seen there is measured: an estimate would leave
            # the view above it, and the next entry would find nobody following.
            is_changed = self._measure_run(len(self.items) - 1, -1)
        self._resize_list()
        if follow:
            self._jump(self.max_scroll_y)
        else:
            self._thumb.move(self)
        return is_changed

    def _resize_list(self) -> None:
        """Tell how long the list is: not by the reactive, which lays out the whole screen."""
        self._heights.sum_up()
        self.set_reactive(_VIRTUAL_SIZE, Size(self._row_width, self._heights.total))
        if self.scroll_y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def _repaint(self, index: int, lines: Sequence[int], *, is_shifted: bool) -> None:
        """Paint rows of an item again, and all below it if they moved."""
        start = self._heights.top(index) - self.scroll_offset.y
        width, height = self.size
        if is_shifted:
            y = max(0, start + (lines[0] if lines else 0))
            regions = [Region(0, y, width, height - y)] if y < height else []
        else:
            regions = [Region(0, start + line, width, 1) for line in lines]
            regions = [region for region in regions if 0 <= region.y < height]
        if regions:
            self.refresh(*regions)

    def _keep_in_sight(self, index: int, y: int) -> None:
        """Leave the view at a row, but for what the end of an item needs below its first line."""
        top = self._heights.top(index)
        end = top + self._heights.height(index)
        if end > y + self.size.height:
            y = min(end - self.size.height, top)
        self._jump(min(y, self.max_scroll_y))
        self.is_following = self.scroll_offset.y >= self.max_scroll_y
        self._settle()

    def _jump(self, y: int) -> None:
        self._is_adjusting = True
        self.scroll_to(y=y, animate=False)
        self._is_adjusting = False
        self._thumb.move(self)
