"""What models add to text they copy: fences, line numbers, diff marks, escapes; and how to undo it.

Each undoing needs noise on every line it could be on, so that text which merely looks similar is
left alone. It is undone in the new text only where that shows the same noise.
"""

import json
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TypeAlias, cast

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

Undo: TypeAlias = Callable[[str], str | None]
"""Gives the text without one kind of noise, or None if it does not show it throughout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to understand what the model sent.

    Attributes:
        noise: What was taken off, or empty.
        is_partial_allowed: The old text may begin and end inside a line.
    """

    old: str
    new: str
    noise: str = ""
    is_partial_allowed: bool = True


def readings(old: str, new: str) -> Iterator[Reading]:
    """Give the ways to read an edit, the text as it stands first."""
    yield Reading(old=old, new=new)
    bare = _without_fence(old)
    bases = [Reading(old=old, new=new)]
    if bare is not None:
        bases.append(Reading(old=bare, new=_without_fence(new) or new, noise="code fence"))
        yield bases[1]
    for base in bases:
        yield from _cleaned(base)


def _cleaned(base: Reading) -> Iterator[Reading]:
    for noise, undo, is_partial_allowed in _NOISES:
        old = undo(base.old)
        if old is None or old == base.old:
            continue
        new = undo(base.new)
        yield Reading(
            old=old,
            new=_line_by_line(base, old, undo) if new is None else new,
            noise=noise,
            is_partial_allowed=is_partial_allowed,
        )
    if (marked := _without_diff_marks(base)) is not None:
        yield marked


def _line_by_line(base: Reading, cleaned: str, undo: Undo) -> str:
    """Clean those lines of the new text that repeat a line of the old one.

    The other lines are as the model wants them: the new text as a whole shows no such noise.
    """
    noisy, bare = base.old.split("\n"), cleaned.split("\n")
    if len(noisy) != len(bare):
        return base.new
    known = dict(zip(noisy, bare, strict=True))
    if not any(line.strip() and line in known for line in base.new.split("\n")):
        return base.new
    return "\n".join(
        known[line] if line in known else (undo(line) or line) for line in base.new.split("\n")
    )


def _without_fence(text: str) -> str | None:
    match = re.fullmatch(r"\s*(`{3,}|~{3,})[\w+#.-]*[ \t]*\n(.*?)\n?[ \t]*\1\s*", text, re.DOTALL)
    return match[2] if match else None


def _without_numbers(pattern: str) -> Undo:
    numbered = lazy_pattern(pattern)

    def undo(text: str) -> str | None:
        lines = text.split("\n")
        bare: list[str] = []
        numbers: list[int] = []
        for line in lines:
            match = numbered.match(line)
            if match is None:
                if line.strip():
                    return None
                bare.append(line)
                continue
            numbers.append(int(match[1]))
            bare.append(line[match.end() :])
        if not numbers or any(
            later < earlier or later > earlier + 50 for earlier, later in pairwise(numbers)
        ):
            return None
        return "\n".join(bare)

    return undo


def _without_diff_marks(base: Reading) -> Reading | None:
    """Read the two texts as the two sides of a diff."""
    old = _side(base.old, "-")
    new = _side(base.new, "+")
    if old is None or (new is None and base.new.strip()):
        return None
    return Reading(old=old, new=new or "", noise="diff marks", is_partial_allowed=False)


def _side(text: str, mark: str) -> str | None:
    bare: list[str] = []
    is_marked = False
    for line in text.split("\n"):
        if line.startswith("@@"):
            continue
        if line and line[0] not in (mark, " "):
            return None
        is_marked = is_marked or line.startswith(mark)
        bare.append(line[1:])
    return "\n".join(bare) if is_marked or mark == "+" else None


_ESCAPED = {"n": "\n", "t": "\t", "r": "", '"': '"', "'": "'", "\\": "\\"}


def _unescaped(marks: str) -> Undo:
    """Undo escapes in a text that has them instead of line breaks."""
    pattern = lazy_pattern(r"\\([" + re.escape(marks) + "])")

    def undo(text: str) -> str | None:
        if "\n" in text.strip("\n") or "\\n" not in text:
            return None
        return pattern.sub(lambda match: _ESCAPED[match[1]], text)

    return undo


