"""Walk a folder the way a developer sees it: no .git, nothing ignored, no links followed.

The walk is bounded by time and number, because a tree may hold a million files or sit on a slow
disk.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from ralex.core.records import dataclass

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MAX_FILES = 100_000
MAX_SECONDS = 5.0
_MAX_IGNORE_BYTES = 256 * 1024
_CLOCK_EVERY = 200
ALWAYS_SKIPPED = frozenset({".git", ".hg", ".svn"})
"""Never looked into, and never found."""


@dataclass(slots=True)
class WalkLimits:
    """How far a walk may go, and whether it stopped early.

    Attributes:
        seconds: Of wall time.
        is_cut: Set by the walk when a limit ended it.
        denied: Folders that may not be listed, added by the walk.
    """

    files: int = MAX_FILES
    seconds: float = MAX_SECONDS
    is_cut: bool = False
    denied: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The ignore files from the repository's root down to one folder.

    Attributes:
        levels: Folder and its patterns, outermost first.
    """

    levels: tuple[tuple[str, "GitIgnoreSpec"], ...] = ()

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Tell whether git would ignore a path; the innermost rule that speaks decides."""
        for folder, spec in reversed(self.levels):
            relative = path[len(folder) :].lstrip("/") + ("/" if is_folder else "")
            verdict = spec.check_file(relative).include
            if verdict is not None:
                return verdict
        return False

    def entering(self, folder: str) -> "IgnoreRules":
        """Add a folder's own rules."""
        spec = _spec(os.path.join(folder, ".gitignore"))  # noqa: PTH118 - a walk's hot path
        return IgnoreRules((*self.levels, (folder, spec))) if spec is not None else self


@dataclass(slots=True)
class _Clock:
    limits: WalkLimits
    ends_at: float = 0.0
    seen: int = 0
    files: int = field(default=0)

    def __post_init__(self) -> None:
        self.ends_at = time.monotonic() + self.limits.seconds

    def is_over(self, *, listed: int) -> bool:
        self.seen += 1
        if self.files + listed >= self.limits.files or (
            self.seen % _CLOCK_EVERY == 0 and time.monotonic() > self.ends_at
        ):
            self.limits.is_cut = True
        return self.limits.is_cut


def rules_above(folder: Path) -> IgnoreRules:
    """Collect the ignore files that apply to a folder: its repository's root down to its parent.

    A folder that is ignored itself has none: whoever names it wants to see what is in it.
    """
    rules = _rules_around(folder)
    return IgnoreRules() if rules is None else rules


def is_ignored(folder: Path) -> bool:
    """Tell whether git ignores a folder or one above it."""
    return _rules_around(folder) is None


def _rules_around(folder: Path) -> IgnoreRules | None:
    root = next((p for p in (folder, *folder.parents) if _exists(p / ".git")), None)
    rules = IgnoreRules()
    if root is None:
        return rules
    if (exclude := _spec(str(root / ".git" / "info" / "exclude"))) is not None:
        rules = IgnoreRules(((str(root), exclude),))
    inside = [folder, *(p for p in folder.parents if p.is_relative_to(root))]
    for above, below in pairwise(reversed(inside)):
        rules = rules.entering(str(above))
        if rules.ignores(str(below), is_folder=True):
            return None
    return rules


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def walk_files(folder: Path, limits: WalkLimits) -> Iterator[str]:
    """Give the regular files under a real folder, as paths, folder by folder in name order.

    Links are neither given nor followed, so that loops and ways out do not exist.
    """
    clock = _Clock(limits)
    pending: list[tuple[str, IgnoreRules]] = [(str(folder), rules_above(folder))]
    while pending:
        current, rules = pending.pop()
        rules = rules.entering(current)
        folders: list[str] = []
        for entry in _entries(current, clock):
            if entry.name in ALWAYS_SKIPPED:
                continue
            is_folder = _is_folder(entry)
            if not is_folder and not _is_regular(entry):
                continue
            if rules.ignores(entry.path, is_folder=is_folder):
                continue
            if is_folder:
                folders.append(entry.path)
            else:
                clock.files += 1
                yield entry.path
        if limits.is_cut:
            return
        pending.extend((path, rules) for path in sorted(folders, reverse=True))


def _entries(folder: str, clock: _Clock) -> Sequence[os.DirEntry[str]]:
    """List a folder in name order; one that cannot be listed is passed over."""
    found: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if clock.is_over(listed=len(found)):
                    break
                found.append(entry)
    except PermissionError:
        clock.limits.denied.append(folder)
    except OSError:
        return found
    return sorted(found, key=lambda entry: entry.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_regular(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def _spec(path: str) -> "GitIgnoreSpec | None":
    """Read an ignore file; None if there is none or it says nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(descriptor, _MAX_IGNORE_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    finally:
        os.close(descriptor)
    patterns = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not patterns:
        return None
    # Imported here because most sessions' first tool call is not a walk.
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError:
        return None
