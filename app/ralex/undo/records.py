"""One record for each turn: which paths it changed, and the bytes of both sides.

A record is two files. ``<number>.blobs`` holds compressed contents one after the other and only
ever grows; ``<number>.json`` says what they are and is replaced whole after every call, so that a
killed process leaves a record of all calls that ended.
"""

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from typing import cast

from ralex.core.records import dataclass
from ralex.undo.files import make_private_folder
from ralex.undo.model import ABSENT, Change, Kind, State

KEPT_RECORDS = 50
MAX_RECORD_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 1024 * 1024 * 1024
_ORPHAN_S = 24 * 3600
_VERSION = 1


class RecordState(StrEnum):
    """Whether a turn's changes are there."""

    DONE = "done"
    UNDONE = "undone"
    DROPPED = "dropped"
    """Undone, and something else was done since: it is not brought again."""


@dataclass(slots=True, kw_only=True)
class TurnRecord:
    """What one turn did to files.

    Attributes:
        number: Grows with each turn of a session.
        note: What the record does not cover, or empty.
        restored: Paths that an undo took back.
        blobs: Digest → place and length in the file of contents.
    """

    number: int
    turn_id: str
    state: RecordState = RecordState.DONE
    note: str = ""
    changes: dict[str, Change] = field(default_factory=dict[str, Change])
    restored: list[str] = field(default_factory=list[str])
    blobs: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def net(self) -> list[Change]:
        """List changes that are still there at the end of the turn, in order of first change."""
        return [one for one in self.changes.values() if not one.before.is_like(one.after)]


class Records:
    """The records of one session in one project. Not safe for threads.

    Args:
        folder: Of the project's records; each session has a folder of its own inside.
    """

    def __init__(self, folder: Path, session_id: str) -> None:
        self._project = folder
        is_plain = re.fullmatch(r"[\w-]{1,100}", session_id) is not None
        name = session_id if is_plain else hashlib.sha256(session_id.encode()).hexdigest()[:32]
        self._folder = folder / name

    def start(self, turn_id: str) -> TurnRecord:
        """Begin a record; nothing is written before there is something to keep."""
        numbers = [int(path.stem) for path in self._folder.glob("[0-9]*.*") if path.stem.isdigit()]
        return TurnRecord(number=max(numbers, default=0) + 1, turn_id=turn_id)

    def note(
        self, record: TurnRecord, path: str, before: tuple[State, bytes], after: tuple[State, bytes]
    ) -> None:
        """Add a change; the first side of a path's first change and the last of its last count.

        Raises:
            OSError: If it cannot be kept.
        """
        known = record.changes.get(path)
        if known is None and before[0].is_like(after[0]):
            return
        first = self._keep(record, *before) if known is None else known.before
        record.changes[path] = Change(path=path, before=first, after=self._keep(record, *after))

    def content(self, record: TurnRecord, state: State) -> bytes | None:
        """Read the content of a state; None if it is not kept."""
        place = record.blobs.get(state.digest)
        if state.kind in {Kind.ABSENT, Kind.OTHER} or place is None:
            return None
        try:
            with self._blobs(record).open("rb") as file:
                file.seek(place[0])
                content = zlib.decompress(file.read(place[1]))
        except (OSError, zlib.error):
            return None
        return content if hashlib.sha256(content).hexdigest() == state.digest else None

    def save(self, record: TurnRecord) -> None:
        """Write what a record says; one without lasting changes is removed.

        Raises:
            OSError: If it cannot be written.
        """
        manifest = self._folder / f"{record.number:06d}.json"
        changes = record.net()
        if not changes and record.state is RecordState.DONE:
            manifest.unlink(missing_ok=True)
            return
        used = {one.digest for change in changes for one in (change.before, change.after)}
        text = json.dumps(
            {
                "version": _VERSION,
                "turn_id": record.turn_id,
                "state": record.state,
                "note": record.note,
                "restored": record.restored,
                "changes": [
                    [one.path, _encoded(one.before), _encoded(one.after)] for one in changes
                ],
                "blobs": {name: place for name, place in record.blobs.items() if name in used},
            }
        )
        make_private_folder(self._folder)
        temporary = manifest.with_name(f"{manifest.name}.{secrets.token_hex(4)}")
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(manifest)

    def finish(self, record: TurnRecord) -> None:
        """Write a record for the last time in its turn and drop those that are too many.

        Raises:
            OSError: If it cannot be written.
        """
        self.save(record)
        if record.net():
            for older in self.load():
                if older.state is RecordState.UNDONE:
                    older.state = RecordState.DROPPED
                    self.save(older)
        else:
            self._blobs(record).unlink(missing_ok=True)
        self._prune()

    def load(self) -> list[TurnRecord]:
        """Read the session's records, oldest first; unreadable ones are passed over."""
        records = (_read(path) for path in sorted(self._folder.glob("[0-9]*.json")))
        return [record for record in records if record is not None]

    def _blobs(self, record: TurnRecord) -> Path:
        return self._folder / f"{record.number:06d}.blobs"

    def _keep(self, record: TurnRecord, state: State, content: bytes) -> State:
        """Keep a content; where a record grows too large only its digest is kept."""
        if state.kind in {Kind.ABSENT, Kind.OTHER} or state.digest in record.blobs:
            return state
        packed = zlib.compress(content, 1)
        make_private_folder(self._folder)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        with os.fdopen(os.open(self._blobs(record), flags, 0o600), "ab") as file:
            place = file.seek(0, os.SEEK_END)
            if place + len(packed) > MAX_RECORD_BYTES:
                return State(kind=Kind.OTHER, digest=f"{state.kind} {state.digest}")
            file.write(packed)
        record.blobs[state.digest] = (place, len(packed))
        return state

    def _prune(self) -> None:
        """Keep the project's last records, within a size, and sweep what killed processes left."""
        manifests = _by_age(self._project.glob("*/[0-9]*.json"))
        total = 0
        for rank, (_, manifest) in enumerate(manifests):
            blobs = manifest.with_suffix(".blobs")
            with contextlib.suppress(OSError):
                total += blobs.stat().st_size
            if rank >= KEPT_RECORDS or (rank and total > MAX_TOTAL_BYTES):
                manifest.unlink(missing_ok=True)
                blobs.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    manifest.parent.rmdir()  # goes only if it is empty now
        for changed_s, blobs in _by_age(self._project.glob("*/[0-9]*.blobs")):
            is_old = time.time() - changed_s > _ORPHAN_S
            if is_old and not blobs.with_suffix(".json").exists():
                blobs.unlink(missing_ok=True)