def _unescaped_quotes(quotes: str) -> Undo:
    """Undo escapes of quotes in a text that has no other ones."""
    bare = lazy_pattern(rf"(?<!\\)[{quotes}]")
    escaped = lazy_pattern(rf"\\([{quotes}])")

    def undo(text: str) -> str | None:
        if bare.search(text) or not escaped.search(text):
            return None
        return escaped.sub(r"\1", text)

    return undo


def _from_json(text: str) -> str | None:
    """Read a text that is one JSON string from its first character to its last."""
    if len(text) < 3 or not text.startswith('"') or not text.endswith('"'):
        return None
    try:
        value = cast("object", json.loads(text))
    except ValueError:
        return None
    return value if isinstance(value, str) and value.strip() else None


_ENTITY = lazy_pattern(r"&(lt|gt|amp|quot|apos|nbsp|#39|#x27|#34);")
_ENTITIES = {
    "lt": "<",
    "gt": ">",
    "amp": "&",
    "quot": '"',
    "apos": "'",
    "nbsp": " ",
    "#39": "'",
    "#x27": "'",
    "#34": '"',
}
_BARE_MARKUP = lazy_pattern(r"[<>]|&(?!(?:lt|gt|amp|quot|apos|nbsp|#39|#x27|#34);)")


def _without_entities(text: str) -> str | None:
    if _BARE_MARKUP.search(text) or not _ENTITY.search(text):
        return None
    return _ENTITY.sub(lambda match: _ENTITIES[match[1]], text)


_NOISES: tuple[tuple[str, Undo, bool], ...] = (
    ("line numbers", _without_numbers(r"\s*(\d+)→"), False),
    ("line numbers", _without_numbers(r"\s*(\d+)\t"), False),
    ("line numbers", _without_numbers(r"\s*(\d+)\|(?: |$)"), False),
    ("line numbers", _without_numbers(r"\s*(\d+)\|"), False),
    ("line numbers", _without_numbers(r"\s*(\d+) \|(?: |$)"), False),
    ("line numbers", _without_numbers(r"\s*(?:L|line )?(\d+)[:-](?: |$)"), False),
    ("line numbers", _without_numbers(r"\s*L?(\d+)[:-]"), False),
    ("line numbers", _without_numbers(r"\s*\[(\d+)\](?: |$)"), False),
    ("line numbers", _without_numbers(r"\s*(\d+)[.)] "), False),
    ("line numbers", _without_numbers(r"\s*(\d+)(?:  |$)"), False),
    ("line numbers", _without_numbers(r"\s*(\d+)(?: |$)"), False),
    ("escapes", _unescaped("ntr\"'\\"), True),
    ("escapes", _unescaped("ntr\"'"), True),
    ("escapes", _unescaped('nt"\\'), True),
    ("escapes", _unescaped("nt\\"), True),
    ("escapes", _unescaped("nt"), True),
    ("escapes", _unescaped("n"), True),
    ("escaped quotes", _unescaped_quotes('"'), True),
    ("escaped quotes", _unescaped_quotes("'"), True),
    ("escaped quotes", _unescaped_quotes("\"'"), True),
    ("HTML entities", _without_entities, True),
    ("JSON string", _from_json, False),
)

