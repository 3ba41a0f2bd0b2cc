"""Call a user who looks elsewhere: a bell, or a notification of the terminal's own.

The sequences are built from cleaned text only. Within tmux they are handed through to the terminal
outside, which tmux does if ``allow-passthrough`` is on; a bell needs nothing.
"""

from collections.abc import Mapping
from typing import Final

from ralex.core.terminal_text import clean_line, mask_secrets
from ralex.tui.formats import shortened

_LONGEST: Final = 160
_TITLE: Final = "ralex"
BELL: Final = "\x07"


def call_sequence(by: str, text: str, environ: Mapping[str, str]) -> str:
    """Give what to write to the terminal; empty for ``off``.

    Args:
        by: ``bell``, ``osc9``, ``osc777`` or ``off``.
        text: From anywhere; nothing in it reaches the terminal as more than text.
        environ: Tells whether this is tmux.
    """
    # Both forms separate their parts by semicolons, and OSC 9 takes "4;" for a progress bar.
    words = shortened(mask_secrets(clean_line(text)).replace(";", ","), _LONGEST)
    match by:
        case "bell":
            return BELL
        case "osc9":
            return _through(f"\x1b]9;{_TITLE}: {words}\x07", environ)
        case "osc777":
            return _through(f"\x1b]777;notify;{_TITLE};{words}\x07", environ)
        case _:
            return ""


def _through(sequence: str, environ: Mapping[str, str]) -> str:
    if not environ.get("TMUX"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
