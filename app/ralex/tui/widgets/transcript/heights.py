"""Where each item of the transcript begins, from heights that are estimated until they are seen."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from ralex.tui.widgets.transcript.items import AnswerItem, AnyItem, UserItem


class Heights:
    """Heights of items in rows, and the offsets they add up to."""

    def __init__(self) -> None:
        self._heights: list[int] = []
        self._is_exact = bytearray()
        self._offsets: list[int] = [0]
        self._first_changed = 0

    def __len__(self) -> int:
        """Count the items."""
        return len(self._heights)

    def reset(self, estimates: Iterable[int]) -> None:
        """Start again with estimates."""
        self._heights = list(estimates)
        self._is_exact = bytearray(len(self._heights))
        self._first_changed = 0
        self.sum_up()

    def append(self, estimate: int) -> None:
        """Add an item; ``sum_up`` when all are added."""
        self._heights.append(estimate)
        self._is_exact.append(0)
        self._first_changed = min(self._first_changed, len(self._heights) - 1)

    def set(self, index: int, height: int) -> int:
        """Store a true height and return by how much it differs; ``sum_up`` afterwards."""
        difference = height - self._heights[index]
        self._heights[index] = height
        self._is_exact[index] = 1
        if difference:
            self._first_changed = min(self._first_changed, index)
        return difference

    def doubt(self, index: int) -> None:
        """Take a height for an estimate again."""
        self._is_exact[index] = 0

    def is_exact(self, index: int) -> bool:
        """Tell whether an item was measured."""
        return bool(self._is_exact[index])

    def height(self, index: int) -> int:
        """Give an item's height in rows."""
        return self._heights[index]

    def top(self, index: int) -> int:
        """Give the row at which an item begins."""
        return self._offsets[index]

    @property
    def total(self) -> int:
        """Rows of all items."""
        return self._offsets[-1]

    def sum_up(self) -> None:
        """Compute the offsets again, from the first item on that changed."""
        first = self._first_changed
        following = accumulate(self._heights[first:], initial=self._offsets[first])
        self._offsets[first:] = following
        self._first_changed = len(self._heights)

    def at(self, y: int) -> int:
        """Find the item at a row; beyond the end, the number of items."""
        return max(0, bisect_right(self._offsets, y) - 1)


def estimate(item: AnyItem, width: int) -> int:
    """Guess an item's height in rows of ``width`` cells, without drawing it."""
    if not isinstance(item, AnswerItem | UserItem):
        return item.gap + 1
    room = max(1, min(width, 118) - 3)
    text = item.source
    rows = text.count("\n") + 1 + len(text) // room
    is_folded = isinstance(item, UserItem) and not item.is_open
    return item.gap + (min(rows, 13) if is_folded else rows)
