"""Unified diffs of bounded size, for cards and for the record."""

import difflib
from itertools import islice

_CONTEXT = 3
_MAX_LINES = 400
_MAX_COLUMNS = 500
_MAX_COMPARED = 4000


def unified_diff(before: str, after: str, path: str) -> str:
    """Show what changed between two texts.

    Args:
        path: Named in the header, relative to the working directory.

    Returns:
        At most 400 lines of at most 500 characters; empty if nothing changed.
    """
    old, new = before.splitlines(), after.splitlines()
    if before == after:
        return ""
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    skipped = max(0, head - _CONTEXT)
    kept = max(0, tail - _CONTEXT)
    old_part = old[skipped : len(old) - kept]
    new_part = new[skipped : len(new) - kept]
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


def _shared(first: list[str], second: list[str]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


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
