"""The money of all ralex processes on one home directory: reserved before it is spent, never lost.

A call's worst case is added to the running sums of its day, month, project and session in one
transaction that fails if a limit would be passed. Once the first byte may have left, only the bill
takes it out again: not a crash, not a lost reply. Reports read sums, never all charges.
"""

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

from ralex.core.budget import (
    ASSUMED,
    Balance,
    BookedCharge,
    BudgetState,
    Charge,
    Intent,
    Limits,
    Reservation,
    counting_day,
    format_usd,
    refusal,
)
from ralex.core.clock import ClockMark
from ralex.core.ids import ReservationId
from ralex.core.pricing import from_nano, to_nano
from ralex.core.records import dataclass
from ralex.errors import (
    BudgetExceededError,
    LedgerUnavailableError,
    RalexError,
    UnknownPriceError,
    UsageError,
)
from ralex.store import ledger_days as days
from ralex.store import ledger_rebuild, salvage
from ralex.store import ledger_rows as rows
from ralex.store import ledger_words as words
from ralex.store.database import Database, finish, storable
from ralex.store.faults import LEDGER
from ralex.store.ledger_reader import LedgerReader
from ralex.store.ledger_records import Held

_LOG = logging.getLogger(__name__)

ChargeListener: TypeAlias = Callable[[BookedCharge], None]


