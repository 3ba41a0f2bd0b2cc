from decimal import Decimal

import pytest

from ralex.tui.widgets.transcript.items import Receipt
from ralex.tui.widgets.transcript.receipts import receipt_summary
from tests.tui.fake_session import USAGE

WHOLE = "12.4k tokens, 80 % cached · $0.0031 · 8.2 s"


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (len(WHOLE), WHOLE),
        (len(WHOLE) - 1, "12.4k tokens, 80 % cached · $0.0031"),
        (34, "12.4k tokens · $0.0031"),
        (21, "$0.0031"),
        (0, "$0.0031"),
    ],
)
def test_a_receipt_leaves_out_whole_parts_and_the_money_last(room: int, shown: str) -> None:
    receipt = Receipt(usage=USAGE, cost_usd=Decimal("0.0031"), saved_usd=None, elapsed_s=8.2)
    assert receipt_summary(receipt, room) == shown
