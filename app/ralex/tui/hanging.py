"""A name and what it means, side by side: the meaning is wrapped within its own column."""

from typing import Final

from textual.content import Content

from ralex.tui.rows import pieces

_LEAST: Final = 12


def beside(
    name: str | Content, about: str, *, name_width: int, width: int, name_style: str = ""
) -> Content:
    """Write a name padded to its column and a text beside it, on as many rows as that needs.

    Args:
        name_width: Cells of the first column, the space behind it included.
        width: Cells of a whole row.
    """
    first = Content.styled(name, name_style) if isinstance(name, str) else name
    if not about:
        return first
    gap = " " * max(1, name_width - first.cell_length)
    rows = wrapped(about, max(_LEAST, width - name_width))
    indent = "\n" + " " * name_width
    return Content.assemble(first, gap, (indent.join(rows), "$text-muted"))


def wrapped(text: str, width: int) -> list[str]:
    """Break a line at its spaces into rows of at most so many cells."""
    return [text[piece.start : piece.end].rstrip() for piece in pieces(text, max(1, width))]
