"""Prices: exact sums, rates of the moment, and worst cases that no real bill passes."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ralex.core.models import (
    DatedRates,
    LongContextRates,
    PeakRates,
    PriceCeiling,
    PriceList,
    Rates,
)
from ralex.core.pricing import (
    affordable_output_tokens,
    cost_usd,
    flat_price,
    from_nano,
    is_free,
    price_ceiling,
    rates_at,
    to_nano,
    worst_case_rates,
    worst_case_usd,
)
from ralex.core.usage import Usage

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def rates(base: int) -> Rates:
    return Rates(input=Decimal(base), output=Decimal(base * 4), cache_read=Decimal(base) / 10)


PRICE = PriceList(
    dated=(
        DatedRates(effective_from=None, rates=rates(8)),
        DatedRates(
            effective_from=date(2026, 9, 10),
            rates=rates(2),
            long_context=(LongContextRates(above_input_tokens=1000, rates=rates(4)),),
        ),
    ),
    peaks=(PeakRates(start=time(1), end=time(4), weekdays_only=True, rates=rates(6)),),
)

tokens = st.integers(min_value=0, max_value=5_000)
instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def test_a_cost_is_the_exact_sum_of_its_buckets() -> None:
    usage = Usage(input_tokens=100, cache_read_tokens=50, output_tokens=10)
    assert cost_usd(PRICE, usage, NOON) == Decimal("0.00029")


def test_an_old_call_is_priced_with_the_rates_of_its_day() -> None:
    before = datetime(2026, 9, 9, 12, tzinfo=UTC)
    assert rates_at(PRICE, before, total_input_tokens=10).input == 8
    assert rates_at(PRICE, NOON, total_input_tokens=10).input == 2


def test_long_requests_are_repriced_whole() -> None:
    assert rates_at(PRICE, NOON, total_input_tokens=1000).input == 2
    assert rates_at(PRICE, NOON, total_input_tokens=1001).input == 4


def test_peak_hours_apply_on_weekdays_only() -> None:
    friday, saturday = datetime(2026, 11, 20, 2, tzinfo=UTC), datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert rates_at(PRICE, friday, total_input_tokens=10).input == 6
    assert rates_at(PRICE, saturday, total_input_tokens=10).input == 2


@given(fresh=tokens, read=tokens, written=tokens, output=tokens, instant=instants)
def test_no_bill_passes_the_worst_case(
    fresh: int, read: int, written: int, output: int, instant: datetime
) -> None:
    usage = Usage(
        input_tokens=fresh,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=output,
    )
    worst = worst_case_usd(
        PRICE,
        input_tokens=usage.total_input_tokens,
        max_output_tokens=output,
        instant=instant,
    )
    assert cost_usd(PRICE, usage, instant) <= worst


@given(available=st.decimals("0", "1", places=6), bound=tokens)
def test_what_is_affordable_fits(available: Decimal, bound: int) -> None:
    affordable = affordable_output_tokens(
        PRICE, input_tokens=bound, available_usd=available, instant=NOON
    )
    assert affordable is not None
    if affordable >= 0:
        worst = worst_case_usd(
            PRICE, input_tokens=bound, max_output_tokens=affordable, instant=NOON
        )
        assert worst <= available


@given(st.decimals("0", "1000", places=12))
def test_nano_dollars_round_up_and_never_down(usd: Decimal) -> None:
    nano = to_nano(usd)
    assert from_nano(nano) >= usd
    assert from_nano(nano - 1) < usd or nano == 0


def test_free_is_an_explicit_zero() -> None:
    zero = Rates(input=Decimal(0), output=Decimal(0))
    assert is_free(flat_price(zero))
    assert not is_free(PRICE)


def test_the_ceiling_is_the_dearest_plain_rate_that_may_come() -> None:
    ceiling = price_ceiling(PRICE, NOON)
    worst = worst_case_rates(PRICE, input_tokens=0, instant=NOON)
    assert ceiling.output == worst[1]
    assert ceiling.input <= worst[0]
    plain = flat_price(
        Rates(input=Decimal(3), output=Decimal(15), cache_write=Decimal("3.75")), source=""
    )
    assert price_ceiling(plain, NOON) == PriceCeiling(input=Decimal(3), output=Decimal(15))
