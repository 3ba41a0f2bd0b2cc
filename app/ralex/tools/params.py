"""Flat parameters, declared once: the schema the model sees and the reading of what it sends.

Cheap models name parameters as other tools do, send numbers as text and null for what they leave
out. All of that is accepted, because refusing it costs a turn and protects nothing.
"""

import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.errors import ToolError

Kind: TypeAlias = Literal["string", "path", "integer", "boolean", "array"]
Value: TypeAlias = str | int | bool | list[object]

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_SCHEMA_TYPES = {"path": "string"}
_NUMBER = lazy_pattern(r"\s*([+-]?\d{1,15}(?:\.\d{1,15})?)\s*(?:s|sec|secs|seconds?|lines?)?\s*")
"""A whole number as text, its unit said as well."""

_BLANKS = frozenset({"", "null", "none", "undefined"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One argument of a tool.

    Attributes:
        kind: ``path`` is a string from which quotes and other decoration are taken off.
        aliases: Names other tools use for it; case and underscores do not matter.
        description: For the model; empty where the name says it all.
    """

    name: str
    kind: Kind = "string"
    required: bool = False
    aliases: tuple[str, ...] = ()
    description: str = ""


PATH_ALIASES = (
    "file_path",
    "file",
    "filename",
    "absolute_path",
    "target_file",
    "target",
    "directory",
    "dir",
    "folder",
)
"""What other tools call ``path``."""

COMMAND_ALIASES = ("cmd", "script", "commands", "shell_command", "code", "input")
"""What other tools call ``command``."""

SKILL_ALIASES = ("skill", "skill_name", "command")
"""What other tools call the ``name`` of a skill."""

URL_ALIASES = ("uri", "link", "address", "href", "target_url", "page")
"""What other tools call ``url``."""


class Values:
    """The arguments of one call, by their own names and of their own types."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        """Give a string or path."""
        value = self._values.get(name, default)
        return value if isinstance(value, str) else default

    def integer(self, name: str) -> int | None:
        """Give a whole number, or None if it was left out."""
        value = self._values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool:
        """Give a boolean, False if it was left out."""
        return self._values.get(name) is True

    def items(self, name: str) -> list[object]:
        """Give an array, empty if it was left out."""
        value = self._values.get(name)
        return value if isinstance(value, list) else []


class Params:
    """The parameters of one tool.

    Attributes:
        schema_json: JSON Schema with sorted names, serialised once so that requests stay
            byte-identical.
    """

    def __init__(self, *params: Param, item_schema: Mapping[str, object] | None = None) -> None:
        """Declare parameters.

        Args:
            params: In the order the model should see them.
            item_schema: JSON Schema of an array's items, if one of them is an array.
        """
        self._params = params
        self._names: dict[str, Param] = {}
        for param in params:
            for name in (param.name, *param.aliases):
                self._names.setdefault(_key(name), param)
        self.schema_json = _schema(params, item_schema)

    def coerce(self, arguments: Mapping[str, object]) -> Values:
        """Read a call's arguments; what is unknown is ignored as long as nothing is missing.

        Raises:
            ToolError: Naming the argument and the fix.
        """
        found: dict[str, Value] = {}
        unknown: list[str] = []
        # A parameter's own name wins over an alias that was sent as well.
        by_name = sorted(arguments.items(), key=lambda item: item[0] not in self._own_names)
        for name, value in by_name:
            param = self._names.get(_key(name))
            if param is None:
                unknown.append(name)
            elif param.name not in found and not _is_left_out(param, value):
                found[param.name] = _convert(param, value)
        for param in self._params:
            if param.required and param.name not in found:
                raise ToolError(self._missing(param, unknown))
        return Values(found)

    @property
    def _own_names(self) -> frozenset[str]:
        return frozenset(param.name for param in self._params)

    def _missing(self, param: Param, unknown: list[str]) -> str:
        needed = ", ".join(f'"{known.name}"' for known in self._params if known.required)
        text = f'argument "{param.name}" is missing; this tool needs {needed}'
        near = difflib.get_close_matches(param.name, unknown, n=1, cutoff=0.5) or unknown[:1]
        return f'{text} (you sent "{near[0]}")' if near else text


def _schema(params: tuple[Param, ...], item_schema: Mapping[str, object] | None) -> str:
    properties: dict[str, dict[str, object]] = {}
    for param in params:
        entry: dict[str, object] = {"type": _SCHEMA_TYPES.get(param.kind, param.kind)}
        if param.description:
            entry["description"] = param.description
        if param.kind == "array":
            entry["items"] = dict(item_schema or {"type": "string"})
        properties[param.name] = entry
    required = [param.name for param in params if param.required]
    schema = {"type": "object", "properties": properties, "required": required}
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _key(name: str) -> str:
    return re.sub(r"[_\-\s]", "", name).casefold()


def _is_left_out(param: Param, value: object) -> bool:
    """Tell whether a value stands for nothing; an empty string is a value where text is needed."""
    if value is None:
        return True
    if param.required:
        return False
    if isinstance(value, str):
        return value.strip().casefold() in _BLANKS
    return value in ({}, [])


def _convert(param: Param, value: object) -> Value:
    match param.kind:
        case "string":
            return _to_text(param, value)
        case "path":
            return _clean_path(_to_text(param, value))
        case "integer":
            return _to_integer(param, value)
        case "boolean":
            return _to_boolean(param, value)
        case "array":
            return _to_array(param, value)


def _to_text(param: Param, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    single = _single(value)
    if isinstance(single, str):
        return single
    raise _wrong(param, value, "text")


def _to_integer(param: Param, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return math.ceil(value)
    if isinstance(value, str) and (number := _NUMBER.fullmatch(value)) is not None:
        return math.ceil(float(number[1]))
    if (single := _single(value)) is not None:
        return _to_integer(param, single)
    raise _wrong(param, value, "a whole number")


def _to_boolean(param: Param, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise _wrong(param, value, "true or false")


def _to_array(param: Param, value: object) -> list[object]:
    if isinstance(value, str):
        try:
            value = cast("object", json.loads(value))
        except (ValueError, RecursionError):
            raise _wrong(param, value, "a list") from None
    if isinstance(value, list):
        return cast("list[object]", value)
    if isinstance(value, dict):
        return [cast("object", value)]
    raise _wrong(param, value, "a list")


def _single(value: object) -> object:
    """Take the one item out of a list of one."""
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    return items[0] if len(items) == 1 else None


def _clean_path(text: str) -> str:
    """Take off what models wrap paths in: blanks, quotes, backticks and ``file://``."""
    path = text.strip()
    for mark in ("`", '"', "'"):
        if len(path) > 2 and path[0] == path[-1] == mark:
            path = path[1:-1].strip()
    return path.removeprefix("file://")


def _wrong(param: Param, value: object, wanted: str) -> ToolError:
    shown = json.dumps(value, default=str, ensure_ascii=False)[:60]
    return ToolError(f'argument "{param.name}" must be {wanted}, not {shown}')
