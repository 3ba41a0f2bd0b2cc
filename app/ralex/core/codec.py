"""Events to JSON and back, driven by their type hints alone; the store and the front ends share it.

Reading is forgiving where a newer or older ralex may have written: unknown fields are passed over
and missing ones take their defaults. It is strict where a value cannot be what its type says.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    NewType,
    TypeAlias,
    TypeGuard,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from ralex.core.events import AgentEvent, ContextAdded, ToolCallFinished
from ralex.errors import UnreadableEventError

R = TypeVar("R")
Decoder: TypeAlias = Callable[[object], object]

_PLAIN = frozenset({str, int, float, bool, NoneType})


def to_jsonable(value: object) -> object:
    """Turn a value into what ``json.dumps`` takes.

    Decimals become strings without an exponent, enums their values, tuples lists, dataclasses and
    mappings objects.

    Raises:
        TypeError: If a value is of another kind.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return cast("object", value.value)
    if isinstance(value, tuple | list):
        return [to_jsonable(item) for item in cast("tuple[object, ...] | list[object]", value)]
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {str(to_jsonable(key)): to_jsonable(item) for key, item in items}
    if is_dataclass(kind):
        return {name: to_jsonable(getattr(value, name)) for name in _field_names(kind)}
    raise TypeError(f"{kind.__name__} has no JSON form")


def event_name(event: AgentEvent) -> str:
    """Give the event's name in snake case: ``route_decided``, ``text_delta``."""
    return _snake_case(type(event))


def event_to_json(event: AgentEvent) -> dict[str, object]:
    """Turn an event into a JSON object, ``type`` first."""
    kind = type(event)
    encoded: dict[str, object] = {"type": _snake_case(kind)}
    for name in _field_names(kind):
        encoded[name] = to_jsonable(getattr(event, name))
    return encoded


def without_picture_data(event: AgentEvent) -> AgentEvent:
    """Take the bytes of pictures out of an event that is to be told; format and size stay."""
    if not isinstance(event, ContextAdded | ToolCallFinished) or not event.images:
        return event
    return replace(event, images=tuple(replace(one, data_base64="") for one in event.images))


def event_from_json(mapping: Mapping[str, object]) -> AgentEvent:
    """Read an event that ``event_to_json`` wrote, in this version of ralex or another.

    Raises:
        UnreadableEventError: If the type is unknown, or a field is missing or not of its type.
    """
    name = mapping.get("type")
    kind = _event_kinds().get(name) if isinstance(name, str) else None
    if kind is None:
        raise UnreadableEventError(
            f"there is no event of type {name!r}",
            hint="a newer ralex may have written it; update ralex to read it",
        )
    return cast("AgentEvent", _decode_fields(kind, mapping))


def record_from_json(kind: type[R], value: object) -> R:
    """Read a dataclass that ``to_jsonable`` wrote.

    Raises:
        UnreadableEventError: If a field is missing or not of its type.
    """
    if not _is_object(value):
        raise UnreadableEventError(f"{kind.__name__} is no object")
    return cast("R", _decode_fields(kind, value))


@cache
def _event_kinds() -> Mapping[str, type]:
    return {_snake_case(kind): kind for kind in get_args(AgentEvent)}


@cache
def _snake_case(kind: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


@cache
def _field_decoders(kind: type) -> tuple[tuple[str, Decoder, bool], ...]:
    """Give each field's name, its decoder, and whether it must be there."""
    hints = get_type_hints(kind)
    return tuple(
        (
            one.name,
            _decoder(hints[one.name]),
            one.default is MISSING and one.default_factory is MISSING,
        )
        for one in fields(kind)
    )


def _decode_fields(kind: type, mapping: Mapping[str, object]) -> object:
    values: dict[str, object] = {}
    for name, decode, is_required in _field_decoders(kind):
        if name in mapping:
            try:
                values[name] = decode(mapping[name])
            except _MismatchError as error:
                raise UnreadableEventError(f"{kind.__name__}.{name}: {error}") from error
        elif is_required:
            raise UnreadableEventError(f"{kind.__name__} has no {name}")
    return kind(**values)


class _MismatchError(Exception):
    """A value is not of its field's type; becomes an UnreadableEventError with the field's name."""


@cache
def _decoder(hint: object) -> Decoder:
    """Build the function that reads a value of a type.

    Raises:
        TypeError: If no rule covers the type; a fault of the code, not of the data.
    """
    if isinstance(hint, NewType):
        return _decoder(hint.__supertype__)
    origin = get_origin(hint)
    if origin in {Union, UnionType}:
        return _optional(get_args(hint))
    if origin is tuple:
        item, rest = get_args(hint)
        if rest is Ellipsis:
            return _items(_decoder(item))
    if isinstance(hint, type):
        kind = cast("type[object]", hint)
        if (simple := _SIMPLE.get(kind)) is not None:
            return simple
        if issubclass(kind, Enum):
            return _member(kind)
        if is_dataclass(kind):
            return _record(kind)
    raise TypeError(f"events may not hold {hint!r}")


def _optional(choices: tuple[object, ...]) -> Decoder:
    others = [choice for choice in choices if choice is not NoneType]
    if len(others) != 1 or len(others) == len(choices):
        raise TypeError(f"events may not hold a choice of {choices!r}")
    decode = _decoder(others[0])
    return lambda value: None if value is None else decode(value)


def _items(decode: Decoder) -> Decoder:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise _MismatchError(_expected("a list", value))
        return tuple([decode(item) for item in cast("list[object]", value)])

    return read


def _member(kind: type[Enum]) -> Decoder:
    members = {member.value: member for member in kind}

    def read(value: object) -> object:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise _MismatchError(_expected(f"one of {', '.join(map(str, members))}", value))
        return member

    return read


def _record(kind: type) -> Decoder:
    def read(value: object) -> object:
        if not _is_object(value):
            raise _MismatchError(_expected("an object", value))
        return _decode_fields(kind, value)

    return read


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise _MismatchError(_expected("text", value))
    return value


def _truth(value: object) -> object:
    if not isinstance(value, bool):
        raise _MismatchError(_expected("true or false", value))
    return value


def _whole(value: object) -> object:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _MismatchError(_expected("a whole number", value))
    return value


def _number(value: object) -> object:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _MismatchError(_expected("a number", value))
    return float(value)


def _decimal(value: object) -> object:
    if not isinstance(value, str):
        raise _MismatchError(_expected("a decimal number as text", value))
    try:
        return Decimal(value)
    except InvalidOperation:
        raise _MismatchError(_expected("a decimal number as text", value)) from None


_SIMPLE: Mapping[type, Decoder] = {
    str: _text,
    bool: _truth,
    int: _whole,
    float: _number,
    Decimal: _decimal,
}


def _expected(what: str, value: object) -> str:
    return f"expected {what}, found {repr(value)[:80]}"
