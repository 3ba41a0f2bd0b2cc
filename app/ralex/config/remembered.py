"""What the user answered with "always", by project: one file in ralex's home, never in a project.

It is meant to be read and edited: every line can be deleted to be asked again.
"""

import fcntl
import os
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from ralex.config.paths import ensure_folder
from ralex.config.toml_text import TomlTable, read_toml
from ralex.config.toml_write import write_toml
from ralex.core.permissions import Effect, Layer, Rule, RuleError, parse_rule
from ralex.errors import StoreError

FILE_NAME = "permissions.toml"
_HEAD = """\
# Calls that you answered with "always", by project. Delete a line to be asked again.
# ralex writes this file anew for each answer: comments of your own are not kept.
# Rules of your own belong under [permissions] in config.toml; a deny there wins against this file.

"""


class RememberedAnswers:
    """The file, read anew each time: other processes write it as well.

    Args:
        path: Need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, project: str) -> tuple[Rule, ...]:
        """Read the answers that hold in a project.

        Raises:
            ConfigError: With file and line, if it is not TOML or a line of it is no rule.
        """
        if not self._path.exists():
            return ()
        file = read_toml(self._path)
        table = file.table.get(project, {})
        if not isinstance(table, dict):
            raise file.error((project,), "must be a table of rules")
        rules: list[Rule] = []
        for name, effect in cast("TomlTable", table).items():
            place = (project, name)
            try:
                rule = parse_rule(
                    name, Effect(str(effect)), layer=Layer.ANSWER, source=file.place(place)
                )
            except RuleError as error:
                raise file.error(place, f"{name!r}: {error}", hint="delete the line") from error
            except ValueError as error:
                raise file.error(
                    place, f"{name!r} must be allow, ask or deny", hint="delete the line"
                ) from error
            rules.append(rule)
        return tuple(rules)

    def add(self, project: str, name: str) -> None:
        """Remember that a rule's calls are allowed in a project.

        Raises:
            StoreError: If the file cannot be written.
        """
        with self._changing() as table:
            rules = cast("TomlTable", table.setdefault(project, {}))
            rules[name] = Effect.ALLOW.value

    def remove(self, project: str, name: str) -> None:
        """Forget a rule of a project; one that is not there is no fault.

        Raises:
            StoreError: If the file cannot be written.
        """
        with self._changing() as table:
            rules = cast("TomlTable", table.get(project, {}))
            rules.pop(name, None)
            if not rules:
                table.pop(project, None)

    @contextmanager
    def _changing(self) -> Generator[TomlTable]:
        """Hold the file while its table is changed, then put the new one in its place."""
        try:
            ensure_folder(self._path.parent)
            lock = self._path.with_suffix(".lock")
            with lock.open("a", encoding="utf-8") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
                table = cast("TomlTable", tomllib.loads(text))
                yield table
                self._write(_HEAD + write_toml(table))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StoreError(
                f"{self._path} cannot be changed: {error}",
                hint="the answer holds for this session all the same",
            ) from error

    def _write(self, text: str) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
