"""Pictures dropped on a terminal: it pastes their paths, and a prompt mentions them with ``@``."""

import re
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from ralex.core.patterns import lazy_pattern

_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_LONGEST: Final = 20_000
_MOST: Final = 20
_WORD = lazy_pattern(
    r"""\s*(?:'(?P<single>[^'\n]*)'|"(?P<double>[^"\n]*)"|(?P<bare>(?:\\[^\n]|[^\s\\'"])+))(?=\s|\Z)"""
)
_ESCAPED = lazy_pattern(r"\\(.)")


def image_mentions(text: str, project: str) -> str | None:
    """Turn a paste that is nothing but absolute paths of pictures into mentions of them.

    Terminals paste a dropped file quoted, with escaped blanks, bare, or as a ``file://`` address.

    Returns:
        ``@path`` for each with a blank behind it, relative to the project where it lies inside;
        None if the paste is anything else.
    """
    if len(text) > _LONGEST or not text.strip():
        return None
    paths = _paths(text)
    if not paths and " /" not in text.strip() and (whole := _path_of(text.strip())):
        paths = [whole]
    return "".join(mention(path, project) for path in paths) if paths else None


def mention(path: str, project: str) -> str:
    """Mention a file, with a blank behind it; a name with blanks is quoted."""
    inside = PurePosixPath(path)
    if project and inside.is_relative_to(project):
        path = str(inside.relative_to(project))
    is_plain = not re.search(r"[\s\"]", path)
    return f"@{path} " if is_plain else f'@"{path}" '


def _paths(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    rest = text.rstrip()
    while at < len(rest):
        word = _WORD.match(rest, at)
        if word is None or len(found) == _MOST:
            return []
        bare = word["bare"]
        is_address = bare is not None and bare.startswith("file://")
        name = bare if is_address else _ESCAPED.sub(r"\1", bare) if bare is not None else None
        path = _path_of(name if name is not None else word["single"] or word["double"] or "")
        if path is None:
            return []
        found.append(path)
        at = word.end()
    return found


def _path_of(name: str) -> str | None:
    """Give an absolute path of a picture, or None."""
    if name.startswith("file://"):
        host, slash, rest = name.removeprefix("file://").partition("/")
        name = unquote(slash + rest) if host in {"", "localhost"} else ""
    if not name.startswith(("/", "~/")) or "\\" in name or '"' in name or "\x00" in name:
        return None
    is_picture = name.lower().endswith(_SUFFIXES)
    return name if is_picture and "\n" not in name else None
