"""What the ledger says to the user."""

from decimal import Decimal

from ralex.core.budget import BudgetState, LimitKind, format_usd
from ralex.core.pricing import from_nano
from ralex.core.routing import BUDGET_BIAS_SHARE
from ralex.errors import ClockLeapError
from ralex.store.ledger_records import Held

ADVICE = {
    LimitKind.DAY: "use a cheaper tier with /tier, or raise it with `ralex budget set daily`",
    LimitKind.MONTH: "use a cheaper tier with /tier, or raise it with `ralex budget set monthly`",
    LimitKind.PROJECT: "use a cheaper tier with /tier, or raise it with `ralex budget set project`",
    LimitKind.SESSION: "start a new session, or raise it with `ralex budget set session`",
}
"""What to do about a limit that refuses a call."""


def alert(state: BudgetState) -> str:
    """Announce that the day's threshold is reached, and what changes with the money."""
    reached = f"today's alert at {format_usd(state.alert_usd or 0)} is reached: "
    spent, held = format_usd(state.spent_usd), f"{format_usd(state.held_usd)} held"
    limit = state.limit_usd
    if limit is None:
        return f"{reached}{spent} spent, {held}"
    bias = limit * Decimal(str(BUDGET_BIAS_SHARE))
    since = "" if state.share_used >= BUDGET_BIAS_SHARE else f" from {format_usd(bias)} on"
    stop = f", and at {format_usd(limit)} paid calls stop" if state.has_cutoff else ""
    return (
        f"{reached}{spent} of {format_usd(limit)} spent, {held}; "
        f"asks start one tier lower{since or ' now'}{stop}"
    )


def over_worst(held: Held, cost: int) -> str:
    """Report a charge, in nano-dollars, above what was set aside for it."""
    return (
        f"a call of {held.model} cost {format_usd(from_nano(cost))}, more than the "
        f"{format_usd(from_nano(held.worst))} that was set aside: check its price"
    )


def clock_leap(days: float, last: str, today: str) -> ClockLeapError:
    """Refuse a call because the clock was set forward; both dates as ``YYYY-MM-DD``."""
    return ClockLeapError(
        f"the clock was set forward by {days:.1f} days (the last call was on {last}, today would "
        f"be {today}), so no new day's limit is opened",
        hint="if the date is right, confirm it once with `ralex budget confirm` (on the screen: "
        "send the prompt again); if not, set the clock",
    )
