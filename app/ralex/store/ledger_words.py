"""What the ledger says to the user."""

from ralex.core.budget import BudgetState, LimitKind, format_usd
from ralex.core.pricing import from_nano
from ralex.store.ledger_rows import Held

ADVICE = {
    LimitKind.DAY: "use a cheaper tier with /tier, or raise it with `ralex budget set daily`",
    LimitKind.MONTH: "use a cheaper tier with /tier, or raise it with `ralex budget set monthly`",
    LimitKind.PROJECT: "use a cheaper tier with /tier, or raise it with `ralex budget set project`",
    LimitKind.SESSION: "start a new session, or raise it with `ralex budget set session`",
}
"""What to do about a limit that refuses a call."""


def alert(state: BudgetState) -> str:
    """Announce that the day's threshold is reached."""
    limit = "" if state.limit_usd is None else f" of {format_usd(state.limit_usd)}"
    return (
        f"today's alert at {format_usd(state.alert_usd or 0)} is reached: "
        f"{format_usd(state.spent_usd)}{limit} spent, {format_usd(state.held_usd)} held"
    )


def over_worst(held: Held, cost: int) -> str:
    """Report a charge, in nano-dollars, above what was set aside for it."""
    return (
        f"a call of {held.model} cost {format_usd(from_nano(cost))}, more than the "
        f"{format_usd(from_nano(held.worst))} that was set aside: check its price"
    )