_LEADER = r"(?://+|\#+|/\*+|<!--|--|;+|%+|\*|\{/\*|\(|\[)?"
_CLOSER = r"(?:\*/\}?|-->|\)|\])?"
_PHRASE = (
    r"(?:(?:the )?(?:rest|remainder) (?:of|remains|is|stays|unchanged)|"
    r"(?:existing|remaining|previous|other|unchanged|original) "
    r"(?:code|content|methods?|functions?|lines?|implementation|imports?|fields?|entries|items|"
    r"tests?|props|logic|text|sections?|cases|parts?)|"
    r"(?:code |file |lines? )?(?:remains? |is |stays? )?(?:unchanged|omitted|the same)|"
    r"same as (?:before|above)|keep (?:the )?(?:rest|existing)|no changes? (?:here|below|above)|"
    r"snip(?:ped)?|truncated|etc)"
)
_PLACEHOLDERS = (
    lazy_pattern(rf"(?!\s*\.+\s*[)\]])\s*{_LEADER}\s*(?:\.{{3,}}|…)\s*{_CLOSER}\s*"),
    lazy_pattern(rf"\s*{_LEADER}\s*(?:\.{{3,}}|…)\s*[^.…]{{0,40}}{_PHRASE}.*", re.IGNORECASE),
    lazy_pattern(
        rf"\s*{_LEADER}\s*[^.…]{{0,20}}{_PHRASE}[^.…]{{0,40}}(?:\.{{3,}}|…).*", re.IGNORECASE
    ),
    lazy_pattern(
        r"\s*(?://+|\#+|/\*+|<!--|\{/\*|\(|\[)\s*(?:"
        r"(?:the )?(?:rest(?: of)?|remaining|existing|other)\b.{0,40}"
        r"(?:unchanged|the same|remains?|as before|goes here|omitted)|"
        r"(?:the )?rest of (?:the |your )?(?:code|file|function|class|method|implementation)|"
        r"existing code(?: here)?|\(?unchanged\)?)[\s.]*" + _CLOSER + r"\s*",
        re.IGNORECASE,
    ),
)
_BEGINNINGS = ("//", "#", "/*", "<!--", "{/*", "(", "[")
_MAX_PLACEHOLDER = 200
_HINT = lazy_pattern(r"\.\.\.|…|\brest\b|existing|remaining|other|unchanged", re.IGNORECASE)
_EMPTY_BODY = lazy_pattern(r"(?:pass|raise NotImplementedError\b.*)(?:\s*#.*)?")
"""A body that does nothing, which an ellipsis may take the place of."""

_BARE_ELLIPSIS = lazy_pattern(r"\s*\.\.\.\s*")


def is_placeholder(line: str) -> bool:
    """Tell whether a line stands for others that were left out."""
    if len(line) > _MAX_PLACEHOLDER or not _HINT.search(line):
        return False
    # The patterns take long, and every one begins with one of these or holds an ellipsis.
    has_ellipsis = "..." in line or "…" in line
    if not has_ellipsis and not line.lstrip().startswith(_BEGINNINGS):
        return False
    return any(pattern.fullmatch(line) for pattern in _PLACEHOLDERS)


def placeholders(text: str, before: str = "") -> list[str]:
    """List the lines that stand for others; an ellipsis that is Python is none.

    Args:
        text: What may hold such lines.
        before: What it replaces. An ellipsis in the place of more lines is no Python.
    """
    lines, old = text.split("\n"), before.split("\n")
    return [
        line.strip()
        for index, line in enumerate(lines)
        if is_placeholder(line) and not (_is_python(lines, index) and _keeps(lines, index, old))
    ]


def _is_python(lines: list[str], index: int) -> bool:
    """Recognise ``...`` as the body of a stub or a doctest's second line."""
    if not _BARE_ELLIPSIS.fullmatch(lines[index]):
        return False
    if len([line for line in lines if line.strip()]) == 1:
        return True  # what it replaces tells
    above = next((line for line in reversed(lines[:index]) if line.strip()), "")
    if above.lstrip().startswith((">>>", "... ")):
        return True
    below = next((line for line in lines[index + 1 :] if line.strip()), "")
    depth = _depth(lines[index])
    is_last = not below or _depth(below) < depth
    if above.rstrip().endswith(('"""', "'''")):
        return is_last and _depth(above) <= depth
    return is_last and _depth(above) < depth and bool(re.search(r":\s*(#.*)?$", above))


def _keeps(lines: list[str], index: int, old: list[str]) -> bool:
    """Tell whether no more old lines went than new ones came around a line."""
    came = [line.strip() for line in lines if line.strip()]
    went = [line.strip() for line in old if line.strip()]
    at = sum(1 for line in lines[:index] if line.strip())
    for _, old_from, old_to, new_from, new_to in SequenceMatcher(
        None, went, came, autojunk=False
    ).get_opcodes():
        if new_from <= at < new_to:
            is_more = old_to - old_from < new_to - new_from
            is_empty = old_to - old_from == 1 and _EMPTY_BODY.fullmatch(went[old_from]) is not None
            return is_more or is_empty
    return True


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
