"""How dialogs fit the screen: classes for its size, and the cells inside a dialog's frame.

The style sheets of the dialogs widen by the same classes; where a dialog lays out columns itself it
counts with these functions, because nothing has a size yet when a list is first filled.
"""

from typing import Final

WIDTHS: Final = [(0, "-narrow"), (70, "-medium"), (100, "-wide")]
HEIGHTS: Final = [(0, "-tiny"), (20, "-short"), (30, "-tall")]

_NARROW: Final = 4
"""Cells of border and padding where there is little room."""
_FRAME: Final = 6
_MARGIN: Final = 4
_WIDEST: Final = 92


def dialog_cells(screen: int) -> int:
    """Count the cells in a row of a dialog on a screen so many cells wide."""
    if screen < WIDTHS[1][0]:
        return max(1, screen - _NARROW)
    if screen < WIDTHS[2][0]:
        return min(_WIDEST, screen - _MARGIN) - _FRAME
    return _WIDEST - _FRAME


def list_rows(screen: int, others: int) -> int:
    """Count the rows for a list in a dialog with so many other rows inside its frame."""
    room = screen - 2 if screen < HEIGHTS[1][0] else screen * 9 // 10 - 4
    return max(3, min(30, room - others))
