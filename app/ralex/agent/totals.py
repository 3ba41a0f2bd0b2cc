"""The numbers of a session and of a turn."""

from dataclasses import field
from decimal import Decimal

from ralex.core.budget import BudgetState
from ralex.core.ids import ModelId
from ralex.core.models import PriceList
from ralex.core.records import dataclass
from ralex.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTotals:
    """Numbers of the status bar; see ``tui.ports.SessionTotals``."""

    context_tokens: int
    is_estimate: bool
    window: int | None
    turns: int


@dataclass(slots=True, kw_only=True)
class TurnTotals:
    """Steps, tokens and money of one turn, summaries and advice included; every end reports them.

    Attributes:
        top: Prices of the router's top tier, for what was saved; None if unknown.
        limit_usd: What the turn may cost, or None.
        held_usd: Granted to sub-agents and not used yet.
        evidence: Kinds of what spoke against the model, in order.
        escalations: Steps up taken.
    """

    top: PriceList | None = None
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)
    counterfactual_usd: Decimal = Decimal(0)
    text: str = ""
    model: ModelId | None = None
    budget: BudgetState | None = None
    files_changed: list[str] = field(default_factory=list[str])
    limit_usd: Decimal | None = None
    held_usd: Decimal = Decimal(0)
    evidence: list[str] = field(default_factory=list[str])
    escalations: int = 0

    @property
    def saved_usd(self) -> Decimal | None:
        """Estimate what the router's top tier would have cost more."""
        if self.top is None:
            return None
        return self.counterfactual_usd - self.cost_usd

    @property
    def left_usd(self) -> Decimal | None:
        """What of the turn's own limit is left, or None."""
        if self.limit_usd is None:
            return None
        return self.limit_usd - self.cost_usd - self.held_usd

    def add_files(self, paths: list[str]) -> None:
        """Note changed files, each once, in order of first change."""
        self.files_changed += [path for path in paths if path not in self.files_changed]

    def bill(self, usage: Usage, cost_usd: Decimal, counterfactual: Decimal | None) -> None:
        """Add a call.

        Args:
            counterfactual: The same tokens on the top tier; None where that tier would not have
                made the call better or cheaper, so that nothing counts as saved.
        """
        self.usage += usage
        self.cost_usd += cost_usd
        self.counterfactual_usd += cost_usd if counterfactual is None else counterfactual
