"""Colour code with Pygments, in the theme's colours.

Imported after the first frame. Lexers are regular expressions over foreign text, so what is very
long or has very long lines stays plain.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import (
    get_lexer_by_name,  # pyright: ignore[reportUnknownVariableType]  # untyped options
    get_lexer_for_filename,  # pyright: ignore[reportUnknownVariableType]
)
from pygments.token import Token
from pygments.util import ClassNotFound
from rich.style import Style

from ralex.tui.palette import Palette
from ralex.tui.rows import Line

_LONGEST_CODE: Final = 100_000
_LONGEST_LINE: Final = 2_000

_CATEGORIES: Final[Mapping[object, str]] = {
    Token.Comment: "comment",
    Token.Keyword: "keyword",
    Token.Keyword.Type: "type",
    Token.Keyword.Constant: "constant",
    Token.Name.Class: "type",
    Token.Name.Exception: "type",
    Token.Name.Namespace: "type",
    Token.Name.Constant: "constant",
    Token.Name.Builtin: "function",
    Token.Name.Builtin.Pseudo: "constant",
    Token.Name.Function: "function",
    Token.Name.Decorator: "function",
    Token.Name.Attribute: "function",
    Token.Name.Tag: "tag",
    Token.Name.Variable: "constant",
    Token.Literal.String: "string",
    Token.Literal.Number: "number",
    Token.Operator: "operator",
    Token.Operator.Word: "keyword",
    Token.Punctuation: "operator",
    Token.Generic.Heading: "tag",
    Token.Generic.Subheading: "tag",
    Token.Generic.Prompt: "operator",
}

_known: Final[dict[object, str]] = {}


def code_lines(code: str, language: str, palette: Palette, base: Style) -> list[Line]:
    """Split code into coloured lines.

    Args:
        code: Clean, without tabs.
        language: A name Pygments knows; anything else is plain.
        base: Style under the colours.
    """
    lines = code.split("\n")
    lexer = _lexer(language)
    is_long = len(code) > _LONGEST_CODE or max(map(len, lines)) > _LONGEST_LINE
    if lexer is None or is_long:
        return [[(line, base)] for line in lines]
    coloured: list[Line] = [[]]
    for kind, value in lexer.get_tokens(code):
        style = base + palette.syntax[name] if (name := _category(kind)) else base
        head, *others = value.split("\n")
        if head:
            coloured[-1].append((head, style))
        coloured.extend([(part, style)] if part else [] for part in others)
    return coloured[: len(lines)]


@lru_cache(maxsize=512)
def language_of(path: str) -> str:
    """Name the language of a file by its name, or give an empty string."""
    try:
        lexer = get_lexer_for_filename(path)
    except ClassNotFound:
        return ""
    return lexer.aliases[0] if lexer.aliases else ""


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=True)
    except ClassNotFound:
        return None


def _category(kind: object) -> str:
    """Name the nearest group of a token type; types are nested tuples with a parent."""
    if (name := _known.get(kind)) is None:
        walk = kind
        while walk is not None and walk not in _CATEGORIES:
            walk = getattr(walk, "parent", None)
        name = _known[kind] = _CATEGORIES.get(walk, "")
    return name
