"""Does a changed file still parse? Only faults that were not there before are worth a word."""

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Callable, Mapping
from pathlib import PurePath

from ralex.core.patterns import lazy_pattern
from ralex.tools.grammars import fault_in

_MAX_CHARACTERS = 400_000
_MAX_SLOW_CHARACTERS = 40_000
_MAX_DEPTH = 500
"""The time of a YAML parser grows with the square of the depth; nobody writes such files."""
_COMMENTED = lazy_pattern(
    r"[jt]sconfig(?:\..*)?\.json|devcontainer\.json|\.(?:eslint|swc|babel|jshint|oxlint)rc\.json"
    r"|(?:settings|launch|tasks|extensions|keybindings|deno|turbo|wrangler|biome|api-extractor)\.json"
)
"""Files whose readers take comments, as their documentation says (2026)."""

_COMMENTS = lazy_pattern(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = lazy_pattern(r'("(?:[^"\\\n]|\\.)*")|,(\s*[}\]])')


def note_on_syntax(name: str, before: str | None, after: str) -> str:
    """Say what is wrong with a file's syntax since the change.

    Args:
        name: The file's name; its suffix tells the language.
        before: The text before, or None for a new file.

    Returns:
        A note to put after "applied", or nothing.
    """
    check = _check_for(name, before)
    if check is None:
        fault = fault_in(name, before, after)
        return f"\napplied; note: {fault}" if fault else ""
    if len(after) > _MAX_CHARACTERS:
        return ""
    fault = check(after)
    if not fault or (before is not None and check(before)):
        return ""
    return f"\napplied; note: {fault}"


def _check_for(name: str, before: str | None) -> Callable[[str], str] | None:
    check = _CHECKS.get(PurePath(name).suffix.casefold())
    if check is not _json:
        return check
    if _COMMENTED.fullmatch(name.casefold()):
        return _json_with_comments
    had_comments = before is not None and bool(_json(before)) and not _json_with_comments(before)
    return _json_with_comments if had_comments else _json


def _python(text: str) -> str:
    try:
        # A file's own warnings (escapes, comparisons) are not ours to show.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        return f"Python does not parse it ({line}{error.msg})"
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
    except ValueError:
        return ""  # a number of thousands of digits: JSON, though not for Python
    return ""


def _json_with_comments(text: str) -> str:
    """Take comments and commas before a closing bracket as most tools of editors do."""
    return _json(_TRAILING.sub(r"\1\2", _COMMENTS.sub(_blanked, text)))


def _blanked(match: re.Match[str]) -> str:
    """Leave a text as it is, and of a comment its line ends, so that lines keep their numbers."""
    piece = match[0]
    return piece if piece.startswith('"') else "\n" * piece.count("\n") or " "


def _yaml(text: str) -> str:
    import yaml  # noqa: PLC0415 - loaded by the first change of a YAML file

    if "{{" in text or "{%" in text:
        return ""  # a template, which is YAML only once it is filled in
    # The parser alone: it builds nothing, so that neither tags nor aliases cost anything.
    loader: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if loader is yaml.SafeLoader and len(text) > _MAX_SLOW_CHARACTERS:
        return ""
    depth = 0
    try:
        for event in yaml.parse(text, loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                return ""
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return f"it is not valid YAML ({line}{(error.problem or '')[:120]})"
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return f"it is not valid YAML ({str(error)[:120]})"
    return ""


def _toml(text: str) -> str:
    try:
        tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return f"it is not valid TOML ({str(error)[:120]})"
    except ValueError:
        return ""  # a number of thousands of digits, which Python does not read
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    ".py": _python,
    ".pyi": _python,
    ".json": _json,
    ".ipynb": _json,
    ".jsonc": _json_with_comments,
    ".code-workspace": _json_with_comments,
    ".toml": _toml,
    ".yaml": _yaml,
    ".yml": _yaml,
}