class SqliteLedger(LedgerReader):
    """The ledger in a SQLite file; any number of processes may have it open.

    Amounts are USD. Every method may raise LedgerUnavailableError: without a ledger there is no
    paid call.

    Args:
        now: The user's local time, with its zone; the date decides which day a call counts for.
        on_charge: Told of each charge once it is booked; must return at once and never fail.
        clocks: Reads the clocks, so that a leap of the wall clock is seen; None looks for none.
    """

    def __init__(
        self,
        database: Database,
        *,
        limits: Limits,
        now: Callable[[], datetime],
        on_charge: ChargeListener | None = None,
        clocks: Callable[[], ClockMark] | None = None,
    ) -> None:
        super().__init__(database, limits=limits, now=now)
        self._on_charge = on_charge
        self._clocks = clocks
        self._alerts: list[str] = []

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        limits: Limits,
        now: Callable[[], datetime],
        on_charge: ChargeListener | None = None,
        clocks: Callable[[], ClockMark] | None = None,
    ) -> Self:
        """Open the ledger, and release what dead processes reserved and never sent.

        Raises:
            LedgerUnavailableError: If the file is damaged, lost, locked or not writable.
            SchemaTooNewError: If a newer ralex wrote it.
        """
        instant = now().isoformat(timespec="milliseconds")

        def recover(connection: sqlite3.Connection, dead: Sequence[str]) -> None:
            rows.release_of_dead(connection, dead, instant)

        database = await Database.open(path, LEDGER, recover=recover)
        return cls(database, limits=limits, now=now, on_charge=on_charge, clocks=clocks)

    def set_limits(self, limits: Limits) -> None:
        """Change the limits from the next reservation on; one below what is used only blocks."""
        self._limits = limits

    async def aclose(self) -> None:
        """Release what was reserved and not sent, make the day's backup, and close."""
        try:
            await self._leave()
        finally:
            await self._database.aclose()

    async def reserve(self, intent: Intent) -> Reservation:
        """Set the worst case aside in one transaction.

        Raises:
            BudgetExceededError: If any limit would be passed, with the sum in the message.
            UnknownPriceError: If the worst case is not a sum of money.
            ClockLeapError: If the clock was set forward by more than a day; see ``confirm_date``.
        """
        worst = _nano(intent.worst_usd)
        if worst is None:
            raise UnknownPriceError(
                f"the most this call of {intent.model} can cost is not a sum of money: "
                f"{intent.worst_usd:f}",
                hint="check the model's price in config.toml",
            )
        reservation_id = ReservationId(_new_id())
        work = partial(self._hold, reservation_id, intent, worst)
        if worst:
            self._database.keep_room()
        # Nothing leaves before ``mark_sent``, whose commit takes this one to the disk with it: a
        # power cut in between forgets a reservation that nobody owes.
        try:
            try:
                return await self._database.write(work, is_durable=False)
            except _RefusedError:
                if not await self._release_of_dead():
                    raise
            return await self._database.write(work, is_durable=False)
        except _RefusedError as error:
            raise BudgetExceededError(
                refusal(error.balance, from_nano(worst)), hint=self._advice(error)
            ) from None
        except asyncio.CancelledError:
            # The transaction may have been committed, and nobody else knows its id.
            await finish(self.release(reservation_id))
            raise

    async def mark_sent(self, reservation_id: ReservationId) -> None:
        """Record that the first byte is about to leave; from now on the worst case is held.

        Raises:
            LedgerUnavailableError: If the reservation is not held any more; then nothing may be
                sent.
        """
        instant = self._moment().instant

        def work(connection: sqlite3.Connection) -> None:
            if rows.mark_sent(connection, reservation_id, instant):
                return
            held = rows.find(connection, reservation_id)
            if held is None or held.state != "sent":
                state = held.state if held else "unknown"
                raise LedgerUnavailableError(
                    f"the reservation of this call is {state}, not held",
                    hint="nothing was sent; try again",
                )

        await self._database.write(work)

    async def settle(self, reservation_id: ReservationId, charge: Charge) -> BudgetState:
        """Book the real cost on the day of the reservation, once.

        A second settlement of the same id changes nothing. A cost above the worst case is booked
        and reported by ``take_alerts``; one that is no sum of money (negative, not a number) is
        reported, and the worst case stays held.

        Returns:
            Today's money afterwards.
        """
        cost = _nano(charge.cost_usd)
        if cost is None:
            self._alerts.append(
                f"a call reported a cost of {charge.cost_usd:f}: its worst case stays held"
            )
            return await self.state()
        moment, minute, limits = self._moment(), self._minute(), self._limits

        def work(connection: sqlite3.Connection) -> _Settled:
            held = rows.find(connection, reservation_id)
            if held is None:
                raise LedgerUnavailableError(
                    f"the ledger knows no reservation {reservation_id}, so its cost of "
                    f"{format_usd(charge.cost_usd)} cannot be booked",
                    hint=LEDGER.repair_hint,
                )
            today = counting_day(moment.day, days.greatest_day(connection))
            if held.state == "settled":
                return _Settled(state=self._state_of(connection, today))
            rows.book(connection, held, charge, cost, moment.instant)
            if charge.source != ASSUMED:
                days.note_pace(connection, minute, cost)
            state = self._state_of(connection, today)
            alerts: list[str] = []
            if cost > held.worst:
                alerts.append(words.over_worst(held, cost))
            if held.day == today and days.announce(connection, today, limits):
                alerts.append(words.alert(state))
            return _Settled(state=state, alerts=alerts, held=held)

        settled = await self._database.write(work, is_owed=True)
        self._alerts += settled.alerts
        if self._on_charge is not None and settled.held is not None:
            self._on_charge(_booked(settled.held, charge, moment.instant))
        return settled.state

    async def release(self, reservation_id: ReservationId) -> None:
        """Give back a reservation that was never sent; a sent one stays held."""
        instant = self._moment().instant

        def work(connection: sqlite3.Connection) -> None:
            held = rows.find(connection, reservation_id)
            if held is not None and held.state == "reserved":
                rows.release(connection, held, instant)

        await self._database.write(work, is_owed=True)

    async def raise_today(self, usd: Decimal | None) -> BudgetState:
        """Allow more on top of today's limit, in every process, until the day is over.

        Args:
            usd: How much more; None takes back all that was allowed today.

        Returns:
            Today's money afterwards.

        Raises:
            UsageError: If it is no sum above zero, or there is no limit to raise.
        """
        amount = None if usd is None else _nano(usd)
        if usd is not None and not amount:
            raise UsageError(
                f"today's limit cannot be raised by {usd}", hint="give USD above 0, such as 2.50"
            )
        if self._limits.daily_usd is None:
            raise UsageError(
                "there is no daily limit to raise",
                hint="other limits are changed with `ralex budget set`",
            )
        moment = self._moment()

        def work(connection: sqlite3.Connection) -> BudgetState:
            day = counting_day(moment.day, days.greatest_day(connection))
            if (days.day_sums(connection, day).raised + (amount or 0)) > rows.MOST_NANO:
                raise UsageError("that is more than any bill can be", hint="give less")
            days.raise_day(connection, day, amount, moment)
            return self._state_of(connection, day)

        return await self._database.write(work)

    async def take_alerts(self) -> list[str]:
        """Give what this process's settlements brought up, each text once.

        The day's alert is announced once for each threshold, by whichever process reaches it.
        """
        alerts, self._alerts = self._alerts, []
        return alerts

    async def confirm_date(self) -> str:
        """Take the clock's date as right, at the user's own word, and give it."""
        moment = self._moment()

        def work(connection: sqlite3.Connection) -> None:
            days.note_day(connection, moment.day)
            if self._clocks is not None:
                days.note_mark(connection, self._clocks())

        await self._database.write(work)
        return moment.day

    async def rebuild(self) -> Path:
        """Make every sum again from its rows, after a copy of the ledger as it is; give the copy.

        Reads and writes the whole ledger; only ever at the user's own word.
        """
        stamp = self._now().strftime("%Y%m%d-%H%M%S")
        copy = await self._database.copy_aside(f"before-rebuild-{stamp}")
        await self._database.write(ledger_rebuild.rebuild)
        return copy

    async def check(self) -> None:
        """Read every page of the file; slow in a large one.

        Raises:
            LedgerUnavailableError: If it is damaged.
        """
        await self._database.check()

    async def take_over(self, damaged: Path) -> Decimal:
        """Book what a damaged ledger still holds and this one lacks, and give what that cost.

        Only right after this one was restored from a backup of the other, with nobody else at it.
        """

        def work(connection: sqlite3.Connection) -> int:
            before = days.settled_in_all(connection)
            if salvage.rescue(connection, damaged, LEDGER):
                ledger_rebuild.rebuild(connection)
            return days.settled_in_all(connection) - before

        return from_nano(await self._database.write(work))

    async def go_back_to(self, day: str) -> None:
        """Forget later dates that a wrong clock once showed; only ever at the user's own word."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE clock SET greatest_day = ?", (day,))
            days.note_day(connection, day)

        await self._database.write(work)

    def _hold(
        self,
        reservation_id: ReservationId,
        intent: Intent,
        worst: int,
        connection: sqlite3.Connection,
    ) -> Reservation:
        moment = self._moment()
        mark = None if self._clocks is None else self._clocks()
        day = days.day_of_call(connection, moment.day, mark, is_free=not worst)
        held = Held(
            id=reservation_id,
            state="reserved",
            worst=worst,
            day=day,
            project=storable(intent.project),
            session=storable(intent.session_id),
            model=storable(intent.model),
            provider=intent.provider,
            tier=intent.tier,
            router=intent.router,
            tag=storable(intent.tag),
            purpose=intent.purpose,
        )
        limits = self._limits
        refused = rows.hold(connection, held, limits)
        if refused is not None:
            balances = days.balances(
                connection, limits, day=day, project=held.project, session=held.session
            )
            raise _RefusedError(next(one for one in balances if one.kind is refused), day)
        rows.insert_reservation(connection, held, moment, self._database.owner.id)
        return Reservation(id=reservation_id, worst_usd=from_nano(worst), day=day)

    def _advice(self, refused: "_RefusedError") -> str:
        tomorrow = self._now().date() + timedelta(days=1)
        if refused.day > tomorrow.isoformat():
            return (
                f"the ledger has seen the date {refused.day}; if a clock was wrong then, "
                "`ralex budget repair` sets it right"
            )
        return words.ADVICE[refused.balance.kind]

    async def _release_of_dead(self) -> int:
        """Release what died since this process opened the ledger; tell how many that were."""
        dead = await self._database.dead_owners()
        if not dead:
            return 0
        work = partial(rows.release_of_dead, owners=dead, instant=self._moment().instant)
        return await self._database.write(work)

    async def _leave(self) -> None:
        moment = self._moment()
        own = [self._database.owner.id]
        try:
            await self._database.write(
                partial(rows.release_of_dead, owners=own, instant=moment.instant)
            )
            await self._database.back_up(today=moment.day)
        except RalexError as error:
            _LOG.warning("closing the ledger: %s", error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What a settlement did; ``held`` is None if it was done before."""

    state: BudgetState
    alerts: list[str] = field(default_factory=list[str])
    held: Held | None = None


class _RefusedError(Exception):
    """A limit forbids the reservation; undoes the transaction on its way out."""

    def __init__(self, balance: Balance, day: str) -> None:
        super().__init__(balance)
        self.balance = balance
        self.day = day


def _booked(held: Held, charge: Charge, instant: str) -> BookedCharge:
    return BookedCharge(
        id=ReservationId(held.id),
        day=held.day,
        model=held.model,
        provider=held.provider,
        tier=held.tier,
        router=held.router,
        session_id=held.session,
        project=held.project,
        purpose=held.purpose,
        tag=held.tag,
        charge=charge,
        sent_at=held.sent_at,
        booked_at=instant,
    )


def _nano(amount: Decimal) -> int | None:
    """Convert to nano-dollars; None if it is no sum of money that can be."""
    if not amount.is_finite() or not 0 <= amount <= rows.MOST_USD:
        return None
    return to_nano(amount)


def _new_id() -> str:
    """Make an id that sorts by time, so that new rows are stored side by side."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"
