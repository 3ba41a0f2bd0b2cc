"""Forms that text takes when it is code, found by plain strings and then by patterns.

Most texts lack the marks of most shapes, so that one look at the marks spares most searches.
"""

import re
from typing import NamedTuple

from ralex.core.records import dataclass

_UNMARKED = bytes(code for code in range(128) if code == 32 or chr(code).isalnum())


class Needle(NamedTuple):
    """A plain string, with the marks in it as ``marks_of`` gives them."""

    text: str
    marks: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A form that text takes when it is code.

    Attributes:
        needles: Plain strings of which one must occur, or one of ``words``.
        words: Whole words.
        marks: A text with none of these cannot have the shape; empty if that says nothing.
        pattern: Searched then; without one a needle is enough.
        is_trouble: It also counts as a sign that something fails.
        is_code: False for a form that text takes when it is not.
        least: Matches it takes.
    """

    name: str
    points: float
    needles: tuple[Needle, ...]
    words: frozenset[str] = frozenset()
    marks: frozenset[int] = frozenset()
    pattern: re.Pattern[str] | None = None
    is_trouble: bool = False
    is_code: bool = True
    least: int = 1

    def is_in(self, text: str, marks: frozenset[int], words: set[str]) -> bool:
        """Tell whether the text has this shape.

        Args:
            text: What is searched.
            marks: The text's own, as ``marks_of`` gives them; they spare most searches.
            words: Those of the whole ask.
        """
        for needle in self.needles:
            if needle.marks <= marks and needle.text in text:
                break
        else:
            if self.words.isdisjoint(words):
                return False
        if self.pattern is None:
            return True
        if self.least == 1:
            return self.pattern.search(text) is not None
        matches = self.pattern.finditer(text)
        return all(next(matches, None) is not None for _ in range(self.least))


def marks_of(text: str) -> frozenset[int]:
    """Collect the ASCII characters of a text that are neither letter nor digit nor space."""
    return frozenset(text.encode("ascii", "ignore").translate(None, _UNMARKED))
