"""The one gate between foreign text and a terminal: nothing that passes can steer the terminal.

Models, tools, files, servers and people write what they like; a terminal obeys some of it. Text
that has passed ``clean`` holds no escape sequence, no C0 or C1 control but newline and tab, no
bidirectional control and no invisible character that could hide or reorder what a person reads.
Every pass is linear in the text.
"""

import re
from typing import Final

from ralex.core.patterns import lazy_pattern

_CONTROLS: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_INVISIBLE: Final = (
    r"\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
_SURROGATES: Final = r"\ud800-\udfff"
_MARKS: Final = (
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a"
    r"\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe0e\ufe0f\ufe20-\ufe2f]"
)

_SUSPECT = lazy_pattern(f"[{_CONTROLS}{_INVISIBLE}{_SURROGATES}]|{_MARKS}{{9}}")
_STRING_SEQUENCE = lazy_pattern(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
)
_CONTROL_SEQUENCE = lazy_pattern(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]+[0-~]?|\x1b[0-Z\\`-~]"
)
_STACKED_MARKS = lazy_pattern(f"({_MARKS}{{8}}){_MARKS}+")
_UNFIT = lazy_pattern(f"[{_CONTROLS}{_INVISIBLE}{_SURROGATES}]")
_SECRET = lazy_pattern(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{12,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{12,}"
)
_PLAIN: Final = b"\t\n" + bytes(range(0x20, 0x7F))
_JOINERS = "\u200c\u200d"
_UNFINISHED = lazy_pattern(
    r"(?:\x1b|(?:\x1b\[|\x9b)[0-?]*[ -/]*"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*\x1b?)\Z"
)
_JOINABLE_END = lazy_pattern(r"[\u200c\u200d\ufe0f\u2600-\u27bf\U0001f000-\U0001faff]{1,16}\Z")
_LONGEST_HELD = 4096


def clean(text: str) -> str:
    """Return text that is safe to show, with what was unsafe dropped or made visible.

    Colour and cursor sequences are dropped. Sequences that carry a string (window title,
    clipboard, links) leave a visible ``␛`` in their place. Other control characters become their
    symbols, invisible and bidirectional ones are written out as ``<U+202E>``. A carriage return
    keeps the last state of its line, as a progress bar means it. Newlines and tabs stay. Cleaning
    twice changes nothing.
    """
    # Most text is plain ASCII, which bytes tell thirty times as fast as a pattern.
    if text.isascii() and not text.encode("ascii").translate(None, _PLAIN):
        return text
    if _SUSPECT.search(text) is None:
        return text
    text = _STRING_SEQUENCE.sub("␛", text)
    text = _CONTROL_SEQUENCE.sub("", text)
    if "\r" in text:
        text = "\n".join(map(_last_state, text.split("\n")))
    text = _UNFIT.sub(_visible, text)
    return _STACKED_MARKS.sub(r"\1", text)


def clean_line(text: str) -> str:
    """Return ``clean(text)`` on one line, for titles and names: runs of white space are one."""
    return " ".join(clean(text).split())


def mask_secrets(text: str) -> str:
    """Return the text with everything that looks like an access key cut to its first letters."""
    return _SECRET.sub(lambda found: f"{found[0][:3]}…", text)


class StreamCleaner:
    """Cleans a stream whose pieces may end anywhere, in the middle of a sequence included."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what can be shown now; an unfinished end is held back for the next piece."""
        text = self._held + piece
        keep = _held_length(text)
        self._held = text[len(text) - keep :]
        return clean(text[: len(text) - keep])

    def flush(self) -> str:
        """Return what was held back, at the end of the stream."""
        held, self._held = self._held, ""
        return clean(held)


def _held_length(text: str) -> int:
    if text.endswith("\r"):
        return 1
    start = max(text.rfind(introducer) for introducer in "\x1b\x90\x98\x9b\x9d\x9e\x9f")
    for begin in (text.rfind("\x1b", 0, max(start, 0)), start):
        is_near = begin >= 0 and len(text) - begin <= _LONGEST_HELD
        if is_near and _UNFINISHED.match(text, begin):
            return len(text) - begin
    found = _JOINABLE_END.search(text, max(0, len(text) - 16))
    return len(found[0]) if found else 0


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2]


def _visible(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xDC80 <= code <= 0xDCFF:
        return f"<0x{code - 0xDC00:02X}>"
    if character in _JOINERS and _joins(found.string, found.start()):
        return character
    return f"<U+{code:04X}>"


def _joins(text: str, at: int) -> bool:
    """Tell whether a joiner stands where scripts and emoji need it: between two that join."""
    if at == 0 or at + 1 >= len(text):
        return False
    return all(_is_joinable(ord(text[place])) for place in (at - 1, at + 1))


def _is_joinable(code: int) -> bool:
    return (
        0x0600 <= code <= 0x0DFF
        or 0x1000 <= code <= 0x109F
        or 0x2600 <= code <= 0x27BF
        or code == 0xFE0F
        or 0x1F000 <= code <= 0x1FAFF
    )
