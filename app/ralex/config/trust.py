"""Which projects' settings the user trusts: by path and content, in a file of ralex's home.

A project's file is trusted as it was when the user looked at it. Once a byte of it changes, or the
project moves, it is asked about again.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, cast

from ralex.config.private_file import write_private
from ralex.config.toml_text import KeyPath, TomlFile

TRUST_NAME: Final = "trust.json"
_LONGEST_VALUE: Final = 120
_SECRETS: Final = ("api_key", "headers")


class Trust(StrEnum):
    """What the user said of a file."""

    TRUSTED = "trusted"
    IGNORED = "ignored"


class TrustBook:
    """The user's answers.

    Args:
        home: Ralex's own folder.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / TRUST_NAME

    def answer(self, path: Path, digest: str) -> Trust | None:
        """Tell what the user said of a file with this content; None if nothing."""
        entry = self._entries().get(_place(path))
        if entry is None or entry.get("digest") != digest:
            return None
        try:
            return Trust(entry.get("answer", ""))
        except ValueError:
            return None

    def remember(self, path: Path, digest: str, answer: Trust) -> None:
        """Keep an answer, in the place of an earlier one.

        Raises:
            ConfigError: If it cannot be written.
        """
        entries = dict(self._entries())
        entries[_place(path)] = {"digest": digest, "answer": answer.value}
        self._write(entries)

    def forget(self, path: Path) -> bool:
        """Ask about a file again; False if nothing was said of it.

        Raises:
            ConfigError: If it cannot be written.
        """
        entries = dict(self._entries())
        if entries.pop(_place(path), None) is None:
            return False
        self._write(entries)
        return True

    def _entries(self) -> Mapping[str, Mapping[str, str]]:
        """Read the answers; a file that cannot be read trusts nothing."""
        try:
            data: object = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        files = cast("Mapping[str, object]", data).get("files") if isinstance(data, dict) else None
        if not isinstance(files, dict):
            return {}
        return {
            path: cast("Mapping[str, str]", entry)
            for path, entry in cast("Mapping[str, object]", files).items()
            if isinstance(entry, dict)
        }

    def _write(self, entries: Mapping[str, Mapping[str, str]]) -> None:
        text = json.dumps({"version": 1, "files": entries}, indent=1, ensure_ascii=False)
        write_private(self._path, text + "\n")


def digest_of(file: TomlFile) -> str:
    """Give the fingerprint of the text a file was read from."""
    return hashlib.sha256(file.text.encode("utf-8", "surrogatepass")).hexdigest()


def asks_of(file: TomlFile, key_paths: Sequence[KeyPath]) -> tuple[str, ...]:
    """Write out the settings at some places of a file, secrets left out."""
    asks: list[str] = []
    for key_path in key_paths:
        value: object = file.table
        for part in key_path:
            value = cast("Mapping[str | int, object]", value)[part]
        asks += _lines(".".join(map(str, key_path)), value)
    return tuple(dict.fromkeys(asks))


def _lines(name: str, value: object) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, inner in cast("Mapping[str, object]", value).items():
            yield from _lines(f"{name}.{key}", inner)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(cast("list[object]", value), start=1):
            yield from _lines(f"{name}.{number}", inner)
    else:
        is_secret = any(f".{word}" in f".{name}" for word in _SECRETS)
        is_reference = isinstance(value, str) and value.startswith("env:")
        text = "(a secret)" if is_secret and not is_reference else _shown(cast("object", value))
        yield f"{name} = {text}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _place(path: Path) -> str:
    return os.path.realpath(path)
