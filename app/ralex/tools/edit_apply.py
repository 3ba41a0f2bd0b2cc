"""Write the new text into the place found for the old one, with the file's own bytes.

A line that is the same in old and new keeps every byte the file has, its end included. Noise that
the old text shows against the file is taken out of the new text as well.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from ralex.core.patterns import lazy_pattern
from ralex.tools.edit_indent import Reindent, find_rule
from ralex.tools.edit_lines import (
    FULL_WIDTH_MARKS,
    SMART_QUOTES,
    Lines,
    carry_over,
    fold,
    indent_of,
    usual_end,
)
from ralex.tools.edit_match import Block, Place
from ralex.tools.edit_stretches import shared_stretches

_AROUND = 500
"""Lines above and below that show which indentations the file has."""
_NEARBY = 8
"""Lines above and below a changed one among which the line that it was is looked for."""
_LEADING = lazy_pattern(r"\s*(?://|/\*|\*/|# |#\[|@\w|<!--|-- )")
"""A comment, decorator or attribute: it goes with the line below."""

_USUAL = 50
"""One line in so many makes an indentation a usual one."""


class Replacement:
    """What replaces the lines of one place."""

    def __init__(self, lines: Lines, place: Place) -> None:
        self._lines = lines
        self._place = place
        self._real = [lines.contents[row] for row in place.rows]
        self._old = place.old.lines
        self._rule = _indent_rule(self._real, place, lines.contents)
        pairs = list(zip(self._old, self._real, strict=True))
        self._is_folded = any(theirs.strip() != real.strip() for theirs, real in pairs)
        self._strips_ends = any(
            theirs.rstrip() != theirs and real.rstrip() == real for theirs, real in pairs
        )
        self._chars = _character_noise(pairs)
        self._blanks = self._blank_noise()

    def is_possible(self) -> bool:
        """Tell whether the indentation of every new line can be told."""
        return self._rule is not None and all(
            self._indent(line, number) is not None
            for number, line in enumerate(self._place.new.lines)
        )

    def changes_anything(self) -> bool:
        """Tell whether old and new differ in more than the noise that was passed over."""
        old, new = self._place.old, self._place.new
        if self._old_keys() != self._new_keys():
            return True
        has_blank_noise = self._file_breaks() != list(old.breaks[1:-1])
        return not has_blank_noise and old.breaks[1:-1] != new.breaks[1:-1]

    def write(self) -> None:
        """Change the lines in place."""
        new = self._place.new
        first, last = self._place.rows[0], self._place.rows[-1]
        contents, ends = self._body()
        if not new.lines:
            keeps_line = self._place.old.breaks[0] == self._place.old.breaks[-1] == 0
            contents, ends = ([""], [self._lines.ends[last]]) if keeps_line else ([], [])
            self._lines.replace(first, last + 1, contents, ends)
            return
        usual = usual_end([self._lines.ends[row] for row in self._place.rows])
        ends = [end or usual for end in ends[:-1]] + [self._lines.ends[last]]
        self._change_breaks_after(last)
        self._lines.replace(first, last + 1, contents, ends)
        self._change_breaks_before(first)

    def _body(self) -> tuple[list[str], list[str]]:
        origins = self._origins()
        contents: list[str] = []
        ends: list[str] = []
        usual = self._lines.ends[self._place.rows[0]]
        for number in range(len(self._place.new.lines)):
            origin = origins[number]
            if number:
                for row in self._gap_rows(origins, number):
                    contents.append(self._lines.contents[row] if row is not None else "")
                    ends.append(self._lines.ends[row] if row is not None else usual)
            if origin is None:
                contents.append(self._cleaned(number, origins))
                ends.append(usual)
            else:
                contents.append(self._kept(origin, number))
                ends.append(self._lines.ends[self._place.rows[origin]])
                usual = ends[-1] or usual
        return contents, ends

    def _old_keys(self) -> list[str]:
        return [
            indent_of(real) + self._key(theirs)
            for theirs, real in zip(self._old, self._real, strict=True)
        ]

    def _new_keys(self) -> list[str]:
        return [
            (self._indent(line, number) or "") + self._key(line)
            for number, line in enumerate(self._place.new.lines)
        ]

    def _origins(self) -> list[int | None]:
        """For each new line the old line it repeats."""
        new_keys = self._new_keys()
        origins: list[int | None] = [None] * len(new_keys)
        for start, target, size in shared_stretches(self._old_keys(), new_keys):
            for offset in range(size):
                origins[target + offset] = start + offset
        return origins

    def _key(self, line: str) -> str:
        return fold(line) if self._is_folded else line.strip()

    def _indent(self, line: str, number: int) -> str | None:
        indent = indent_of(line)
        old, real = indent_of(self._old[0]), indent_of(self._real[0])
        if number == 0 and indent == old == "" and self._first_is_cut():
            return real
        return self._rule(indent) if self._rule is not None else None

    def _first_is_cut(self) -> bool:
        """Tell whether the model began its text after the first line's indentation."""
        return self._rule is not None and self._rule("") != indent_of(self._real[0])

    def _kept(self, origin: int, number: int) -> str:
        """Give the file's line, unless the model means to change what was passed over."""
        theirs, wanted, real = (
            self._old[origin],
            self._place.new.lines[number],
            self._real[origin],
        )
        means_it = theirs.strip() == real.strip() and theirs.strip() != wanted.strip()
        return self._cleaned(number, []) if means_it else real

    def _cleaned(self, number: int, origins: Sequence[int | None]) -> str:
        """Take the noise out of a new line."""
        line = self._place.new.lines[number]
        indent = self._indent(line, number) or ""
        content = line[len(indent_of(line)) :]
        needs_partner = self._is_folded or self._strips_ends
        partner = self._partner(number, origins) if needs_partner else None
        if self._strips_ends:
            content = content.rstrip() + self._ending(partner, content)
        if partner is not None and self._old[partner].strip() != self._real[partner].strip():
            ending = _blank_end(content)
            content = carry_over(self._old[partner], content, self._real[partner]) + ending
        for noise, real in self._chars.items():
            content = content.replace(noise, real)
        return indent + content

    def _ending(self, partner: int | None, content: str) -> str:
        """Give the blanks at the end of the file's line, if the model left its own as they were."""
        if partner is None or _blank_end(content) != _blank_end(self._old[partner]):
            return ""
        return _blank_end(self._real[partner])

    def _partner(self, number: int, origins: Sequence[int | None]) -> int | None:
        """Give the old line that a changed line most likely was.

        That is the one most alike between the unchanged lines around it. Where the edit goes is
        settled already; this only tells which of the file's own characters to keep.
        """
        if not origins:
            return None
        above = next((at for at in range(number - 1, -1, -1) if origins[at] is not None), -1)
        before = -1 if above < 0 else origins[above] or 0
        after = next((origin for origin in origins[number:] if origin is not None), len(self._old))
        if after - before > 2 * _NEARBY:
            level = before + number - above
            before, after = max(before, level - _NEARBY), min(after, level + _NEARBY)
        wanted = fold(self._place.new.lines[number])
        best, best_size = None, 0.0
        for candidate in range(before + 1, after):
            matcher = SequenceMatcher(None, fold(self._old[candidate]), wanted)
            if matcher.quick_ratio() > best_size and (ratio := matcher.ratio()) > best_size:
                best, best_size = candidate, ratio
        return best

    def _gap_rows(self, origins: Sequence[int | None], number: int) -> list[int | None]:
        """Give the blank lines before a new line: rows of the file, or None for fresh ones."""
        wanted = self._place.new.breaks[number] - 1
        above, below = origins[number - 1], origins[number]
        following = next((o for o in origins[number:] if o is not None), len(self._old))
        choices: list[range] = []
        if above is not None and above + 1 < len(self._old):
            theirs, rows = self._gap(above)
            # Before a line that is only inserted, blank lines the model did not see are not due,
            # unless it goes with the line below.
            is_due = theirs >= len(rows) or following != above + 1 or below is not None
            is_same = below == above + 1 and wanted == len(rows)
            if is_same or (theirs == wanted and (is_due or self._leads(origins, number))):
                choices.append(rows)
        if below:
            theirs, rows = self._gap(below - 1)
            is_given = above is None and self._is_given_above(origins, number)
            if theirs == wanted and not is_given:
                choices.append(rows)
        if choices:
            return list(max(choices, key=len))
        return [None] * self._blanks.get(wanted, wanted)

    def _leads(self, origins: Sequence[int | None], number: int) -> bool:
        """Tell whether the inserted lines from this one on end with one that speaks of the next."""
        last = number
        while last < len(origins) and origins[last] is None:
            last += 1
        return last > number and _LEADING.match(self._place.new.lines[last - 1]) is not None

    def _is_given_above(self, origins: Sequence[int | None], number: int) -> bool:
        """Tell whether the blank lines here went above the inserted lines before this one."""
        first, below = number - 1, origins[number]
        while first > 0 and origins[first] is None:
            first -= 1
        above = origins[first]
        if above is None or below != above + 1:
            return False
        theirs, rows = self._gap(above)
        breaks = self._place.new.breaks[first + 1 : number + 1]
        if theirs >= len(rows):
            return False
        # The new text may have written them out itself, above or between the inserted lines.
        is_written = sum(breaks) - len(breaks) >= len(rows)
        return is_written or (theirs == breaks[0] - 1 and self._leads(origins, first + 1))

    def _gap(self, index: int) -> tuple[int, range]:
        """Give the blank lines after an old line: how many the model saw, and the file's rows."""
        rows = range(self._place.rows[index] + 1, self._place.rows[index + 1])
        return self._place.old.inner_blanks(index), rows

    def _blank_noise(self) -> dict[int, int]:
        """Tell which number of blank lines always stands for which of the file."""
        seen: dict[int, set[int]] = {}
        for index in range(len(self._old) - 1):
            theirs, rows = self._gap(index)
            seen.setdefault(theirs, set()).add(len(rows))
        return {theirs: real.pop() for theirs, real in seen.items() if theirs and len(real) == 1}

    def _file_breaks(self) -> list[int]:
        rows = self._place.rows
        return [later - earlier for earlier, later in pairwise(rows)]

    def _change_breaks_after(self, last: int) -> None:
        stop = last + 1
        total = len(self._lines.contents)
        while stop < total and not self._lines.contents[stop].strip():
            stop += 1
        existing = (stop if stop < total else total - 1) - last
        change = _break_change(existing, self._place.old.breaks[-1], self._place.new.breaks[-1])
        self._change_breaks(last + 1, change)

    def _change_breaks_before(self, first: int) -> None:
        start = first
        while start and not self._lines.contents[start - 1].strip():
            start -= 1
        existing = first - start + (1 if start else 0)
        change = _break_change(existing, self._place.old.breaks[0], self._place.new.breaks[0])
        self._change_breaks(first + min(change, 0), change)

    def _change_breaks(self, row: int, change: int) -> None:
        if change < 0:
            self._lines.replace(row, row - change, [], [])
        elif change > 0:
            end = usual_end(self._lines.ends)
            if row == len(self._lines.contents):
                self._lines.ends[-1] = end
            self._lines.replace(row, row, [""] * change, [end] * change)


