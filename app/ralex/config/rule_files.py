"""Typed reading of the TOML files in ``rules/``: a missing or mistyped key names file and key."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ralex.errors import ResourceError


def read_rules(path: Path) -> "Section":
    """Parse a file of ``rules/``.

    Raises:
        ResourceError: If it cannot be read or is not TOML.
    """
    try:
        with path.open("rb") as file:
            table: dict[str, object] = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ResourceError(
            f"{path}: {error}", hint="reinstall ralex; its files are incomplete"
        ) from error
    return Section(table, str(path))


class Section:
    """One table of a rules file.

    Every accessor raises ResourceError where the key is missing, unless it has a default, or holds
    something else than asked for.

    Args:
        where: File and table, for messages.
    """

    def __init__(self, table: Mapping[str, object], where: str) -> None:
        self._table = table
        self._where = where

    def has(self, key: str) -> bool:
        """Tell whether the key is there."""
        return key in self._table

    def names(self) -> tuple[str, ...]:
        """List the keys in the order of the file."""
        return tuple(self._table)

    def text(self, key: str, default: str | None = None) -> str:
        """Read a string."""
        value = self._table.get(key, default)
        if not isinstance(value, str):
            raise self.fault(key, "must be a string")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of strings; a missing one is empty."""
        return self._strings(key, self._list(key))

    def text_lists(self, key: str) -> tuple[tuple[str, ...], ...]:
        """Read a list of lists of strings; a missing one is empty."""
        return tuple(self._strings(key, self._as_list(key, entry)) for entry in self._list(key))

    def number(self, key: str) -> float:
        """Read a number."""
        return self._number(key, self._table.get(key))

    def numbers(self, key: str) -> tuple[float, ...]:
        """Read a list of numbers; a missing one is empty."""
        return tuple(self._number(key, entry) for entry in self._list(key))

    def number_lists(self, key: str) -> tuple[tuple[float, ...], ...]:
        """Read a list of lists of numbers; a missing one is empty."""
        return tuple(
            tuple(self._number(key, number) for number in self._as_list(key, entry))
            for entry in self._list(key)
        )

    def all_numbers(self) -> dict[str, float]:
        """Read the whole table as numbers by name."""
        return {key: self._number(key, value) for key, value in self._table.items()}

    def whole(self, key: str, default: int | None = None) -> int:
        """Read a whole number."""
        value = self._table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fault(key, "must be a whole number")
        return value

    def flag(self, key: str) -> bool:
        """Read true or false; a missing one is false."""
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, "must be true or false")
        return value

    def section(self, key: str) -> "Section":
        """Read a table."""
        return self._as_section(key, self._table.get(key))

    def sections(self, key: str) -> tuple["Section", ...]:
        """Read a list of tables; a missing one is empty."""
        return tuple(self._as_section(key, entry) for entry in self._list(key))

    def fault(self, key: str, what: str) -> ResourceError:
        """Make the error for a key."""
        return ResourceError(
            f"{self._where}: {key} {what}", hint="reinstall ralex; its files are damaged"
        )

    def _list(self, key: str) -> list[object]:
        return self._as_list(key, self._table.get(key, []))

    def _as_list(self, key: str, value: object) -> list[object]:
        if not isinstance(value, list):
            raise self.fault(key, "must be a list")
        return cast("list[object]", value)

    def _as_section(self, key: str, value: object) -> "Section":
        if not isinstance(value, dict):
            raise self.fault(key, "must be a table")
        return Section(cast("dict[str, object]", value), f"{self._where}: {key}")

    def _strings(self, key: str, values: list[object]) -> tuple[str, ...]:
        strings = tuple(value for value in values if isinstance(value, str))
        if len(strings) != len(values):
            raise self.fault(key, "must hold strings only")
        return strings

    def _number(self, key: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fault(key, "must be a number")
        return float(value)
