"""Numbered migrations, forward only, and the check that a file is ours and not too new."""

import re
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from ralex.core.records import dataclass
from ralex.errors import SchemaTooNewError
from ralex.store.faults import DamagedError, DatabaseKind

_FOLDER = Path(__file__).resolve().parent / "migrations"
_FILE_NAME = re.compile(r"(\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema."""

    number: int
    sql: str


@cache
def migrations_of(kind: DatabaseKind, folder: Path = _FOLDER) -> tuple[Migration, ...]:
    """Read a database's migrations in order.

    Raises:
        RuntimeError: If the files are not numbered 1, 2, 3 and so on; a fault of the installation.
    """
    found: list[Migration] = []
    for path in sorted((folder / kind.name).glob("*.sql")):
        name = _FILE_NAME.fullmatch(path.name)
        if name is None or int(name[1]) != len(found) + 1:
            raise RuntimeError(f"{path} is out of order")
        found.append(Migration(number=len(found) + 1, sql=path.read_text(encoding="utf-8")))
    return tuple(found)


def version_of(connection: sqlite3.Connection, kind: DatabaseKind, path: Path) -> int:
    """Read the schema's number; 0 is a new file.

    Raises:
        DamagedError: If the file is a database of something else.
        SchemaTooNewError: If a newer ralex wrote it.
    """
    version = _pragma(connection, "user_version")
    identity = _pragma(connection, "application_id")
    is_empty = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None
    if is_empty and version == identity == 0:
        return 0
    if identity != kind.application_id:
        raise DamagedError("it is a database of another program")
    known = len(migrations_of(kind))
    if version > known:
        raise SchemaTooNewError(
            f"{kind.title} {path} was written by a newer ralex "
            f"(schema {version}; this one knows {known})",
            hint="update ralex, or give this version a folder of its own with RALEX_HOME",
        )
    return version


def check_tables(connection: sqlite3.Connection, kind: DatabaseKind) -> None:
    """Look whether every table of the newest schema is there.

    Raises:
        DamagedError: If one is missing.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as model:
        migrate(model, kind, from_version=0)
        missing = _tables(model) - _tables(connection)
    if missing:
        raise DamagedError(f"the table {min(missing)} is missing")


def _tables(connection: sqlite3.Connection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {str(name) for (name,) in rows}


def migrate(connection: sqlite3.Connection, kind: DatabaseKind, *, from_version: int) -> None:
    """Bring the schema up to date in one transaction."""
    steps = migrations_of(kind)[from_version:]
    script = "\n".join(step.sql for step in steps)
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\n"
            f"PRAGMA application_id = {kind.application_id};\n"
            f"PRAGMA user_version = {from_version + len(steps)};\nCOMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.rollback()
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    (value,) = connection.execute(f"PRAGMA {name}").fetchone()
    return int(value)