def _blank_end(line: str) -> str:
    return line[len(line.rstrip()) :]


def _break_change(existing: int, old: int, new: int) -> int:
    """How many line breaks to add; extra ones in the old text are noise, and lines never join."""
    change = new - old if old <= existing else max(new - old, 0)
    return max(change, min(existing, 1) - existing)


def _indent_rule(real: Sequence[str], place: Place, contents: Sequence[str]) -> Reindent | None:
    old, new = place.old, place.new
    pairs = [(indent_of(a), indent_of(b)) for a, b in zip(old.lines, real, strict=True)]
    around = contents[max(0, place.rows[0] - _AROUND) : place.rows[-1] + _AROUND]
    indents = Counter(indent_of(line) for line in around if line.strip())
    usual = {indent for indent, count in indents.items() if _USUAL * count >= indents.total()}
    rule = find_rule(pairs, map(indent_of, new.lines), usual)
    if rule is not None and any(a != b for a, b in pairs) and _is_right_already(pairs, old, new):
        return str
    return rule


def _is_right_already(pairs: Sequence[tuple[str, str]], old: Block, new: Block) -> bool:
    """Tell whether only the old text is indented wrongly, and the new one as the file is."""
    indents = dict(zip(map(fold, old.lines), pairs, strict=True))
    seen = [
        (indent_of(line), *indents[key]) for line in new.lines if (key := fold(line)) in indents
    ]
    as_file = sum(1 for indent, theirs, real in seen if indent == real != theirs)
    as_old = sum(1 for indent, theirs, real in seen if indent == theirs != real)
    least = min((len(indent_of(line)) for line in new.lines), default=0)
    return (
        as_file > 0
        and as_old == 0
        and least == min(len(real) for _, real in pairs)
        and least != min(len(theirs) for theirs, _ in pairs)
    )


