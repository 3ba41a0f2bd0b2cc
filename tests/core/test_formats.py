from decimal import Decimal

import pytest

from ralex.core.formats import exact_usd


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
