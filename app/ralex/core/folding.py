"""Text made comparable: lower case and without accents, so that ``prosím`` is ``prosim``.

Not Unicode normalisation: sorting a long run of combining marks into canonical order takes
quadratic time, and an ask may be anything.
"""

import re
import unicodedata

from ralex.core.patterns import lazy_pattern

_MARKS = lazy_pattern("[\u0300-\u036f]+")
_ACCENTED = lazy_pattern("[\u00aa-\u024f\u0439\u0451]+")
_LETTERS: dict[int, str] = {
    ord("ß"): "ss",
    ord("æ"): "ae",
    ord("œ"): "oe",
    ord("ø"): "o",
    ord("ł"): "l",
    ord("đ"): "d",
    ord("ı"): "i",
}


def _base_letters() -> dict[int, str]:
    letters = dict(_LETTERS)
    for code in (*range(0xAA, 0x250), 0x439, 0x451):
        base = unicodedata.normalize("NFD", chr(code))[0]
        if base != chr(code) and base.isalpha():
            letters[code] = base
    return letters


_TABLE = _base_letters()


def fold(text: str) -> str:
    """Return the text in lower case, without the accents of Latin and Cyrillic letters."""
    low = text.lower()
    if low.isascii():
        return low
    return _ACCENTED.sub(_plain, _MARKS.sub("", low))


def _plain(match: re.Match[str]) -> str:
    return match.group().translate(_TABLE)
