"""What dispatch needs from the outside; adapters fit these shapes without importing them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Protocol

from ralex.core.budget import BudgetState, Charge, Intent, Reservation
from ralex.core.ids import ReservationId
from ralex.core.messages import ModelRequest
from ralex.core.stream import ProviderPart


class ChatProvider(Protocol):
    """One provider's endpoint in one dialect."""

    def stream(
        self, request: ModelRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[ProviderPart]]:
        """Send the request and yield the reply's parts.

        A complete reply ends with exactly one StreamFinished; leaving the block early closes the
        connection.

        Raises:
            ProviderError: On entering the block (nothing came yet) or while iterating.
        """
        ...


class Ledger(Protocol):
    """The money: every attempt reserves its worst case before the first byte leaves."""

    async def reserve(self, intent: Intent) -> Reservation:
        """Set the worst case aside in one transaction.

        Raises:
            BudgetExceededError: If any limit would be passed.
            LedgerUnavailableError: If the ledger cannot be read or written.
        """
        ...

    async def mark_sent(self, reservation_id: ReservationId) -> None:
        """Record that the first byte is about to leave; from now on the worst case is held."""
        ...

    async def settle(self, reservation_id: ReservationId, charge: Charge) -> BudgetState:
        """Book the real cost, once; a second settlement of the same id changes nothing."""
        ...

    async def release(self, reservation_id: ReservationId) -> None:
        """Give back a reservation that was never sent."""
        ...

    async def available(self, *, session_id: str, project: str) -> Decimal | None:
        """Tell what a new call may cost at most under every limit; None without limits."""
        ...

    async def state(self) -> BudgetState:
        """Read the day's money."""
        ...
