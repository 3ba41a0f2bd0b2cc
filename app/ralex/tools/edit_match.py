"""Where in a file the model's old text is meant to be: one place, or none.

Lines are compared in their loosest form and blank lines are passed over; nothing else may differ.
There is no measure of likeness: a line either is the same line or it is not.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import compress, islice, pairwise

from ralex.core.records import dataclass
from ralex.tools.edit_lines import (
    Lines,
    fold,
    fold_all,
    fold_with_sources,
    indent_of,
    with_plain_indent,
)

MAX_PLACES = 1000
"""So many cannot be told apart, and to change them one by one would take too long."""

_SHORTEST_PART = 4
_LONGEST_LINE = 20_000
"""Characters; inside a longer line, text is found to the letter or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A text as its lines that are not blank and the line breaks around them.

    Attributes:
        lines: Without the blank ones.
        breaks: Line breaks before, between and after them; one more than lines.
    """

    lines: tuple[str, ...]
    breaks: tuple[int, ...]

    @property
    def text(self) -> str:
        """The lines with the line breaks between them."""
        rest = zip(self.breaks[1:], self.lines[1:], strict=False)
        return "".join([*self.lines[:1], *("\n" * count + line for count, line in rest)])

    def inner_blanks(self, index: int) -> int:
        """Count the blank lines after a line that is not the last."""
        return self.breaks[index + 1] - 1


def block(text: str) -> Block:
    """Take a text with line feeds apart."""
    lines: list[str] = []
    breaks = [0]
    for index, line in enumerate(text.split("\n")):
        if index:
            breaks[-1] += 1
        if fold(line):
            lines.append(with_plain_indent(line))
            breaks.append(0)
    return Block(lines=tuple(lines), breaks=tuple(breaks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Lines of the file that the old text stands for.

    Attributes:
        rows: Index of the file's line for each line of the old text.
        old: The old text, completed to whole lines.
        new: The new text, completed the same way.
        distance: 0 if the lines differ in nothing but blanks at their ends, 1 if they are indented
            alike, else 2.
    """

    rows: tuple[int, ...]
    old: Block
    new: Block
    distance: int


class Index:
    """A file's lines in their loosest form, made once for all readings of an edit.

    Args:
        lines: Of ``text``.
        text: With line feeds alone.
    """

    def __init__(self, lines: Lines, text: str) -> None:
        self.lines = lines
        folded = fold_all(text)
        self.rows: Sequence[int]
        if "\n\n" in folded:
            keys = folded.split("\n")
            self.rows = list(compress(range(len(keys)), keys))
            self._joined = "\n".join(["", *filter(None, keys), ""])
        else:
            bare = folded.strip("\n")
            first = 1 if folded.startswith("\n") else 0
            self.rows = range(first, first + bare.count("\n") + 1 if bare else first)
            self._joined = f"\n{bare}\n"

    @cached_property
    def keys(self) -> list[str]:
        """The lines that are not blank."""
        return self._joined[1:-1].split("\n") if self.rows else []

    def whole_lines(self, old: Block, new: Block) -> list[Place]:
        """Find where every line of ``old`` is a line of the file, one after the other.

        Args:
            old: What is looked for.
            new: What replaces it.

        Returns:
            At most ``MAX_PLACES``, after which the search ends.
        """
        places: list[Place] = []
        if not old.lines:
            return places
        keys = "\n".join(["", *map(fold, old.lines), ""])
        for start in islice(self._numbers(keys), MAX_PLACES):
            rows = tuple(self.rows[start : start + len(old.lines)])
            places.append(Place(rows=rows, old=old, new=new, distance=self._distance(rows, old)))
        return places

    def partial_lines(self, old: Block, new: Block) -> list[Place]:
        """Find where ``old`` begins or ends inside a line, and complete both texts to lines."""
        if not old.lines or not new.lines:
            return []
        keys = [fold(line) for line in old.lines]
        if sum(map(len, keys)) < _SHORTEST_PART:
            return []
        places: list[Place] = []
        for start in self.holding("\n".join(keys)):
            window = self.keys[start : start + len(keys)]
            if not _fits(window, keys):
                continue
            rows = tuple(self.rows[start : start + len(keys)])
            completed = self._complete(rows, old, new, keys)
            if completed is None:
                return []
            places.append(Place(rows=rows, old=completed[0], new=completed[1], distance=2))
            if len(places) >= MAX_PLACES:
                break
        return places

    def holding(self, text: str) -> Iterator[int]:
        """Give the number of each line in which a text begins, once."""
        last = -1
        for number in self._numbers(text):
            if number - 1 > last:
                last = number - 1
                yield last

    def equal_to(self, key: str) -> Iterator[int]:
        """Give the number of each line that is a text in its loosest form."""
        return self._numbers(f"\n{key}\n")

    def _numbers(self, text: str) -> Iterator[int]:
        """Give how many line breaks stand before each place of a text; the first line has one."""
        number = done = 0
        at = self._joined.find(text)
        while at >= 0:
            number += self._joined.count("\n", done, at)
            done = at
            yield number
            at = self._joined.find("\n", at + 1)
            at = self._joined.find(text, at) if at >= 0 else -1

    def _distance(self, rows: Sequence[int], old: Block) -> int:
        pairs = [
            (self.lines.contents[row], line) for row, line in zip(rows, old.lines, strict=True)
        ]
        is_spaced_alike = all(
            later - earlier == old.breaks[index + 1]
            for index, (earlier, later) in enumerate(pairwise(rows))
        )
        if is_spaced_alike and all(real.rstrip() == line.rstrip() for real, line in pairs):
            return 0
        return 1 if all(indent_of(real) == indent_of(line) for real, line in pairs) else 2

    def _complete(
        self, rows: Sequence[int], old: Block, new: Block, keys: Sequence[str]
    ) -> tuple[Block, Block] | None:
        """Add to both texts what the file's first and last line hold around the old text."""
        if max(len(self.lines.contents[row]) for row in (rows[0], rows[-1])) > _LONGEST_LINE:
            return None
        first = fold_with_sources(self.lines.contents[rows[0]])
        last = fold_with_sources(self.lines.contents[rows[-1]])
        if len(first.key) != len(first.sources) or len(last.key) != len(last.sources):
            return None
        begin = first.key.index(keys[0]) if len(keys) == 1 else len(first.key) - len(keys[0])
        end = (begin if len(keys) == 1 else 0) + len(keys[-1])
        content = self.lines.contents[rows[0]]
        indent = content[: len(content) - len(content.lstrip())]
        head = indent + "".join(first.sources[:begin])
        tail = "".join(last.sources[end:])
        return _around(old, head, tail), _around(new, head, tail)


def _fits(window: Sequence[str], keys: Sequence[str]) -> bool:
    if len(keys) == 1:
        return window[0].count(keys[0]) == 1
    return (
        window[0].endswith(keys[0])
        and window[-1].startswith(keys[-1])
        and window[1:-1] == keys[1:-1]
    )


def _around(text: Block, head: str, tail: str) -> Block:
    lines = list(text.lines)
    # Blanks beside the cut are the file's own; the model's are kept only inside its text, and
    # before a first line that is whole there, for they tell how it indents.
    if head.strip() or not indent_of(lines[0]):
        lines[0] = head + lines[0].lstrip()
    lines[-1] = lines[-1].rstrip() + tail
    above, *inner, below = text.breaks
    breaks = (0 if head.strip() else above, *inner, 0 if tail.strip() else below)
    return Block(lines=tuple(lines), breaks=breaks)
