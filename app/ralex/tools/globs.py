"""Glob patterns as regular expressions: ``*``, ``?``, ``[…]``, ``{a,b}`` and ``**``."""

import re

from ralex.errors import ToolError

_MAX_PATTERN = 500
_MAX_BRACES = 8


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Compile a pattern for paths relative to the folder searched.

    A pattern without a slash matches names at any depth, as in an ignore file.

    Raises:
        ToolError: If the pattern is too long or its brackets do not close.
    """
    text = pattern.strip().removeprefix("./").lstrip("/")
    if not text or len(text) > _MAX_PATTERN:
        raise ToolError('argument "pattern" must be a glob such as **/*.py')
    if "/" not in text:
        text = f"**/{text}"
    if text.endswith("/"):
        text += "**"
    # Repeated stars mean nothing more, and would make matching slow.
    text = re.sub(r"\*{3,}", "**", re.sub(r"(?:\*\*/)+", "**/", text))
    try:
        return re.compile(_translate(text))
    except re.error as error:
        raise ToolError(f"{pattern!r} is not a glob: {error}") from error


def _translate(text: str) -> str:
    pieces: list[str] = []
    depth = 0
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if text.startswith("**/", at - 1):
            pieces.append("(?:[^/]+/)*")
            at += 2
        elif text.startswith("**", at - 1):
            pieces.append(".*")
            at += 1
        elif char == "*":
            pieces.append("[^/]*")
        elif char == "?":
            pieces.append("[^/]")
        elif char == "[" and (close := text.find("]", at + 1)) > 0:
            inside = re.sub(r"([\\\[&|~]|(?<=-)-)", r"\\\1", text[at:close])
            negated = "^" if inside[:1] in ("!", "^") else ""
            pieces.append(f"[{negated}{inside[len(negated) :]}]")
            at = close + 1
        elif char == "{" and "}" in text[at:] and depth < _MAX_BRACES:
            pieces.append("(?:")
            depth += 1
        elif char == "}" and depth:
            pieces.append(")")
            depth -= 1
        elif char == "," and depth:
            pieces.append("|")
        else:
            pieces.append(re.escape(char))
    return "".join(pieces) + ")" * depth
