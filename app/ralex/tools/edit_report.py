"""What a refused edit tells the model: the real lines it may have meant, with their numbers."""

import re
from collections.abc import Collection, Sequence
from itertools import islice

from ralex.tools.edit_lines import Lines, fold, unix
from ralex.tools.edit_match import Index

MAX_ROWS = 8
_MAX_COLUMNS = 200
_CONTEXT = 1
_WORD = re.compile(r"\w+")
_MAX_COMPARED = 2000
_MAX_WORDS = 50
_MAX_SOUGHT = 20
_COMMON = 2000


def describe_ambiguous(lines: Lines, rows: Sequence[int], count: int) -> str:
    """Say where the old text is found more than once.

    Args:
        rows: The first places.
        count: How many there are.
    """
    shown = ", ".join(str(row + 1) for row in rows[:MAX_ROWS])
    more = f" and {count - MAX_ROWS} more" if count > MAX_ROWS else ""
    first = "\n".join(numbered(lines.contents, rows[0], rows[0] + 3))
    return (
        f"old matches {count} places (lines {shown}{more}): add lines around it so that only "
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
    span = max(1, min(len(wanted), MAX_ROWS))
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
    for number, key in _places(index, known):
        start = number - known[key]
        votes[start] = votes.get(start, 0) + len(key)
    if votes:
        start = max(votes, key=lambda number: votes[number])
        return index.rows[min(max(start, 0), len(index.rows) - 1)]
    if not wanted:
        return None
    longest = max(range(len(wanted)), key=lambda number: len(wanted[number]))
    words = set(_WORD.findall(wanted[longest][:_MAX_COMPARED]))
    best, best_shared = None, 0.0
    for number in sorted(_sharing(index, words)):
        present = set(_WORD.findall(index.keys[number][:_MAX_COMPARED]))
        shared = len(words & present) / max(1, len(words | present))
        if shared > best_shared:
            best, best_shared = number, shared
    if best is None or best_shared < 0.3:
        return None
    return index.rows[max(0, best - longest)]


def _places(index: Index, known: Collection[str]) -> list[tuple[int, str]]:
    """List the lines that are one of some, the first one first; of very common ones not all."""
    if len(known) > _MAX_SOUGHT:
        return [(number, key) for number, key in enumerate(index.keys) if key in known]
    return sorted((number, key) for key in known for number in islice(index.equal_to(key), _COMMON))


def _sharing(index: Index, words: Collection[str]) -> set[int]:
    """Find lines that hold one of some words; words that are on very many lines say little."""
    found: set[int] = set()
    common: set[int] = set()
    for word in sorted(words)[:_MAX_WORDS]:
        numbers = list(islice(index.holding(word), _COMMON))
        (found if len(numbers) < _COMMON else common).update(numbers)
    return found or common
