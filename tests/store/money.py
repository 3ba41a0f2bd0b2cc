"""What ledger tests share: a clock to set by hand, and calls that cost something."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from ralex.core.budget import BudgetState, Charge, Intent, Limits, Reservation
from ralex.core.usage import Usage
from ralex.store.ledger import SqliteLedger

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=BERLIN)
FREE_HAND = Limits(daily_usd=None, alert_usd=None)


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


async def open_ledger(
    folder: Path, limits: Limits | None = None, clock: Clock | None = None
) -> SqliteLedger:
    return await SqliteLedger.open(
        folder / "ledger.db", limits=limits or Limits(), now=clock or Clock()
    )


def intent(
    worst: str | Decimal,
    *,
    model: str = "acme/fast",
    tier: str = "SIMPLE",
    session_id: str = "s1",
    project: str = "/shop",
    tag: str = "",
) -> Intent:
    return Intent(
        model=model,
        provider=model.partition("/")[0],
        tier=tier,
        router="mine",
        session_id=session_id,
        project=project,
        purpose="step",
        worst_usd=Decimal(worst),
        tag=tag,
    )


def charge(cost: str | Decimal, *, top: str | None = None, usage: Usage | None = None) -> Charge:
    return Charge(
        cost_usd=Decimal(cost),
        source="provider",
        usage=usage or Usage(input_tokens=100, output_tokens=10),
        counterfactual_usd=None if top is None else Decimal(top),
    )


async def send(ledger: SqliteLedger, call: Intent) -> Reservation:
    """Reserve a call and let its first byte leave."""
    reservation = await ledger.reserve(call)
    await ledger.mark_sent(reservation.id)
    return reservation


async def pay(
    ledger: SqliteLedger, cost: str | Decimal, *, top: str | None = None, call: Intent | None = None
) -> BudgetState:
    """Make a whole call that costs exactly its worst case."""
    reservation = await send(ledger, call or intent(cost))
    return await ledger.settle(reservation.id, charge(cost, top=top))
