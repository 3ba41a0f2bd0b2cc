"""The rules of limits: what fits, what is left, when to tell."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.budget import (
    Balance,
    LimitKind,
    Limits,
    available_usd,
    counting_day,
    format_usd,
    is_alert_due,
    limit_usd,
    refusal,
)
from ralex.core.forecast import DayForecast, forecast_day, forecast_line

usd = st.decimals(min_value=0, max_value=1000, places=9)
days = st.dates().map(lambda day: day.isoformat())


def balance(limit: Decimal | None, spent: Decimal, held: Decimal) -> Balance:
    return Balance(kind=LimitKind.DAY, limit_usd=limit, spent_usd=spent, held_usd=held)


@given(limit=st.none() | usd, spent=usd, held=usd, worst=usd)
def test_what_is_allowed_keeps_the_sum_within_the_limit(
    limit: Decimal | None, spent: Decimal, held: Decimal, worst: Decimal
) -> None:
    one = balance(limit, spent, held)

    if one.allows(worst) and worst > 0:
        assert limit is None or spent + held + worst <= limit
    else:
        assert worst == 0 or (limit is not None and spent + held + worst > limit)


@given(balances=st.lists(st.builds(balance, st.none() | usd, usd, usd)))
def test_what_is_available_fits_into_every_limit_and_a_nano_dollar_more_does_not(
    balances: list[Balance],
) -> None:
    available = available_usd(balances)

    if available is None:
        assert all(one.limit_usd is None for one in balances)
    else:
        assert all(one.allows(available) for one in balances)
        more = available + Decimal("0.000000001")
        assert not all(one.allows(more) for one in balances)


def test_without_cutoff_no_limit_refuses() -> None:
    limits = Limits(daily_usd=Decimal(1), session_usd=Decimal(1), cutoff=False)

    assert [limit_usd(limits, kind) for kind in LimitKind] == [None] * 4


def test_each_kind_has_its_own_limit() -> None:
    limits = Limits(
        daily_usd=Decimal(1),
        monthly_usd=Decimal(2),
        project_usd=Decimal(3),
        session_usd=Decimal(4),
    )

    assert [limit_usd(limits, kind) for kind in LimitKind] == [1, 2, 3, 4]


def test_a_refusal_shows_the_sum() -> None:
    text = refusal(balance(Decimal(5), Decimal("4.98"), Decimal("0.016")), Decimal("0.0123"))

    assert text == (
        "this call may cost $0.0123 but only $0.004 of today's $5.00 is left "
        "($4.98 spent, $0.016 held)"
    )


def test_a_refusal_by_a_hair_still_shows_two_different_numbers() -> None:
    text = refusal(balance(Decimal("0.004"), Decimal(0), Decimal(0)), Decimal("0.004000001"))

    assert "$0.004000001 but only $0.004 of" in text


@given(seen=st.lists(days))
def test_the_counting_day_never_goes_back(seen: list[str]) -> None:
    greatest = ""
    for today in seen:
        following = counting_day(today, greatest)
        assert following >= greatest
        assert following >= today
        assert following in {today, greatest}
        greatest = following


@given(commits=st.lists(usd), alert=usd)
def test_an_alert_is_told_once_however_often_it_is_passed(
    commits: list[Decimal], alert: Decimal
) -> None:
    announced: Decimal | None = None
    told = 0
    for committed in commits:
        if is_alert_due(committed_usd=committed, alert_usd=alert, announced_usd=announced):
            announced = alert
            told += 1

    assert told == int(any(committed >= alert for committed in commits))


def test_a_raised_alert_is_told_again_and_a_lowered_one_is_not() -> None:
    spent = Decimal("4.5")

    assert is_alert_due(committed_usd=spent, alert_usd=Decimal("4.2"), announced_usd=Decimal(4))
    assert not is_alert_due(committed_usd=spent, alert_usd=Decimal(3), announced_usd=Decimal(4))
    assert not is_alert_due(committed_usd=spent, alert_usd=None, announced_usd=None)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0.00"),
        ("5", "$5.00"),
        ("4.98", "$4.98"),
        ("0.0123", "$0.0123"),
        ("12.345678", "$12.3457"),
        ("0.0040123", "$0.004"),
        ("0.000000001", "$0.000000001"),
        ("-0.02", "-$0.02"),
    ],
)
def test_amounts_are_shown_with_cents_and_as_many_digits_as_they_need(
    amount: str, shown: str
) -> None:
    assert format_usd(Decimal(amount)) == shown


@given(amount=usd)
def test_a_shown_amount_is_within_one_percent_of_the_true_one(amount: Decimal) -> None:
    shown = Decimal(format_usd(amount).removeprefix("$"))

    assert abs(shown - amount) <= max(amount / 20, Decimal(0))


seconds = st.integers(min_value=0, max_value=86_400)


@given(spent=usd, last_hour=usd, elapsed_s=seconds)
def test_a_day_never_ends_cheaper_than_it_is_and_its_end_is_what_was_spent(
    spent: Decimal, last_hour: Decimal, elapsed_s: int
) -> None:
    now = forecast(spent, last_hour, elapsed_s)
    at_midnight = forecast(spent, last_hour, 86_400)

    assert now.end_of_day_usd >= spent
    assert at_midnight.end_of_day_usd == spent
    assert forecast(Decimal(0), Decimal(0), elapsed_s).end_of_day_usd == 0


@given(spent=usd, last_hour=usd, more=usd, elapsed_s=seconds)
def test_more_spending_never_lowers_the_forecast(
    spent: Decimal, last_hour: Decimal, more: Decimal, elapsed_s: int
) -> None:
    base = forecast(spent, last_hour, elapsed_s)

    assert forecast(spent + more, last_hour, elapsed_s).end_of_day_usd >= base.end_of_day_usd
    assert forecast(spent, last_hour + more, elapsed_s).end_of_day_usd >= base.end_of_day_usd


def test_a_steady_pace_goes_on_as_it_is() -> None:
    noon = forecast(Decimal(6), Decimal("0.50"), 43_200, left="6.5")

    assert noon.end_of_day_usd == 12
    assert noon.hours_to_limit is None


def test_a_limit_that_is_reached_today_is_announced_in_hours() -> None:
    noon = forecast(Decimal(2), Decimal(2), 43_200, left="3")

    assert noon.hours_to_limit == 1.5
    assert forecast_line(noon) == (
        "$2.00 in the last hour, about $15.00 by the end of the day; "
        "at this rate nothing is left in 1.5 h"
    )


def test_a_limit_that_is_reached_already_is_not_counted_in_hours() -> None:
    assert forecast_line(forecast(Decimal(5), Decimal(2), 43_200, left="0")).endswith(
        "by the end of the day; nothing is left today"
    )


def test_nothing_spent_has_no_forecast() -> None:
    assert forecast_line(forecast(Decimal(0), Decimal(0), 43_200, left="5")) == ""


def forecast(
    spent: Decimal, last_hour: Decimal, elapsed_s: int, *, left: str | None = None
) -> DayForecast:
    return forecast_day(
        spent_usd=spent,
        last_hour_usd=last_hour,
        left_usd=None if left is None else Decimal(left),
        elapsed_s=elapsed_s,
        remaining_s=86_400 - elapsed_s,
    )
