"""What a provider says of its rate limits, and how much of them is left as time goes on."""

from ralex.core.records import dataclass

_STALE_S = 60.0
"""An answer that names no reset is believed for so long: most limits are those of a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One limit as an answer told it.

    Attributes:
        remaining: Requests or tokens that may still be sent before the reset.
        limit: What there is after a reset, or None if the provider does not say.
        reset_s: Seconds from the answer until the limit is whole again, or None.
    """

    remaining: int
    limit: int | None = None
    reset_s: float | None = None

    def share_left(self, *, used: int = 0, age_s: float = 0.0) -> float:
        """Estimate what is left as a share from 0 to 1; 1 where nothing speaks against it.

        Args:
            used: What was sent since the answer.
            age_s: Seconds since the answer; after the reset it says nothing any more.
        """
        if age_s >= (_STALE_S if self.reset_s is None else self.reset_s):
            return 1.0
        left = self.remaining - used
        if left <= 0:
            return 0.0
        if not self.limit:
            return 1.0
        return min(1.0, left / self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The limits told with one answer; the tightest of each kind.

    It comes, if at all, once and before the parts of the reply.
    """

    requests: Allowance | None = None
    tokens: Allowance | None = None
