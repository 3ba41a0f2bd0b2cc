"""What people compare models by, in one line."""

from datetime import datetime

from ralex.core.models import ModelInfo
from ralex.core.pricing import is_free, rates_at
from ralex.core.routing import Router
from ralex.core.tiers import TIERS
from ralex.tui import formats


def model_hint(model: ModelInfo, router: Router, *, now: datetime) -> str:
    """Give price per million tokens, context window and the tiers a model serves."""
    tiers = [tier.value for tier in TIERS if model.id in router.tiers.get(tier, ())]
    window = formats.tokens(model.context_window) if model.context_window else "?"
    return f"{_price(model, now):<19} {window:>6}  {' '.join(tiers)}".rstrip()


def _price(model: ModelInfo, now: datetime) -> str:
    if model.price is None:
        return "price unknown"
    if is_free(model.price):
        return "free"
    rates = rates_at(model.price, now, total_input_tokens=0)
    return f"${_rate(rates.input)} → ${_rate(rates.output)} /M"


def _rate(rate: object) -> str:
    return f"{rate:.2f}"
