"""What a call costs, what it may cost at worst, and the step from dollars to nano-dollars."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

from ralex.core.models import (
    DatedRates,
    LongContextRates,
    PriceCeiling,
    PriceList,
    Rates,
)
from ralex.core.usage import Usage

NANO = Decimal(1_000_000_000)
_MTOK = Decimal(1_000_000)


def to_nano(usd: Decimal) -> int:
    """Convert USD to whole nano-dollars, rounded up so that a sum is never too small."""
    return int((usd * NANO).to_integral_value(rounding=ROUND_CEILING))


def from_nano(nano: int) -> Decimal:
    """Convert nano-dollars to USD exactly."""
    return Decimal(nano) / NANO


def flat_price(rates: Rates, *, source: str = "") -> PriceList:
    """Make a price list with one set of rates at all times."""
    return PriceList(dated=(DatedRates(effective_from=None, rates=rates),), source=source)


def is_free(price: PriceList) -> bool:
    """Tell whether every rate is an explicit zero."""
    return not any(max(_values(rates)) for rates in _all_rates(price))


def rates_at(price: PriceList, instant: datetime, *, total_input_tokens: int) -> Rates:
    """Pick the rates in force for a request of this size at this moment.

    Args:
        instant: A time with a zone; compared in UTC, as price lists are stated.
        total_input_tokens: All input tokens of the request, cached or not.
    """
    utc = instant.astimezone(UTC)
    for peak in price.peaks:
        inside = peak.start <= utc.time() < peak.end
        if inside and not (peak.weekdays_only and utc.weekday() >= 5):
            return peak.rates
    current = price.dated[0]
    for entry in price.dated:
        if entry.effective_from is None or entry.effective_from <= utc.date():
            current = entry
    rates = current.rates
    for step in sorted(current.long_context, key=_threshold):
        if total_input_tokens > step.above_input_tokens:
            rates = step.rates
    return rates


def cost_usd(price: PriceList, usage: Usage, instant: datetime) -> Decimal:
    """Price a finished call with the rates of its moment, in USD."""
    rates = rates_at(price, instant, total_input_tokens=usage.total_input_tokens)
    cache_read = rates.input if rates.cache_read is None else rates.cache_read
    cache_write = rates.input if rates.cache_write is None else rates.cache_write
    per_mtok = (
        usage.input_tokens * rates.input
        + usage.cache_read_tokens * cache_read
        + usage.cache_write_tokens * cache_write
        + usage.output_tokens * rates.output
    )
    return per_mtok / _MTOK


def worst_case_rates(
    price: PriceList, *, input_tokens: int, instant: datetime
) -> tuple[Decimal, Decimal]:
    """Find the dearest input and output rate that can apply to a request sent now.

    Peak windows always count, because the call may end after one begins, and so do future dated
    rates that begin within a day. Rates for longer requests count only where ``input_tokens``, an
    upper bound, reaches them.

    Returns:
        USD per million tokens for input (fresh or written to a cache) and for output.
    """
    rates = _possible_rates(price, input_tokens=input_tokens, instant=instant)
    inputs = [max(_input_values(one)) for one in rates]
    return max(inputs), max(one.output for one in rates)


def price_ceiling(price: PriceList, instant: datetime) -> PriceCeiling:
    """Give the dearest plain rates that can apply to a short request sent now.

    Rates for longer requests and for cache writes are left out: whoever lists no dearer plain
    rates, bills no more for those either.
    """
    rates = _possible_rates(price, input_tokens=0, instant=instant)
    return PriceCeiling(
        input=max(one.input for one in rates), output=max(one.output for one in rates)
    )


def worst_case_usd(
    price: PriceList, *, input_tokens: int, max_output_tokens: int, instant: datetime
) -> Decimal:
    """Give the most a call can cost, in USD: all input at the dearest rate, all output used.

    Args:
        input_tokens: An upper bound on the request's tokens.
        max_output_tokens: The cap that is sent with the request.
    """
    input_rate, output_rate = worst_case_rates(price, input_tokens=input_tokens, instant=instant)
    return (input_tokens * input_rate + max_output_tokens * output_rate) / _MTOK


def affordable_output_tokens(
    price: PriceList, *, input_tokens: int, available_usd: Decimal, instant: datetime
) -> int | None:
    """Tell how many output tokens still fit into a sum.

    Returns:
        None if output is free, a negative number if not even the input fits.
    """
    input_rate, output_rate = worst_case_rates(price, input_tokens=input_tokens, instant=instant)
    left = available_usd - input_tokens * input_rate / _MTOK
    if left < 0:
        return -1
    if output_rate == 0:
        return None
    return int(left * _MTOK / output_rate)


def _possible_rates(price: PriceList, *, input_tokens: int, instant: datetime) -> list[Rates]:
    utc = instant.astimezone(UTC)
    found = [rates_at(price, utc, total_input_tokens=0)]
    found += [peak.rates for peak in price.peaks]
    for position, entry in enumerate(price.dated):
        starts = entry.effective_from
        follower = price.dated[position + 1] if position + 1 < len(price.dated) else None
        is_over = (
            follower is not None
            and follower.effective_from is not None
            and follower.effective_from <= utc.date()
        )
        is_far = starts is not None and (starts - utc.date()).days > 1
        if is_over or is_far:
            continue
        found.append(entry.rates)
        found += [
            step.rates for step in entry.long_context if input_tokens > step.above_input_tokens
        ]
    return found


def _threshold(step: LongContextRates) -> int:
    return step.above_input_tokens


def _input_values(rates: Rates) -> Iterable[Decimal]:
    return [
        value
        for value in (rates.input, rates.cache_read, rates.cache_write, rates.cache_write_1h)
        if value is not None
    ]


def _values(rates: Rates) -> Iterable[Decimal]:
    return [*_input_values(rates), rates.output]


def _all_rates(price: PriceList) -> Iterable[Rates]:
    yield from (peak.rates for peak in price.peaks)
    for entry in price.dated:
        yield entry.rates
        yield from (step.rates for step in entry.long_context)
