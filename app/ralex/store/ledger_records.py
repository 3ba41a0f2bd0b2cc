"""What the ledger's SQL takes and gives."""

from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something happens.

    Attributes:
        day: The user's local date.
        instant: ISO 8601, local with its offset.
        zone: The zone's short name.
    """

    day: str
    instant: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A reservation as it is stored.

    Attributes:
        sent_at: ISO 8601 with the offset; empty if it was not sent.
    """

    id: str
    state: str
    worst: int
    day: str
    project: str
    session: str
    model: str
    provider: str
    tier: str
    router: str
    tag: str
    purpose: str
    sent_at: str = ""

    @property
    def is_held(self) -> bool:
        """Tell whether its worst case is part of the held sums."""
        return self.state in {"reserved", "sent"}
