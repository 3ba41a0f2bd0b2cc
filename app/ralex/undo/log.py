"""Watch what a session's turns do to files, and take it back.

Everything here runs in a thread, one thing at a time, so the event loop never waits for a disk or
for git. Nothing here fails a turn: where the shell cannot be watched, that is said once, and undo
covers the files that edit and write touch.
"""

import asyncio
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from ralex.core.records import dataclass
from ralex.errors import UndoError
from ralex.undo.files import look
from ralex.undo.git import GitFailedError, GitTimeoutError, find_git
from ralex.undo.model import Change, ChangedFile, Kind, State, UndoReport
from ralex.undo.records import Records, RecordState, TurnRecord
from ralex.undo.restore import restore
from ralex.undo.shadow import Shadow

_log = logging.getLogger(__name__)
Scope = Literal["turn", "session"]
T = TypeVar("T")

_UNCOVERED = "undo covers only edits of files here, not what shell commands change"
_NO_SHELL = "what shell commands changed in this turn is not covered"
_NESTED = "undo does not cover what shell commands change in repositories inside this one"
_MOST_NAMED = 5
_FRESH_S = 1.0
_ATTEMPTS = 3
"""How many turns may wait for a first look that takes too long; each goes on where the last was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoLimits:
    """How long the shell may wait for undo, in seconds.

    Attributes:
        first_s: For the first look at a project outside a repository; three times that in one,
            where most is known already.
        later_s: For each later look.
    """

    first_s: float = 2.0
    later_s: float = 4.0


class UndoLog:
    """What one session did to the files of one project.

    Args:
        folder: Ralex's own folder of snapshots; each project has one inside it.
        left_out: Folder that is never watched even if it lies inside the project: ralex's own.
        environ: Where git is found, and whose settings the user's repository is read with.
    """

    def __init__(
        self,
        *,
        folder: Path,
        cwd: Path,
        session_id: str,
        environ: Mapping[str, str],
        left_out: Path | None = None,
        limits: UndoLimits | None = None,
    ) -> None:
        self._cwd = cwd.resolve()
        digest = hashlib.sha256(os.fsencode(self._cwd)).hexdigest()[:32]
        self._folder = folder.resolve() / digest
        self._left_out = (left_out or folder).resolve()
        self._environ = environ
        self._limits = limits or UndoLimits()
        self._records = Records(self._folder / "records", session_id)
        self._turns = threading.Lock()
        self._record: TurnRecord | None = None
        self._before: dict[str, tuple[State, bytes]] = {}
        self._shadow: Shadow | None = None
        self._has_tried = False
        self._may_try_again = False
        self._attempts_left = _ATTEMPTS
        self._is_shell_open = False
        self._is_incomplete = False
        self._has_told = False
        self._fresh_until = 0.0
        self._notices: list[str] = []

    async def before_change(self, turn_id: str, paths: Sequence[Path] | None = None) -> None:
        """Look at what a tool call is about to change.

        Args:
            paths: Real paths it will touch, or None if it may touch any, as a shell command may.
        """
        await self._quietly(lambda: self._before_change(turn_id, paths), None)

    async def after_change(self, paths: Sequence[Path] | None = None) -> tuple[str, ...]:
        """Record what a tool call changed and name it, relative to the working directory."""
        return await self._quietly(lambda: self._after_change(paths), ())

    async def remark(self, note: str) -> None:
        """Say with the running turn's record what it does not cover; what was said before stays."""
        await self._quietly(lambda: self._remark(note), None)

    async def after_turn(self, turn_id: str) -> tuple[str, ...] | None:
        """Close the turn's record and name what it changed in all.

        Also right for a turn that was interrupted: what a call did that never ended is looked for.

        Returns:
            None if no call was watched, or not all that it changed is known.
        """
        return await self._quietly(lambda: self._after_turn(turn_id), None)

    async def undo(self) -> UndoReport:
        """Take back the last turn's changes that are still as it left them.

        Raises:
            UndoError: If a turn is running, or the record cannot be written.
        """
        return await self._loudly(lambda: self._move(is_redo=False))

    async def redo(self) -> UndoReport:
        """Bring again what the last undo took back.

        Raises:
            UndoError: If a turn is running, or the record cannot be written.
        """
        return await self._loudly(lambda: self._move(is_redo=True))

    async def changes(self, scope: Scope) -> tuple[ChangedFile, ...]:
        """Show both sides of what the last turn, or the session, changed; undone turns left out.

        Raises:
            UndoError: If the records cannot be read.
        """
        return await self._loudly(lambda: self._changes(scope))

    def take_notices(self) -> list[str]:
        """Give what the user should know about undo's reach; each is given once."""
        notices, self._notices = self._notices, []
        return notices

    async def aclose(self) -> None:
        """Let go of the project's folder; safe to call twice."""
        await self._quietly(self._close, None)

    async def _quietly(self, work: Callable[[], T], otherwise: T) -> T:
        def guarded() -> T:
            try:
                return work()
            except (OSError, GitFailedError, ValueError) as error:
                self._is_incomplete = True
                self._give_up(str(error))
                return otherwise

        return await asyncio.to_thread(self._alone, guarded)

    async def _loudly(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(self._alone, work)
        except OSError as error:
            raise UndoError(
                f"undo could not use its records: {error.strerror or error}",
                hint=f"look at the space and the rights of {self._folder}",
            ) from error

    def _alone(self, work: Callable[[], T]) -> T:
        with self._turns:  # a cancelled caller leaves its thread to end in its own time
            return work()

    def _before_change(self, turn_id: str, paths: Sequence[Path] | None) -> None:
        if self._record is None or self._record.turn_id != turn_id:
            self._record = self._records.start(turn_id)
            self._is_incomplete = False
            self._fresh_until = 0.0
            if self._may_try_again:
                self._may_try_again = self._has_tried = False
        if paths is not None:
            self._fresh_until = 0.0
            for path in paths:
                shown = self._shown(path)
                self._before[shown] = look(self._cwd, shown)
            return
        shadow = self._open_shadow()
        self._is_shell_open = True
        if shadow is None:
            self._record.note = _NO_SHELL
        elif time.monotonic() > self._fresh_until:
            self._look_first(shadow)

    def _remark(self, note: str) -> None:
        if self._record is not None and not self._record.note:
            self._record.note = note

    def _look_first(self, shadow: Shadow) -> None:
        """Take what the user changed meanwhile, so that it is not laid at the command's door."""
        try:
            shadow.absorb(time.monotonic() + self._limits.later_s)
        except GitFailedError as error:
            self._give_up(str(error))
            if self._record is not None:
                self._record.note = _NO_SHELL

    def _after_change(self, paths: Sequence[Path] | None) -> tuple[str, ...]:
        record = self._record
        if record is None:
            return ()
        names = [self._shown(path) for path in paths] if paths is not None else self._shell(record)
        changed: list[str] = []
        for name in names:
            before = self._before.pop(name, None)
            after = look(self._cwd, name)
            if before is None or before[0].is_like(after[0]):
                continue
            self._records.note(record, name, before, after)
            changed.append(_printable(name))
        if changed:
            self._records.save(record)
        return tuple(changed)

    def _shell(self, record: TurnRecord) -> list[str]:
        """Find what a command changed; its former contents wait in ``_before``."""
        self._is_shell_open = False
        if self._shadow is None:
            return []
        try:
            seen = self._shadow.changes(time.monotonic() + self._limits.later_s)
        except GitFailedError as error:
            record.note = _NO_SHELL
            self._give_up(str(error))
            return []
        self._fresh_until = time.monotonic() + _FRESH_S
        for one in seen:
            self._before[one.path] = (one.before, one.content)
        return [one.path for one in seen]

    def _after_turn(self, turn_id: str) -> tuple[str, ...] | None:
        record = self._record
        if record is None or record.turn_id != turn_id:
            return None
        try:
            # A call that was interrupted has still done what it did.
            self._after_change([self._cwd / name for name in self._before])
            if self._is_shell_open:
                self._after_change(None)
        finally:
            self._record = None
        self._records.finish(record)
        if self._is_incomplete:
            return None
        return tuple(_printable(one.path) for one in record.net())

    def _move(self, *, is_redo: bool) -> UndoReport:
        if self._record is not None:
            raise UndoError("a turn is running", hint="stop it first, then undo")
        records = self._records.load()
        record = _last_undone(records) if is_redo else _last_done(records)
        if record is None:
            what = "again" if is_redo else "back"
            return UndoReport(is_redo=is_redo, note=f"there is nothing to bring {what}")
        restored, conflicts = restore(self._cwd, self._records, record, is_redo=is_redo)
        self._fresh_until = 0.0
        if restored or not conflicts:
            record.state = RecordState.DONE if is_redo else RecordState.UNDONE
            record.restored = [] if is_redo else restored
            self._records.save(record)
        return UndoReport(
            turn_id=record.turn_id,
            is_redo=is_redo,
            restored=tuple(map(_printable, restored)),
            conflicts=tuple(conflicts),
            note=record.note,
        )

    def _changes(self, scope: Scope) -> tuple[ChangedFile, ...]:
        records = [one for one in self._records.load() if one.state is RecordState.DONE]
        if scope == "turn":
            records = records[-1:]
        first: dict[str, tuple[TurnRecord, State]] = {}
        last: dict[str, tuple[TurnRecord, State]] = {}
        for record in records:
            for change in record.changes.values():
                first.setdefault(change.path, (record, change.before))
                last[change.path] = (record, change.after)
        return tuple(
            ChangedFile(
                path=_printable(path),
                before=self._records.content(*first[path]),
                after=self._records.content(*last[path]),
                note=_difference(Change(path=path, before=first[path][1], after=last[path][1])),
            )
            for path in sorted(first)
            if not first[path][1].is_like(last[path][1])
        )

    def _open_shadow(self) -> Shadow | None:
        if self._has_tried:
            return self._shadow
        self._has_tried = True
        if reason := self._unfit():
            self._give_up(reason)
            return None
        program = find_git(self._environ, self._cwd)
        if not program:
            self._give_up("git is not installed")
            return None
        shadow = Shadow(
            self._folder,
            program=program,
            environ=self._environ,
            cwd=self._cwd,
            left_out=self._left_out,
            budget_s=self._limits.first_s,
        )
        try:
            shadow.open()
        except (GitFailedError, OSError) as error:
            shadow.close()
            slow = "looking at its files takes too long"
            is_slow = isinstance(error, GitTimeoutError)
            self._attempts_left -= is_slow
            self._may_try_again = is_slow and self._attempts_left > 0
            self._give_up(slow if is_slow else str(error))
            return None
        self._shadow = shadow
        if shadow.nested:
            names = ", ".join(sorted(map(_printable, shadow.nested))[:_MOST_NAMED])
            more = f" and {len(shadow.nested) - _MOST_NAMED} more"
            names += more if len(shadow.nested) > _MOST_NAMED else ""
            self._notices.append(f"{_NESTED}: {names}")
        self._fresh_until = time.monotonic() + _FRESH_S
        return shadow

    def _unfit(self) -> str:
        """Say why a folder is not watched as a whole, or nothing."""
        homes = {Path.home().resolve(), Path(self._environ.get("HOME") or "/").resolve()}
        if any(home.is_relative_to(self._cwd) for home in homes):
            return f"{self._cwd} is not a project but a whole home or disk"
        return ""

    def _give_up(self, reason: str) -> None:
        """Go on without the shell, and say so once."""
        _log.warning("undo is limited: %s", reason)
        self._has_tried = True
        shadow, self._shadow = self._shadow, None
        if shadow is not None:
            shadow.close()
        if not self._has_told:
            self._has_told = True
            self._notices.append(f"{_UNCOVERED}: {reason}")

    def _close(self) -> None:
        shadow, self._shadow = self._shadow, None
        self._has_tried = False
        if shadow is not None:
            shadow.close()

    def _shown(self, path: Path) -> str:
        inside = path.is_relative_to(self._cwd)
        return str(path.relative_to(self._cwd) if inside else path)


def _last_done(records: Sequence[TurnRecord]) -> TurnRecord | None:
    done = [one for one in records if one.state is RecordState.DONE]
    return done[-1] if done else None


def _last_undone(records: Sequence[TurnRecord]) -> TurnRecord | None:
    """Find the record that was undone last: undoing goes backwards, so it is the oldest."""
    return next((one for one in records if one.state is RecordState.UNDONE), None)


def _difference(change: Change) -> str:
    """Say what bytes do not."""
    before, after = change.before.kind, change.after.kind
    if not change.is_kept:
        return "not kept"
    if Kind.ABSENT in {before, after}:
        return ""
    if change.is_of_mode and change.before.permissions is not None:
        return f"mode {change.before.permissions:o} → {change.after.permissions or 0:o}"
    if before is after:
        return ""
    return f"{before} → {after}"


def _printable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
