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
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Self

from ralex.core.budget import (
    Balance,
    BudgetState,
    Charge,
    Intent,
    LimitKind,
    Limits,
    Reservation,
    SpendRow,
    available_usd,
    counting_day,
    format_usd,
    refusal,
)
from ralex.core.ids import ReservationId
from ralex.core.pricing import from_nano, to_nano
from ralex.errors import (
    BudgetExceededError,
    LedgerUnavailableError,
    RalexError,
    UnknownPriceError,
    UsageError,
)
from ralex.store import ledger_audit
from ralex.store import ledger_rows as rows
from ralex.store.database import Database, finish, storable
from ralex.store.faults import LEDGER

_LOG = logging.getLogger(__name__)


class SqliteLedger:
    """The ledger in a SQLite file; any number of processes may have it open.

    Amounts are USD. Every method may raise LedgerUnavailableError: without a ledger there is no
    paid call.

    Args:
        now: The user's local time, with its zone; the date decides which day a call counts for.
    """

    def __init__(self, database: Database, *, limits: Limits, now: Callable[[], datetime]) -> None:
        self._database = database
        self._limits = limits
        self._now = now
        self._alerts: list[str] = []

    @classmethod
    async def open(cls, path: Path, *, limits: Limits, now: Callable[[], datetime]) -> Self:
        """Open the ledger, and release what dead processes reserved and never sent.

        Raises:
            LedgerUnavailableError: If the file is damaged, lost, locked or not writable.
            SchemaTooNewError: If a newer ralex wrote it.
        """
        instant = now().isoformat(timespec="milliseconds")

        def recover(connection: sqlite3.Connection, dead: Sequence[str]) -> None:
            rows.release_of_dead(connection, dead, instant)

        database = await Database.open(path, LEDGER, recover=recover)
        return cls(database, limits=limits, now=now)

    @property
    def limits(self) -> Limits:
        """The limits in force for this process's next reservation."""
        return self._limits

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know about how the ledger was opened; usually nothing."""
        return self._database.notices

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
        """
        worst = _nano(intent.worst_usd)
        if worst is None:
            raise UnknownPriceError(
                f"the most this call of {intent.model} can cost is not a sum of money: "
                f"{intent.worst_usd}",
                hint="check the model's price in config.toml",
            )
        reservation_id = ReservationId(_new_id())
        work = partial(self._hold, reservation_id, intent, worst)
        try:
            try:
                return await self._database.write(work)
            except _RefusedError:
                if not await self._release_of_dead():
                    raise
            return await self._database.write(work)
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
                f"a call reported a cost of {charge.cost_usd}: its worst case stays held"
            )
            return await self.state()
        moment = self._moment()

        def work(connection: sqlite3.Connection) -> tuple[BudgetState, list[str]]:
            held = rows.find(connection, reservation_id)
            if held is None:
                raise LedgerUnavailableError(
                    f"the ledger knows no reservation {reservation_id}, so its cost of "
                    f"{format_usd(charge.cost_usd)} cannot be booked",
                    hint=LEDGER.repair_hint,
                )
            today = counting_day(moment.day, rows.greatest_day(connection))
            if held.state == "settled":
                return self._state_of(connection, today), []
            rows.book(connection, held, charge, cost, moment.instant)
            state = self._state_of(connection, today)
            alerts: list[str] = []
            if cost > held.worst:
                alerts.append(_over_worst(held, cost))
            if held.day == today and rows.announce(connection, today, self._limits.alert_usd):
                alerts.append(_alert(state))
            return state, alerts

        state, alerts = await self._database.write(work)
        self._alerts += alerts
        return state

    async def release(self, reservation_id: ReservationId) -> None:
        """Give back a reservation that was never sent; a sent one stays held."""
        instant = self._moment().instant

        def work(connection: sqlite3.Connection) -> None:
            held = rows.find(connection, reservation_id)
            if held is not None and held.state == "reserved":
                rows.release(connection, held, instant)

        await self._database.write(work)

    async def available(self, *, session_id: str, project: str) -> Decimal | None:
        """Tell what a new call may cost at most under every limit; None without limits."""
        return available_usd(await self.balances(session_id=session_id, project=project))

    async def balances(self, *, session_id: str = "", project: str = "") -> list[Balance]:
        """Read every limit that counts for a session and project, with what is used of it."""
        today = self._moment().day

        def work(connection: sqlite3.Connection) -> list[Balance]:
            day = counting_day(today, rows.greatest_day(connection))
            return list(
                rows.balances(
                    connection,
                    self._limits,
                    day=day,
                    project=storable(project),
                    session=storable(session_id),
                )
            )

        return await self._database.read(work)

    async def state(self) -> BudgetState:
        """Read the day's money: one row, however many charges there are."""
        today = self._moment().day

        def work(connection: sqlite3.Connection) -> BudgetState:
            return self._state_of(connection, counting_day(today, rows.greatest_day(connection)))

        return await self._database.read(work)

    async def spend(self, by: str, *, since_day: str = "", until_day: str = "") -> list[SpendRow]:
        """Group the settled charges of days (``YYYY-MM-DD``, both included) by a dimension.

        Args:
            by: ``day``, ``model``, ``tier``, ``provider``, ``project``, ``session``, ``tag`` or
                ``router``. Days come in order, everything else dearest first.
            since_day: Empty is the beginning.
            until_day: Empty is the end.

        Raises:
            UsageError: If there is no such dimension.
        """
        if by not in rows.SPEND_DIMENSIONS:
            raise UsageError(
                f"spend cannot be grouped by {by!r}",
                hint=f"choose one of {', '.join(rows.SPEND_DIMENSIONS)}",
            )
        work = partial(rows.spend, by=by, since_day=since_day, until_day=until_day)
        return await self._database.read(work)

    async def take_alerts(self) -> list[str]:
        """Give what this process's settlements brought up, each text once.

        The day's alert is announced once for each threshold, by whichever process reaches it.
        """
        alerts, self._alerts = self._alerts, []
        return alerts

    async def go_back_to(self, day: str) -> None:
        """Forget later dates that a wrong clock once showed; only ever at the user's own word."""
        await self._database.write(
            lambda connection: connection.execute(
                "UPDATE clock SET greatest_day = ?", (day,)
            ).close()
        )

    async def audit(self) -> list[str]:
        """Compare every sum with the rows it adds up; reads the whole ledger.

        Returns:
            One line for each sum that is wrong; empty if the ledger is sound.
        """
        return await self._database.read(ledger_audit.differences)

    def _hold(
        self,
        reservation_id: ReservationId,
        intent: Intent,
        worst: int,
        connection: sqlite3.Connection,
    ) -> Reservation:
        moment = self._moment()
        day = counting_day(moment.day, rows.greatest_day(connection))
        rows.note_day(connection, day)
        held = rows.Held(
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
        )
        refused = rows.hold(connection, held, self._limits)
        if refused is not None:
            balances = rows.balances(
                connection, self._limits, day=day, project=held.project, session=held.session
            )
            raise _RefusedError(next(one for one in balances if one.kind is refused), day)
        rows.insert_reservation(connection, held, intent, moment, self._database.owner.id)
        return Reservation(id=reservation_id, worst_usd=from_nano(worst), day=day)

    def _advice(self, refused: "_RefusedError") -> str:
        tomorrow = self._now().date() + timedelta(days=1)
        if refused.day > tomorrow.isoformat():
            return (
                f"the ledger has seen the date {refused.day}; if a clock was wrong then, "
                "`ralex budget repair` sets it right"
            )
        return _ADVICE[refused.balance.kind]

    async def _release_of_dead(self) -> int:
        """Release what died since this process opened the ledger; tell how many that were."""
        dead = await self._database.dead_owners()
        if not dead:
            return 0
        work = partial(rows.release_of_dead, owners=dead, instant=self._moment().instant)
        return await self._database.write(work)

    def _state_of(self, connection: sqlite3.Connection, day: str) -> BudgetState:
        settled, held, saved = rows.day_sums(connection, day)
        return BudgetState(
            day=day,
            limit_usd=self._limits.daily_usd,
            alert_usd=self._limits.alert_usd,
            spent_usd=from_nano(settled),
            held_usd=from_nano(held),
            saved_usd=from_nano(saved),
        )

    def _moment(self) -> rows.Moment:
        now = self._now()
        return rows.Moment(
            day=now.date().isoformat(),
            instant=now.isoformat(timespec="milliseconds"),
            zone=now.tzname() or "",
        )

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


