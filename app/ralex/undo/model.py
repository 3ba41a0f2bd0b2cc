"""What undo remembers and what it reports."""

from enum import StrEnum

from ralex.core.records import dataclass


class Kind(StrEnum):
    """What is at a path."""

    ABSENT = "absent"
    FILE = "file"
    PROGRAM = "program"
    """A file that its owner may execute."""
    LINK = "link"
    OTHER = "other"
    """Something whose content is not kept: too large, unreadable, a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One path at one moment.

    Attributes:
        digest: SHA-256 of the content or of a link's target. For OTHER whatever changes with it.
        permissions: Mode bits as they were, or None where only the kind is known.
    """

    kind: Kind
    digest: str = ""
    permissions: int | None = None

    def is_same(self, other: "State") -> bool:
        """Tell whether a path holds the same in both; permissions beyond execution are let be."""
        return self.kind is other.kind and self.digest == other.digest

    def is_like(self, other: "State") -> bool:
        """Tell whether nothing at all differs, so far as it is known."""
        are_known = self.permissions is not None and other.permissions is not None
        return self.is_same(other) and not (are_known and self.permissions != other.permissions)


ABSENT = State(kind=Kind.ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a turn did to one path.

    Attributes:
        path: Relative to the working directory where it lies inside, else absolute.
    """

    path: str
    before: State
    after: State

    @property
    def is_of_mode(self) -> bool:
        """Tell whether nothing changed but permissions."""
        return self.before.is_same(self.after)

    @property
    def is_kept(self) -> bool:
        """Tell whether both sides can be brought back."""
        return Kind.OTHER not in {self.before.kind, self.after.kind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A path that was left alone, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What an undo or redo came to.

    Attributes:
        turn_id: The turn that was taken back or brought again; empty if there was none.
        restored: Paths that are now as they were before it (or, after a redo, as it left them).
        conflicts: Paths that were left alone, such as those changed since.
        note: What else the user should know, in one line, or empty.
    """

    turn_id: str = ""
    is_redo: bool = False
    restored: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """Both sides of a changed file, for showing.

    Attributes:
        before: Its bytes, or None if there was nothing or it was not kept.
        after: The same afterwards.
        note: What bytes do not say: ``not kept``, ``mode 100644 → 100755``; or empty.
    """

    path: str
    before: bytes | None
    after: bytes | None
    note: str = ""
