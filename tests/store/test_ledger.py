"""The ledger as dispatch and the reports see it."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ralex.core.budget import Charge, Limits
from ralex.core.ids import ReservationId
from ralex.core.usage import Usage
from ralex.errors import (
    BudgetExceededError,
    LedgerUnavailableError,
    UnknownPriceError,
    UsageError,
)
from ralex.store.ledger import SqliteLedger
from tests.store.money import (
    BERLIN,
    FREE_HAND,
    Clock,
    charge,
    intent,
    open_ledger,
    pay,
    send,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncGenerator[SqliteLedger, None]:
    opened = await open_ledger(tmp_path, clock=clock)
    yield opened
    assert await opened.audit() == []
    await opened.aclose()


async def test_a_settled_call_is_spent_and_nothing_stays_held(ledger: SqliteLedger) -> None:
    reservation = await send(ledger, intent("0.50"))
    during = await ledger.state()

    after = await ledger.settle(reservation.id, charge("0.10", top="0.40"))

    assert (during.spent_usd, during.held_usd, during.left_usd) == (
        0,
        Decimal("0.50"),
        Decimal("4.50"),
    )
    assert (after.spent_usd, after.held_usd, after.saved_usd) == (
        Decimal("0.10"),
        0,
        Decimal("0.30"),
    )
    assert await ledger.state() == after


async def test_a_reservation_goes_to_the_disk_at_the_latest_before_the_call_is_sent(
    ledger: SqliteLedger,
) -> None:
    async def is_flushed() -> bool:
        pragma = ledger._database.read(lambda db: db.execute("PRAGMA synchronous").fetchone())
        return (await pragma) == (2,)

    reservation = await ledger.reserve(intent("0.50"))
    reserved = await is_flushed()
    await ledger.mark_sent(reservation.id)
    sent = await is_flushed()
    await ledger.reserve(intent("0.50"))
    await ledger.settle(reservation.id, charge("0.10"))

    assert (reserved, sent, await is_flushed()) == (False, True, True)


async def test_a_refusal_shows_the_sum_and_holds_nothing(ledger: SqliteLedger) -> None:
    await pay(ledger, "4.98")
    await send(ledger, intent("0.016"))

    with pytest.raises(BudgetExceededError) as caught:
        await ledger.reserve(intent("0.0123"))

    assert caught.value.message == (
        "this call may cost $0.0123 but only $0.004 of today's $5.00 is left "
        "($4.98 spent, $0.016 held)"
    )
    assert "ralex budget set daily" in caught.value.hint
    assert (await ledger.state()).held_usd == Decimal("0.016")


async def test_the_last_nano_dollar_can_be_spent_and_not_one_more(ledger: SqliteLedger) -> None:
    await ledger.reserve(intent("4.999999999"))

    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("0.000000002"))
    await ledger.reserve(intent("0.000000001"))

    assert (await ledger.state()).left_usd == 0


async def test_a_fraction_of_a_nano_dollar_counts_as_a_whole_one(ledger: SqliteLedger) -> None:
    reservation = await ledger.reserve(intent("0.0000000001"))

    assert reservation.worst_usd == Decimal("0.000000001")


async def test_a_call_that_costs_nothing_is_made_even_when_the_day_is_used_up(
    ledger: SqliteLedger,
) -> None:
    await pay(ledger, "5")

    state = await pay(ledger, "0", call=intent("0", model="local/free"))

    assert state.left_usd == 0


@pytest.mark.parametrize("worst", ["NaN", "Infinity", "-1", "1e12"])
async def test_a_worst_case_that_is_no_sum_of_money_is_refused(
    ledger: SqliteLedger, worst: str
) -> None:
    with pytest.raises(UnknownPriceError, match="not a sum of money"):
        await ledger.reserve(intent(worst))


async def test_a_second_settlement_changes_nothing(ledger: SqliteLedger) -> None:
    reservation = await send(ledger, intent("0.50"))
    first = await ledger.settle(reservation.id, charge("0.10"))

    second = await ledger.settle(reservation.id, charge("0.40"))

    assert second == first
    assert [row.calls for row in await ledger.spend("day")] == [1]


async def test_a_charge_above_its_worst_case_is_booked_and_reported(ledger: SqliteLedger) -> None:
    reservation = await send(ledger, intent("0.01"))

    state = await ledger.settle(reservation.id, charge("0.03"))

    assert state.spent_usd == Decimal("0.03")
    (alert,) = await ledger.take_alerts()
    assert "acme/fast cost $0.03, more than the $0.01" in alert


@pytest.mark.parametrize("cost", ["-0.01", "NaN", "Infinity", "1e15"])
async def test_a_cost_that_is_no_sum_of_money_leaves_the_worst_case_held(
    ledger: SqliteLedger, cost: str
) -> None:
    reservation = await send(ledger, intent("0.01"))

    state = await ledger.settle(reservation.id, charge(cost))

    assert (state.spent_usd, state.held_usd) == (0, Decimal("0.01"))
    assert "stays held" in (await ledger.take_alerts())[0]


async def test_absurd_token_counts_do_not_stop_a_charge_from_being_booked(
    ledger: SqliteLedger,
) -> None:
    reservation = await send(ledger, intent("0.01"))
    usage = Usage(input_tokens=-5, output_tokens=10**30)

    state = await ledger.settle(reservation.id, charge("0.01", usage=usage))

    assert state.spent_usd == Decimal("0.01")
    assert (await ledger.spend("day"))[0].usage.input_tokens == 0


async def test_a_charge_without_usage_is_booked(ledger: SqliteLedger) -> None:
    reservation = await send(ledger, intent("0.01"))

    await ledger.settle(reservation.id, Charge(cost_usd=Decimal("0.01"), source="estimated"))

    assert (await ledger.spend("day"))[0].usage == Usage()


async def test_a_released_reservation_is_free_again_and_can_not_be_sent(
    ledger: SqliteLedger,
) -> None:
    reservation = await ledger.reserve(intent("5"))
    await ledger.release(reservation.id)
    await ledger.release(reservation.id)

    with pytest.raises(LedgerUnavailableError, match="released, not held"):
        await ledger.mark_sent(reservation.id)
    assert (await ledger.state()).left_usd == 5


async def test_what_was_sent_can_not_be_released(ledger: SqliteLedger) -> None:
    reservation = await send(ledger, intent("5"))

    await ledger.release(reservation.id)

    assert (await ledger.state()).held_usd == 5


async def test_a_charge_that_comes_after_a_release_is_not_lost(ledger: SqliteLedger) -> None:
    reservation = await ledger.reserve(intent("1"))
    await ledger.release(reservation.id)

    state = await ledger.settle(reservation.id, charge("0.75"))

    assert (state.spent_usd, state.held_usd) == (Decimal("0.75"), 0)


async def test_an_unknown_reservation_is_neither_sent_nor_settled(ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerUnavailableError, match="unknown"):
        await ledger.mark_sent(ReservationId("no"))
    with pytest.raises(LedgerUnavailableError, match="no reservation no"):
        await ledger.settle(ReservationId("no"), charge("1"))


async def test_each_limit_refuses_by_itself_and_says_which_it_is(tmp_path: Path) -> None:
    for name, limits in {
        "today": Limits(daily_usd=Decimal(1)),
        "this month": Limits(daily_usd=None, monthly_usd=Decimal(1)),
        "this project": Limits(daily_usd=None, project_usd=Decimal(1)),
        "this session": Limits(daily_usd=None, session_usd=Decimal(1)),
    }.items():
        ledger = await open_ledger(tmp_path / name, limits)
        await pay(ledger, "0.75")

        assert await ledger.available(session_id="s1", project="/shop") == Decimal("0.25")
        with pytest.raises(BudgetExceededError, match=f"of {name}'s"):
            await ledger.reserve(intent("0.26"))
        await ledger.reserve(intent("0.25"))
        assert await ledger.audit() == []
        await ledger.aclose()


async def test_sessions_and_projects_do_not_use_up_each_others_limits(tmp_path: Path) -> None:
    limits = Limits(daily_usd=None, session_usd=Decimal(1), project_usd=Decimal(3))
    ledger = await open_ledger(tmp_path, limits)
    await pay(ledger, "1")

    assert await ledger.available(session_id="s1", project="/shop") == 0
    assert await ledger.available(session_id="s2", project="/shop") == 1
    assert await ledger.available(session_id="s2", project="/other") == 1
    await pay(ledger, "1", call=intent("1", session_id="s2"))
    await pay(ledger, "1", call=intent("1", session_id="s3"))
    with pytest.raises(BudgetExceededError, match="this project's"):
        await ledger.reserve(intent("0.1", session_id="s4"))
    await ledger.reserve(intent("0.1", session_id="s4", project="/other"))
    await ledger.aclose()


async def test_without_limits_anything_is_available(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path, FREE_HAND)

    state = await pay(ledger, "1000")

    assert await ledger.available(session_id="s1", project="/shop") is None
    assert (state.left_usd, state.spent_usd) == (None, 1000)
    await ledger.aclose()


async def test_without_cutoff_calls_are_booked_past_the_limit(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path, Limits(daily_usd=Decimal(1), cutoff=False))

    state = await pay(ledger, "3")

    assert (state.spent_usd, state.limit_usd, state.left_usd) == (3, 1, 0)
    assert await ledger.available(session_id="s1", project="/shop") is None
    await ledger.aclose()


async def test_changed_limits_count_for_the_next_reservation(ledger: SqliteLedger) -> None:
    await pay(ledger, "2")

    ledger.set_limits(Limits(daily_usd=Decimal(1)))
    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("0.01"))
    ledger.set_limits(Limits(daily_usd=Decimal(3)))

    assert await ledger.available(session_id="s1", project="/shop") == 1


async def test_a_limit_of_zero_refuses_every_paid_call(ledger: SqliteLedger) -> None:
    ledger.set_limits(Limits(daily_usd=Decimal(0)))

    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("0.000000001"))
    assert (await ledger.state()).share_used == 0


async def test_the_alert_is_announced_once_a_day(ledger: SqliteLedger, clock: Clock) -> None:
    await pay(ledger, "3.99")
    assert await ledger.take_alerts() == []

    await pay(ledger, "0.02")
    first = await ledger.take_alerts()
    await pay(ledger, "0.02")

    assert first == [
        "today's alert at $4.00 is reached: $4.01 of $5.00 spent, $0.00 held; "
        "asks start one tier lower now, and at $5.00 paid calls stop"
    ]
    assert await ledger.take_alerts() == []
    clock.forward(days=1)
    await pay(ledger, "4.5")
    assert len(await ledger.take_alerts()) == 1


async def test_only_one_of_two_processes_announces_the_alert(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    other = await open_ledger(tmp_path)
    await pay(ledger, "4.1")
    await pay(other, "0.1")

    assert len(await ledger.take_alerts()) == 1
    assert await other.take_alerts() == []
    await other.aclose()


async def test_a_charge_belongs_to_the_day_of_its_reservation(
    ledger: SqliteLedger, clock: Clock
) -> None:
    clock.at = datetime(2026, 11, 20, 23, 59, 59, tzinfo=BERLIN)
    reservation = await send(ledger, intent("1"))
    clock.forward(seconds=2)

    state = await ledger.settle(reservation.id, charge("0.5"))

    assert (state.day, state.spent_usd) == ("2026-11-21", 0)
    (row,) = await ledger.spend("day")
    assert (row.key, row.cost_usd) == ("2026-11-20", Decimal("0.5"))


async def test_a_new_day_has_its_whole_limit(ledger: SqliteLedger, clock: Clock) -> None:
    await pay(ledger, "5")
    clock.forward(hours=12)

    assert await ledger.available(session_id="s1", project="/shop") == 5
    await pay(ledger, "5")


async def test_a_clock_that_goes_back_opens_no_day_again(
    ledger: SqliteLedger, clock: Clock, tmp_path: Path
) -> None:
    await pay(ledger, "5")
    clock.forward(days=1)
    await pay(ledger, "3")
    reservation = await send(ledger, intent("1"))
    clock.forward(days=-3)

    settled = await ledger.settle(reservation.id, charge("1"))
    assert (settled.day, settled.spent_usd) == ("2026-11-21", 4)
    assert await ledger.state() == settled
    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("2"))
    other = await open_ledger(tmp_path, clock=Clock(clock.at))
    assert (await other.state()).spent_usd == 4
    await other.aclose()


async def test_a_journey_westwards_does_not_give_the_day_twice(
    ledger: SqliteLedger, clock: Clock
) -> None:
    clock.at = datetime(2026, 11, 21, 1, 0, tzinfo=BERLIN)
    await pay(ledger, "5")
    clock.at = clock.at.astimezone(ZoneInfo("America/New_York"))

    assert clock.at.date().isoformat() == "2026-11-20"
    with pytest.raises(BudgetExceededError):
        await ledger.reserve(intent("0.01"))


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [
        (datetime(2027, 3, 28, tzinfo=BERLIN), 23),
        (datetime(2026, 10, 25, tzinfo=BERLIN), 25),
    ],
    ids=["summer time begins", "summer time ends"],
)
async def test_days_of_23_and_25_hours_are_one_day_each(
    tmp_path: Path, midnight: datetime, hours: int
) -> None:
    clock = Clock(midnight)
    ledger = await open_ledger(tmp_path, clock=clock)
    utc = midnight.astimezone(ZoneInfo("UTC"))
    days: list[str] = []
    for hour in range(hours + 1):
        clock.at = (utc + timedelta(hours=hour)).astimezone(BERLIN)
        days.append((await pay(ledger, "0.1")).day)

    assert len(set(days[:-1])) == 1
    assert days[-1] > days[0]
    await ledger.aclose()


async def test_the_month_goes_on_where_the_day_begins_anew(tmp_path: Path, clock: Clock) -> None:
    ledger = await open_ledger(
        tmp_path, Limits(daily_usd=Decimal(5), monthly_usd=Decimal(8)), clock
    )
    await pay(ledger, "5")
    clock.forward(days=1)

    with pytest.raises(BudgetExceededError, match=r"this month's \$8.00"):
        await ledger.reserve(intent("4"))
    await pay(ledger, "3")
    clock.forward(days=10)
    assert await ledger.available(session_id="s1", project="/shop") == 5
    await ledger.aclose()


async def test_spend_is_grouped_by_any_dimension_and_adds_up(
    ledger: SqliteLedger, clock: Clock
) -> None:
    await pay(ledger, "0.1", top="0.5", call=intent("0.1"))
    await pay(ledger, "0.2", call=intent("0.2", model="acme/big", tier="COMPLEX", tag="ci"))
    clock.forward(days=1)
    await pay(ledger, "0.4", call=intent("0.4", session_id="s2", project="/other"))

    reports = {
        by: [(row.key, row.calls, row.cost_usd) for row in await ledger.spend(by)]
        for by in ("day", "model", "tier", "provider", "project", "session", "tag", "router")
    }

    assert reports["day"] == [
        ("2026-11-20", 2, Decimal("0.3")),
        ("2026-11-21", 1, Decimal("0.4")),
    ]
    assert reports["model"] == [("acme/fast", 2, Decimal("0.5")), ("acme/big", 1, Decimal("0.2"))]
    assert reports["session"][0] == ("s2", 1, Decimal("0.4"))
    assert reports["tag"] == [("", 2, Decimal("0.5")), ("ci", 1, Decimal("0.2"))]
    assert all(sum(row[2] for row in rows) == Decimal("0.7") for rows in reports.values())
    by_day = await ledger.spend("day")
    assert by_day[0].saved_usd == Decimal("0.4")
    assert by_day[0].usage == Usage(input_tokens=200, output_tokens=20)


async def test_spend_keeps_to_its_days(ledger: SqliteLedger, clock: Clock) -> None:
    for _ in range(4):
        await pay(ledger, "0.1")
        clock.forward(days=1)

    report = await ledger.spend("day", since_day="2026-11-21", until_day="2026-11-22")

    assert [row.key for row in report] == ["2026-11-21", "2026-11-22"]


async def test_spend_by_something_unknown_is_a_usage_error(ledger: SqliteLedger) -> None:
    with pytest.raises(UsageError, match="colour"):
        await ledger.spend("colour; DROP TABLE charge")


async def test_names_that_have_no_utf8_form_are_stored(ledger: SqliteLedger) -> None:
    project = b"/shop/caf\xe9".decode("utf-8", "surrogateescape")

    await pay(ledger, "0.1", call=intent("0.1", project=project))

    assert (await ledger.spend("project"))[0].key == "/shop/caf\\udce9"
    assert await ledger.available(session_id="", project=project) is not None


async def test_parallel_reservations_of_one_process_never_pass_the_limit(
    ledger: SqliteLedger,
) -> None:
    async def one(worst: str) -> bool:
        try:
            await pay(ledger, worst)
        except BudgetExceededError:
            return False
        return True

    outcomes = await asyncio.gather(*(one("0.3") for _ in range(40)))

    assert sum(outcomes) == 16
    assert (await ledger.state()).spent_usd == Decimal("4.8")


async def test_a_cancelled_reservation_holds_nothing(ledger: SqliteLedger) -> None:
    for delay in (0, 0.0001, 0.0003, 0.001, 0.002):
        task = asyncio.create_task(ledger.reserve(intent("1")))
        await asyncio.sleep(delay)
        if task.cancel():
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            await ledger.release((await task).id)

        assert (await ledger.state()).held_usd == 0


async def test_a_cancelled_settlement_is_either_booked_or_still_held(
    ledger: SqliteLedger,
) -> None:
    reservation = await send(ledger, intent("1"))
    task = asyncio.create_task(ledger.settle(reservation.id, charge("1")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    state = await ledger.state()

    assert state.spent_usd + state.held_usd == 1


async def test_what_was_settled_is_there_after_reopening(tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path)
    await pay(ledger, "1")
    reserved = await ledger.reserve(intent("1"))
    await send(ledger, intent("0.5"))
    await ledger.aclose()

    ledger = await open_ledger(tmp_path)
    state = await ledger.state()

    assert (state.spent_usd, state.held_usd) == (1, Decimal("0.5"))
    with pytest.raises(LedgerUnavailableError, match="released"):
        await ledger.mark_sent(reserved.id)
    await ledger.aclose()
