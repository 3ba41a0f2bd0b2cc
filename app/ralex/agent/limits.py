"""The user's word on limits while ralex runs: for good, or for today only."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from ralex.core.budget import BudgetState, LimitChange, LimitName, Limits
from ralex.core.events import TurnFailed
from ralex.errors import ClockLeapError


class LimitedLedger(Protocol):
    """A ledger that takes other limits while it is open."""

    @property
    def limits(self) -> Limits:
        """The limits in force for this process's next reservation."""
        ...

    def set_limits(self, limits: Limits) -> None:
        """Change the limits from the next reservation on."""
        ...

    async def raise_today(self, usd: Decimal | None) -> BudgetState:
        """Allow more for today only; None takes back all that was allowed."""
        ...

    async def confirm_date(self) -> str:
        """Take the clock's date as right, and give it."""
        ...


class LimitDesk:
    """Changes limits for a session's front end.

    Args:
        write: Writes a limit for good and tells what is in force then; may take a moment.
        tell: Told of each change: the limit's name, ``today`` for a raise, and what it is now.
    """

    def __init__(
        self,
        ledger: LimitedLedger,
        *,
        write: Callable[[Limits, LimitName, Decimal | None], LimitChange],
        tell: Callable[[str, Decimal | None], None],
    ) -> None:
        self._ledger = ledger
        self._write = write
        self._tell = tell

    async def change(self, kind: LimitName, usd: Decimal | None) -> LimitChange:
        """Change a limit at once, also for the turn that runs, and write it to the user's file.

        Args:
            usd: None is no limit; 0 means that nothing may be spent.

        Returns:
            What is in force now, with notes where another layer (a project's file) decides.

        Raises:
            UsageError: If it is no sum of money.
            ConfigError: If the file cannot be read or written; then nothing changed.
        """
        change = await asyncio.to_thread(self._write, self._ledger.limits, kind, usd)
        self._ledger.set_limits(change.limits)
        self._tell(kind, usd)
        return change

    async def raise_today(self, usd: Decimal | None) -> BudgetState:
        """Allow more on top of today's limit, in every process, until the day is over.

        Args:
            usd: How much more; None takes back all that was allowed today.

        Raises:
            UsageError: If it is no sum above zero, or there is no limit to raise.
        """
        state = await self._ledger.raise_today(usd)
        self._tell("today", state.raised_usd)
        return state

    async def answer_leap(self, last_failure: TurnFailed | None) -> None:
        """Take a prompt that is sent again as the word that the date of a set clock is right."""
        if last_failure is not None and last_failure.code == ClockLeapError.code:
            await self._ledger.confirm_date()