class _RefusedError(Exception):
    """A limit forbids the reservation; undoes the transaction on its way out."""

    def __init__(self, balance: Balance, day: str) -> None:
        super().__init__(balance)
        self.balance = balance
        self.day = day


_ADVICE = {
    LimitKind.DAY: "use a cheaper tier with /tier, or raise it with `ralex budget set daily`",
    LimitKind.MONTH: "use a cheaper tier with /tier, or raise it with `ralex budget set monthly`",
    LimitKind.PROJECT: "use a cheaper tier with /tier, or raise it with `ralex budget set project`",
    LimitKind.SESSION: "start a new session, or raise it with `ralex budget set session`",
}


def _alert(state: BudgetState) -> str:
    limit = "" if state.limit_usd is None else f" of {format_usd(state.limit_usd)}"
    return (
        f"today's alert at {format_usd(state.alert_usd or 0)} is reached: "
        f"{format_usd(state.spent_usd)}{limit} spent, {format_usd(state.held_usd)} held"
    )


def _over_worst(held: rows.Held, cost: int) -> str:
    return (
        f"a call of {held.model} cost {format_usd(from_nano(cost))}, more than the "
        f"{format_usd(from_nano(held.worst))} that was set aside: check its price"
    )


def _nano(amount: Decimal) -> int | None:
    """Convert to nano-dollars; None if it is no sum of money that can be."""
    if not amount.is_finite() or not 0 <= amount <= rows.MOST_USD:
        return None
    return to_nano(amount)


def _new_id() -> str:
    """Make an id that sorts by time, so that new rows are stored side by side."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"
