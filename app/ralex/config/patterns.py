"""Regular expressions of users, made so that no text can keep them busy.

A pattern that tries few ways at each place of the text runs in ``re``; any other runs in
``core.linear_pattern``, in time linear in the text. What fits neither is refused while the
configuration is read.
"""

import re
from collections.abc import Sequence

from ralex.core.linear_pattern import (
    LOOKS,
    READS_ONE,
    REPEATS,
    Item,
    LinearPattern,
    branches,
    operation,
    parsed,
    part,
)
from ralex.core.routes import TextPattern

_MOST_WAYS = 64
"""Ways that ``re`` may have to try from one place; with 20,000 characters, some milliseconds."""

_PLAIN = READS_ONE | {"AT", "FAILURE"}


def text_pattern(pattern: str) -> TextPattern:
    """Make what searches a text for a user's pattern in bounded time.

    Raises:
        re.error: If it is no regular expression.
        UnboundedPatternError: If its time cannot be bounded; the message names what it uses.
        OverflowError, RecursionError: If it is absurdly large.
    """
    compiled = re.compile(pattern)
    if _ways(parsed(pattern)) <= _MOST_WAYS:
        return compiled
    return LinearPattern(pattern)


def _ways(items: Sequence[Item]) -> int:
    """Bound the ways in which ``re`` may match a sequence; above the most if it repeats."""
    product = 1
    for item in items:
        product *= _ways_of(item)
        if product > _MOST_WAYS:
            break
    return product


def _ways_of_branches(ways: Sequence[tuple[Item, ...]]) -> int:
    """Bound the ways of alternatives; of plain words only those that begin alike match together."""
    words = [_word(way) for way in ways]
    plain = {word for word in words if word is not None}
    if len(plain) < len(ways):
        return sum(_ways(way) for way in ways)
    return max(sum(word[:size] in plain for size in range(len(word) + 1)) for word in sorted(plain))


def _word(way: Sequence[Item]) -> str | None:
    """Give the text of an alternative that is nothing else, or None."""
    letters = [operation(item) for item in way]
    if any(name != "LITERAL" for name, _ in letters):
        return None
    return "".join(chr(code) for _, (code, *_) in letters if isinstance(code, int)).lower()


def _ways_of(item: Item) -> int:
    name, given = operation(item)
    if name in _PLAIN:
        return 1
    if name == "BRANCH":
        return _ways_of_branches(branches(given))
    if name == "SUBPATTERN" or name in LOOKS:
        return _ways(part(given))
    if name in REPEATS:
        least, most = given[:2]
        return _MOST_WAYS + 1 if most not in (0, 1) else _ways(part(given)) + (least != most)
    return _MOST_WAYS + 1
