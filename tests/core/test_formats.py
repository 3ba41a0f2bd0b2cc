from decimal import Decimal

import pytest

from ralex.core.formats import about_cents, exact_usd, usd_cents


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("4.000", "4.00"),
        ("5", "5.00"),
        ("1E+3", "1000.00"),
        ("0", "0.00"),
        ("0.1", "0.10"),
        ("1.2345", "1.2345"),
        ("1E-9", "0.000000001"),
    ],
)
def test_exact_amounts_have_cents_and_no_needless_zeros(amount: str, shown: str) -> None:
    assert exact_usd(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "shown", "about"),
    [
        ("0", "$0.00", "~$0.00"),
        ("0.000000001", "<$0.01", "<$0.01"),
        ("0.0049", "<$0.01", "<$0.01"),
        ("0.005", "$0.01", "~$0.01"),
        ("1234.5", "$1,234.50", "~$1,234.50"),
        ("-0.001", "$0.00", "~$0.00"),
        ("-2", "-$2.00", "~-$2.00"),
    ],
)
def test_cents_of_a_tiny_sum_are_not_nothing(amount: str, shown: str, about: str) -> None:
    assert usd_cents(Decimal(amount)) == shown
    assert about_cents(Decimal(amount)) == about
