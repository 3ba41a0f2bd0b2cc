"""Does a changed file still parse? Only faults that were not there before are worth a word."""

import ast
import json
import tomllib
import warnings
from collections.abc import Callable, Mapping
from pathlib import PurePath

_MAX_CHARACTERS = 400_000


def note_on_syntax(name: str, before: str | None, after: str) -> str:
    """Say what is wrong with a file's syntax since the change.

    Args:
        name: The file's name; its suffix tells the language.
        before: The text before, or None for a new file.

    Returns:
        A note to put after "applied", or nothing.
    """
    check = _CHECKS.get(PurePath(name).suffix.casefold())
    if check is None or len(after) > _MAX_CHARACTERS:
        return ""
    fault = check(after)
    if not fault or (before is not None and check(before)):
        return ""
    return f"\napplied; note: {fault}"


def _python(text: str) -> str:
    try:
        # A file's own warnings (escapes, comparisons) are not ours to show.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"Python does not parse it (line {error.lineno}: {error.msg})"
    except (ValueError, RecursionError, MemoryError):
        return "Python does not parse it"
    return ""


def _json(text: str) -> str:
    if not text.strip():
        return ""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"it is not valid JSON (line {error.lineno}: {error.msg})"
    except RecursionError:
        return "it is nested too deep for JSON"
    return ""


def _toml(text: str) -> str:
    try:
        tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return f"it is not valid TOML ({str(error)[:120]})"
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    ".py": _python,
    ".pyi": _python,
    ".json": _json,
    ".toml": _toml,
}
