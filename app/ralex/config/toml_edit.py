"""Change a few values in a TOML file and leave every other byte of it alone.

There is no TOML writer among the dependencies, and one would lose comments. So lines are edited,
and the result is read again: unless it says exactly what was there before, with the new values, the
file stays as it was.
"""

import errno
import json
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from ralex.config.paths import ensure_folder
from ralex.config.toml_text import key_lines
from ralex.core.patterns import lazy_pattern
from ralex.errors import ConfigError

_VALUE = lazy_pattern(
    r"""^(\s*(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"(?:[^"\\]|\\.)*"|'[^']*'))*\s*=\s*)"""
    r"""(?:"(?!"")(?:[^"\\]|\\.)*"|'(?!'')[^']*'|[^\s#"'\[{]+)"""
)
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
_BARE = lazy_pattern(r"[A-Za-z0-9_-]+")


def set_values(
    path: Path,
    table: str | tuple[str, ...],
    values: Mapping[str, str],
    *,
    check: Callable[[str], None] | None = None,
) -> None:
    """Set values in one table of a file, which is created if it is missing.

    Args:
        table: Its name, or the names that lead to it; none for the top of the file.
        values: TOML text of each value, such as ``5.00`` or ``false``.
        check: Raises if the new text may not be written.

    Raises:
        ConfigError: If the file is no TOML, cannot be written, or is laid out in a way that this
            cannot edit.
    """
    path = path.resolve()
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        edited = edit(text, table, values)
        if check is not None:
            check(edited)
        _replace(path, edited.encode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not valid TOML: {error}", hint="`ralex config show` names the line"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}",
            hint="free some space and try again; the file is as it was"
            if error.errno in _NO_SPACE
            else "check its owner and permissions",
        ) from error
    except _UnusualLayoutError as error:
        lines = "; ".join(f"{key_text((key,))} = {value}" for key, value in values.items())
        place = f"under [{key_text(_names(table))}]" if table else "at its top"
        raise ConfigError(
            f"{path} is laid out in a way that cannot be edited safely; it is left as it is",
            hint=f"write it yourself, {place}: {lines}",
        ) from error


def edit(text: str, table: str | tuple[str, ...], values: Mapping[str, str]) -> str:
    """Return the text with values set in a table.

    Raises:
        tomllib.TOMLDecodeError: If the text is no TOML.
    """
    wanted = _read(text)
    section = wanted
    for name in _names(table):
        below = section.setdefault(name, {})
        if not isinstance(below, dict):
            raise _UnusualLayoutError
        section = cast("dict[str, object]", below)
    edited = text
    for key, value in values.items():
        section[key] = tomllib.loads(f"x = {value}")["x"]
        edited = _set(edited, _names(table), key, value)
    try:
        is_right = _read(edited) == wanted
    except tomllib.TOMLDecodeError:
        is_right = False
    if not is_right:
        raise _UnusualLayoutError
    return edited


class _UnusualLayoutError(Exception):
    """The edited text would not say what it should."""


def _read(text: str) -> dict[str, object]:
    return tomllib.loads(text.removeprefix("\ufeff"))


def key_text(names: Sequence[str]) -> str:
    """Write a dotted key, with quotes where TOML wants them."""
    return ".".join(
        name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False) for name in names
    )


def _names(table: str | tuple[str, ...]) -> tuple[str, ...]:
    return (table,) if isinstance(table, str) else table


def _set(text: str, table: tuple[str, ...], key: str, value: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    places = key_lines(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    at = places.get((*table, key))
    if at is not None:
        lines[at - 1] = _VALUE.sub(lambda found: found[1] + value, lines[at - 1], count=1)
        return "\n".join(lines)
    added = f"{key_text((key,))} = {value}" + newline[:-1]
    headers = [number for number, line in enumerate(lines) if line.lstrip().startswith("[")]
    if not table and (headers or text.strip()):
        lines.insert(_end_of_top(lines, headers), added)
        return "\n".join(lines)
    for number in headers:
        if _header_names(lines[number]) == table:
            lines.insert(number + 1, added)
            return "\n".join(lines)
    gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
    head = f"[{key_text(table)}]{newline}" if table else ""
    return f"{text}{gap}{head}{added.rstrip()}{newline}"


def _end_of_top(lines: Sequence[str], headers: Sequence[int]) -> int:
    """Find the line before the first table, and before the comment that belongs to it."""
    at = headers[0] if headers else len(lines)
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
    while at > 0 and not lines[at - 1].strip():
        at -= 1
    return at


def _header_names(line: str) -> tuple[str, ...]:
    """Read a table's header; empty for a list's entry, or for what is none."""
    if line.lstrip().startswith("[["):
        return ()
    try:
        node: object = tomllib.loads(line.rstrip("\r"))
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(node, dict) and node:
        ((name, node),) = cast("dict[str, object]", node).items()
        names.append(name)
    return tuple(names)


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place of another at once, with the mode of the old one."""
    ensure_folder(path.parent)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
