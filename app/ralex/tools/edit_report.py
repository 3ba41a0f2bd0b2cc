"""What a refused edit tells the model: the real lines it may have meant, with their numbers."""

import re
from collections.abc import Sequence

from ralex.tools.edit_lines import Lines, fold, unix
from ralex.tools.edit_match import Index

_MAX_ROWS = 8
_MAX_COLUMNS = 200
_CONTEXT = 1


def describe_ambiguous(lines: Lines, rows: Sequence[int]) -> str:
    """Say where the old text is found more than once."""
    shown = ", ".join(str(row + 1) for row in rows[:_MAX_ROWS])
    more = f" and {len(rows) - _MAX_ROWS} more" if len(rows) > _MAX_ROWS else ""
    first = "\n".join(numbered(lines.contents, rows[0], rows[0] + 3))
    return (
        f"old matches {len(rows)} places (lines {shown}{more}): add lines around it so that only "
        f"one is meant, or set replace_all to change every place\n{first}"
    )


def describe_absent(lines: Lines, index: Index, old: str, new: str) -> str:
    """Say that the old text is not in the file, and show the lines closest to it."""
    if len(new.strip()) > 3 and unix(new).strip("\n") in lines.flat:
        return (
            "old is not in the file, but new is: already applied? "
            "Read the file before editing it again"
        )
    wanted = [fold(line) for line in old.split("\n")]
    row = _closest(index, [line for line in wanted if line])
    text = "old is not in the file: copy the lines exactly as they are, without line numbers"
    if row is None:
        return f"{text}. No line of it is there; read the file again"
    span = max(1, min(len(wanted), _MAX_ROWS))
    shown = numbered(lines.contents, row - _CONTEXT, row + span + _CONTEXT)
    return f"{text}. Closest lines:\n" + "\n".join(shown)


def numbered(contents: Sequence[str], start: int, stop: int) -> list[str]:
    """Write lines the way the read tool does: number, arrow, line."""
    start, stop = max(0, start), min(len(contents), stop)
    return [f"{row + 1}→{contents[row][:_MAX_COLUMNS]}" for row in range(start, stop)]


def _closest(index: Index, wanted: Sequence[str]) -> int | None:
    """Find where most of the wanted lines are, or else the line that shares most words."""
    votes: dict[int, int] = {}
    known = {key: number for number, key in reversed(list(enumerate(wanted))) if len(key) > 3}
    for number, key in enumerate(index.keys):
        if key in known:
            start = number - known[key]
            votes[start] = votes.get(start, 0) + len(key)
    if votes:
        start = max(votes, key=lambda number: votes[number])
        return index.rows[min(max(start, 0), len(index.rows) - 1)]
    if not wanted:
        return None
    longest = max(range(len(wanted)), key=lambda number: len(wanted[number]))
    words = set(re.findall(r"\w+", wanted[longest]))
    best, best_shared = None, 0.0
    for number, key in enumerate(index.keys):
        present = set(re.findall(r"\w+", key))
        shared = len(words & present) / max(1, len(words | present))
        if shared > best_shared:
            best, best_shared = number, shared
    if best is None or best_shared < 0.3:
        return None
    return index.rows[max(0, best - longest)]
