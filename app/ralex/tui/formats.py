"""How numbers look on the screen: as everywhere, and texts cut to a width in cells."""

from rich.cells import cell_len, set_cell_size

from ralex.core.formats import (
    REASON_GLYPHS,
    REASON_WORDS,
    about_cents,
    age,
    count,
    meter,
    seconds,
    short_model,
    tokens,
    usd,
    usd_cents,
)

__all__ = [
    "REASON_GLYPHS",
    "REASON_WORDS",
    "about_cents",
    "age",
    "count",
    "meter",
    "seconds",
    "short_model",
    "shortened",
    "shortened_left",
    "tokens",
    "usd",
    "usd_cents",
]


def shortened(text: str, width: int) -> str:
    """Cut one line to a width in cells, with ``…`` at its end."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(0, width - 1)).rstrip() + "…" if width > 0 else ""


def shortened_left(text: str, width: int) -> str:
    """Cut one line to a width in cells at its beginning: the end tells names of models apart."""
    if cell_len(text) <= width:
        return text
    kept = text[max(0, len(text) - width + 1) :] if width > 0 else ""
    while cell_len(kept) > width - 1 and kept:
        kept = kept[1:]
    return "…" + kept if width > 0 else ""
