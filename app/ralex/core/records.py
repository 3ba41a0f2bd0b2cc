"""The standard ``dataclass`` decorator, whose methods are made when they are first needed.

The standard one writes and compiles up to six methods for each class as its module is imported:
for ralex's three hundred records that was a quarter of all processor time of a short run, most of
it for records that the run never makes. Here a class costs its fields; its constructor is compiled
by the first call, and comparing, hashing and showing share one plain implementation. Everything
else is the standard library's: ``fields``, ``replace``, ``field``, pattern matching, slots.

A record made here and one made by the standard decorator do not inherit from each other.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, field, fields
from dataclasses import dataclass as standard_dataclass
from operator import attrgetter
from types import MemberDescriptorType
from typing import Any, TypeVar, cast, dataclass_transform, overload

_T = TypeVar("_T")
_Values = Callable[[object], object]


@overload
def dataclass(
    made: type[_T],
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
) -> type[_T]: ...
@overload
def dataclass(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False, eq: bool = True
) -> Callable[[type[_T]], type[_T]]: ...
@dataclass_transform(field_specifiers=(field,))
def dataclass(
    made: type[_T] | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
) -> type[_T] | Callable[[type[_T]], type[_T]]:
    """Make a class a record, as ``dataclasses.dataclass`` does."""

    def decorate(written: type[_T]) -> type[_T]:
        own = frozenset(vars(written))
        # A text of its own spares the class the standard one, for which its signature is read.
        written.__doc__ = written.__doc__ or written.__name__
        record = standard_dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(
            written
        )
        methods: dict[str, object] = {"__repr__": _show}
        methods |= _constructing(record, is_frozen=frozen)
        if eq:
            methods |= _comparing(record, is_frozen=frozen)
        if frozen:
            methods |= {"__setattr__": _refuse_set, "__delattr__": _refuse_delete}
        if frozen and slots:
            methods |= {"__getstate__": _state, "__setstate__": _set_state}
        for name, method in methods.items():
            if name not in own:
                setattr(record, name, method)
        return record

    return decorate if made is None else decorate(made)


def _constructing(record: type, *, is_frozen: bool) -> dict[str, object]:
    def __init__(self: object, *args: object, **named: object) -> None:  # noqa: N807 - it is one
        _compile(record, is_frozen=is_frozen)(self, *args, **named)

    return {"__init__": __init__, "__signature__": _Signature(__init__, record, is_frozen)}


class _Signature:
    """What a record is called with, for those who ask before it was called."""

    def __init__(self, stand_in: object, record: type, is_frozen: bool) -> None:  # noqa: FBT001
        self._stand_in = stand_in
        self._record = record
        self._is_frozen = is_frozen

    def __get__(self, _: object, owner: type) -> object:
        from inspect import signature  # noqa: PLC0415 - only those who look into a class need it

        if getattr(owner, "__init__", None) is self._stand_in:
            _compile(self._record, is_frozen=self._is_frozen)
        own = signature(cast("Any", owner).__init__)
        return own.replace(parameters=list(own.parameters.values())[1:])


def _compile(record: type, *, is_frozen: bool) -> Callable[..., None]:
    constructor = _constructor(record, is_frozen=is_frozen)
    cast("Any", record).__init__ = constructor
    return constructor


def _constructor(record: type, *, is_frozen: bool) -> Callable[..., None]:
    """Write and compile a constructor that does what the standard library's does."""
    known: dict[str, object] = {"_missing": MISSING, "_set": object.__setattr__}
    plain: list[str] = []
    named: list[str] = []
    body: list[str] = []
    for one in _fields(record):
        name, value = one.name, one.name
        has_factory = one.default_factory is not MISSING
        if has_factory:
            known[f"_make_{name}"] = one.default_factory
            value = f"_make_{name}()"
            if one.init:
                value += f" if {name} is _missing else {name}"
        elif one.default is not MISSING:
            known[f"_default_{name}"] = one.default
            value = name if one.init else f"_default_{name}"
        if one.init:
            default = "=_missing" if has_factory else f"=_default_{name}"
            is_required = not has_factory and one.default is MISSING
            (named if one.kw_only else plain).append(name if is_required else name + default)
        elif value == name:  # the class sets it itself, later
            continue
        slot = getattr(record, name, None)
        if not is_frozen:
            body.append(f"self.{name} = {value}")
        elif isinstance(slot, MemberDescriptorType):
            # Half the time of object.__setattr__, which looks the slot up by its name.
            known[f"_put_{name}"] = slot.__set__
            body.append(f"_put_{name}(self, {value})")
        else:
            body.append(f"_set(self, {name!r}, {value})")
    if hasattr(record, "__post_init__"):
        body.append("self.__post_init__()")
    given = ", ".join(["self", *plain, *(["*", *named] if named else ())])
    lines = "\n ".join(body or ["pass"])
    exec(f"def __init__({given}):\n {lines}", known)  # noqa: S102 - names of fields, nothing else
    constructor = cast("Callable[..., None]", known["__init__"])
    constructor.__qualname__ = f"{record.__qualname__}.__init__"
    constructor.__module__ = record.__module__
    constructor.__annotations__ = {one.name: one.type for one in _fields(record) if one.init}
    return constructor


def _show(self: object) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in _fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _comparing(record: type, *, is_frozen: bool) -> dict[str, object]:
    compared: _Values | None = None
    hashed: _Values | None = None

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        nonlocal compared
        if type(other) is not type(self):
            return NotImplemented
        if compared is None:
            compared = _values([one.name for one in _fields(record) if one.compare])
        return compared(self) == compared(other)

    def __hash__(self: object) -> int:  # noqa: N807
        nonlocal hashed
        if hashed is None:
            counted = (one for one in _fields(record) if one.hash or one.hash is None)
            hashed = _values([one.name for one in counted if one.hash or one.compare])
        return hash(hashed(self))

    return {"__eq__": __eq__, "__hash__": __hash__ if is_frozen else None}


def _refuse_set(_: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(_: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: object) -> list[object]:
    return [getattr(self, one.name) for one in _fields(self)]


def _set_state(self: object, state: list[object]) -> None:
    for one, value in zip(_fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


def _values(names: list[str]) -> _Values:
    return attrgetter(*names) if names else lambda _: ()


def _fields(record: object) -> tuple[Field[Any], ...]:
    return fields(cast("Any", record))
