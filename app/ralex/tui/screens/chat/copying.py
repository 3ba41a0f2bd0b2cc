"""Copy text; the words afterwards claim no more than what is known."""

import re

from ralex.core.patterns import lazy_pattern
from ralex.tui import formats

_FENCED = lazy_pattern(
    r"^ {0,3}(`{3,}|~{3,})[^\n]*\n(.*?)^ {0,3}\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE
)


def last_code_block(markdown: str) -> str:
    """Give the last fenced block of a text without its fence, or an empty string."""
    blocks = _FENCED.findall(markdown)
    return blocks[-1][1].rstrip("\n") if blocks else ""


def copied(text: str) -> str:
    """Say that a text went to the terminal, which alone knows whether it took it."""
    return f"Sent {formats.count(len(text), 'character')} to the terminal's clipboard"
