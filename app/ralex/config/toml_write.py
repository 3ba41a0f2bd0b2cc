"""Writes a table as TOML: what ``toml_text`` reads comes back the same."""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import cast

from ralex.config.toml_text import TomlTable

_INLINE = frozenset({"price"})
"""Tables that read better on one line."""


def write_toml(table: TomlTable) -> str:
    """Write a table; plain values first, then its tables, in their order."""
    return "\n".join(_table((), table)).strip("\n") + "\n"


def _table(path: tuple[str, ...], table: Mapping[str, object]) -> Iterator[str]:
    later: list[tuple[str, object]] = []
    for name, value in table.items():
        if _is_section(name, value):
            later.append((name, value))
        else:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in later:
        below = (*path, name)
        head = ".".join(map(_key, below))
        if isinstance(value, list):
            for entry in cast("list[TomlTable]", value):
                yield f"\n[[{head}]]"
                yield from _table(below, entry)
            continue
        inner = cast("TomlTable", value)
        if not inner or not all(_is_section(key, one) for key, one in inner.items()):
            yield f"\n[{head}]"
        yield from _table(below, inner)


def _is_section(name: str, value: object) -> bool:
    if isinstance(value, dict):
        return name not in _INLINE
    is_list = name == "rules" and isinstance(value, list)
    return is_list and all(isinstance(one, dict) for one in cast("list[object]", value))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Decimal):
        plain = format(value.normalize(), "f")
        return plain if "." in plain else plain + ".0"
    if isinstance(value, dict):
        pairs = cast("Mapping[str, object]", value).items()
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in pairs) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, cast("list[object]", value))) + "]"
    return str(value)


def _key(name: str) -> str:
    plain = name.replace("-", "").replace("_", "")
    return name if plain.isascii() and plain.isalnum() else _text(name)


def _text(text: str) -> str:
    # JSON's escapes are TOML's, except that TOML wants DEL escaped as well.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
