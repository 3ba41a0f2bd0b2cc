"""Tables of a configuration file as classes that state their fields with types, and their checker.

A file is read before every headless turn and before the screen's first frame, so the checker is
plain Python: importing a validation library takes ten times as long as checking a file with this.
Only what the file says is checked, in the order in which the fields are written in their class.
"""

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
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

S = TypeVar("S", bound="Section")
Check: TypeAlias = Callable[[object], object]
Place: TypeAlias = tuple[str | int, ...]

_PLAIN: dict[object, tuple[type, str]] = {
    str: (str, "text"),
    int: (int, "a whole number"),
    bool: (bool, "true or false"),
}
_MISSING = object()


class Bounds(NamedTuple):
    """Limits of a value: a whole number's, or the length of a text, a list or a table."""

    ge: int | None = None
    gt: int | None = None
    le: int | None = None
    min_length: int | None = None
    max_length: int | None = None


class Checked(NamedTuple):
    """The check that replaces all others; it raises a ``FieldError``."""

    by: Check


class Lifted(NamedTuple):
    """What is done with a value before it is checked."""

    by: Check


class Key(NamedTuple):
    """What a field is called in the file, where that is not its name here."""

    name: str


class FieldError(Exception):
    """What is wrong with a value, in words that follow the name of its key.

    Attributes:
        place: The keys and numbers that lead to it.
        kind: ``unknown`` or ``missing`` for a key, else ``value``.
        choices: The texts that would be right, if only some are.
        given: The text that is none of them; never more than its start.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: Literal["unknown", "missing", "value"] = "value",
        place: Place = (),
        choices: tuple[str, ...] = (),
        given: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.place = place
        self.choices = choices
        self.given = given


class Field(NamedTuple):
    """A field of a section.

    Attributes:
        key: What the file calls it.
        default: For each section a fresh one.
    """

    name: str
    key: str
    hint: object
    default: object


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Section:
    """A table of the file; unknown keys are faults, and types are taken as written.

    A field whose default is a section, a list or a table never shares it. What a section holds is
    not shown, because it may be a key.
    """

    __slots__ = ("__dict__", "_given")

    def __init__(self) -> None:
        _fill(self, {}, frozenset())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot assign to {name!r} of a table that was read")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(sorted(self.fields_given))})"

    @classmethod
    def checked(cls: type[S], table: object) -> S:
        """Read a table.

        Raises:
            FieldError: The first one, with its place.
        """
        return _section(cls, table, ())

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """List the keys that the table may have, as the file writes them."""
        return tuple(field.key for field in _fields(cls))

    @property
    def fields_given(self) -> frozenset[str]:
        """Name the fields that the file sets."""
        return cast("frozenset[str]", object.__getattribute__(self, "_given"))

    def values_given(self, *, by_key: bool = False) -> dict[str, Any]:
        """Give the values that are not None, by field or as the file names them."""
        return {
            field.key if by_key else field.name: value
            for field in _fields(type(self))
            if (value := getattr(self, field.name)) is not None
        }


@cache
def _fields(section: type[Section]) -> tuple[Field, ...]:
    hints: dict[str, object] = {}
    for base in reversed(section.__mro__):
        if issubclass(base, Section) and base is not Section:
            hints.update(base.__annotations__)
    return tuple(
        Field(name, _key_of(name, hint), hint, getattr(section, name, _MISSING))
        for name, hint in hints.items()
    )


def _key_of(name: str, hint: object) -> str:
    keys = (mark.name for mark in get_args(hint)[1:] if isinstance(mark, Key))
    return next(keys, name) if get_origin(hint) is Annotated else name


def _fill(section: Section, values: dict[str, object], given: frozenset[str]) -> None:
    for field in _fields(type(section)):
        if field.name not in values:
            values[field.name] = _fresh(field.default)
    object.__setattr__(section, "__dict__", values)
    object.__setattr__(section, "_given", given)


def _fresh(value: object) -> object:
    if isinstance(value, list):
        return list(cast("list[object]", value))
    if isinstance(value, dict):
        return dict(cast("dict[object, object]", value))
    return value


def _section(section: type[S], value: object, place: Place) -> S:
    if not isinstance(value, dict):
        raise FieldError("must be a table", place=place)
    table = cast("dict[str, object]", value)
    values: dict[str, object] = {}
    fields = _fields(section)
    for field in fields:
        if field.key in table:
            values[field.name] = _value(field.hint, table[field.key], (*place, field.key))
        elif field.default is _MISSING:
            raise FieldError("is missing", kind="missing", place=(*place, field.key))
    known = {field.key for field in fields}
    for key in table:
        if key not in known:
            raise FieldError("is unknown", kind="unknown", place=(*place, key))
    made = section.__new__(section)
    _fill(made, values, frozenset(values))
    return made


def _value(hint: object, value: object, place: Place) -> object:
    """Check a value against the type of its field, and give it as the program wants it."""
    if (plain := _PLAIN.get(hint)) is not None:
        kind, what = plain
        if type(value) is not kind:  # true is no number
            raise FieldError(f"must be {what}", place=place)
        return value
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _marked(inner[0], inner[1:], value, place)
    if origin in (Union, UnionType):
        (only,) = (one for one in inner if one is not NoneType)
        return None if value is None else _value(only, value, place)
    if origin is Literal:
        return _one_of(inner, value, place)
    if origin is list:
        return _items(inner[0], value, place)
    if origin is dict:
        return _entries(inner[0], inner[1], value, place)
    if isinstance(hint, type) and issubclass(hint, Section):
        return _section(hint, value, place)
    raise TypeError(f"a table cannot hold {hint!r}")


def _marked(hint: object, marks: tuple[object, ...], value: object, place: Place) -> object:
    for mark in marks:
        if isinstance(mark, Checked):
            try:
                return mark.by(value)
            except FieldError as fault:
                fault.place = place
                raise
        if isinstance(mark, Lifted):
            value = mark.by(value)
    checked = _value(hint, value, place)
    for mark in marks:
        if isinstance(mark, Bounds):
            _keep_within(mark, checked, place)
    return checked


def _keep_within(bounds: Bounds, value: object, place: Place) -> None:
    words = ""
    if isinstance(value, int):
        if bounds.ge is not None and value < bounds.ge:
            words = f"must be greater than or equal to {bounds.ge}"
        elif bounds.gt is not None and value <= bounds.gt:
            words = f"must be greater than {bounds.gt}"
        elif bounds.le is not None and value > bounds.le:
            words = f"must be less than or equal to {bounds.le}"
    elif isinstance(value, str | list | dict):
        length = len(cast("list[object]", value))
        what = "character" if isinstance(value, str) else "item"
        is_counted = not isinstance(value, str)
        if bounds.min_length is not None and length < bounds.min_length:
            words = f"must have at least {_count(bounds.min_length, what)}"
            if not length and is_counted and bounds.min_length == 1:
                words, is_counted = "must not be empty", False
        elif bounds.max_length is not None and length > bounds.max_length:
            words = f"must have at most {_count(bounds.max_length, what)}"
        if words and is_counted:
            words += f", not {length}"
    if words:
        raise FieldError(words, place=place)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _one_of(choices: tuple[object, ...], value: object, place: Place) -> object:
    if isinstance(value, str) and value in choices:
        return value
    texts = tuple(str(choice) for choice in choices)
    *most, last = (f"'{text}'" for text in texts)
    words = f"{', '.join(most)} or {last}" if most else last
    raise FieldError(f"must be {words}", place=place, choices=texts, given=str(value)[:50])


def _items(hint: object, value: object, place: Place) -> list[object]:
    if not isinstance(value, list):
        raise FieldError("must be a list", place=place)
    items = cast("list[object]", value)
    return [_value(hint, item, (*place, at)) for at, item in enumerate(items)]


def _entries(key_hint: object, hint: object, value: object, place: Place) -> dict[object, object]:
    if not isinstance(value, dict):
        raise FieldError("must be a table", place=place)
    entries: dict[object, object] = {}
    for key, entry in cast("dict[str, object]", value).items():
        inside = (*place, key)
        entries[_value(key_hint, key, inside)] = _value(hint, entry, inside)
    return entries
