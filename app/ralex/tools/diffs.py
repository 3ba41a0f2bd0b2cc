"""Unified diffs of bounded size, for cards and for the record."""

import difflib
from itertools import islice

from ralex.core.records import dataclass

_CONTEXT = 3
_MAX_LINES = 400
_MAX_COLUMNS = 500
_MAX_COMPARED = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The lines between what two texts have in common, with some around them.

    Attributes:
        skipped: Lines before them.
        old: Without their ends.
        new: Without their ends.
    """

    skipped: int
    old: list[str]
    new: list[str]


def change_between(before: str, after: str, around: int) -> Change:
    """Find where two texts differ.

    Args:
        around: Lines of context above and below.
    """
    start = _shared_start(before, after)
    rest = min(len(before), len(after)) - start
    shared_end = _shared_start(before[::-1], after[::-1], rest)
    old_end, new_end = len(before) - shared_end, len(after) - shared_end
    start = before.rfind("\n", 0, start) + 1
    # The end goes on to where lines end in both, and as far below.
    is_between = before[old_end - 1 : old_end] == after[new_end - 1 : new_end] == "\n"
    end = old_end
    for _ in range(around + (not is_between)):
        end = before.find("\n", end) + 1 or len(before)
    for _ in range(around):
        start = before.rfind("\n", 0, max(0, start - 1)) + 1
    return Change(
        skipped=before.count("\n", 0, start),
        old=_lines(before[start:end]),
        new=_lines(after[start : new_end + end - old_end]),
    )


def _shared_start(first: str, second: str, most: int | None = None) -> int:
    """Count the characters two texts begin with alike, halving what is compared."""
    low, high = 0, min(len(first), len(second)) if most is None else most
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _lines(text: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def unified_diff(before: str, after: str, path: str) -> str:
    """Show what changed between two texts.

    Args:
        path: Named in the header, relative to the working directory.

    Returns:
        At most 400 lines of at most 500 characters; empty if nothing changed.
    """
    if before == after:
        return ""
    change = change_between(before, after, _CONTEXT)
    skipped, old_part, new_part = change.skipped, change.old, change.new
    name_before = f"a/{path}" if before else "/dev/null"
    header = [f"--- {name_before}", f"+++ b/{path}"]
    if max(len(old_part), len(new_part)) > _MAX_COMPARED:
        # Comparing line by line takes quadratic time here; the whole stretch is shown as replaced.
        body = [
            f"@@ -{skipped + 1},{len(old_part)} +{skipped + 1},{len(new_part)} @@",
            *(f"-{line}" for line in islice(old_part, _MAX_LINES // 2)),
            *(f"+{line}" for line in islice(new_part, _MAX_LINES // 2)),
        ]
    else:
        body = [
            _renumbered(line, skipped) if line.startswith("@@ ") else line
            for line in islice(
                difflib.unified_diff(old_part, new_part, n=_CONTEXT, lineterm=""), 2, None
            )
        ]
    lines = [line[:_MAX_COLUMNS] for line in header + body]
    if len(lines) > _MAX_LINES:
        lines[_MAX_LINES:] = [f"… {len(lines) - _MAX_LINES} more lines of diff"]
    return "\n".join(lines) + "\n"


def _renumbered(header: str, skipped: int) -> str:
    """Shift a hunk's line numbers by the lines that were left out before it."""
    if not skipped:
        return header
    marks = header.split(" ")
    for position in (1, 2):
        sign, numbers = marks[position][0], marks[position][1:]
        start, comma, count = numbers.partition(",")
        marks[position] = f"{sign}{int(start) + skipped}{comma}{count}"
    return " ".join(marks)