def _by_age(paths: Iterable[Path]) -> list[tuple[float, Path]]:
    """Sort paths, the last changed first."""
    found: list[tuple[float, Path]] = []
    for path in paths:
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path))
    return sorted(found, reverse=True)


def _encoded(state: State) -> list[str | int | None]:
    return [state.kind, state.digest, state.permissions]


def _read(path: Path) -> TurnRecord | None:
    try:
        data = cast("object", json.loads(path.read_text(encoding="utf-8")))
        return _record(int(path.stem), data)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _record(number: int, data: object) -> TurnRecord:
    """Read a manifest.

    Raises:
        ValueError, TypeError, KeyError: If it is not one.
    """
    if not isinstance(data, dict):
        raise TypeError("not a record")
    fields = cast("dict[str, object]", data)
    if fields["version"] != _VERSION:
        raise ValueError("a record of another version")
    changes = [
        Change(path=str(path), before=_state(before), after=_state(after))
        for path, before, after in cast("Sequence[Sequence[object]]", fields["changes"])
    ]
    places = cast("dict[str, Sequence[int]]", fields["blobs"])
    return TurnRecord(
        number=number,
        turn_id=str(fields["turn_id"]),
        state=RecordState(str(fields["state"])),
        note=str(fields["note"]),
        changes={one.path: one for one in changes},
        restored=[str(one) for one in cast("Sequence[object]", fields["restored"])],
        blobs={name: (int(place[0]), int(place[1])) for name, place in places.items()},
    )


def _state(data: object) -> State:
    kind, digest, permissions = cast("Sequence[object]", data)
    if kind == Kind.ABSENT:
        return ABSENT
    if permissions is not None and not isinstance(permissions, int):
        raise TypeError("permissions are a number")
    return State(kind=Kind(str(kind)), digest=str(digest), permissions=permissions)
