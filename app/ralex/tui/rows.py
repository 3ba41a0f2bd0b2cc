"""Styled text to screen rows: wrapping by cells, padding, and what a copy of a row gives.

Rows are what the transcript caches and shows. They know how they were wrapped, so that copying a
paragraph gives the paragraph back and not the lines the screen happened to make of it. Every text
passes the terminal gate here once more; for clean text that costs one scan.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ralex.core.patterns import lazy_pattern
from ralex.core.terminal_text import clean

Span: TypeAlias = tuple[str, Style]
Line: TypeAlias = list[Span]

_MAYBE_WIDE = lazy_pattern(
    r"[^\x20-\x7e\xa1-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2100-\u22ff"
    r"\u2500-\u25fc]"
)
_WORDS = lazy_pattern(r" +|[^ ]+")
TAB_WIDTH = 4


class Row(NamedTuple):
    """One row of the transcript.

    Attributes:
        strip: As wide as the transcript, every cell styled.
        gutter: Characters at its start that are decoration and not copied.
        join: What comes between it and the row before when both are copied.
    """

    strip: Strip
    gutter: int = 0
    join: str = "\n"

    @property
    def text(self) -> str:
        """What copying the row gives."""
        return self.strip.text[self.gutter :].rstrip()


class Piece(NamedTuple):
    """A part of a line that fits: character positions, and what stood between it and the last."""

    start: int
    end: int
    join: str


def shown(text: str) -> str:
    """Return foreign text ready for rows: through the terminal gate, tabs as spaces."""
    return clean(text).expandtabs(TAB_WIDTH)


def shown_line(text: str) -> str:
    """Return foreign text as one line."""
    return " ".join(clean(text).split())


def wrap(
    line: Sequence[Span],
    width: int,
    *,
    first: Sequence[Span] = (),
    rest: Sequence[Span] | None = None,
    total: int | None = None,
    fill: Style | None = None,
    hidden: int | None = None,
    is_code: bool = False,
) -> list[Row]:
    """Wrap one line of styled text at words.

    Args:
        line: Without newlines.
        width: Cells for the text, prefixes not counted; at least 1 is used.
        first: Decoration before the first row.
        rest: Decoration before the others; None is blank space as wide as ``first``.
        total: Cells of a whole row, filled up with blanks; None leaves rows as long as they are.
        fill: Style of the blanks up to ``width``; beyond it rows have no style.
        hidden: Characters of ``first`` that a copy leaves out; None is all of them.
        is_code: Break at the edge and not at words, so that a copy is exact.
    """
    line = [(clean(text), style) for text, style in line]
    text = "".join(part for part, _ in line)
    lead = list(first)
    lead_cells = sum(cell_len(part) for part, _ in lead)
    following = [(" " * lead_cells, Style.null())] if rest is None else list(rest)
    rows: list[Row] = []
    for piece in pieces(text, max(1, width), is_code=is_code):
        prefix = following if rows else lead
        body = [*prefix, *cut(line, piece.start, piece.end)]
        gutter = sum(len(part) for part, _ in prefix)
        if hidden is not None and not rows:
            gutter = hidden
        rows.append(Row(_strip(body, lead_cells + max(1, width), total, fill), gutter, piece.join))
    return rows


def row(
    line: Sequence[Span],
    *,
    total: int,
    gutter: int = 0,
    fill: Style | None = None,
    join: str = "\n",
) -> Row:
    """Make one row of exactly ``total`` cells, cutting with ``…`` what does not fit."""
    spans = [(clean(text), style) for text, style in line]
    return Row(_strip(fit(spans, total), total, total, fill), gutter, join)


def blank(total: int, style: Style | None = None) -> Row:
    """Make an empty row."""
    return Row(Strip([Segment(" " * total, style)], total))


def fit(line: Sequence[Span], width: int) -> Line:
    """Cut styled text to a width in cells, with ``…`` for what is gone."""
    if cells(line) <= width:
        return list(line)
    kept: Line = []
    left = width - 1
    for text, style in line:
        size = cell_len(text)
        if size > left:
            part = set_cell_size(text, max(0, left)) if left > 0 else ""
            return [*kept, (part + "…" if width > 0 else "", style)]
        kept.append((text, style))
        left -= size
    return kept


def cells(line: Iterable[Span]) -> int:
    """Measure styled text in cells."""
    return sum(cell_len(text) for text, _ in line)


def cut(line: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    """Give the part of styled text between two character positions."""
    at = 0
    for text, style in line:
        after = at + len(text)
        if after > start and at < end:
            yield text[max(0, start - at) : end - at], style
        if after >= end:
            return
        at = after


def pieces(text: str, width: int, *, is_code: bool = False) -> list[Piece]:
    """Break a line at spaces into parts of at most ``width`` cells; long words break anywhere.

    Args:
        is_code: Break anywhere, always.
    """
    if len(text) <= width and _MAYBE_WIDE.search(text) is None:
        return [Piece(0, len(text), "\n")]
    if is_code:
        return list(_hard_pieces(text, width))
    if _MAYBE_WIDE.search(text) is None:
        return list(_narrow_pieces(text, width))
    return list(_wide_pieces(text, width))


def painted(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """Lay a style over the characters of a strip from ``start`` to ``end``."""
    text = strip.text
    left, right = cell_len(text[:start]), cell_len(text[:end])
    if left >= right:
        return strip
    before = strip.crop(0, left)
    middle = strip.crop(left, right)
    after = strip.crop(right, strip.cell_length)
    return Strip.join([before, Strip(Segment.apply_style(middle, post_style=style)), after])


def _hard_pieces(text: str, width: int) -> Iterator[Piece]:
    at = 0
    for part in chop_cells(text, width) or [""]:
        yield Piece(at, at + len(part), "" if at else "\n")
        at += len(part)


def _narrow_pieces(text: str, width: int) -> Iterator[Piece]:
    at, join, length = 0, "\n", len(text)
    while length - at > width:
        space = text.rfind(" ", at + 1, at + width + 1)
        if space > at and text[at:space].strip():
            yield Piece(at, space, join)
            at = space + 1
            while at < length and text[at] == " ":
                at += 1
            join = " "
        else:
            yield Piece(at, at + width, join)
            at, join = at + width, ""
    if at < length or join == "\n":
        yield Piece(at, length, join)


def _wide_pieces(text: str, width: int) -> Iterator[Piece]:
    start, at, used, join = 0, 0, 0, "\n"
    for found in _WORDS.finditer(text):
        word = found[0]
        size = cell_len(word)
        if used + size <= width:
            used += size
            at = found.end()
            continue
        if word[0] == " ":
            yield Piece(start, found.start(), join)
            start, used, join, at = found.end(), 0, " ", found.end()
            continue
        if at > start and size <= width:
            yield Piece(start, at - (text[at - 1] == " "), join)
            start, used, join, at = at, size, " ", found.end()
            continue
        if at > start:
            yield Piece(start, at, join)
            start, join = at, " "
        parts = chop_cells(word, width)
        for part in parts[:-1]:
            yield Piece(start, start + len(part), join)
            start, join = start + len(part), ""
        used, at = cell_len(parts[-1]), found.end()
    if at > start or join == "\n":
        yield Piece(start, len(text), join)


def _strip(line: Sequence[Span], width: int, total: int | None, fill: Style | None) -> Strip:
    segments = [Segment(text, style) for text, style in line if text]
    used = cells(line)
    if fill is not None and used < width:
        segments.append(Segment(" " * (width - used), fill))
        used = width
    if total is None:
        return Strip(segments, used)
    if used < total:
        segments.append(Segment(" " * (total - used)))
        used = total
    return Strip(segments, used) if used == total else Strip(segments, used).crop(0, total)
