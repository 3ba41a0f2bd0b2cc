"""Bring files back from a record: only what the turn changed, and only where it still is so."""

from collections.abc import Sequence
from pathlib import Path

from ralex.undo.files import look, put, remove, set_permissions
from ralex.undo.model import Change, Conflict, Kind, State
from ralex.undo.records import Records, TurnRecord

_SYNCED_FILES = 50
"""Beyond this many the disk is not waited for: each wait takes milliseconds."""


def restore(
    root: Path, records: Records, record: TurnRecord, *, is_redo: bool
) -> tuple[list[str], list[Conflict]]:
    """Put the paths of a record back, or with ``is_redo`` bring its changes again.

    Returns:
        The paths that were restored, and those left alone.
    """
    chosen = [
        one
        for one in record.changes.values()
        if not is_redo or not record.restored or one.path in record.restored
    ]
    conflicts: list[Conflict] = []
    removals: list[Change] = []
    writes: list[tuple[Change, State, bytes]] = []
    for change in chosen:
        wanted, expected = _sides(change, is_redo=is_redo)
        if not change.is_kept:
            conflicts.append(Conflict(path=change.path, reason="too large or unreadable to keep"))
            continue
        now, _ = look(root, change.path)
        is_as = now.is_like if change.is_of_mode else now.is_same
        if is_as(wanted):
            continue
        if not is_as(expected):
            conflicts.append(Conflict(path=change.path, reason="changed since"))
        elif wanted.kind is Kind.ABSENT:
            removals.append(change)
        elif (content := records.content(record, wanted)) is None:
            conflicts.append(Conflict(path=change.path, reason="its content is not kept any more"))
        else:
            writes.append((change, wanted, content))
    restored = _remove_all(root, removals, conflicts)
    restored += _write_all(root, writes, conflicts)
    return sorted(restored), sorted(conflicts, key=lambda one: one.path)


def _sides(change: Change, *, is_redo: bool) -> tuple[State, State]:
    """Give what a path is to hold and what it must hold now."""
    return (change.after, change.before) if is_redo else (change.before, change.after)


def _remove_all(root: Path, removals: Sequence[Change], conflicts: list[Conflict]) -> list[str]:
    restored: list[str] = []
    for change in sorted(removals, key=lambda one: one.path, reverse=True):  # what is inside first
        try:
            remove(root, change.path)
        except OSError as error:
            conflicts.append(_refused(change.path, error))
        else:
            restored.append(change.path)
    return restored


def _write_all(
    root: Path, writes: Sequence[tuple[Change, State, bytes]], conflicts: list[Conflict]
) -> list[str]:
    restored: list[str] = []
    syncs = len(writes) <= _SYNCED_FILES
    for change, wanted, content in writes:
        try:
            if change.is_of_mode and wanted.permissions is not None:
                set_permissions(root, change.path, wanted.permissions)
            else:
                put(root, change.path, wanted, content, syncs=syncs)
        except OSError as error:
            conflicts.append(_refused(change.path, error))
        else:
            restored.append(change.path)
    return restored


def _refused(path: str, error: OSError) -> Conflict:
    return Conflict(path=path, reason=(error.strerror or str(error)).lower())
