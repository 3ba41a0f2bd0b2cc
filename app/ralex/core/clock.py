"""Tell a clock that was set forward from time that passed."""

from ralex.core.records import dataclass

MOST_LEAP_S = 86_400.0
"""A clock may be corrected by up to a day; more than that opens no new day's limit by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMark:
    """What the wall clock and the machine's own count of time said at one moment.

    Attributes:
        wall_s: Seconds since the epoch (UTC).
        uptime_s: Seconds since the machine started, its sleep included.
        boot: The machine's current run; counts of different runs cannot be compared.
    """

    wall_s: float
    uptime_s: float
    boot: str


def leap_s(last: ClockMark | None, now: ClockMark) -> float:
    """Give by how many seconds the wall clock went further than time did; 0 if nobody can tell."""
    if last is None or not now.boot or last.boot != now.boot:
        return 0.0
    return (now.wall_s - last.wall_s) - (now.uptime_s - last.uptime_s)
