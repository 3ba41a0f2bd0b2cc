"""Which background commands run, on disk, so that those of a killed ralex are found and ended."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import cast

from ralex.core.records import dataclass
from ralex.tools.process import birth_of, end_leftovers

_MAX_RECORDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One background command, as other processes of ralex need to know it.

    Attributes:
        number: From 1 within its session.
        pid: Leader of the command's process group.
        birth: When that process began, as ``birth_of`` tells it.
        marker: Word in the environment of everything the command started.
        owner_pid: The ralex that started it.
        end: How it ended, in words for the model, or empty while it runs.
        output: The file with what it printed.
    """

    session: str
    number: int
    command: str
    pid: int
    birth: str
    marker: str
    owner_pid: int
    owner_birth: str
    output: str
    end: str = ""

    @property
    def is_abandoned(self) -> bool:
        """Tell whether it was left running by a ralex that is gone."""
        return not self.end and not _is_same(self.owner_pid, self.owner_birth)


class JobRecords:
    """A folder with one small file for each command that runs or whose end was not told yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: JobRecord) -> None:
        """Store a record; a disk that does not take it is no reason to refuse the command."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._path(record.session, record.number)
            temporary = path.with_suffix(".tmp")
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(record), file)
            temporary.replace(path)

    def remove(self, session: str, number: int) -> None:
        """Forget a command whose end is known to everybody."""
        with suppress(OSError):
            self._path(session, number).unlink()

    def all(self) -> Iterator[JobRecord]:
        """Read the records; one that cannot be read is passed over.

        Beyond a thousand the oldest go: their sessions were not taken up for long.
        """
        try:
            with os.scandir(self._folder) as entries:
                found = [
                    (entry.stat().st_mtime, entry.path)
                    for entry in entries
                    if entry.name.endswith(".json")
                ]
        except OSError:
            return
        found.sort(reverse=True)
        for place, (_, name) in enumerate(found):
            record = _read(Path(name))
            if record is None:
                continue
            yield record
            if place >= _MAX_RECORDS:
                self.remove(record.session, record.number)

    def _path(self, session: str, number: int) -> Path:
        return self._folder / f"{session}-{number}.json"


def owner() -> tuple[int, str]:
    """Identify this process."""
    return os.getpid(), birth_of(os.getpid())


def end_abandoned(record: JobRecord, grace_s: float) -> bool:
    """End what is left of an abandoned command, and tell whether anything was.

    Only processes that carry its mark are touched, and its group only while the process that led it
    is still the same one: numbers are used again.
    """
    group = record.pid if _is_same(record.pid, record.birth) else None
    return end_leftovers(group, record.marker, grace_s)


def _is_same(process_id: int, birth: str) -> bool:
    return bool(birth) and birth_of(process_id) == birth


def _read(path: Path) -> JobRecord | None:
    try:
        found = cast("object", json.loads(path.read_text(encoding="utf-8")))
        if not isinstance(found, dict):
            return None
        values = cast("dict[str, object]", found)
        wanted = {one.name: one.type for one in fields(JobRecord)}
        if set(values) != set(wanted):
            return None
        for name, kind in wanted.items():
            if not isinstance(values[name], cast("type", kind)):
                return None
        return JobRecord(**values)  # pyright: ignore[reportArgumentType] - types were compared above
    except (OSError, ValueError):
        return None
