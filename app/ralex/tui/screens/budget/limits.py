"""The limits as lines that can be changed, and what a user may type as an amount."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, Literal, TypeAlias

from textual.content import Content

from ralex.core.budget import Balance, BudgetState, LimitKind, LimitName
from ralex.core.records import dataclass
from ralex.errors import UsageError
from ralex.tui import formats

Changeable: TypeAlias = LimitName | Literal["today"]
"""A limit, or what is allowed on top of today's alone."""

_MOST_USD: Final = Decimal(1_000_000)
_OFF: Final = frozenset({"off", "none", "no", "false"})
_TITLES: Final[dict[Changeable, str]] = {
    "daily": "each day",
    "alert": "alert at",
    "session": "each session",
    "project": "this project",
    "monthly": "each month",
    "today": "more today",
}
_KINDS: Final[dict[Changeable, LimitKind]] = {
    "session": LimitKind.SESSION,
    "project": LimitKind.PROJECT,
    "monthly": LimitKind.MONTH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """One limit as it stands.

    Attributes:
        amount: In USD; None is no limit.
        note: What is used of it, or what it means.
    """

    kind: Changeable
    amount: Decimal | None
    note: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return _TITLES[self.kind]

    def content(self) -> Content:
        """Write the line."""
        is_raise = self.kind == "today"
        none = "—" if is_raise else "no limit"
        sign = "+" if is_raise and self.amount else ""
        amount = f"{sign}{formats.usd_cents(self.amount)}" if self.amount else none
        if self.amount == 0 and not is_raise:
            amount = "$0.00"
        return Content.assemble(
            (f"{self.title:<13}", "$text-muted"),
            (f"{amount:>9}", "$foreground"),
            (f"   {self.note}".rstrip(), "$text-muted"),
        )


def limit_lines(budget: BudgetState, balances: Sequence[Balance]) -> list[LimitLine]:
    """Put the limits in the order in which people look for them."""
    used = {one.kind: one for one in balances}
    raised = budget.raised_usd
    daily = None if budget.limit_usd is None else budget.limit_usd - raised
    alert = None if budget.alert_usd is None else budget.alert_usd - raised
    lines = [
        LimitLine(kind="daily", amount=daily),
        LimitLine(kind="alert", amount=alert, note="a notice; cheaper from 80 %"),
    ]
    for kind, of in _KINDS.items():
        balance = used.get(of)
        amount = None if balance is None else balance.limit_usd
        lines.append(LimitLine(kind=kind, amount=amount, note=_used(balance)))
    more = "gone at midnight" if raised else "for today only"
    return [*lines, LimitLine(kind="today", amount=raised or None, note=more)]


def read_amount(text: str) -> Decimal | None:
    """Read an amount; ``off`` is None.

    Raises:
        UsageError: If it is neither.
    """
    word = text.strip().lower().removeprefix("$").removeprefix("+").replace(",", ".")
    if word in _OFF:
        return None
    try:
        amount = Decimal(word)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _MOST_USD:
        raise UsageError(f"{text.strip()[:40]!r} is no amount", hint="such as 5 or 0.50, or off")
    return amount


def _used(balance: Balance | None) -> str:
    if balance is None:
        return ""
    spent = f"{formats.usd_cents(balance.spent_usd)} spent"
    if balance.left_usd is None:
        return spent
    return f"{spent}, {formats.usd_cents(balance.left_usd)} left"
