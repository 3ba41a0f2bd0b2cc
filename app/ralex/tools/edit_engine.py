"""Apply the model's edit where it is meant, or refuse it; never in a place that merely looks alike.

Exact and unique text wins. Otherwise the old text must be found in exactly one place once the
noise that models add (line ends, blanks, indentation, typography, escapes, copied line numbers) is
taken off, and the same noise is taken off the new text. Everything else is refused with the
closest real lines.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice, pairwise, product

from ralex.errors import EditError
from ralex.tools.edit_apply import Replacement
from ralex.tools.edit_lines import Lines, indent_of, take_apart, unix
from ralex.tools.edit_match import MAX_PLACES, Block, Index, Place, block
from ralex.tools.edit_noise import is_placeholder, placeholders, readings
from ralex.tools.edit_report import MAX_ROWS, describe_absent, describe_ambiguous

_MAX_COMBINATIONS = 1000
_LOOSE = 2
_OPENERS = (":", "{", "(", "[")


def apply_edit(text: str, old: str, new: str, replace_all: bool = False) -> str:  # noqa: FBT001, FBT002 - the contract names it so
    """Replace ``old`` by ``new`` in ``text``.

    Args:
        text: The whole file, decoded, with its own line ends.
        old: Text of the file as the model remembers it.
        new: What it wants instead.
        replace_all: Replace every place instead of refusing more than one.

    Returns:
        The changed text.

    Raises:
        EditError: If nothing would change, if the place is not certain, or if ``new`` leaves out
            lines by a placeholder. The message shows the closest real lines.
    """
    _check(old, new)
    exact = _exact(text, old, new, replace_all=replace_all)
    if exact is None or (not replace_all and _is_dedented_line(text, old, new)):
        try:
            changed = _Search(text, unix(old), unix(new), replace_all=replace_all).run()
        except EditError:
            if exact is None:
                raise
            changed = exact
    else:
        changed = exact
    if changed == text:
        raise EditError("the edit changes nothing: the file already reads like the new text")
    return changed


def _check(old: str, new: str) -> None:
    if not old.strip():
        raise EditError("old is empty: copy the lines to replace from the file, or use write")
    if unix(old) == unix(new):
        raise EditError("old and new are the same: nothing to change")
    left_out = placeholders(unix(new), unix(old))
    known = placeholders(unix(old))
    for line in left_out:
        if line not in known:
            hint = " (a stub's ... goes on the line of its def)" if line == "..." else ""
            raise EditError(
                f"new holds the placeholder {line!r}, which would delete code: "
                f"write out every line{hint}, or make a smaller edit"
            )
        known.remove(line)


def _exact(text: str, old: str, new: str, *, replace_all: bool) -> str | None:
    """Replace text that is there to the letter, whatever its line ends."""
    count = text.count(old)
    if "\r" not in text and "\r" not in old and "\r" not in new:
        if count == 0:
            return None
        if count > 1 and not replace_all:
            raise EditError(describe_ambiguous(take_apart(text), _rows(text, old), count))
        if count == 1:
            new = _indented(text, text.index(old), old, new)
        return text.replace(old, new)
    lines = take_apart(text)
    flat, flat_old = lines.flat, unix(old)
    starts = _starts(flat, flat_old)
    if not starts:
        return None
    if len(starts) > 1 and count == 1:
        starts = [len(unix(text[: text.index(old)]))]
    if len(starts) > 1 and not replace_all:
        raise EditError(describe_ambiguous(lines, _rows(flat, flat_old), len(starts)))
    flat_new = unix(new)
    if len(starts) == 1:
        flat_new = _indented(flat, starts[0], flat_old, flat_new)
    if len(starts) > MAX_PLACES:
        return _everywhere(text, flat, flat_old, flat_new)
    for start in reversed(starts):
        _splice(lines, flat, start, start + len(flat_old), flat_new)
    return lines.join()


def _everywhere(text: str, flat: str, old: str, new: str) -> str:
    """Replace text in very many places at once, where the line ends can be told without looking."""
    if "\n" not in old and "\n" not in new:
        return text.replace(old, new)
    if text.count("\r\n") == flat.count("\n"):
        return flat.replace(old, new).replace("\n", "\r\n")
    raise EditError(
        f"old is in more than {MAX_PLACES} places of a file whose lines end in different ways: "
        "give a text within one line, or make the line ends alike first"
    )


def _is_dedented_line(text: str, old: str, new: str) -> bool:
    """Tell whether an old line is there to the letter only because it is indented too little.

    It then begins in the midst of the file's blanks, and the lines put beside it are indented too
    little as well; unless the next one is as deep as in the file without standing inside anything.
    """
    line = old.strip("\r\n")
    if not line[:1].isspace() or "\n" in line or old[:1] == "\n" or "\n" not in new.strip("\r\n"):
        return False
    at = text.find(line)
    margin = text[text.rfind("\n", 0, at) + 1 : at]
    if not margin or margin.strip():
        return False
    rows = [row for row in new.split("\n") if row.strip()]
    if len(rows) < 2:
        return False
    return rows[0].rstrip().endswith(_OPENERS) or indent_of(rows[1]) != margin + indent_of(line)


def _indented(text: str, start: int, old: str, new: str) -> str:
    """Indent further lines of the new text if the model began its one old line after the blanks.

    That is so where the old line comes again further down in the new text, not deeper than the
    file has it: left alone, it would lose its indentation there.
    """
    margin = text[text.rfind("\n", 0, start) + 1 : start]
    if not margin or margin.strip() or "\n" in old or "\n" not in new:
        return new
    first, *others = new.split("\n")
    depth = len(margin)
    above = first
    for line in others:
        if line.strip() == old.strip():
            extra = len(indent_of(line)) - len(indent_of(old))
            is_inside = above.rstrip().endswith(_OPENERS)
            if extra < depth or (extra == depth and is_inside):
                return "\n".join([first, *(margin + o if o.strip() else o for o in others)])
            return new
        above = line if line.strip() else above
    return new


def _starts(text: str, part: str) -> list[int]:
    return list(_each_start(text, part))


def _each_start(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def _rows(text: str, part: str, most: int = MAX_ROWS) -> list[int]:
    """Give the rows on which a text begins, the first ones."""
    rows: list[int] = []
    row = done = 0
    for start in islice(_each_start(text, part), most):
        row += text.count("\n", done, start)
        done = start
        rows.append(row)
    return rows


def _splice(lines: Lines, flat: str, start: int, stop: int, new: str) -> None:
    """Replace a stretch of the flat text, keeping the line ends of lines that stay."""
    first, last = flat.count("\n", 0, start), flat.count("\n", 0, stop)
    head = flat[flat.rfind("\n", 0, start) + 1 : start]
    line_end = flat.find("\n", stop)
    tail = flat[stop : line_end if line_end >= 0 else len(flat)]
    contents = (head + new + tail).split("\n")
    before = lines.contents[first : last + 1]
    ends = [""] * len(contents)
    matcher = SequenceMatcher(None, before, contents, autojunk=False)
    for origin, target, size in matcher.get_matching_blocks():
        ends[target : target + size] = lines.ends[first + origin : first + origin + size]
    following = lines.ends[first]
    for number, end in enumerate(ends[:-1]):
        following = end or following
        ends[number] = following
    ends[-1] = lines.ends[last]
    lines.replace(first, last + 1, contents, ends)


class _Search:
    """The search for one place in what remains when noise is taken off."""

    def __init__(self, text: str, old: str, new: str, *, replace_all: bool) -> None:
        self._text = text
        self._old = old
        self._new = new
        self._replace_all = replace_all
        self._lines = take_apart(text)
        flat = unix(text)
        self._index = Index(self._lines, flat)
        self._wrapped = f"\n{flat}\n"

    def run(self) -> str:
        ways = list(readings(self._old, self._new))
        for reading in ways:
            # Lines that are right but for blanks at their ends say which reading is meant.
            if reading.noise and (changed := self._letter(reading.old, reading.new)) is not None:
                return changed
            places = self._whole(block(reading.old), block(reading.new))
            if [place.distance for place in places].count(0) == 1 and not self._replace_all:
                return self._replace([place for place in places if place.distance == 0])
        for reading in ways:
            old, new = block(reading.old), block(reading.new)
            places = self._whole(old, new)
            if not places and reading.is_partial_allowed:
                places = self._index.partial_lines(old, new)
            if places:
                return self._replace(self._choose(places))
            if (changed := self._elided(reading.old, reading.new)) is not None:
                return changed
        raise EditError(describe_absent(self._lines, self._index, self._old, self._new))

    def _whole(self, old: Block, new: Block) -> list[Place]:
        return self._index.whole_lines(old, new)

    def _letter(self, old: str, new: str) -> str | None:
        """Replace a cleaned text that is in the file to the letter, as whole lines."""
        if old == new or not old.strip() or self._wrapped.count(f"\n{old}\n") != 1:
            return None
        if self._wrapped.count(old) != 1:
            return None
        return _exact(self._text, old, new, replace_all=False)

    def _choose(self, places: Sequence[Place]) -> Sequence[Place]:
        """Keep the one place that is meant, or all of them if all are wanted."""
        if self._replace_all and len(places) >= MAX_PLACES:
            raise EditError(
                f"old is nowhere to the letter, and loosely in {MAX_PLACES} places or more: "
                "copy it exactly as it is, to replace all of them"
            )
        if len(places) == 1 or self._replace_all:
            return places
        nearest = min(place.distance for place in places)
        near = [place for place in places if place.distance == nearest]
        if len(near) == 1 and nearest < _LOOSE:
            return near
        raise EditError(
            describe_ambiguous(self._lines, [place.rows[0] for place in places], len(places))
        )

    def _replace(self, places: Sequence[Place]) -> str:
        taken = len(self._lines.contents)
        for place in sorted(places, key=lambda place: place.rows[0], reverse=True):
            if place.rows[-1] >= taken:
                continue
            if not self._replace_all and self._is_applied(place):
                raise EditError("the file reads like new already: already applied?")
            replacement = Replacement(self._lines, place)
            if not replacement.is_possible():
                raise EditError(
                    describe_absent(self._lines, self._index, self._old, self._new)
                    + "\nThe lines are there, but indented in another way: copy them as they are."
                )
            if not replacement.changes_anything():
                raise EditError(
                    "old differs from new only in blanks or typography, and is not in the file "
                    "to the letter: read the file again and copy the lines exactly"
                )
            taken = place.rows[0]
            replacement.write()
        return self._lines.join()

    def _is_applied(self, place: Place) -> bool:
        """Tell whether the new text stands, to the letter, where the old one was found."""
        new = f"\n{place.new.text}\n"
        if len(place.new.lines) < len(place.rows) or new not in self._wrapped:
            return False
        height = new.count("\n") - 1
        return any(
            start <= place.rows[0] and place.rows[-1] < start + height
            for start in _rows(self._wrapped, new, len(self._wrapped))
        )

    def _elided(self, old: str, new: str) -> str | None:
        """Match the parts around placeholders that stand in both texts."""
        old_parts, new_parts = _parts(old), _parts(new)
        if len(old_parts) < 2 or len(old_parts) != len(new_parts):
            return None
        pairs = [
            (was, becomes)
            for was, becomes in zip(old_parts, new_parts, strict=True)
            if was.lines or becomes.lines
        ]
        if not pairs or any(not was.lines for was, _ in pairs):
            return None
        found = [self._whole(was, becomes) for was, becomes in pairs]
        chosen = _in_order([[place for place in places if place.distance == 0] for places in found])
        if len(chosen) != 1:
            chosen = _in_order(found)
        if not chosen:
            return None
        if len(chosen) > 1:
            ends = sorted({places[-1].rows[0] for places in chosen})
            starts = sorted({places[0].rows[0] for places in chosen})
            rows = ends if len(ends) > 1 else starts
            raise EditError(describe_ambiguous(self._lines, rows, len(rows)))
        changed = [place for place in chosen[0] if place.old != place.new]
        return self._replace(changed) if changed else None


def _parts(text: str) -> list[Block]:
    """Cut a text at its placeholders; line breaks beside one belong to no part."""
    parts: list[list[str]] = [[]]
    for line in text.split("\n"):
        if is_placeholder(line):
            parts.append([])
        else:
            parts[-1].append(line)
    return [_trimmed(block("\n".join(part))) for part in parts]


def _trimmed(part: Block) -> Block:
    return Block(lines=part.lines, breaks=(0, *part.breaks[1:-1], 0)) if part.lines else part


def _in_order(found: Sequence[Sequence[Place]]) -> list[tuple[Place, ...]]:
    """Give every way to take one place of each part so that they follow one another."""
    total = 1
    for places in found:
        total *= len(places)
    if total == 0 or total > _MAX_COMBINATIONS:
        return []
    return [
        chosen
        for chosen in product(*found)
        if all(above.rows[-1] < below.rows[0] for above, below in pairwise(chosen))
    ]
