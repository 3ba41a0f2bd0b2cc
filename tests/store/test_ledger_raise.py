"""More for today only, and limits that change while the ledger is open."""

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.budget import Limits
from ralex.errors import BudgetExceededError, UsageError
from tests.store.money import BERLIN, FREE_HAND, Clock, intent, open_ledger, pay, send


async def test_what_is_allowed_for_today_can_be_spent_and_not_a_nano_dollar_more(
    tmp_path: Path,
) -> None:
    ledger = await open_ledger(tmp_path)
    await pay(ledger, "5")
    state = await ledger.raise_today(Decimal("2.50"))

    with pytest.raises(BudgetExceededError, match=r"today's \$7.50"):
        await ledger.reserve(intent("2.500000001"))
    await ledger.reserve(intent("2.5"))

    assert (state.limit_usd, state.raised_usd) == (Decimal("7.5"), Decimal("2.5"))
    assert (state.alert_usd, state.left_usd) == (Decimal("6.5"), Decimal("2.5"))
    assert await ledger.available(session_id="", project="") == 0
    assert await ledger.audit() == []
    await ledger.aclose()


async def test_a_raise_counts_in_every_process_at_once(tmp_path: Path) -> None:
    one, other = await open_ledger(tmp_path), await open_ledger(tmp_path)
    await pay(one, "5")

    await one.raise_today(Decimal(1))

    assert (await other.state()).left_usd == 1
    await pay(other, "1")
    await one.aclose()
    await other.aclose()


async def test_a_raise_is_gone_with_its_day(tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 11, 20, 23, 59, tzinfo=BERLIN))
    ledger = await open_ledger(tmp_path, clock=clock)
    await ledger.raise_today(Decimal(10))
    clock.forward(minutes=2)

    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("5.01"))

    state = await ledger.state()
    assert (state.limit_usd, state.raised_usd) == (Decimal(5), 0)
    await ledger.aclose()


async def test_raises_add_up_and_can_be_taken_back(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path)
    await ledger.raise_today(Decimal(1))
    twice = await ledger.raise_today(Decimal("0.5"))
    none = await ledger.raise_today(None)

    assert twice.raised_usd == Decimal("1.5")
    assert (none.raised_usd, none.limit_usd) == (0, Decimal(5))
    assert await ledger.audit() == []
    await ledger.aclose()


async def test_the_alert_is_told_again_where_the_raise_moved_it(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path)
    await pay(ledger, "4.5")
    first = await ledger.take_alerts()
    await ledger.raise_today(Decimal(2))
    await pay(ledger, "0.1")
    quiet = await ledger.take_alerts()
    await pay(ledger, "1.5")
    second = await ledger.take_alerts()

    assert "alert at $4.00" in first[0]
    assert quiet == []
    assert "alert at $6.00" in second[0]
    await ledger.aclose()


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "1e15"])
async def test_a_raise_that_is_no_sum_is_refused(tmp_path: Path, amount: str) -> None:
    ledger = await open_ledger(tmp_path)

    with pytest.raises(UsageError, match="cannot be raised by"):
        await ledger.raise_today(Decimal(amount))

    await ledger.aclose()


async def test_without_a_limit_there_is_nothing_to_raise(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path, FREE_HAND)

    with pytest.raises(UsageError, match="no daily limit"):
        await ledger.raise_today(Decimal(1))

    await ledger.aclose()


async def test_a_lowered_limit_blocks_the_next_reservation_and_keeps_what_is_held(
    tmp_path: Path,
) -> None:
    ledger = await open_ledger(tmp_path)
    held = await send(ledger, intent("3"))
    ledger.set_limits(Limits(daily_usd=Decimal(1), alert_usd=None))

    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("0.01"))

    assert held.worst_usd == 3
    assert (await ledger.state()).left_usd == 0
    await ledger.aclose()


async def test_limits_that_change_between_calls_are_never_passed(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path, Limits(daily_usd=Decimal(1), alert_usd=None))

    async def spend() -> int:
        done = 0
        for _ in range(20):
            try:
                await ledger.reserve(intent("0.1"))
            except BudgetExceededError:
                continue
            done += 1
        return done

    async def change() -> None:
        for limit in ("1", "2", "0.5", "1.5"):
            ledger.set_limits(Limits(daily_usd=Decimal(limit), alert_usd=None))
            await ledger.state()

    made, _ = await asyncio.gather(spend(), change())

    assert made <= 20
    assert (await ledger.state()).held_usd <= 2
    await ledger.aclose()
