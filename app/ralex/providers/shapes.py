"""Read JSON of unknown shape without trusting it: every reader gives the wanted type or nothing."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeAlias, cast

JsonObject: TypeAlias = Mapping[str, object]

MOST_TOKENS = 1_000_000_000
"""A count above this is a provider's mistake, not a count."""

_MOST_USD = 10**15
_BLANK = frozenset(" \t\r\n")
_DECODER = json.JSONDecoder(parse_float=Decimal, strict=False)


def _plain(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)


def decode(text: str) -> object:
    """Parse JSON, with fractions as Decimal because some of them are prices.

    Raises:
        ValueError: If it is not JSON, or nested too deep to be meant.
    """
    if text[:1] in _BLANK:
        text = text.lstrip()
    try:
        value, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if end != len(text) and text[end:].strip():
        raise ValueError("more than one value")
    return cast("object", value)


def encode(value: object) -> str:
    """Write JSON as requests carry it: compact, keys in the order given, text unescaped."""
    return _ENCODER.encode(value)


def as_object(value: object) -> JsonObject | None:
    """Give the value if it is a JSON object."""
    return value if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType]  # keys are strings: it is from JSON


def object_in(holder: JsonObject | None, key: str) -> JsonObject:
    """Give the object under a key, or an empty one."""
    if holder is None:
        return {}
    return as_object(holder.get(key)) or {}


def as_list(value: object) -> Sequence[object]:
    """Give the value if it is a JSON array, else an empty one."""
    return cast("Sequence[object]", value) if isinstance(value, list) else ()


def objects_in(value: object) -> list[JsonObject]:
    """Give the objects of a JSON array, leaving out everything else."""
    return [cast("JsonObject", item) for item in as_list(value) if isinstance(item, dict)]


def as_text(value: object) -> str:
    """Give the value if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """Give a plausible number of tokens, or None."""
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_TOKENS else None


def as_usd(value: object) -> Decimal | None:
    """Give a plausible price, written as a number or a string, or None."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= _MOST_USD else None
