"""What an empty transcript says: what this is, and the few keys to begin with."""

from rich.style import Style

from ralex.tui.palette import BOLD, Palette
from ralex.tui.preferences import Preferences
from ralex.tui.rows import Line

_SHORT = 7


def welcome_lines(palette: Palette, width: int, preferences: Preferences) -> list[Line]:
    """Write the hints, on the left edge of everything that will follow."""
    indent = ("  ", Style.null())
    slogan = "starts cheap, steps up when it must, stops at your limit"
    lines: list[Line] = [[indent, ("ralex", palette.accent + BOLD)]]
    if width >= len(slogan) + 4:
        lines.append([indent, (slogan, palette.muted)])
    lines.append([])
    keys = _keys(preferences)
    wide = max(len(key) for key, _ in keys) + 2
    lines += [
        [indent, (f"{key:<{wide}}", palette.primary), (text, palette.muted)] for key, text in keys
    ]
    return lines


def _keys(preferences: Preferences) -> list[tuple[str, str]]:
    key = preferences.key
    newline = f", {line} for a new line" if (line := key("newline")) else ""
    hints = [
        (key("send"), f"send{newline}"),
        ("/", "commands, such as /model or /tier"),
        ("@", "put a file's name into the prompt"),
        (key("help"), "help"),
        (key("budget"), "today's money"),
        (preferences.stop_key, "stop what runs; nothing is lost"),
    ]
    short = f"{key('help')} {key('budget')}"
    if key("help") and key("budget") and len(short) <= _SHORT:
        hints[3:5] = [(short, "help, today's money")]
    return [(name, text) for name, text in hints if name]
