"""The values that a configuration file may hold, with the words for what is wrong with one."""

from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from ralex.config.sections import Bounds, Checked, FieldError, Lifted

MAX_USD = Decimal(1_000_000_000)
_MAX_WEIGHT = 100.0


def _number(value: object, what: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FieldError(f"must be {what}")
    number = Decimal(value)
    if not number.is_finite():
        raise FieldError("must be a finite number")
    return number


def _usd(value: object) -> Decimal:
    amount = _number(value, "a number of USD")
    if not 0 <= amount <= MAX_USD:
        raise FieldError("must be between 0 and a billion USD")
    return amount


def _limit(value: object) -> Decimal | None:
    if value is False:
        return None
    if value is True:
        raise FieldError("must be a number of USD, or false for no limit")
    return _usd(value)


def _real(value: object) -> float:
    number = float(_number(value, "a number"))
    if abs(number) > _MAX_WEIGHT:
        raise FieldError("must be between -100 and 100")
    return number


def _seconds(value: object) -> float:
    number = _number(value, "a number of seconds")
    if not 0 < number <= 86_400:
        raise FieldError("must be more than 0 and at most 86400 seconds")
    return float(number)


def _lifetime(value: object) -> float:
    number = _number(value, "a number of seconds")
    if not 0 < number <= 31_536_000:
        raise FieldError("must be more than 0 and at most a year of seconds")
    return float(number)


def _weight(value: object) -> float:
    number = _number(value, "a number")
    if not 0 <= number <= 1_000_000:
        raise FieldError("must be between 0 and 1000000")
    return float(number)


def _chain(value: object) -> object:
    return [value] if isinstance(value, str) else value


Usd: TypeAlias = Annotated[Decimal, Checked(_usd)]
Limit: TypeAlias = Annotated[Decimal | None, Checked(_limit)]
Real: TypeAlias = Annotated[float, Checked(_real)]
Seconds: TypeAlias = Annotated[float, Checked(_seconds)]
Minutes: TypeAlias = Annotated[int, Bounds(ge=1, le=1_000_000)]
Lifetime: TypeAlias = Annotated[float, Checked(_lifetime)]
Weight: TypeAlias = Annotated[float, Checked(_weight)]
Name: TypeAlias = Annotated[str, Bounds(min_length=1, max_length=200)]
Tokens: TypeAlias = Annotated[int, Bounds(gt=0, le=1_000_000_000)]
Chain: TypeAlias = Annotated[list[Name], Lifted(_chain), Bounds(min_length=1)]
Keys: TypeAlias = Annotated[list[Name], Lifted(_chain), Bounds(max_length=20)]
Count: TypeAlias = Annotated[int, Bounds(ge=0, le=1_000_000_000)]
Words: TypeAlias = Annotated[list[Name], Bounds(max_length=1000)]
TierName: TypeAlias = Literal["SIMPLE", "MEDIUM", "COMPLEX", "REASONING"]
ModeName: TypeAlias = Literal["yolo", "ask", "plan"]
EffectName: TypeAlias = Literal["allow", "ask", "deny"]
ApiName: TypeAlias = Literal["openai-chat", "openai-responses", "anthropic", "gemini", "mistral"]
