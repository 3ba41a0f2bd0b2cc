"""How the model's indentation relates to the file's, so that new lines can be set right.

The relation is read off the matched lines and must hold for every one of them: a prefix more or
less, tabs for spaces, or a different width of one level. Where no such rule holds there is none,
and the edit is refused.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal, TypeAlias

Reindent: TypeAlias = Callable[[str], str | None]
"""From the model's indentation to the file's; None where the rule says nothing."""

_Fit: TypeAlias = Literal["same", "shift", "scale"]
_TAB_WIDTHS = (4, 2, 8, 3, 1)


def find_rule(
    pairs: Sequence[tuple[str, str]], wanted: Iterable[str], usual: Collection[str]
) -> Reindent | None:
    """Find the rule that turns each first indentation into the second.

    Few lines may obey several rules: two blanks for four are two too few, or half. Then the one
    that leads to the file's usual indentations is meant.

    Args:
        pairs: Indentation as the model wrote it and as the file has it, line by line.
        wanted: Indentations of the new lines, as the model wrote them.
        usual: Indentations that many lines of the file have.
    """
    if all(theirs == real for theirs, real in pairs):
        return _same
    distinct = list(dict.fromkeys(pairs))
    rules = [
        rule
        for rule in _candidates(distinct)
        if all(rule(theirs) == real for theirs, real in distinct)
    ]
    if rules:
        indents = set(wanted)
        at_home = (rule for rule in rules if all(rule(indent) in usual for indent in indents))
        return next(at_home, rules[0])
    if distinct[0][0] == "" and all(theirs == real for theirs, real in pairs[1:]):
        return _same
    return None


def _same(indent: str) -> str | None:
    return indent


def _candidates(pairs: Sequence[tuple[str, str]]) -> list[Reindent]:
    theirs, real = pairs[0]
    rules: list[Reindent] = []
    if real.endswith(theirs):
        rules.append(_adding(real.removesuffix(theirs)))
    if theirs.endswith(real):
        rules.append(_removing(theirs.removesuffix(real)))
    rules.extend(
        _columns(pairs, width=width, real_width=real_width, fit=fit)
        for fit in ("same", "shift", "scale")
        for width in _TAB_WIDTHS
        for real_width in _TAB_WIDTHS
    )
    return rules


def _adding(prefix: str) -> Reindent:
    return lambda indent: prefix + indent


def _removing(prefix: str) -> Reindent:
    return lambda indent: indent.removeprefix(prefix) if indent.startswith(prefix) else None


def _columns(
    pairs: Sequence[tuple[str, str]], *, width: int, real_width: int, fit: _Fit
) -> Reindent:
    """Map columns to columns along a line through the pairs, written in the file's own style."""
    from fractions import Fraction  # noqa: PLC0415 - few edits need it

    points = sorted({(_column(theirs, width), _column(real, real_width)) for theirs, real in pairs})
    scale, shift = Fraction(1), Fraction(0)
    if fit == "scale":
        scale = Fraction(points[-1][1], points[-1][0] or 1)
    elif fit == "shift":
        (low, low_real), (high, high_real) = points[0], points[-1]
        if high > low:
            scale = Fraction(high_real - low_real, high - low)
        shift = low_real - scale * low
    has_tabs = any("\t" in real for _, real in pairs)

    def rule(indent: str) -> str | None:
        column = scale * _column(indent, width) + shift
        if column < 0 or column.denominator != 1 or scale <= 0:
            return None
        tabs, blanks = divmod(int(column), real_width) if has_tabs else (0, int(column))
        return "\t" * tabs + " " * blanks

    return rule


def _column(indent: str, width: int) -> int:
    return len(indent.expandtabs(width)) if "\t" in indent else len(indent)
