"""Cut a text into the pieces that tokenizers see in it, and count them by kind.

What the pieces are is plainest as one regular expression; the test has it. Walking through its
matches costs a microsecond for every three characters, and every output that a model reads is
counted. So ASCII, of which code and logs are made, is counted by whole-text operations on bytes in
which each character stands for its class. Only runs of other characters are walked through.
"""

import re
import string

from ralex.core.patterns import lazy_pattern

KINDS = 13
"""Kinds are numbered from 1; number 0 is no kind."""

WORD, DIGITS, BREAK, INDENT, WIDE, SYMBOLS = range(1, 7)

FREE_CHARS = {WORD: 6, SYMBOLS: 2, 7: 0, 8: 0, 9: 0, 10: 0, 11: 0, 12: 0}
"""Kinds whose length counts, and how many characters of a piece cost nothing beyond the piece."""

_FOREIGN = lazy_pattern(r"[^\x00-\x7f]+")
_FOREIGN_PIECES = lazy_pattern(
    r"([\u0080-\u024f]+)"  # 7 accented Latin letters
    r"|([\u0370-\u052f]+)"  # 8 Greek and Cyrillic words
    r"|([\u0530-\u0dff]+)"  # 9 Hebrew, Arabic, Indic scripts
    r"|([\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+)"  # 10 Chinese, Japanese
    r"|([\uac00-\ud7af]+)"  # 11 Korean
    r"|([^\x00-\x7f]+)"  # 12 everything else
)
_FIRST_FOREIGN = 7
_WIDE_RUN = re.compile(rb"  +")
_WIDE_INDENT = re.compile(rb"\n  +")


_CONTROLS = bytes({*range(32), 127} - {ord("\n")})
_CLASSES = bytes.maketrans(
    string.ascii_letters.encode()
    + string.digits.encode()
    + string.punctuation.encode()
    + _CONTROLS,
    b"a" * 26 + b"A" * 26 + b"0" * 10 + b"#" * 32 + b"." * len(_CONTROLS),
)
_LETTERS_ONLY = bytes.maketrans(b"0#.\n", b"    ")
_SYMBOLS_ONLY = bytes.maketrans(b"aA0.\n", b"     ")


def count_pieces(text: str) -> tuple[list[int], list[int]]:
    """Count the pieces of each kind, and their characters beyond those that are free.

    Linear in the text.
    """
    counts, chars = [0] * KINDS, [0] * KINDS
    if not text.isascii():
        for foreign in _FOREIGN.findall(text):
            for match in _FOREIGN_PIECES.finditer(foreign):
                kind = _FIRST_FOREIGN - 1 + (match.lastindex or 0)
                counts[kind] += 1
                chars[kind] += max(match.end() - match.start() - FREE_CHARS[kind], 0)
        text = _FOREIGN.sub("\0", text)
    # Two spaces are what a tab is: an indentation, or wide space by itself.
    plain = text.replace("\r\n", "\n").replace("\t", "  ")
    classes = plain.encode().translate(_CLASSES)
    # A word begins where the case rises, and before the last capital of several: HTTP|Server.
    cut = classes.replace(b"aA", b"a A").replace(b"AAa", b"A Aa")
    _count_runs(cut.translate(_LETTERS_ONLY), WORD, counts, chars)
    _count_runs(classes.translate(_SYMBOLS_ONLY), SYMBOLS, counts, chars)
    threes = classes.replace(b"000", b"1").replace(b"00", b"1").replace(b"0", b"1")
    counts[DIGITS] = threes.count(b"1")
    _count_space(classes, counts)
    return counts, chars


def _count_runs(classes: bytes, kind: int, counts: list[int], chars: list[int]) -> None:
    free = FREE_CHARS[kind]
    runs = classes.split()
    beyond = [len(run) - free for run in runs if len(run) > free]
    counts[kind], chars[kind] = len(runs), sum(beyond)


def _count_space(classes: bytes, counts: list[int]) -> None:
    """Count line breaks, blank lines with them, and the space that is more than one blank."""
    lines = classes.split(b"\n")
    if b" \n" in classes:  # what stands before a break is part of it
        lines[:-1] = [line.rstrip(b" ") for line in lines[:-1]]
        classes = b"\n".join(lines)
    full = sum(map(bool, lines[:-1]))
    counts[BREAK] = full + (len(lines) > 1 and not lines[0])
    counts[INDENT] = classes.count(b"\n ")
    counts[WIDE] = len(_WIDE_RUN.findall(classes)) - len(_WIDE_INDENT.findall(classes))
