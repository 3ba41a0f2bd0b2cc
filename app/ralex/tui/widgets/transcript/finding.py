"""Every place where a text stands in the transcript: counted, walked through one by one, marked.

Entries are counted in their source, which costs little for thousands of them. Once the search
stops at one, its rows tell how often the text really stands there, across wraps too; from then on
that is its count, so that every mark on the screen is a stop.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from ralex.tui.rows import Row
from ralex.tui.widgets.transcript.items import AnyItem


class Mark(NamedTuple):
    """A match, or its part in one row, in characters of the row.

    Attributes:
        number: Of the match within its entry, from 0.
    """

    start: int
    end: int
    number: int


class Marks(NamedTuple):
    """The matches in the rows of one entry.

    Attributes:
        lines: The row in which each begins.
        by_line: What to mark in each row.
    """

    lines: Sequence[int]
    by_line: dict[int, list[Mark]]


class Finder:
    """The search that is going on.

    Attributes:
        current: The entry and the match in it at which the user is, or None.
    """

    def __init__(self) -> None:
        self.current: tuple[int, int] | None = None
        self._query = ""
        self._pattern: re.Pattern[str] | None = None
        self._counts: dict[int, int] = {}
        self._shown: dict[int, int] = {}
        self._marks: dict[int, tuple[list[Row], Marks]] = {}

    @property
    def is_active(self) -> bool:
        """Tell whether anything is looked for."""
        return self._pattern is not None

    @property
    def place(self) -> tuple[int, int]:
        """Give the number of the current match, from 1, and of all; zeros if there is none."""
        if self.current is None:
            return (0, 0)
        index, number = self.current
        before = sum(count for at, count in self._counts.items() if at < index)
        return (before + number + 1, sum(self._counts.values()))

    def look(self, items: Sequence[AnyItem], query: str) -> None:
        """Look for a text, upper or lower case; an empty one ends the search."""
        if query != self._query:
            self._query, self.current = query, None
            self._pattern = re.compile(re.escape(query), re.IGNORECASE) if query else None
            self.forget()
        folded = query.casefold()
        found = ((at, item.source.casefold().count(folded)) for at, item in enumerate(items))
        self._counts = {at: count for at, count in found if count} if query else {}
        self._counts.update({at: n for at, n in self._shown.items() if at in self._counts})

    def next_entry(self, step: int) -> int | None:
        """Find the entry of the next match after (1) or before (-1); 0 is the last of all."""
        places = list(self._counts)
        if not places:
            self.current = None
            return None
        if self.current is None or step == 0:
            return places[-1]
        index, number = self.current
        if 0 <= number + step < self._counts.get(index, 0):
            return index
        others = [at for at in places if (at > index if step > 0 else at < index)]
        return (others or places)[0 if step > 0 else -1]

    def stop(self, index: int, step: int, rows: list[Row]) -> int | None:
        """Make a match in an entry the current one and give its row, None if it is in none."""
        lines = self.marks(index, rows).lines
        # What is shown nowhere, such as the middle of a long output, is one stop all the same.
        count = self._counts[index] = self._shown[index] = max(1, len(lines))
        if self.current is not None and self.current[0] == index and step:
            number = (self.current[1] + step) % count
        else:
            number = 0 if step > 0 else count - 1
        self.current = (index, number)
        return lines[min(number, len(lines) - 1)] if lines else None

    def marks(self, index: int, rows: list[Row]) -> Marks:
        """Find the matches in an entry's rows."""
        known = self._marks.get(index)
        if known is not None and known[0] is rows:
            return known[1]
        marks = _marks_in(rows, self._pattern) if self._pattern is not None else Marks((), {})
        self._marks[index] = (rows, marks)
        return marks

    def hides(self, index: int, rows: list[Row]) -> bool:
        """Tell whether an entry holds more matches than its rows show."""
        return len(self.marks(index, rows).lines) < self._counts.get(index, 0)

    def forget(self, index: int | None = None) -> None:
        """Forget the rows of an entry that changed, or of all."""
        if index is None:
            self._marks.clear()
            self._shown.clear()
        else:
            self._marks.pop(index, None)
            self._shown.pop(index, None)


def _marks_in(rows: Sequence[Row], pattern: re.Pattern[str]) -> Marks:
    """Find matches in rows as they read: without decoration, words that were wrapped together."""
    text: list[str] = []
    starts: list[int] = []
    length = 0
    for number, each in enumerate(rows):
        part = (each.join if number else "", each.text)
        starts.append(length + len(part[0]))
        length += len(part[0]) + len(part[1])
        text += part
    lines: list[int] = []
    by_line: dict[int, list[Mark]] = {}
    for number, found in enumerate(pattern.finditer("".join(text))):
        at, end = found.span()
        line = bisect_right(starts, at) - 1
        lines.append(line)
        while at < end:
            gutter, stop = rows[line].gutter, starts[line] + len(rows[line].text)
            start = at - starts[line] + gutter
            mark = Mark(start, min(end, stop) - starts[line] + gutter, number)
            by_line.setdefault(line, []).append(mark)
            line += 1
            at = starts[line] if line < len(starts) else end
    return Marks(lines, by_line)
