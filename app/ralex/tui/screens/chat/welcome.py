"""What an empty transcript says: what this is, and the few keys to begin with."""

from rich.style import Style

from ralex.tui.palette import BOLD, Palette
from ralex.tui.rows import Line

_KEYS = (
    ("Enter", "send, Shift+Enter for a new line"),
    ("/", "commands, such as /model or /tier"),
    ("@", "put a file's name into the prompt"),
    ("F1 F2", "help, today's money"),
    ("Esc", "stop what runs; nothing is lost"),
)


def welcome_lines(palette: Palette, width: int) -> list[Line]:
    """Write the hints, on the left edge of everything that will follow."""
    indent = ("  ", Style.null())
    slogan = "starts cheap, steps up when it must, stops at your limit"
    lines: list[Line] = [[indent, ("ralex", palette.accent + BOLD)]]
    if width >= len(slogan) + 4:
        lines.append([indent, (slogan, palette.muted)])
    lines.append([])
    lines += [
        [indent, (f"{key:<7}", palette.primary), (text, palette.muted)] for key, text in _KEYS
    ]
    return lines
