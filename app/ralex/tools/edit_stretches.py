"""What two lists of lines have in common, stretch by stretch, as ``difflib`` finds it.

The standard library looks at every pair of equal lines, in each stretch anew: seconds for a
thousand lines of which many are alike. Here lines become characters, and stretches are compared as
texts, which gives the same answer in time that hardly depends on how often a line comes again.
"""

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

_MANY_PAIRS = 4
"""Equal lines for each line, beyond which comparing texts is faster."""


def shared_stretches(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int, int]]:
    """Find the stretches that two lists share, the longest first and then those around it.

    Returns:
        Where each begins in the first and in the second list and its length, in order; exactly
        what ``SequenceMatcher`` gives without its heuristics, but for stretches that touch.
    """
    counts = Counter(second)
    if sum(counts[line] for line in first) <= _MANY_PAIRS * (len(first) + len(second)):
        matcher = SequenceMatcher(None, first, second, autojunk=False)
        return [(one.a, one.b, one.size) for one in matcher.get_matching_blocks()]
    codes: dict[str, str] = {}
    one, other = (
        "".join(codes.setdefault(line, chr(len(codes))) for line in lines)
        for lines in (first, second)
    )
    found: list[tuple[int, int, int]] = []
    waiting = [(0, len(one), 0, len(other), len(one))]
    while waiting:
        start, stop, low, high, most = waiting.pop()
        at, place, size = _longest(one[start:stop], other[low:high], most)
        if size:
            at, place = start + at, low + place
            found.append((at, place, size))
            waiting.append((start, at, low, place, size))
            waiting.append((at + size, stop, place + size, high, size))
    return sorted(found)


def _longest(one: str, other: str, most: int) -> tuple[int, int, int]:
    """Find the longest text that two share; of several the first in ``one``, then in ``other``.

    Args:
        most: Characters that it cannot be longer than; around a stretch there is no longer one.
    """
    most = min(most, len(one), len(other))
    at = _first_shared(one, other, most) if most else -1
    size = most if at >= 0 else 0
    too_long = most if at < 0 else most + 1
    step = 1
    while too_long - size > 1:
        # Shared texts are short as a rule: look from below, in growing steps.
        middle = min(size + step, (size + too_long) // 2)
        if (found := _first_shared(one, other, middle)) >= 0:
            at, size, step = found, middle, 2 * step
        else:
            too_long, step = middle, 1
    return (at, other.index(one[at : at + size]), size) if size else (0, 0, 0)


def _first_shared(one: str, other: str, size: int) -> int:
    there = {other[at : at + size] for at in range(len(other) - size + 1)}
    return next((at for at in range(len(one) - size + 1) if one[at : at + size] in there), -1)
