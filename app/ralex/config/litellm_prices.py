"""Prices, windows and abilities of a LiteLLM deployment, in ralex's terms.

LiteLLM states USD per token, ralex USD per million tokens.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from ralex.config.litellm_reading import Item, Table
from ralex.config.toml_text import TomlTable
from ralex.core.models import Rates

_MTOK = Decimal(1_000_000)
_RATES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}
_REASONING = "output_cost_per_reasoning_token"
_LONG = re.compile(r"(.+)_above_(\d+)k_tokens")
_ABILITIES = {
    "supports_function_calling": "tools",
    "supports_vision": "vision",
    "supports_reasoning": "reasoning",
    "supports_response_schema": "response_schema",
    "supports_prompt_caching": "prompt_caching",
}


def price_of(params: Table, info: Table, base: Rates | None) -> TomlTable | None:
    """Read the prices a deployment states; those beside ``model`` win over ``model_info``.

    Args:
        base: What the catalogue knows of the model, for a direction that is left out.
    """
    rates: dict[str, Decimal] = {}
    long: dict[int, dict[str, Decimal]] = {}
    first: Item | None = None
    for table in (info, params):
        both = table.take("cost_per_token")
        if both is not None:
            first = first or both
            rates |= {"input": both.amount() * _MTOK, "output": both.amount() * _MTOK}
        for name, above, item in _stated(table):
            first = first or item
            amount = item.amount() * _MTOK
            if above is None:
                rates[name] = amount
            else:
                long.setdefault(above, {})[name] = amount
    if first is None:
        return None
    for name in ("input", "output"):
        if name not in rates:
            if base is None:
                first.note(f"the price of the {name} is not said, so the price stays unknown")
                return None
            rates[name] = base.input if name == "input" else base.output
    _count_reasoning(rates, params.take(_REASONING) or info.take(_REASONING))
    price: TomlTable = {name: rates[name] for name in _RATES.values() if name in rates}
    if long:
        price["long"] = [
            {"above_input_tokens": above, **rates, **steps} for above, steps in sorted(long.items())
        ]
    return price


def _count_reasoning(rates: dict[str, Decimal], stated: Item | None) -> None:
    """Let all output cost as much as reasoning where that is dearer: no bill is then larger."""
    if stated is None:
        return
    amount = stated.amount() * _MTOK
    if amount > rates["output"]:
        rates["output"] = amount
        stated.note("is dearer than other output; all output is counted at it")
    elif amount < rates["output"]:
        stated.note("reasoning is counted as other output is")


def _stated(table: Table) -> Iterator[tuple[str, int | None, Item]]:
    for name, item in list(table.rest()):
        step = _LONG.fullmatch(name)
        plain = _RATES.get(step[1] if step else name)
        if plain is None or item.is_empty:
            continue
        table.take(name)
        yield plain, int(step[2]) * 1000 if step else None, item


def facts_of(params: Table, info: Table) -> TomlTable:
    """Read windows and abilities."""
    facts: TomlTable = {}
    window = info.take("max_input_tokens")
    most = info.take("max_output_tokens", "max_tokens")
    cap = params.take("max_completion_tokens", "max_tokens")
    if most is not None and most.whole():
        facts["max_output_tokens"] = most.whole()
    if window is not None and window.whole():
        # LiteLLM counts the input alone, ralex the whole: this errs to the safe side.
        facts["context_window"] = window.whole()
    if cap is not None and cap.whole():
        facts["max_output_tokens"] = min(
            cap.whole(), most.whole() if most is not None and most.whole() else cap.whole()
        )
        cap.note("caps every answer of the model here, also where a caller would ask for more")
    for name, ours in _ABILITIES.items():
        item = info.take(name)
        if item is not None:
            facts[ours] = item.flag()
    return facts
