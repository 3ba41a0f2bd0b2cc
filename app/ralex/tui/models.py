"""What people compare models by, in one line: price, window, success, tier, and a warning."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from ralex.config.model_table import load_model_table
from ralex.core.ids import ModelId
from ralex.core.model_table import Dominated, Measured, dominated
from ralex.core.models import ModelInfo
from ralex.core.pricing import is_free, rates_at
from ralex.core.routing import Router
from ralex.core.tiers import TIERS
from ralex.errors import ResourceError
from ralex.tui import formats

HEAD = f"{'USD per million':<17} {'window':>7} {'solved':>6}   tier"
"""Above a list of ``model_hint`` lines."""
SHORT_HEAD = f"{'$/M tokens':<12} {'window':>6} solved  tier"
"""Above a list of ``short_model_hint`` lines."""


def short_model_hint(model: ModelInfo, router: Router, *, now: datetime) -> str:
    """Give the same as ``model_hint`` in few cells: tiers by their first letters."""
    window = formats.tokens(model.context_window) if model.context_window else "?"
    serves = "".join(tier[0] for tier in _tiers(model, router))
    result = best_result(model.id)
    solved = f"{result.success:.0%}" if result is not None else "—"
    mark = "⚠" if model.id in _losers() else ""
    price = "unknown" if model.price is None else _price(model, now).replace(" → $", "→")
    return f"{price:<12} {window:>6} {solved:>4} {mark:<2} {serves}".rstrip()


def model_hint(model: ModelInfo, router: Router, *, now: datetime) -> str:
    """Give price per million tokens, context window, success, the tiers a model serves.

    ``⚠`` marks a model that another of the table beats on success and bill at once.
    """
    tiers = _tiers(model, router)
    window = formats.tokens(model.context_window) if model.context_window else "?"
    serves = tiers[0] if len(tiers) == 1 else "·".join(tier[0] for tier in tiers)
    result = best_result(model.id)
    solved = f"{result.success:>6.0%}" if result is not None else f"{'—':>6}"
    mark = "⚠ " if model.id in _losers() else "  "
    return f"{_price(model, now):<17} {window:>7} {solved} {mark}{serves}".rstrip()


def model_story(model: ModelInfo, router: Router) -> list[str]:
    """Tell what is known of a model beside its columns, a line each."""
    tiers = _tiers(model, router)
    lines = [f"{model.label or model.name} at {model.provider}"]
    if tiers:
        lines.append(f"serves {', '.join(tiers)} in the router {router.name}")
    lines += [
        f"solved {one.success:.1%} of {one.tasks:,} tasks for ${one.usd_per_task:.2f} each "
        f"({one.benchmark}, {one.date:%B %Y})"
        for one in _table()
        if one.model == model.id
    ]
    loser = _losers().get(model.id)
    if loser is not None:
        better = loser.better
        lines.append(
            f"⚠ {better.model} solved {better.success:.1%} for ${better.usd_per_task:.2f} each"
        )
    if model.is_deprecated:
        lines.append("⚠ deprecated by its maker")
    return lines


def best_result(model: ModelId) -> Measured | None:
    """Give the newest result of a model on the benchmark with the most tasks, or None."""
    results = [one for one in _table() if one.model == model]
    return max(results, key=lambda one: (one.tasks, one.date), default=None)


def _tiers(model: ModelInfo, router: Router) -> list[str]:
    return [tier.value for tier in TIERS if model.id in router.tiers.get(tier, ())]


def _table() -> Sequence[Measured]:
    try:
        return load_model_table()
    except ResourceError:
        return ()


@cache
def _losers() -> dict[ModelId, Dominated]:
    """Look for losers once: every line of a list asks."""
    return dominated(_table())


def _price(model: ModelInfo, now: datetime) -> str:
    if model.price is None:
        return "price unknown"
    if is_free(model.price):
        return "free"
    rates = rates_at(model.price, now, total_input_tokens=0)
    return f"${_rate(rates.input)} → ${_rate(rates.output)}"


def _rate(rate: object) -> str:
    return f"{rate:.2f}"