def _character_noise(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Tell which odd characters of the model stand for which of the file, where it is always so."""
    noise: dict[str, str] = {}
    for theirs, real in pairs:
        if theirs.strip() == real.strip() or theirs.isascii():
            continue
        composed = unicodedata.normalize("NFC", theirs)
        for char in {char for char in composed if not char.isascii()} - set(real):
            folded = fold(f"x{char}x")[1:-1]
            if folded != char:
                noise[char] = folded
        for char in set(theirs) - set(composed):
            if unicodedata.combining(char):
                noise.update(_compositions(theirs, char))
        if not unicodedata.is_normalized("NFC", real):
            noise.update(
                (char, parts)
                for char in set(theirs) - set(real)
                if (parts := unicodedata.normalize("NFD", char)) != char and parts in real
            )
    used = {char for _, real in pairs for char in real}
    for family in (SMART_QUOTES, FULL_WIDTH_MARKS):
        if family & noise.keys():
            # Whoever writes one mark of a family this way writes all of them so.
            noise.update({char: fold(char) for char in family - used})
    return noise


def _compositions(line: str, mark: str) -> dict[str, str]:
    """Give the letters that a combining mark makes in a line, composed."""
    return {
        base + mark: unicodedata.normalize("NFC", base + mark)
        for base, following in pairwise(line)
        if following == mark
    }
