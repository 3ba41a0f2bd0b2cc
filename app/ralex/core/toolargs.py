"""Arguments of a tool call: JSON as models really write it, repaired only where nothing is guessed.

A repair must leave exactly one reading. A call that stops inside a string, list or object was cut
off: whatever could be made of it is not what the model meant, so it is refused and never run.
"""

import json
import re
from typing import ClassVar, cast

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.errors import ToolError

_MAX_DEPTH = 64
_MAX_ENCODINGS = 3
_MAX_DIGITS = 1000  # Python refuses to read whole numbers far longer than that
_RUNS = {'"': lazy_pattern(r'[^"\\]+'), "'": lazy_pattern(r"[^'\\]+")}
_RAW = lazy_pattern(r"[\x00-\x1f]")
_NUMBER = lazy_pattern(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_NAME = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_-]*")
_LITERALS: dict[str, object] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_ESCAPES = {
    '"': '"',
    "'": "'",
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_FENCE = lazy_pattern(r"```[\w-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)
_LOOSE_QUOTE = lazy_pattern(r"\"|(?<![A-Za-z])'|'(?![A-Za-z])")


class ArgumentsError(ToolError):
    """A tool call's arguments cannot be read, so the call is not run.

    Attributes:
        is_truncated: The text stops inside a string, list or object.
    """

    code: ClassVar[str] = "tool_arguments"

    def __init__(self, message: str, *, is_truncated: bool = False) -> None:
        super().__init__(message, hint="send the call again with one complete JSON object")
        self.is_truncated = is_truncated


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What a call's arguments say.

    Attributes:
        values: By name, as the model gave them.
        repairs: What had to be put right, such as ``trailing comma``; empty for clean JSON.
    """

    values: dict[str, object]
    repairs: tuple[str, ...] = ()


def parse_arguments(raw: str) -> dict[str, object]:
    """Read a call's arguments.

    Raises:
        ArgumentsError: With one line for the model; never for harmless faults.
    """
    return read_arguments(raw).values


def read_arguments(raw: str) -> Arguments:
    """Read a call's arguments and tell what had to be repaired.

    Raises:
        ArgumentsError: With one line for the model; ``is_truncated`` if the text was cut off.
    """
    text = raw.strip().removeprefix("\ufeff")
    repairs: list[str] = []
    for _ in range(_MAX_ENCODINGS):
        if text in ("", "null", "None"):
            return Arguments(values={}, repairs=tuple(repairs))
        value = _decode(text, repairs)
        if isinstance(value, dict):
            return Arguments(values=cast("dict[str, object]", value), repairs=tuple(repairs))
        if not isinstance(value, str):
            break
        repairs.append("double encoding")
        text = value.strip()
    raise ArgumentsError("the arguments must be one JSON object with the parameters by name")


def _decode(text: str, repairs: list[str]) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        pass
    if (fenced := _FENCE.fullmatch(text)) is not None:
        repairs.append("code fence")
        inside = fenced[1].strip()
        return _decode(inside, repairs) if inside else {}
    if text[0] in "{[\"'":
        scanner = _Scanner(text)
        value = scanner.value(0)
        _check_rest(text[scanner.at :])
        if text[scanner.at :].strip():
            scanner.note("text after the object")
        repairs.extend(scanner.repairs)
        return value
    return _embedded(text, repairs)


def _embedded(text: str, repairs: list[str]) -> object:
    """Take the one object out of the words around it."""
    start = text.find("{")
    if start < 0:
        raise ArgumentsError("the arguments are not JSON: expected an object such as {...}")
    if '"' in text[:start]:
        raise ArgumentsError("the arguments must begin with { and hold nothing before it")
    scanner = _Scanner(text, start)
    value = scanner.value(0)
    _check_rest(text[scanner.at :])
    repairs.append("text around the object")
    repairs.extend(scanner.repairs)
    return value


def _check_rest(rest: str) -> None:
    """Refuse what may be the other half of a value with an unescaped quote, or a second call."""
    if _LOOSE_QUOTE.search(rest):
        raise ArgumentsError(
            'the JSON ends early: a quote inside a string must be written as \\" '
            f"(unexpected text after the object: {rest.strip()[:40]!r})"
        )
    if "{" in rest or "[" in rest:
        raise ArgumentsError("the arguments hold more than one object: send one call at a time")


class _Scanner:
    """A JSON reader that also takes what models write by mistake, and says what it took."""

    def __init__(self, text: str, at: int = 0) -> None:
        self._text = text
        self.at = at
        self.repairs: list[str] = []

    def note(self, repair: str) -> None:
        if repair not in self.repairs:
            self.repairs.append(repair)

    def value(self, depth: int) -> object:
        if depth > _MAX_DEPTH:
            raise ArgumentsError(f"the arguments are nested more than {_MAX_DEPTH} deep")
        start = self._peek()
        if start == "{":
            return self._object(depth)
        if start == "[":
            return self._array(depth)
        if start in "\"'":
            return self._string()
        if (number := _NUMBER.match(self._text, self.at)) is not None:
            if len(number[0]) > _MAX_DIGITS:
                raise ArgumentsError(f"a number has more than {_MAX_DIGITS} digits")
            self.at = number.end()
            return cast("object", json.loads(number[0]))
        if (word := _NAME.match(self._text, self.at)) is not None and word[0] in _LITERALS:
            self.at = word.end()
            if word[0][0].isupper():
                self.note("Python literal")
            return _LITERALS[word[0]]
        if any(literal.startswith(self._text[self.at :]) for literal in _LITERALS):
            raise _truncated("inside a word")
        raise self._unexpected("a value")

    def _object(self, depth: int) -> dict[str, object]:
        self.at += 1
        values: dict[str, object] = {}
        while True:
            if self._closes("}", has_items=bool(values)):
                return values
            name = self._key()
            if self._peek() != ":":
                raise self._unexpected(f"a colon after {name!r}")
            self.at += 1
            values[name] = self.value(depth + 1)
            self._separator("}")

    def _array(self, depth: int) -> list[object]:
        self.at += 1
        items: list[object] = []
        while not self._closes("]", has_items=bool(items)):
            items.append(self.value(depth + 1))
            self._separator("]")
        return items

    def _closes(self, bracket: str, *, has_items: bool) -> bool:
        if self._peek() != bracket:
            return False
        if has_items and self._text[: self.at].rstrip().endswith(","):
            self.note("trailing comma")
        self.at += 1
        return True

    def _separator(self, bracket: str) -> None:
        following = self._peek()
        if following == ",":
            self.at += 1
        elif following != bracket:
            raise self._unexpected(f"a comma or {bracket}")

    def _key(self) -> str:
        if self._peek() in "\"'":
            return self._string()
        if (word := _NAME.match(self._text, self.at)) is None:
            raise self._unexpected("a name in double quotes")
        self.at = word.end()
        self.note("name without quotes")
        return word[0]

    def _string(self) -> str:
        quote = self._text[self.at]
        if quote == "'":
            self.note("single quotes")
        self.at += 1
        pieces: list[str] = []
        while self.at < len(self._text):
            char = self._text[self.at]
            if char == quote:
                self.at += 1
                return "".join(pieces)
            if char == "\\":
                pieces.append(self._escape())
                continue
            run = _RUNS[quote].match(self._text, self.at)
            if run is not None:
                if _RAW.search(run[0]) is not None:
                    self.note("raw line break or tab in a string")
                pieces.append(run[0])
                self.at = run.end()
        raise _truncated("inside a string")

    def _escape(self) -> str:
        mark = self._text[self.at + 1 : self.at + 2]
        if not mark:
            raise _truncated("inside a string")
        if mark in _ESCAPES:
            self.at += 2
            return _ESCAPES[mark]
        width = {"u": 4, "x": 2, "U": 8}.get(mark, 0)
        digits = self._text[self.at + 2 : self.at + 2 + width]
        if width and re.fullmatch(rf"[0-9a-fA-F]{{{width}}}", digits):
            self.at += 2 + width
            return self._surrogates(chr(min(int(digits, 16), 0x10FFFF)))
        if width and len(digits) < width:
            raise _truncated("inside a string")
        raise ArgumentsError(f"\\{mark} is not a JSON escape: write a backslash as \\\\")

    def _surrogates(self, char: str) -> str:
        """Join a pair of surrogate escapes into the character they stand for."""
        if not "\ud800" <= char <= "\udbff":
            return char
        low = re.compile(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})").match(self._text, self.at)
        if low is None:
            return char
        self.at = low.end()
        return chr(0x10000 + ((ord(char) - 0xD800) << 10) + int(low[1], 16) - 0xDC00)

    def _peek(self) -> str:
        while self.at < len(self._text) and self._text[self.at] in " \t\r\n":
            self.at += 1
        if self.at >= len(self._text):
            raise _truncated("before its end")
        return self._text[self.at]

    def _unexpected(self, wanted: str) -> ArgumentsError:
        near = self._text[max(0, self.at - 20) : self.at + 20]
        return ArgumentsError(f"the arguments are not JSON: expected {wanted} near {near!r}")


def _truncated(where: str) -> ArgumentsError:
    return ArgumentsError(
        f"the arguments were cut off ({where}), so the call was not run: send it again whole, "
        "in smaller pieces if it is long",
        is_truncated=True,
    )
