"""``ralex models``: which models there are, what they cost, and which tiers use them."""

import argparse
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from ralex.config.catalogue import is_usable
from ralex.config.load import load_config
from ralex.config.model import Config
from ralex.config.model_table import load_standings
from ralex.core.model_table import Standing
from ralex.core.models import ModelInfo, Rates
from ralex.core.tiers import Tier

_HEADINGS = ("model", "window", "$/M in", "$/M out", "solved", "$/task", "tiers", "key")
_NUMBERS = range(1, 6)
_BEATEN = "↓"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex models``."""
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    parser.add_argument("--usable", action="store_true", help="only models that can be called now")
    parser.add_argument("--router", metavar="NAME", help="show this router's tiers")
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """List the models and return the exit code.

    Raises:
        ConfigError: If the configuration cannot be read.
    """
    config = load_config(
        cwd=cwd,
        environ=environ,
        config_file=args.config,
        router=args.router,
        require_key=False,
    )
    models = [
        model
        for model in config.models.values()
        if not args.usable or is_usable(config.providers[model.provider])
    ]
    for warning in config.warnings:
        stderr.write(f"warning: {warning}\n")
    if args.json:
        json.dump([_record(model, config) for model in models], stdout, indent=1)
        stdout.write("\n")
    else:
        rows = [_row(model, config) for model in models]
        stdout.write(_table(rows))
        stdout.write(
            f"\nrouter: {config.router}; * long requests or certain hours have other prices\n"
            f"{_measured_line()}\n"
        )
    return 0


def _measured_line() -> str:
    """Say where the columns of whole tasks are from."""
    found = next(iter(load_standings().values())).measured
    return (
        f"solved, $/task: {found.tasks} tasks of {found.benchmark} ({found.date:%B %Y}); "
        f"{_BEATEN} another model solved no fewer for no more"
    )


def tiers_of(model: ModelInfo, config: Config) -> tuple[Tier, ...]:
    """List the tiers of the router in force that name a model, first choice or fallback."""
    router = config.routers[config.router]
    return tuple(tier for tier, chain in router.tiers.items() if model.id in chain)


def _row(model: ModelInfo, config: Config) -> tuple[str, ...]:
    rates = _rates(model)
    mark = "*" if _has_other_prices(model) else ""
    router = config.routers[config.router]
    tiers = [
        tier if router.tiers[tier][0] == model.id else f"({tier})"
        for tier in tiers_of(model, config)
    ]
    known = load_standings().get(model.id)
    beaten = _BEATEN if known is not None and known.better is not None else ""
    provider = config.providers[model.provider]
    missing = "–" if provider.needs_key else "not needed"
    return (
        model.id,
        _short(model.context_window),
        "unknown" if rates is None else f"{rates.input.normalize():f}{mark}",
        "unknown" if rates is None else f"{rates.output.normalize():f}{mark}",
        "" if known is None else f"{known.measured.success:.0%}{beaten}",
        "" if known is None else f"{known.measured.usd_per_task:.3f}",
        " ".join(tiers),
        "set" if provider.api_key is not None else missing,
    )


def _record(model: ModelInfo, config: Config) -> dict[str, object]:
    rates = _rates(model)
    provider = config.providers[model.provider]
    return {
        "id": model.id,
        "label": model.label,
        "provider": model.provider,
        "context_window": model.context_window,
        "max_output_tokens": model.max_output_tokens,
        "price": None if rates is None else _price_record(rates),
        "has_other_prices": _has_other_prices(model),
        "price_source": "" if model.price is None else model.price.source,
        "tools": model.tools,
        "vision": model.vision,
        "reasoning": model.reasoning,
        "response_schema": model.response_schema,
        "prompt_caching": model.prompt_caching,
        "retires": None if model.retires is None else model.retires.isoformat(),
        "deprecated": model.is_deprecated,
        "names": [name for name, models in config.aliases.items() if model.id in models],
        "tiers": list(tiers_of(model, config)),
        "measured": _measured_record(load_standings().get(model.id)),
        "usable": is_usable(provider),
        "key_set": provider.api_key is not None,
    }


def _measured_record(known: Standing | None) -> dict[str, object] | None:
    if known is None:
        return None
    found = known.measured
    return {
        "benchmark": found.benchmark,
        "tasks": found.tasks,
        "success": f"{found.success:f}",
        "usd_per_task": f"{found.usd_per_task:f}",
        "date": found.date.isoformat(),
        "source": found.source,
        "beaten_by": None if known.better is None else known.better.model,
    }


def _price_record(rates: Rates) -> dict[str, str | None]:
    def text(value: Decimal | None) -> str | None:
        return None if value is None else format(value.normalize(), "f")

    return {
        "input": text(rates.input),
        "output": text(rates.output),
        "cache_read": text(rates.cache_read),
        "cache_write": text(rates.cache_write),
    }


def _rates(model: ModelInfo) -> Rates | None:
    return None if model.price is None else model.price.dated[-1].rates


def _has_other_prices(model: ModelInfo) -> bool:
    price = model.price
    return price is not None and bool(price.peaks or price.dated[-1].long_context)


def _short(tokens: int | None) -> str:
    """Round a window for reading: 128k, 1.05M."""
    if tokens is None:
        return "unknown"
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"
    return f"{tokens / 1000:.0f}k"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    everything = [_HEADINGS, *rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in everything
    ]
    return "\n".join(lines) + "\n"
