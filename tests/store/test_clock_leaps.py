"""A clock that is set forward opens no new day's limit unasked; time that passes does."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ralex.core.budget import Limits
from ralex.core.clock import ClockMark
from ralex.errors import BudgetExceededError, ClockLeapError
from ralex.store.ledger import SqliteLedger
from tests.store.money import NOON, Clock, intent, pay


class Machine:
    """A machine whose wall clock can be set, and which can be restarted.

    Attributes:
        clock: What the user sees.
    """

    def __init__(self) -> None:
        self.clock = Clock(NOON)
        self.mark = ClockMark(wall_s=NOON.timestamp(), uptime_s=1_000.0, boot="one")

    def pass_time(self, **by: float) -> None:
        seconds = timedelta(**by).total_seconds()
        self.mark = replace(self.mark, uptime_s=self.mark.uptime_s + seconds)
        self.set_clock(**by)

    def set_clock(self, **by: float) -> None:
        self.clock.forward(**by)
        self.mark = replace(self.mark, wall_s=self.clock.at.timestamp())

    def restart(self) -> None:
        self.mark = replace(self.mark, uptime_s=5.0, boot="another")

    async def open(self, folder: Path) -> SqliteLedger:
        return await SqliteLedger.open(
            folder / "ledger.db", limits=Limits(), now=self.clock, clocks=lambda: self.mark
        )


@pytest.fixture
def machine() -> Machine:
    return Machine()


async def test_a_clock_set_forward_opens_no_new_limit_until_the_date_is_confirmed(
    tmp_path: Path, machine: Machine
) -> None:
    ledger = await machine.open(tmp_path)
    await pay(ledger, "5")
    machine.set_clock(days=3)

    with pytest.raises(ClockLeapError) as caught:
        await ledger.reserve(intent("1"))
    confirmed = await ledger.confirm_date()
    await pay(ledger, "1")

    assert "set forward by 3.0 days" in caught.value.message
    assert "2026-11-20" in caught.value.message
    assert "ralex budget confirm" in caught.value.hint
    assert caught.value.exit_code == 3
    assert confirmed == "2026-11-23"
    await ledger.aclose()


async def test_another_process_is_refused_too_and_nothing_is_remembered(
    tmp_path: Path, machine: Machine
) -> None:
    ledger = await machine.open(tmp_path)
    await pay(ledger, "5")
    await ledger.aclose()
    machine.set_clock(days=2)
    other = await machine.open(tmp_path)
    for _ in range(2):
        with pytest.raises(ClockLeapError):
            await other.reserve(intent("1"))

    machine.set_clock(days=-2)
    with pytest.raises(BudgetExceededError):
        await other.reserve(intent("1"))

    assert (await other.state()).day == "2026-11-20"
    await other.aclose()


@pytest.mark.parametrize("hours", [26, 72, 24 * 40])
async def test_time_that_passed_opens_the_next_day(
    tmp_path: Path, machine: Machine, hours: int
) -> None:
    ledger = await machine.open(tmp_path)
    await pay(ledger, "5")
    machine.pass_time(hours=hours)  # asleep or not, the machine's own count goes on

    await pay(ledger, "5")

    await ledger.aclose()


async def test_a_small_correction_and_a_restart_are_no_leaps(
    tmp_path: Path, machine: Machine
) -> None:
    ledger = await machine.open(tmp_path)
    await pay(ledger, "5")
    machine.set_clock(hours=23)
    await pay(ledger, "1")
    machine.restart()
    machine.set_clock(days=9)  # switched off for nine days: nobody can tell

    await pay(ledger, "5")

    await ledger.aclose()


async def test_what_is_free_goes_on_and_counts_for_the_last_day(
    tmp_path: Path, machine: Machine
) -> None:
    ledger = await machine.open(tmp_path)
    await pay(ledger, "5")
    machine.set_clock(days=3)

    held = await ledger.reserve(intent("0", model="local/free"))

    assert held.day == "2026-11-20"
    await ledger.aclose()
