"""Text as lines with their own ends, and the loosest form in which two lines are called equal."""

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_ODD_BLANKS = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
    f"\u205f\u3000{_ZERO_WIDTH}"
)
_SINGLE_QUOTES = "\u2018\u2019\u201a\u201b\u2032"
_DOUBLE_QUOTES = "\u201c\u201d\u201e\u201f\u2033"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
SMART_QUOTES = frozenset(_SINGLE_QUOTES + _DOUBLE_QUOTES)
FULL_WIDTH_MARKS = frozenset(char for char in map(chr, range(0xFF01, 0xFF5F)) if not char.isalnum())
_FOLDED: dict[int, str | None] = {
    **dict.fromkeys(map(ord, _ZERO_WIDTH)),
    **dict.fromkeys(map(ord, _SINGLE_QUOTES), "'"),
    **dict.fromkeys(map(ord, _DOUBLE_QUOTES), '"'),
    **dict.fromkeys(map(ord, _DASHES), "-"),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}
_FOLDABLE = lazy_pattern(f"[{re.escape(''.join(map(chr, _FOLDED)))}]")
_FOLDED_CHARS = frozenset(map(chr, _FOLDED))
_ASCII_BLANKS = "\t\r\v\f\x1c\x1d\x1e\x1f"
_BLANKS = frozenset(
    f"{_ASCII_BLANKS}\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""All at which ``str.split`` splits, but for the blank and the line feed."""

_LOOSE = lazy_pattern(f"[{re.escape(''.join(_FOLDED_CHARS | _BLANKS))}]")
_CLUSTER = lazy_pattern(
    rf"\s+|[{_ZERO_WIDTH}]+|[^\s{_ZERO_WIDTH}][\u0300-\u036f]*[{_ZERO_WIDTH}]*", re.UNICODE
)
_TOKEN = lazy_pattern(r"\w+|\s+|[^\w\s]")


@dataclass(slots=True, kw_only=True)
class Lines:
    """A text taken apart: contents without their ends, and the ends.

    Attributes:
        contents: One more than there are line breaks.
        ends: Line feed, or carriage return and line feed, for each line; empty for the last.
    """

    contents: list[str]
    ends: list[str]

    @property
    def flat(self) -> str:
        """The text with a line feed for every line end."""
        return "\n".join(self.contents)

    def replace(self, start: int, stop: int, contents: Sequence[str], ends: Sequence[str]) -> None:
        """Put other lines in the place of ``start`` up to, not including, ``stop``."""
        last = stop == len(self.contents)
        self.contents[start:stop] = contents
        self.ends[start:stop] = ends
        if last and self.ends:
            self.ends[-1] = ""

    def join(self) -> str:
        """Put the text together again."""
        usual = usual_end(self.ends)
        odd = "\n" if usual == "\r\n" else "\r\n"
        if odd not in self.ends:
            return usual.join(self.contents)
        ends = [end or usual for end in self.ends[:-1]]
        return "".join(
            content + end for content, end in zip(self.contents, [*ends, ""], strict=True)
        )


def take_apart(text: str) -> Lines:
    """Split at line feeds; a carriage return before one belongs to the line's end."""
    pieces = text.split("\n")
    if "\r" not in text:
        return Lines(contents=pieces, ends=["\n"] * (len(pieces) - 1) + [""])
    last = pieces.pop()
    ends = ["\r\n" if piece.endswith("\r") else "\n" for piece in pieces]
    contents = [piece.removesuffix("\r") for piece in pieces]
    return Lines(contents=[*contents, last], ends=[*ends, ""])


def usual_end(ends: Sequence[str]) -> str:
    """Tell which line end the lines mostly have."""
    with_return = ends.count("\r\n")
    if not with_return:
        return "\n"
    return "\r\n" if 2 * with_return > len(ends) - ends.count("") else "\n"


def unix(text: str) -> str:
    """Write every line end as a line feed."""
    return text.replace("\r\n", "\n")


def indent_of(line: str) -> str:
    """Give the blanks a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def with_plain_indent(line: str) -> str:
    """Write odd blanks at a line's beginning as plain ones and drop those of no width."""
    if line.isascii():
        return line
    rest = line.lstrip(_ODD_BLANKS)
    odd = line[: len(line) - len(rest)]
    return "".join(char if char in " \t" else " " for char in odd if char not in _ZERO_WIDTH) + rest


def fold(line: str) -> str:
    """Give a line's loosest form: typography, compositions and runs of blanks made one."""
    if not line.isascii():
        line = unicodedata.normalize("NFC", line)
        if _FOLDABLE.search(line) is not None:  # far faster than to translate for nothing
            line = line.translate(_FOLDED)
    return " ".join(line.split())


def fold_all(text: str) -> str:
    """Fold every line of a text, in a fraction of the time that line by line would take."""
    blanks = _ASCII_BLANKS
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        chars = set(_LOOSE.findall(text))
        for char in sorted(chars & _FOLDED_CHARS):
            text = text.replace(char, _FOLDED[ord(char)] or "")
        blanks = "".join(chars & _BLANKS)
    for blank in blanks:
        text = text.replace(blank, " ")
    for width in (16, 4):  # so that deep indentation takes few turns below
        text = text.replace(" " * width, " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.replace(" \n", "\n").replace("\n ", "\n").strip(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A line's loosest form with the way back.

    Attributes:
        key: As ``fold`` gives it.
        sources: For each character of the key, the characters it stands for.
    """

    key: str
    sources: tuple[str, ...]


def fold_with_sources(line: str) -> Folded:
    """Fold a line, keeping for each character what it came from; outer blanks are dropped."""
    keys: list[str] = []
    sources: list[str] = []
    for match in _CLUSTER.finditer(line.strip()):
        cluster = match[0]
        folded = fold(cluster) if not cluster.isspace() else " "
        if len(folded) == 1:
            keys.append(folded)
            sources.append(cluster)
        elif sources:
            sources[-1] += cluster
        else:
            keys.append("")
            sources.append(cluster)
    return Folded(key="".join(keys), sources=tuple(sources))


def carry_over(old: str, new: str, real: str) -> str:
    """Change ``real`` the way ``old`` was changed into ``new``, keeping its own typography.

    Args:
        old: What the model took for ``real``; equal to it once folded.
        new: What the model wants instead of ``old``.
        real: The file's line.

    Returns:
        The changed line without its indentation, or ``new`` if the lines cannot be laid side by
        side.
    """
    before, after, actual = fold_with_sources(old), fold_with_sources(new), fold_with_sources(real)
    if before.key != actual.key or len(actual.key) != len(actual.sources):
        return new
    if len(after.key) != len(after.sources):
        return new
    before_tokens = _TOKEN.findall(before.key)
    after_tokens = _TOKEN.findall(after.key)
    starts = _offsets(before_tokens)
    targets = _offsets(after_tokens)
    pieces: list[str] = []
    matcher = SequenceMatcher(None, before_tokens, after_tokens, autojunk=False)
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            wrong = before.sources[starts[old_from] : starts[old_to]]
            wanted = after.sources[targets[new_from] : targets[new_to]]
            own = actual.sources[starts[old_from] : starts[old_to]]
            # Where the model read the file rightly and writes something else, it means it.
            pieces.extend(
                mine if theirs == was or was != mine else theirs
                for was, theirs, mine in zip(wrong, wanted, own, strict=True)
            )
        else:
            pieces.extend(after.sources[targets[new_from] : targets[new_to]])
    return "".join(pieces)


def _offsets(tokens: Sequence[str]) -> list[int]:
    offsets = [0]
    for token in tokens:
        offsets.append(offsets[-1] + len(token))
    return offsets
