"""The pieces of a text are those of one plain expression, counted faster than it could."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ralex.core.token_pieces import FREE_CHARS, KINDS, count_pieces
from tests.conftest import ROOT

PIECES = re.compile(
    r"([A-Z]?[a-z]+|[A-Z]+(?![a-z]))"  # 1 words, cut at a change of case
    r"|([0-9]{1,3})"  # 2 groups of digits
    r"|((?:[ \t]*\r?\n)+)"  # 3 line breaks
    r"|((?<=\n)[ \t]+)"  # 4 indentation
    r"|([ \t]{2,}|\t)"  # 5 other wide space
    r"|([!-/:-@\[-`{-~]+)"  # 6 symbols
    r"|([\u0080-\u024f]+)"  # 7 accented Latin letters
    r"|([\u0370-\u052f]+)"  # 8 Greek and Cyrillic words
    r"|([\u0530-\u0dff]+)"  # 9 Hebrew, Arabic, Indic scripts
    r"|([\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+)"  # 10 Chinese, Japanese
    r"|([\uac00-\ud7af]+)"  # 11 Korean
    r"|([^\x00-\x7f]+)"  # 12 everything else
)

CHARS = "abXYZ019  \t\n\r._-(){}\"'\0\x7f\x0béñßäřλЖабא漢字かな한글😀\u200b\ud800"


def by_expression(text: str) -> tuple[list[int], list[int]]:
    counts, chars = [0] * KINDS, [0] * KINDS
    for match in PIECES.finditer(text):
        kind = match.lastindex or 0
        counts[kind] += 1
        length = match.end() - match.start()
        chars[kind] += max(length - FREE_CHARS.get(kind, length), 0)
    return counts, chars


@given(st.text(alphabet=CHARS, max_size=60) | st.text(max_size=40))
@example("HTTPServer XMLHttpRequest iPhone A AB Ab aB ABc")
@example("\n\n  \n    indented\t\twide \t x  \n\n   ")
@example("12 123 1234 12345 123456 x1y22")
@example("café au lait — naïve…\r\nдом\tи сад\r\r\n")
def test_every_piece_of_the_expression_is_counted(text: str) -> None:
    assert count_pieces(text) == by_expression(text)


@pytest.mark.parametrize("name", ["README.md", "pyproject.toml", "app/ralex/core/budget.py"])
def test_pieces_of_real_files_are_counted(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")

    assert count_pieces(text) == by_expression(text)
