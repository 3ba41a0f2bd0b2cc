"""Where the day's money leads at the pace it goes: an estimate for showing, never a limit."""

from decimal import Decimal

from ralex.core.budget import format_usd
from ralex.core.records import dataclass

_HOUR_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DayForecast:
    """How fast money goes, and where that leads; an estimate for showing, never a limit.

    Attributes:
        last_hour_usd: Settled within the last sixty minutes: the burn rate in USD an hour.
        end_of_day_usd: What the day will have cost at its end.
        hours_to_limit: Until nothing is left at the burn rate; None if today ends before.
    """

    last_hour_usd: Decimal
    end_of_day_usd: Decimal
    hours_to_limit: float | None


def forecast_day(
    *,
    spent_usd: Decimal,
    last_hour_usd: Decimal,
    left_usd: Decimal | None,
    elapsed_s: int,
    remaining_s: int,
) -> DayForecast:
    """Carry the day's pace on to its end.

    The rest of the day goes on at the mean of two paces: the last hour's, which knows that work is
    going on now, and the day's own, which knows that nobody works around the clock.

    Args:
        left_usd: What the day's limit still allows; None without one.
        elapsed_s: Seconds of the user's local day so far.
        remaining_s: Seconds until it ends.
    """
    remaining_h = Decimal(max(0, remaining_s)) / _HOUR_S
    day_pace = spent_usd * _HOUR_S / max(_HOUR_S, elapsed_s)
    hours_to_limit = None
    if left_usd is not None and last_hour_usd > 0 and left_usd < last_hour_usd * remaining_h:
        hours_to_limit = float(left_usd / last_hour_usd)
    return DayForecast(
        last_hour_usd=last_hour_usd,
        end_of_day_usd=_to_the_nano(spent_usd + (last_hour_usd + day_pace) / 2 * remaining_h),
        hours_to_limit=hours_to_limit,
    )


def _to_the_nano(usd: Decimal) -> Decimal:
    """Cut an estimate to the digits that sums of money have."""
    return usd.quantize(Decimal("0.000000001")).normalize() + 0


def forecast_line(forecast: DayForecast) -> str:
    """Write a forecast in one line; empty if nothing is being spent."""
    if not forecast.end_of_day_usd:
        return ""
    line = (
        f"{format_usd(forecast.last_hour_usd)} in the last hour, "
        f"about {format_usd(forecast.end_of_day_usd)} by the end of the day"
    )
    if forecast.hours_to_limit is None:
        return line
    if not forecast.hours_to_limit:
        return f"{line}; nothing is left today"
    return f"{line}; at this rate nothing is left in {forecast.hours_to_limit:.1f} h"
