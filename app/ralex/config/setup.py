"""The first provider, written into the user's ``config.toml``; whatever else stands there stays.

Lines are edited, because a writer would lose comments. The result is read again: unless it says
exactly what was there before, with the new values, nothing is written.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ralex.config.paths import CONFIG_NAME
from ralex.config.private_file import write_private
from ralex.config.toml_text import KeyPath, TomlTable, key_lines
from ralex.config.toml_write import write_toml
from ralex.core.ids import ModelId
from ralex.core.records import dataclass
from ralex.errors import ConfigError

_VALUE = re.compile(r"""^(\s*[\w."'-]+\s*=\s*)(?:"[^"\\]*"|'[^']*'|[^\s#"'\[{]+)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudChoice:
    """A provider that ralex knows.

    Attributes:
        preset: The router that needs this provider alone; also the provider's name.
        reference: The variable that holds the key, if it is not the provider's usual one.
    """

    preset: str
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalChoice:
    """A server on this machine.

    Attributes:
        provider: What to call it.
        model: The model it serves, as it names it.
    """

    provider: str
    base_url: str
    model: str


def write_choice(home: Path, choice: CloudChoice | LocalChoice) -> Path:
    """Write a provider into ``config.toml`` and make it the one that is used; tell where.

    Raises:
        ConfigError: If the file is not TOML, cannot be written, or is laid out in a way that this
            cannot edit.
    """
    path = home / CONFIG_NAME
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else ""
        edited = with_values(text, _settings(choice))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML", hint="repair it first") from error
    except _UnusualLayoutError:
        raise ConfigError(
            f"{path} is laid out in a way that cannot be edited safely; it is left as it is",
            hint="write it yourself: "
            + "; ".join(f"{'.'.join(map(str, at))} = …" for at in _settings(choice)),
        ) from None
    write_private(path, edited, keeps_mode=True)
    return path


def chosen_model(choice: LocalChoice) -> ModelId:
    """Give the id of the model of a server on this machine."""
    return ModelId(f"{choice.provider}/{choice.model}")


def with_values(text: str, values: Mapping[KeyPath, object]) -> str:
    """Return TOML text with values set at their places.

    Raises:
        tomllib.TOMLDecodeError: If the text is no TOML.
    """
    wanted = tomllib.loads(text)
    for key_path, value in values.items():
        table = wanted
        for part in key_path[:-1]:
            table = cast("TomlTable", table.setdefault(str(part), {}))
        table[str(key_path[-1])] = value
        text = _set(text, key_path, value)
    try:
        is_right = tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        is_right = False
    if not is_right:
        raise _UnusualLayoutError
    return text


class _UnusualLayoutError(Exception):
    """The edited text would not say what it should."""


def _settings(choice: CloudChoice | LocalChoice) -> dict[KeyPath, object]:
    if isinstance(choice, CloudChoice):
        values: dict[KeyPath, object] = {("router",): choice.preset}
        if choice.reference:
            values["providers", choice.preset, "api_key"] = f"env:{choice.reference}"
        return values
    model = chosen_model(choice)
    return {
        ("router",): choice.provider,
        ("providers", choice.provider, "base_url"): choice.base_url,
        ("models", model, "price"): {"input": 0, "output": 0},
        ("routers", choice.provider, "tiers"): {"SIMPLE": [model]},
    }


def _set(text: str, key_path: KeyPath, value: object) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    pair = _pair(str(key_path[-1]), value)
    places = key_lines(text.replace("\r\n", "\n"))
    lines = text.split("\n")
    if (at := places.get(key_path)) is not None:
        new = pair.partition(" = ")[2]
        lines[at - 1] = _VALUE.sub(lambda found: found[1] + new, lines[at - 1], count=1)
        return "\n".join(lines)
    table = key_path[:-1]
    if not table:
        first = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), None)
        at = len(lines) if first is None else first
        while at > 0 and first is not None and lines[at - 1].lstrip().startswith("#"):
            at -= 1  # a comment right above the first table is about that table
        while at > 0 and not lines[at - 1].strip():
            at -= 1
        lines.insert(at, pair + newline[:-1])
        return "\n".join(lines)
    if (at := places.get(table)) is not None and lines[at - 1].lstrip().startswith("["):
        lines.insert(at, pair + newline[:-1])
        return "\n".join(lines)
    gap = "" if not text.strip() else newline if text.endswith("\n") else newline * 2
    head = write_toml(_nested(table)).strip().splitlines()[-1]
    return f"{text}{gap}{head}{newline}{pair}{newline}"


def _pair(key: str, value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(_pair(name, one) for name, one in cast("TomlTable", value).items())
        return f"{key} = {{ {inner} }}"
    return write_toml({key: value}).strip()


def _nested(path: KeyPath) -> TomlTable:
    table: TomlTable = {}
    for part in reversed(path):
        table = {str(part): table}
    return table
