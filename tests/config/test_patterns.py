import re

import pytest

from ralex.config.patterns import runs_away


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a*)*b", "(?:a|b+)*", "((a+))+", r"(\w+\s*)+$", "(x{2,})+", "(a+)*?"]
)
def test_a_repeat_inside_a_repeat_runs_away(pattern: str) -> None:
    re.compile(pattern)
    assert runs_away(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)\b(typo|rename)\b",
        "fix|typo|simple|quick|small",
        "(abc)+",
        "(a+)?",
        "(a+){2}",
        r"\(a+\)+",
        "[(a+)]+",
        "[]+)(]+",
        "(?>a+)+",
        "(a++)+",
        ".*foo.*",
        "(a+)(b)+",
    ],
)
def test_a_plain_pattern_does_not(pattern: str) -> None:
    re.compile(pattern)
    assert not runs_away(pattern)
