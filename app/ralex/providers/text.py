"""Text as it streams in: whole characters only, and reasoning told apart from the answer."""

import re

from ralex.core.patterns import lazy_pattern

_SURROGATE = lazy_pattern("[\ud800-\udfff]")
_PAIR = lazy_pattern("([\ud800-\udbff])([\udc00-\udfff])")
_OPEN = "<think>"
_CLOSE = "</think>"


class TextPieces:
    """Collects text whose pieces may break inside an escaped surrogate pair."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._held = ""

    def __bool__(self) -> bool:
        """Tell whether any text came."""
        return bool(self._pieces)

    @property
    def text(self) -> str:
        """All text so far, without a held half character."""
        return "".join(self._pieces)

    def add(self, piece: str) -> str:
        """Take a piece and give what of it can be shown: valid text, possibly empty."""
        if not piece.isascii() or self._held:
            piece = self._whole(piece)
        if piece:
            self._pieces.append(piece)
        return piece

    def _whole(self, piece: str) -> str:
        piece, self._held = self._held + piece, ""
        if _SURROGATE.search(piece) is None:
            return piece
        if "\ud800" <= piece[-1] <= "\udbff":
            piece, self._held = piece[:-1], piece[-1]
        return _SURROGATE.sub("\ufffd", _PAIR.sub(_joined, piece))


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


class ThinkSplitter:
    """Tells ``<think>…</think>`` at the start of an answer from the answer itself.

    Only a reply that begins with the tag is split: later on the tag is text that someone talks
    about.
    """

    def __init__(self) -> None:
        self._mode = "start"
        self._held: str = ""

    @property
    def is_done(self) -> bool:
        """Tell whether all that may come is the answer."""
        return self._mode == "text"

    def split(self, piece: str) -> tuple[str, str]:
        """Take a piece and give the reasoning and the answer that it completes."""
        if self._mode == "text":
            return "", piece
        piece, self._held = self._held + piece, ""
        if self._mode == "start":
            begun = piece.lstrip()
            if len(begun) < len(_OPEN) and _OPEN.startswith(begun):
                self._held = piece
                return "", ""
            if not begun.startswith(_OPEN):
                self._mode = "text"
                return "", piece
            self._mode = "think"
            piece = begun.removeprefix(_OPEN)
        reasoning, answer = "", piece
        if self._mode == "think":
            reasoning, closes, answer = piece.partition(_CLOSE)
            if not closes:
                keep = _tail_of_tag(reasoning)
                self._held = reasoning[len(reasoning) - keep :]
                return reasoning[: len(reasoning) - keep], ""
            self._mode = "gap"
        answer = answer.lstrip("\r\n")
        if answer:
            self._mode = "text"
        return reasoning, answer

    def finish(self) -> tuple[str, str]:
        """Give what was held back as reasoning and answer."""
        held, self._held = self._held, ""
        return (held, "") if self._mode == "think" else ("", held)


def _tail_of_tag(text: str) -> int:
    """Count the characters at the end that may be the start of the closing tag."""
    for size in range(min(len(_CLOSE) - 1, len(text)), 0, -1):
        if _CLOSE.startswith(text[-size:]):
            return size
    return 0
