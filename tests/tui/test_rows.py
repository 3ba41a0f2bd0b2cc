"""Wrapping: nothing is lost, nothing is too wide, and copies are what was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from ralex.tui.rows import fit, painted, wrap

PLAIN = Style.null()
TEXTS = st.text(alphabet=st.sampled_from("ab  cdé漢字👩🇨🇿─→x"), max_size=70)


@given(TEXTS, st.integers(3, 30))
def test_every_row_is_exactly_as_wide_as_asked_and_no_letter_is_lost(text: str, width: int) -> None:
    rows = wrap([(text, PLAIN)], width, total=width + 2)
    assert all(cell_len(row.strip.text) == width + 2 for row in rows)
    shown = "".join(row.strip.text for row in rows)
    assert "".join(shown.split()) == "".join(text.split())


@given(TEXTS, st.integers(2, 20))
def test_code_is_copied_exactly(text: str, width: int) -> None:
    rows = wrap([(text, PLAIN)], width, is_code=True)
    copied = "".join((row.join if at else "") + row.strip.text for at, row in enumerate(rows))
    assert copied == text


def test_a_wrapped_paragraph_is_copied_as_one_line() -> None:
    text = "the quick brown fox jumps over the lazy dog"
    rows = wrap([(text, PLAIN)], 12, first=[("> ", PLAIN)], total=20)
    assert len(rows) > 3
    assert "".join((row.join if at else "") + row.text for at, row in enumerate(rows)) == text


def test_hostile_text_is_stopped_even_here() -> None:
    assert "\x1b" not in wrap([("\x1b]52;c;QUJD\x07", PLAIN)], 20)[0].strip.text


@pytest.mark.parametrize(("width", "text"), [(10, "漢字漢字…"), (3, "漢…"), (1, "…")])
def test_a_line_that_is_too_long_ends_with_an_ellipsis(width: int, text: str) -> None:
    line = fit([("漢字漢", PLAIN), ("字漢字", PLAIN)], width)
    assert "".join(part for part, _ in line).replace(" ", "") == text
    assert cell_len("".join(part for part, _ in line)) <= width


def test_a_style_is_laid_over_characters_not_cells() -> None:
    strip = wrap([("漢字ab", PLAIN)], 8, total=8)[0].strip
    made = painted(strip, 1, 3, Style(bold=True))
    assert made.text == strip.text
    bold = "".join(part.text for part in made if part.style and part.style.bold)
    assert bold == "字a"
