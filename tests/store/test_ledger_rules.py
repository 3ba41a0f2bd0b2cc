"""Any order of reservations, bills, crashes and clock changes keeps the ledger's promises."""

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from ralex.core.budget import Limits, Reservation
from ralex.errors import BudgetExceededError, LedgerUnavailableError
from ralex.store.ledger import SqliteLedger
from tests.store.money import Clock, charge, intent, open_ledger

cents = st.integers(min_value=0, max_value=200).map(lambda number: Decimal(number) / 100)
sessions = st.sampled_from(["s1", "s2", ""])
projects = st.sampled_from(["/a", "/b"])
DAILY, SESSION, PROJECT, MONTHLY = Decimal(3), Decimal(2), Decimal(4), Decimal(6)
LIMITS = Limits(
    daily_usd=DAILY, session_usd=SESSION, project_usd=PROJECT, monthly_usd=MONTHLY, alert_usd=None
)


@dataclass(slots=True)
class Call:
    """What the test itself knows of a call; the ledger never sees it."""

    worst: Decimal
    day: str
    session: str
    project: str
    is_sent: bool = False
    billed: Decimal | None = None

    @property
    def committed(self) -> Decimal:
        return self.worst if self.billed is None else self.billed


class LedgerMachine(RuleBasedStateMachine):
    """Two ledgers on one file against a plain list of calls."""

    calls = Bundle("calls")

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ralex-ledger-"))
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.known: dict[str, Call] = {}
        self.greatest = ""
        self.ledgers = [self.open(), self.open()]

    def open(self) -> SqliteLedger:
        return self.runner.run(open_ledger(self.folder, LIMITS, self.clock))

    @rule(target=calls, who=st.integers(0, 1), worst=cents, session=sessions, project=projects)
    def reserve(self, who: int, worst: Decimal, session: str, project: str) -> object:
        call = intent(worst, session_id=session, project=project)
        fits = self.fits(worst, session, project)
        try:
            reservation = self.runner.run(self.ledgers[who].reserve(call))
        except BudgetExceededError:
            assert not fits
            return multiple()  # pyright: ignore[reportUnknownVariableType] - untyped in hypothesis
        assert fits
        self.greatest = reservation.day
        self.known[reservation.id] = Call(worst, reservation.day, session, project)
        return reservation

    @rule(who=st.integers(0, 1), reservation=calls)
    def mark_sent(self, who: int, reservation: Reservation) -> None:
        call = self.known.get(reservation.id)
        try:
            self.runner.run(self.ledgers[who].mark_sent(reservation.id))
        except LedgerUnavailableError:
            assert call is None or call.billed is not None
        else:
            assert call is not None
            call.is_sent = True

    @rule(who=st.integers(0, 1), reservation=calls, share=st.integers(0, 100))
    def settle(self, who: int, reservation: Reservation, share: int) -> None:
        call = self.known.get(reservation.id)
        if call is None:
            return
        cost = reservation.worst_usd * share / 100
        self.runner.run(self.ledgers[who].settle(reservation.id, charge(cost)))
        if call.billed is None:
            call.billed = cost

    @rule(who=st.integers(0, 1), reservation=consumes(calls))
    def release(self, who: int, reservation: Reservation) -> None:
        self.runner.run(self.ledgers[who].release(reservation.id))
        call = self.known.get(reservation.id)
        if call is not None and not call.is_sent and call.billed is None:
            del self.known[reservation.id]

    @rule(who=st.integers(0, 1))
    def die_and_come_back(self, who: int) -> None:
        """Close without the farewell of a clean end, as a killed process does."""
        ledger = self.ledgers[who]
        owner = ledger._database.owner.id
        self.runner.run(ledger._database._worker.stop_quietly())
        ledger._database._checkpointing.release()
        with closing(sqlite3.connect(self.folder / "ledger.db")) as connection, connection:
            connection.execute("UPDATE owner SET started = 'before' WHERE id = ?", (owner,))
            rows = connection.execute(
                "SELECT id FROM reservation WHERE owner = ? AND state = 'reserved'", (owner,)
            ).fetchall()
        for (reservation_id,) in rows:
            del self.known[reservation_id]
        self.ledgers[who] = self.open()

    @rule(days=st.integers(-2, 2))
    def change_the_clock(self, days: int) -> None:
        self.clock.forward(days=days)

    @invariant()
    def sums_are_true_and_within_the_limits(self) -> None:
        if not hasattr(self, "known"):
            return
        for key, limit in (("day", DAILY), ("project", PROJECT)):
            for group in {getattr(call, key) for call in self.known.values()}:
                assert self.committed(key, group) <= limit
        for session in ("s1", "s2"):
            assert self.committed("session", session) <= SESSION
        state = self.runner.run(self.ledgers[0].state())
        assert state.spent_usd + state.held_usd == self.committed("day", state.day)
        assert self.runner.run(self.ledgers[1].audit()) == []

    def fits(self, worst: Decimal, session: str, project: str) -> bool:
        day = max(self.clock.at.date().isoformat(), self.greatest)
        month = sum((c.committed for c in self.known.values() if c.day[:7] == day[:7]), Decimal(0))
        return worst == 0 or (
            self.committed("day", day) + worst <= DAILY
            and month + worst <= MONTHLY
            and self.committed("project", project) + worst <= PROJECT
            and (not session or self.committed("session", session) + worst <= SESSION)
        )

    def committed(self, key: str, group: str) -> Decimal:
        return sum(
            (call.committed for call in self.known.values() if getattr(call, key) == group),
            Decimal(0),
        )

    def teardown(self) -> None:
        if hasattr(self, "ledgers"):
            for ledger in self.ledgers:
                self.runner.run(ledger.aclose())
            self.runner.close()
            shutil.rmtree(self.folder)


LedgerMachine.TestCase.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLedgerMachine = LedgerMachine.TestCase
