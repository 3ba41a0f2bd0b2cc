"""Rows of the items that were looked at last: drawing them costs, and keeping them does too."""

from collections import OrderedDict
from typing import Final, Protocol

from ralex.tui.markdown.source import LiveText
from ralex.tui.rows import Row
from ralex.tui.widgets.transcript.items import AnyItem

_MOST_ITEMS: Final = 96
_MOST_ROWS: Final = 2_400
"""About 9 MB; parts of a long answer have hundreds of rows each."""
_LEAST_ITEMS: Final = 3


class Renderer(Protocol):
    """Draws items; see ``render.ItemRenderer``, which is imported after the first frame."""

    def render(self, item: AnyItem, total: int) -> list[Row]:
        """Draw an item in rows of ``total`` cells."""
        ...

    def live(self, total: int) -> LiveText:
        """Start the rows of an answer that arrives."""
        ...

    def live_plain(self, total: int) -> LiveText:
        """Start the rows of a plain text that arrives."""
        ...


class DrawnRows:
    """Rows by the index of their item; those in view were asked for last and stay."""

    def __init__(self) -> None:
        self._rows: OrderedDict[int, list[Row]] = OrderedDict()
        self._provisional: set[int] = set()

    def get(self, index: int) -> list[Row] | None:
        """Give the rows of an item, if they are still there."""
        rows = self._rows.get(index)
        if rows is not None:
            self._rows.move_to_end(index)
        return rows

    def keep(self, index: int, rows: list[Row], *, is_provisional: bool = False) -> list[int]:
        """Keep the rows of an item, and let the oldest go.

        Args:
            is_provisional: Another drawing of the item may give other rows.

        Returns:
            Items whose provisional rows went.
        """
        self._rows[index] = rows
        self._rows.move_to_end(index)
        if is_provisional:
            self._provisional.add(index)
        gone: list[int] = []
        count = sum(map(len, self._rows.values()))
        while len(self._rows) > _MOST_ITEMS or (
            count > _MOST_ROWS and len(self._rows) > _LEAST_ITEMS
        ):
            oldest, old = self._rows.popitem(last=False)
            count -= len(old)
            if oldest in self._provisional:
                self._provisional.discard(oldest)
                gone.append(oldest)
        return gone

    def drop(self, index: int) -> list[Row] | None:
        """Let the rows of an item go, and give them once more."""
        self._provisional.discard(index)
        return self._rows.pop(index, None)

    def clear(self) -> None:
        """Let all go."""
        self._rows.clear()
        self._provisional.clear()
