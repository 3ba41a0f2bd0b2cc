"""What the ledger tells: a handful of sums, however many charges there are."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from ralex.core.budget import Balance, BudgetState, Limits, SpendRow, available_usd, counting_day
from ralex.core.forecast import DayForecast, forecast_day
from ralex.core.pricing import from_nano
from ralex.errors import UsageError
from ralex.store import ledger_audit
from ralex.store import ledger_days as days
from ralex.store import ledger_spend as spending
from ralex.store.database import Database, storable
from ralex.store.ledger_records import Moment


class LedgerReader:
    """The reading half of the ledger; every method may raise LedgerUnavailableError."""

    def __init__(self, database: Database, *, limits: Limits, now: Callable[[], datetime]) -> None:
        self._database = database
        self._limits = limits
        self._now = now

    @property
    def limits(self) -> Limits:
        """The limits in force for this process's next reservation."""
        return self._limits

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know about how the ledger was opened; usually nothing."""
        return self._database.notices

    async def is_open_elsewhere(self) -> bool:
        """Tell whether another running ralex spends from this ledger, under limits of its own."""
        return await self._database.is_open_elsewhere()

    async def available(self, *, session_id: str, project: str) -> Decimal | None:
        """Tell what a new call may cost at most under every limit; None without limits."""
        return available_usd(await self.balances(session_id=session_id, project=project))

    async def balances(self, *, session_id: str = "", project: str = "") -> list[Balance]:
        """Read every limit that counts for a session and project, with what is used of it."""
        today = self._moment().day

        def work(connection: sqlite3.Connection) -> list[Balance]:
            day = counting_day(today, days.greatest_day(connection))
            return list(
                days.balances(
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
            return self._state_of(connection, counting_day(today, days.greatest_day(connection)))

        return await self._database.read(work)

    async def forecast(self) -> DayForecast:
        """Tell how fast money goes, and what the day will have cost at this pace."""
        now = self._now()
        minute = self._minute()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        elapsed_s = now.timestamp() - midnight.timestamp()
        remaining_s = (midnight + timedelta(days=1)).timestamp() - now.timestamp()

        def work(connection: sqlite3.Connection) -> tuple[BudgetState, int]:
            day = counting_day(now.date().isoformat(), days.greatest_day(connection))
            settled = days.settled_since(connection, minute - 60, minute)
            return self._state_of(connection, day), settled

        state, last_hour = await self._database.read(work)
        return forecast_day(
            spent_usd=state.spent_usd,
            last_hour_usd=from_nano(last_hour),
            left_usd=state.left_usd,
            elapsed_s=int(elapsed_s),
            remaining_s=int(remaining_s),
        )

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
        if by not in spending.SPEND_DIMENSIONS:
            raise UsageError(
                f"spend cannot be grouped by {by!r}",
                hint=f"choose one of {', '.join(spending.SPEND_DIMENSIONS)}",
            )
        work = partial(spending.spend, by=by, since_day=since_day, until_day=until_day)
        return await self._database.read(work)

    async def audit(self) -> list[str]:
        """Compare every sum with the rows it adds up; reads the whole ledger.

        Returns:
            One line for each sum that is wrong; empty if the ledger is sound.
        """
        return await self._database.read(ledger_audit.differences)

    def _state_of(self, connection: sqlite3.Connection, day: str) -> BudgetState:
        return days.state(connection, day, self._limits)

    def _moment(self) -> Moment:
        now = self._now()
        return Moment(
            day=now.date().isoformat(),
            instant=now.isoformat(timespec="milliseconds"),
            zone=now.tzname() or "",
        )

    def _minute(self) -> int:
        return int(self._now().timestamp()) // 60
