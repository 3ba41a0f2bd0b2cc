"""Reads LiteLLM's YAML by key, remembering what was read, so that nothing is dropped silently.

A value that ralex has no place for becomes a ``Note`` with its line; a value that makes no sense is
a ``ConfigError`` with file, line and key.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from ralex.config.litellm_yaml import YamlNode
from ralex.core.records import dataclass
from ralex.errors import ConfigError

_REFERENCE = re.compile(r"os\.environ/(\S+)|\$\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line of the report: something of the file that ralex has no counterpart for."""

    file: str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        """Write it as ``config.yaml line 4: key: what became of it``."""
        return f"{self.file} line {self.line}: {self.key}: {self.text}"


@dataclass(slots=True, kw_only=True)
class Reading:
    """One file being read.

    Attributes:
        lookup: Gives the value of a variable; None if nothing may be resolved.
    """

    path: Path
    lookup: Callable[[str], str | None] | None = None
    notes: list[Note] = field(default_factory=list[Note])

    def root(self, node: YamlNode) -> "Item":
        """Start at the top of the file."""
        return Item(self, node, "")


@dataclass(frozen=True, slots=True)
class Item:
    """A value with its place; ``key`` is its path from the top, for messages."""

    reading: Reading
    node: YamlNode
    key: str

    @property
    def line(self) -> int:
        """The line of the key."""
        return self.node.line

    def note(self, text: str) -> None:
        """Report something about this place."""
        note = Note(file=str(self.reading.path), line=self.line, key=self.key, text=text)
        if note not in self.reading.notes:
            self.reading.notes.append(note)

    @property
    def where(self) -> str:
        """Name file, line and key."""
        place = f"{self.reading.path} line {self.line}"
        return f"{place}: {self.key}" if self.key else place

    def error(self, text: str, *, hint: str = "") -> ConfigError:
        """Make an error that says where it is."""
        return ConfigError(f"{self.where}: {text}", hint=hint)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is said: no value, an empty list or mapping."""
        return self.node.value is None or self.node.value in ([], {}, "")

    def table(self) -> "Table":
        """Read a mapping; one without a value is empty."""
        value = {} if self.node.value is None else self.node.value
        if not isinstance(value, dict):
            raise self.error("must be a mapping of keys to values")
        return Table(self, value)

    def as_table(self) -> "Table | None":
        """Read a mapping, or None if it is something else."""
        return self.table() if isinstance(self.node.value, dict) else None

    def entries(self) -> list["Item"]:
        """Read a list; one without a value is empty."""
        value = [] if self.node.value is None else self.node.value
        if not isinstance(value, list):
            raise self.error("must be a list")
        return [
            Item(self.reading, node, f"{self.key}[{number}]") for number, node in enumerate(value)
        ]

    def one_or_more(self) -> list["Item"]:
        """Read a list, or a single value as a list of one."""
        return self.entries() if isinstance(self.node.value, list) else [self]

    def text(self) -> str:
        """Read text in which a reference to a variable cannot stay one."""
        text = self._plain()
        name = self.reference()
        if name is None:
            return text
        if self.reading.lookup is None:
            raise self.error(
                f"refers to the variable {name}, which config.toml can do for keys, addresses and "
                "headers only",
                hint="write the value, or use the file as it is with --config",
            )
        value = self.reading.lookup(name)
        if not value:
            raise self.error(f"refers to the variable {name}, which is not set")
        return value

    def referable(self) -> str:
        """Read text that may stay a reference: ``env:NAME``."""
        name = self.reference()
        return self._plain() if name is None else f"env:{name}"

    def reference(self) -> str | None:
        """Name the variable that the whole value refers to, or None if it is plain text."""
        if not isinstance(self.node.value, str):
            return None
        text = self.node.value.strip()
        found = _REFERENCE.fullmatch(text)
        if found is None:
            if "${" in text:
                raise self.error(
                    "a reference to a variable must be the whole value", hint="write ${NAME}"
                )
            return None
        name = found[1] or found[2] or ""
        if not _NAME.fullmatch(name):
            raise self.error("this names no variable", hint="write os.environ/NAME or ${NAME}")
        return name

    def number(self) -> Decimal:
        """Read a finite number, also one that YAML takes for text, such as ``1e-6``."""
        value = self.node.value
        if isinstance(value, str):
            value = self.text().strip()
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self.error("must be a number")
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise self.error("must be a number") from None
        if not number.is_finite():
            raise self.error("must be a finite number")
        return number

    def amount(self) -> Decimal:
        """Read a number that is not negative."""
        number = self.number()
        if number < 0:
            raise self.error(f"must not be negative, but is {number}")
        return number

    def whole(self) -> int:
        """Read a whole number that is not negative."""
        number = self.amount()
        if number != number.to_integral_value() or number > 10**12:
            raise self.error("must be a whole number")
        return int(number)

    def flag(self) -> bool:
        """Read true or false."""
        if not isinstance(self.node.value, bool):
            raise self.error("must be true or false")
        return self.node.value

    def texts(self) -> list[str]:
        """Read a list of texts, or one."""
        return [entry.text() for entry in self.one_or_more()]

    def words(self) -> list[str]:
        """Read words to be looked for, as they stand: a space at the end of one counts."""
        return [entry.word() for entry in self.one_or_more()]

    def word(self) -> str:
        """Read text as it stands: neither trimmed nor taken for a reference."""
        plain = self._plain()
        return self.node.value if isinstance(self.node.value, str) else plain

    def _plain(self) -> str:
        value = self.node.value
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self.error("must be text")
        text = str(value).strip()
        if not text:
            raise self.error("must not be empty")
        if not text.isprintable() and "\n" not in text:
            raise self.error("holds odd characters")
        return text


class Table:
    """A mapping whose keys are taken one by one; what is left over can be reported."""

    def __init__(self, item: Item, value: dict[str, YamlNode]) -> None:
        self.item = item
        self._value = value
        self._taken: set[str] = set()

    def take(self, *names: str) -> Item | None:
        """Take the first of these keys that says something, or None."""
        found: Item | None = None
        for name in names:
            node = self._value.get(name)
            if node is None:
                continue
            if found is None and node.value is not None:
                found = self._item(name, node)
                self._taken.add(name)
            elif node.value is None:
                self._taken.add(name)
        return found

    def need(self, name: str) -> Item:
        """Take a key that must be there."""
        found = self.take(name)
        if found is None:
            raise self.item.error(f"has no {name}")
        return found

    def take_all(self) -> list[tuple[str, Item]]:
        """Take every key."""
        self._taken.update(self._value)
        return [(name, self._item(name, node)) for name, node in self._value.items()]

    def rest(self) -> Iterator[tuple[str, Item]]:
        """List the keys nobody took."""
        for name, node in self._value.items():
            if name not in self._taken:
                yield name, self._item(name, node)

    def with_defaults(self, other: "Table") -> "Table":
        """Make a table of this one's keys and the other's where this one says nothing."""
        pairs = [*other.take_all(), *self.take_all()]
        return Table(self.item, {name: item.node for name, item in pairs})

    def __contains__(self, name: str) -> bool:
        """Tell whether a key is there."""
        return name in self._value

    def _item(self, name: str, node: YamlNode) -> Item:
        key = f"{self.item.key}.{name}" if self.item.key else name
        return Item(self.item.reading, node, key)


def nearest(name: str, choices: Iterable[str]) -> str:
    """Ask whether one of the choices was meant; empty if none is near."""
    folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""
