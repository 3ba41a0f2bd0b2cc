"""The four quality levels a task can be given."""

from enum import StrEnum


class Tier(StrEnum):
    """A named quality level, cheapest first."""

    SIMPLE = "SIMPLE"
    MEDIUM = "MEDIUM"
    COMPLEX = "COMPLEX"
    REASONING = "REASONING"

    @property
    def rank(self) -> int:
        """Place from 0 (SIMPLE) to 3 (REASONING)."""
        return TIERS.index(self)


TIERS: tuple[Tier, ...] = (Tier.SIMPLE, Tier.MEDIUM, Tier.COMPLEX, Tier.REASONING)
