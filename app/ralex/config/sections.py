"""Tables of a configuration file as classes, checked by the engine beneath pydantic.

Only ``pydantic_core`` is imported: building pydantic's own model classes takes longer than the
rest of a headless turn's start, and a file that is there is read before every one of them. A class
states its fields as a pydantic model does; its checker is made when the first file is checked.
"""

from collections.abc import Callable
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
)

from pydantic_core import CoreSchema, SchemaValidator

S = TypeVar("S", bound="Section")
Check: TypeAlias = Callable[[object], object]
_Schema: TypeAlias = dict[str, object]

_PLAIN: dict[object, str] = {str: "str", int: "int", bool: "bool"}


class Bounds(NamedTuple):
    """Limits of a value: a whole number's, or the length of a text, a list or a table."""

    ge: int | None = None
    gt: int | None = None
    le: int | None = None
    min_length: int | None = None
    max_length: int | None = None


class Checked(NamedTuple):
    """The check that replaces all others; it raises ``PydanticCustomError``."""

    by: Check


class Lifted(NamedTuple):
    """What is done with a value before it is checked."""

    by: Check


class Key(NamedTuple):
    """What a field is called in the file, where that is not its name here."""

    name: str


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Section:
    """A table of the file; unknown keys are faults, and types are taken as written.

    A field whose default is a section, a list or a table never shares it. What a section holds is
    not shown, because it may be a key.
    """

    __slots__ = (
        "__dict__",
        "__pydantic_extra__",
        "__pydantic_fields_set__",
        "__pydantic_private__",
    )
    _checker: ClassVar[SchemaValidator | None] = None

    def __init__(self) -> None:
        values = {name: _fresh(getattr(type(self), name)) for name in _hints(type(self))}
        object.__setattr__(self, "__dict__", values)
        object.__setattr__(self, "__pydantic_fields_set__", set[str]())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to {name!r} of a table that was read")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(sorted(self.fields_given))})"

    @classmethod
    def checked(cls: type[S], table: object) -> S:
        """Read a table.

        Raises:
            ValidationError: From ``pydantic_core``; with every fault of the table.
        """
        checker = cls.__dict__.get("_checker")
        if checker is None:
            checker = SchemaValidator(cast("CoreSchema", _section_schema(cls)))
            cls._checker = checker
        return cast("S", cast("SchemaValidator", checker).validate_python(table))

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """List the keys that the table may have, as the file writes them."""
        return tuple(_key_of(name, hint) for name, hint in _hints(cls).items())

    @property
    def fields_given(self) -> set[str]:
        """Name the fields that the file sets."""
        return cast("set[str]", object.__getattribute__(self, "__pydantic_fields_set__"))

    def values_given(self, *, by_key: bool = False) -> dict[str, Any]:
        """Give the values that are not None, by field or as the file names them."""
        return {
            _key_of(name, hint) if by_key else name: value
            for name, hint in _hints(type(self)).items()
            if (value := getattr(self, name)) is not None
        }


def _hints(section: type[Section]) -> dict[str, object]:
    hints: dict[str, object] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, Section) and base is not Section:
            hints.update(base.__annotations__)
    return hints


def _key_of(name: str, hint: object) -> str:
    keys = (mark.name for mark in get_args(hint)[1:] if isinstance(mark, Key))
    return next(keys, name) if get_origin(hint) is Annotated else name


def _fresh(value: object) -> object:
    if isinstance(value, list):
        return list(cast("list[object]", value))
    if isinstance(value, dict):
        return dict(cast("dict[object, object]", value))
    return value


def _section_schema(section: type[Section]) -> _Schema:
    missing = object()
    fields: dict[str, object] = {}
    for name, hint in _hints(section).items():
        schema = _schema(hint)
        default: object = getattr(section, name, missing)
        if default is not missing:

            def make(default: object = default) -> object:
                return _fresh(default)

            schema = {"type": "default", "schema": schema, "default_factory": make}
        field: _Schema = {"type": "model-field", "schema": schema}
        if (key := _key_of(name, hint)) != name:
            field["validation_alias"] = key
        fields[name] = field
    return {
        "type": "model",
        "cls": section,
        "config": {
            "title": section.__name__,
            "extra_fields_behavior": "forbid",
            "strict": True,
            "hide_input_in_errors": True,
        },
        "schema": {"type": "model-fields", "fields": fields, "model_name": section.__name__},
    }


def _schema(hint: object) -> _Schema:
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _marked(inner[0], inner[1:])
    if origin in (Union, UnionType):
        (only,) = (one for one in inner if one is not NoneType)
        return {"type": "nullable", "schema": _schema(only)}
    if origin is Literal:
        return {"type": "literal", "expected": list(inner)}
    if origin is list:
        return {"type": "list", "items_schema": _schema(inner[0])}
    if origin is dict:
        return {
            "type": "dict",
            "keys_schema": _schema(inner[0]),
            "values_schema": _schema(inner[1]),
        }
    if isinstance(hint, type) and issubclass(hint, Section):
        return _section_schema(hint)
    raise TypeError(f"a table cannot hold {hint!r}")


def _marked(hint: object, marks: tuple[object, ...]) -> _Schema:
    for mark in marks:
        if isinstance(mark, Checked):
            return _calling("function-plain", mark.by)
    schema = _schema(hint)
    for mark in marks:
        if isinstance(mark, Bounds):
            given = {name: limit for name, limit in mark._asdict().items() if limit is not None}
            schema = {**schema, **given}
    for mark in marks:
        if isinstance(mark, Lifted):
            schema = {**_calling("function-before", mark.by), "schema": schema}
    return schema


def _calling(kind: str, check: Check) -> _Schema:
    return {"type": kind, "function": {"type": "no-info", "function": check}}
