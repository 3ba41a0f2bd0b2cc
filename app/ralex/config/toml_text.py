"""TOML files with places: where a key stands, so that a message can name its line.

``tomllib`` reads the values but forgets the lines. A second, small scan over the same text, which
is known to be valid by then, finds the line of every key.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TypeAlias, cast

from ralex.config.text_file import read_text
from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.errors import ConfigError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of the file to a value."""
TomlTable: TypeAlias = dict[str, object]

_PLACE = lazy_pattern(r" \(at line (\d+), column (\d+)\)$")


@dataclass(frozen=True, kw_only=True)
class TomlFile:
    """One file as read; floats are ``Decimal``.

    Attributes:
        stated_lines: Lines of keys where the table comes from a file of another form.
    """

    path: Path
    text: str
    table: TomlTable
    stated_lines: Mapping[KeyPath, int] | None = None

    @cached_property
    def lines(self) -> Mapping[KeyPath, int]:
        """Line of each key, from 1; empty if the text is nested too deeply to be scanned."""
        if self.stated_lines is not None:
            return self.stated_lines
        try:
            return key_lines(self.text)
        except RecursionError:
            return {}

    def line_of(self, key_path: KeyPath) -> int | None:
        """Find the line of a key, or of the nearest thing around it."""
        for end in range(len(key_path), 0, -1):
            line = self.lines.get(key_path[:end])
            if line is not None:
                return line
        return None

    def place(self, key_path: KeyPath) -> str:
        """Name file and line for a message: ``config.toml line 4``."""
        line = self.line_of(key_path)
        return str(self.path) if line is None else f"{self.path} line {line}"

    def error(self, key_path: KeyPath, text: str, *, hint: str = "") -> ConfigError:
        """Make an error that says where it is."""
        return ConfigError(f"{self.place(key_path)}: {text}", hint=hint)


def read_toml(path: Path) -> TomlFile:
    """Read a TOML file.

    Raises:
        ConfigError: If it cannot be read, or is not TOML; with line and column where they are
            known.
    """
    return parse_toml(read_text(path), path=path)


def parse_toml(text: str, *, path: Path) -> TomlFile:
    """Parse TOML text; ``path`` is for messages.

    Raises:
        ConfigError: If it is not TOML; with line and column where they are known.
    """
    text = text.replace("\r\n", "\n")
    try:
        table = cast("TomlTable", tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        end = text.rstrip().count("\n") + 1
        where = f"line {place[1]}, column {place[2]}" if place else f"line {end}"
        raise ConfigError(
            f"{path} {where}: {_PLACE.sub('', message)}", hint="this place is not valid TOML"
        ) from error
    except (ArithmeticError, ValueError) as error:
        raise ConfigError(
            f"{path}: a number has too many digits", hint="this place is not valid TOML"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{path}: tables or lists are nested too deeply") from error
    return TomlFile(path=path, text=text, table=table)


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Find the line of every table and key in a text that is valid TOML."""
    return _Scan(text).run()


class _Scan:
    """Walks over TOML text and notes where keys stand."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}
        self._line = 1
        self._line_at = 0

    def run(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        while self._skip():
            if self._text.startswith("[[", self._at):
                self._at += 2
                table = self._entry_of_list(self._key(()))
                self._at = self._text.index("]]", self._at) + 2
            elif self._text[self._at] == "[":
                self._at += 1
                table = self._key(())
                self._at = self._text.index("]", self._at) + 1
            else:
                self._pair(table)
        return self._lines

    def _entry_of_list(self, path: KeyPath) -> KeyPath:
        number = self._counts.get(path, 0)
        self._counts[path] = number + 1
        entry = (*path, number)
        self._note(entry)
        return entry

    def _pair(self, table: KeyPath) -> None:
        path = self._key(table)
        self._at = self._text.index("=", self._at) + 1
        self._value(path)

    def _key(self, table: KeyPath) -> KeyPath:
        """Read and note a key, dotted or quoted; a list of tables means its last entry."""
        path = table
        while True:
            self._skip()
            path = (*path, self._key_part())
            self._note(path)
            self._skip()
            if self._at >= len(self._text) or self._text[self._at] != ".":
                return path
            self._at += 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)

    def _key_part(self) -> str:
        if self._text[self._at] in "\"'":
            start = self._at
            self._string()
            # The text is one TOML string; tomllib knows its escapes.
            return str(tomllib.loads("k=" + self._text[start : self._at])["k"])
        found = _BARE.match(self._text, self._at)
        if found is None:
            raise ValueError("not a key")
        self._at = found.end()
        return found[0]

    def _value(self, path: KeyPath) -> None:
        self._skip()
        match self._text[self._at]:
            case '"' | "'":
                self._string()
            case "[":
                self._at += 1
                self._list(path)
            case "{":
                self._at += 1
                self._inline_table(path)
            case _:
                found = _SCALAR.match(self._text, self._at)
                self._at = found.end() if found else self._at + 1

    def _list(self, path: KeyPath) -> None:
        number = 0
        while self._skip() and self._text[self._at] != "]":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._note((*path, number))
            self._value((*path, number))
            number += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        while self._skip() and self._text[self._at] != "}":
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(path)
        self._at += 1

    def _string(self) -> None:
        quote = self._text[self._at]
        if self._text.startswith(quote * 3, self._at):
            pattern = _LONG_BASIC if quote == '"' else _LONG_LITERAL
        else:
            pattern = _BASIC if quote == '"' else _LITERAL
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError("not a string")
        self._at = found.end()

    def _skip(self) -> bool:
        """Pass blanks, line ends and comments; tell whether anything follows."""
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at < len(self._text)

    def _note(self, path: KeyPath) -> None:
        self._line += self._text.count("\n", self._line_at, self._at)
        self._line_at = self._at
        self._lines.setdefault(path, self._line)


_BLANK = lazy_pattern(r"(?:[ \t\n]+|#[^\n]*)*+")
_BARE = lazy_pattern(r"[A-Za-z0-9_-]+")
_SCALAR = lazy_pattern(r"[^,\]}\n#]+")
_BASIC = lazy_pattern(r'"(?:[^"\\\n]++|\\.)*+"')
_LITERAL = lazy_pattern(r"'[^'\n]*'")
_LONG_BASIC = lazy_pattern(r'"""(?:[^"\\]++|\\[\s\S]|"{1,2}(?!"))*+"{3,5}')
_LONG_LITERAL = lazy_pattern(r"'''(?:[^']++|'{1,2}(?!'))*+'{3,5}")
