"""Whoever chooses among hosts of different prices is told what was reserved."""

from dataclasses import replace
from decimal import Decimal

import pytest

from ralex.core.messages import UserMessage
from ralex.core.models import PriceCeiling
from ralex.dispatch.calls import Call
from ralex.errors import ModelNotFoundError
from ralex.providers.faults import error_from_response
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import FINE, NOW, PaperDesk, candidate


@pytest.mark.parametrize(
    ("is_limited", "max_cost_usd", "ceiling"),
    [
        (True, None, PriceCeiling(input=Decimal(3), output=Decimal(30))),
        (False, Decimal("0.5"), PriceCeiling(input=Decimal(3), output=Decimal(30))),
        (False, None, None),
    ],
    ids=["a budget", "a limit of the call", "no limit"],
)
async def test_the_ceiling_goes_along_where_money_is_limited(
    ledger: SqliteLedger,
    *,
    is_limited: bool,
    max_cost_usd: Decimal | None,
    ceiling: PriceCeiling | None,
) -> None:
    desk = PaperDesk(ledger, is_limited=is_limited, a=[FINE])
    call = Call(
        candidates=(candidate("a/m", price=3),),
        messages=(UserMessage(text="hi"),),
        max_cost_usd=max_cost_usd,
    )
    await desk.dispatcher.run(call, desk.note)
    assert desk.providers["a"].requests[0].price_ceiling == ceiling


async def test_an_unknown_price_has_no_ceiling(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, is_limited=False, a=[FINE])
    one = candidate("a/m")
    await desk.run(replace(one, model=replace(one.model, price=None)))
    assert desk.providers["a"].requests[0].price_ceiling is None


def test_no_host_at_that_price_is_told_as_what_it_is() -> None:
    error = error_from_response(
        404,
        {},
        b'{"error": {"code": 404, "message": "No endpoints found that match your max_price"}}',
        provider="openrouter",
        now=NOW,
    )
    assert isinstance(error, ModelNotFoundError)
    assert "correct it in [models]" in error.hint
