"""Users' patterns find what ``re`` finds, in time that no text can stretch."""

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralex.config.patterns import text_pattern
from ralex.core.linear_pattern import MOST_PLACES, LinearPattern, UnboundedPatternError

EVIL = [
    "(a+)+",
    "(a+)+$",
    "(a*)*b",
    "(a|a)*$",
    "(a|a)*b",
    "(a|ab)*c",
    "(a|b|ab)*c$",
    r"(\w+\s?)*$",
    r"(\w+\s*)+!",
    r"^(\w+)*\d$",
    "(x+x+)+y",
    "(?:a?){30}a{30}b",
    "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaaaaaab",
    "(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b",
    r"\s+$",
    "a+b",
    "(.*)(.*)(.*)(.*)(.*)x$",
    ".*a.*a.*a.*a.*b",
    r"([a-zA-Z]+)*\d",
    r"(?i)(A+a+)+B",
    "(?s)(.*?)*?z",
    r"^(?=(a+)+b)c",
    "(?<!a)(a+)+b",
    r"(?!.*(a|a)*c)q",
    ".*a.{20}b",
    "[ab]*a[ab]{15}c",
    r"(\b|a)*c",
    "((a{0,10}){0,10}){0,5}b",
]
"""Patterns that take ``re`` for ever, or quadratic time, on one of these texts."""

ATTACKS = """
texts = ["a" * 100_000, "ab" * 50_000, "a " * 50_000, " " * 99_999 + "x", "x" * 100_000,
         "aB" * 50_000, "first " * 16_000, "\\n" * 100_000]
"""

HARMLESS = [
    r"(?i)\b(typo|rename)\b",
    "fix|typo|simple|quick|small",
    "colou?r",
    r"^(please )?explain\b",
    r"\bTODO\b",
    "|".join(f"word{number}" for number in range(400)),
    "fix|fixed|fixes|fixing",
]


@pytest.mark.parametrize("pattern", EVIL)
def test_what_could_keep_re_busy_runs_in_linear_time(pattern: str) -> None:
    assert isinstance(text_pattern(pattern), LinearPattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_tries_few_ways_stays_with_re(pattern: str) -> None:
    assert isinstance(text_pattern(pattern), re.Pattern)


def test_no_text_keeps_a_pattern_busy() -> None:
    """A generous limit for all 224 searches together: each alone would take ``re`` for ever."""
    program = f"""
from ralex.config.patterns import text_pattern
from ralex.core.routing import RULE_WINDOW_CHARS
{ATTACKS}
for pattern in {EVIL!r}:
    compiled = text_pattern(pattern)
    for text in texts:
        compiled.search(text[:RULE_WINDOW_CHARS])
print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=240, check=True
    )
    assert done.stdout == "done\n"


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"(a+)\1", "a back-reference"),
        ("(a)?b(?(1)c+|d)", "a condition on a group"),
        ("(?>a+)+", "an atomic group"),
        ("a++", "a possessive repeat"),
        ("((a{90}){90}){90}", "grows too large"),
        ("(){2000000}a*", "grows too large"),
    ],
)
def test_what_cannot_be_bounded_is_refused(pattern: str, what: str) -> None:
    with pytest.raises(UnboundedPatternError, match=re.escape(what)):
        text_pattern(pattern)


def test_the_largest_pattern_is_large_enough_for_people() -> None:
    assert MOST_PLACES >= 2_000
    words = "|".join(f"{word}s?" for word in ("alpha", "beta", "gamma") * 90)
    assert text_pattern(words).search("two gammas") is not None


PIECES = st.sampled_from(
    ["a", "b", "A", ".", r"\w", r"\s", r"\b", r"\B", "^", "$", "[ab]", "[^a]", r"\d", "é", r"\n"]
)


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    wraps = st.sampled_from(
        ["({})*", "({})+?", "({})?", "({}){{2}}", "({}){{0,2}}", "(?={})", "(?!{})", "(?i:{})"]
    )
    return st.one_of(
        pairs.map("".join),
        pairs.map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(wraps, inner).map(lambda two: two[0].format(two[1])),
        st.sampled_from(["(?<=a)", "(?<!b)", r"(?<=\s)", "(?<!é)"]),
    )


PATTERNS = st.recursive(PIECES, grow, max_leaves=6)
FLAGS = st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?ims)"])


@settings(max_examples=600)
@given(flags=FLAGS, pattern=PATTERNS, text=st.text("abAÉé 1\n", max_size=7))
def test_it_finds_what_re_finds(flags: str, pattern: str, text: str) -> None:
    whole = flags + pattern
    try:
        expected = re.search(whole, text) is not None
    except re.error:
        return
    assert (LinearPattern(whole).search(text) is not None) is expected, whole


def test_a_search_can_be_repeated() -> None:
    pattern = LinearPattern("(ab)+c")
    found = [pattern.search(text) for text in ("ababc", "abab", "xabc")]
    assert found == [True, None, True]
