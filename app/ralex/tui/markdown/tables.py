"""Tables as aligned columns that fit the width they are given."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.style import Style

from ralex.tui.rows import Line, Span, cells, cut, pieces

_BETWEEN: Final = 2
_NARROWEST: Final = 4


def table_rows(
    table: Sequence[Sequence[Line]], aligns: Sequence[str], width: int, rule: Style
) -> Iterator[Line]:
    """Lay a table out; its first row is the head, with a rule under it.

    Args:
        table: Rows of cells.
        aligns: ``left``, ``center``, ``right`` or empty for each column.
        width: Cells for the whole table; long cells wrap.
    """
    if not table or not table[0]:
        return
    columns = len(table[0])
    natural = [max(cells(line[at]) for line in table if at < len(line)) for at in range(columns)]
    widths = fitted(natural, width - _BETWEEN * (columns - 1))
    for number, line in enumerate(table):
        split = [_wrapped(line[at] if at < len(line) else [], widths[at]) for at in range(columns)]
        for level in range(max(len(cell) for cell in split)):
            yield _joined(
                [cell[level] if level < len(cell) else [] for cell in split], widths, aligns
            )
        if number == 0:
            yield [("─" * (sum(widths) + _BETWEEN * (columns - 1)), rule)]


def fitted(natural: Sequence[int], room: int) -> list[int]:
    """Shrink the widest columns until all fit into ``room`` cells; none gets narrower than four."""
    widths = [max(1, size) for size in natural]
    while sum(widths) > room and max(widths) > _NARROWEST:
        widest = max(widths)
        rivals = [size for size in widths if size < widest]
        floor = max([_NARROWEST, *rivals])
        share = [at for at, size in enumerate(widths) if size == widest]
        excess = sum(widths) - room
        step = max(1, min(widest - floor, -(-excess // len(share))))
        for at in share:
            widths[at] -= step
    return widths


def _wrapped(line: Line, width: int) -> list[Line]:
    text = "".join(part for part, _ in line)
    return [list(cut(line, piece.start, piece.end)) for piece in pieces(text, width)]


def _joined(parts: Sequence[Line], widths: Sequence[int], aligns: Sequence[str]) -> Line:
    line: list[Span] = []
    for at, (part, width) in enumerate(zip(parts, widths, strict=True)):
        if at:
            line.append((" " * _BETWEEN, Style.null()))
        free = max(0, width - cells(part))
        align = aligns[at] if at < len(aligns) else ""
        left = free if align == "right" else free // 2 if align == "center" else 0
        line += [(" " * left, Style.null()), *part, (" " * (free - left), Style.null())]
    return line
