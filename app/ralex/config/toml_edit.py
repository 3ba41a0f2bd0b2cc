"""Change a few values in a TOML file and leave every other byte of it alone.

There is no TOML writer among the dependencies, and one would lose comments. So lines are edited,
and the result is read again: unless it says exactly what was there before, with the new values, the
file stays as it was.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ralex.config.paths import ensure_folder
from ralex.config.toml_text import key_lines
from ralex.errors import ConfigError

_VALUE = re.compile(r"""^(\s*[\w."'-]+\s*=\s*)[^\s#"'\[{]+""")


def set_values(path: Path, table: str, values: Mapping[str, str]) -> None:
    """Set values in one table of a file, which is created if it is missing.

    Args:
        values: TOML text of each value, such as ``5.00`` or ``false``.

    Raises:
        ConfigError: If the file is no TOML, cannot be written, or is laid out in a way that this
            cannot edit.
    """
    path = path.resolve()
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        edited = edit(text, table, values)
        _replace(path, edited.encode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is not valid TOML: {error}", hint="`ralex config show` names the line"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", hint="check its owner and permissions"
        ) from error
    except _UnusualLayoutError as error:
        lines = "; ".join(f"{key} = {value}" for key, value in values.items())
        raise ConfigError(
            f"{path} is laid out in a way that cannot be edited safely; it is left as it is",
            hint=f"write it yourself, under [{table}]: {lines}",
        ) from error


def edit(text: str, table: str, values: Mapping[str, str]) -> str:
    """Return the text with values set in a table.

    Raises:
        tomllib.TOMLDecodeError: If the text is no TOML.
    """
    wanted = _read(text)
    section = cast("dict[str, object]", wanted.setdefault(table, {}))
    edited = text
    for key, value in values.items():
        section[key] = tomllib.loads(f"x = {value}")["x"]
        edited = _set(edited, table, key, value)
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


def _set(text: str, table: str, key: str, value: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.split("\n")
    places = key_lines(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    at = places.get((table, key))
    if at is not None:
        lines[at - 1] = _VALUE.sub(lambda found: found[1] + value, lines[at - 1], count=1)
        return "\n".join(lines)
    header = re.compile(rf"""\s*\[\s*["']?{re.escape(table)}["']?\s*\]\s*(#.*)?""")
    for number, line in enumerate(lines):
        if header.fullmatch(line.rstrip("\r")):
            lines.insert(number + 1, f"{key} = {value}" + newline[:-1])
            return "\n".join(lines)
    gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
    return f"{text}{gap}[{table}]{newline}{key} = {value}{newline}"


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
