"""Build ``rules/catalogue.json`` from a file of collected facts about models.

The facts (windows, output caps, capabilities, prices with their dates and hours) are gathered from
models.dev, genai-prices and LiteLLM's price list and lie beside the checkout; the catalogue holds
what ralex reads at run time, one model per line, so that a change shows as a change of that line.

    python docs/scripts/build_catalogue.py [--facts FILE] [--check]

``--check`` writes nothing and exits 1 if the checked-in file is not what the facts give.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "rules" / "catalogue.json"
FACTS = ROOT.parent / "shared" / "models.json"

Value: TypeAlias = "str | int | Decimal | bool | list[Value] | dict[str, Value] | None"
Record: TypeAlias = dict[str, Value]

PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "zai": "zai",
    "moonshotai": "moonshot",
    "xiaomi": "xiaomi",
    "minimax": "minimax",
    "alibaba": "alibaba",
    "opencode-go": "opencodego",
}
"""The facts' name of a provider and ralex's own."""

APIS = {
    # OpenAI's own models are reached through chat completions, which every one of them also speaks.
    "responses": "openai-chat",
    "openai-chat": "openai-chat",
    "anthropic-messages": "anthropic",
    "google-generate-content": "gemini",
}

RATE_NAMES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")


def build(facts: Record) -> str:
    """Turn the facts into the catalogue's text."""
    models = [record for record in _list(facts["models"]) if isinstance(record, dict)]
    entries = [_entry(record) for record in models]
    entries += [_openrouter_entry(record) for record in models if record.get("openrouter_id")]
    names = [str(entry["id"]) for entry in entries]
    if len(set(names)) != len(names):
        raise SystemExit("two models have the same id")
    sources = facts["sources"]
    head: Record = {
        "unit": "USD per 1,000,000 tokens",
        "generated": facts["generated"],
        "sources": list(sources) if isinstance(sources, dict) else [],
    }
    lines = [f"  {_dump(entry)}" for entry in entries]
    top = ",\n".join(f' "{name}": {_dump(value)}' for name, value in head.items())
    return f'{{\n{top},\n "models": [\n' + ",\n".join(lines) + "\n ]\n}\n"


def _entry(record: Record) -> Record:
    provider = PROVIDERS[str(record["provider"])]
    name = str(record["id"])
    return _describe(
        record,
        id=f"{provider}/{name}",
        api="mistral" if provider == "mistral" else APIS[str(record["api_format"])],
        price=_price(record, source=str(record["price_source"])),
        reasoning_field=record["reasoning_field"],
    )


def _openrouter_entry(record: Record) -> Record:
    source = (
        f"the vendor's list price, {record['price_source']}; OpenRouter reports each call's own"
    )
    return _describe(
        record,
        id=f"openrouter/{record['openrouter_id']}",
        api="openai-chat",
        price=_price(record, source=source),
        reasoning_field="reasoning" if record["reasoning"] else None,
    )


def _describe(record: Record, *, price: Record, **own: Value) -> Record:
    rates = record["usd_per_mtok"]
    has_cache = isinstance(rates, dict) and rates.get("cache_read") is not None
    fields: Record = {
        "id": own["id"],
        "label": record["name"],
        "api": own["api"],
        "context_window": record["context_window"],
        "max_output_tokens": record["max_output"],
        "tools": record["tools"],
        "vision": record["vision"],
        "reasoning": record["reasoning"],
        "response_schema": record["structured_output"],
        "prompt_caching": True if has_cache else None,
        "temperature": record["temperature"],
        "reasoning_field": own["reasoning_field"],
        "retires": record["retires"],
        "deprecated": record["deprecated"],
        "price": price,
        "source": ", ".join(str(source) for source in _list(record["sources"])),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _price(record: Record, *, source: str) -> Record:
    """Put base price, dated prices and daily windows into one list."""
    base = record["usd_per_mtok"]
    if not isinstance(base, dict):
        raise SystemExit(f"{record['id']}: no price")
    steps = [step for step in _list(record["schedule"]) if isinstance(step, dict)]
    dated = [_dated(step) for step in steps if "effective_from" in step]
    peaks = [_peak(step) for step in steps if "utc_window" in step]
    current = _dated({**base, "tiers": record["tiers"]})
    if not dated:
        dated = [current]
    elif dated[-1]["rates"] != current["rates"]:
        raise SystemExit(f"{record['id']}: the last dated price is not the current one")
    starts = [str(entry.get("from", "")) for entry in dated]
    if starts != sorted(starts):
        raise SystemExit(f"{record['id']}: dated prices are not ascending")
    return {"dated": list(dated), **({"peaks": list(peaks)} if peaks else {}), "source": source}


def _dated(step: Mapping[str, Value]) -> Record:
    entry: Record = {}
    if step.get("effective_from") is not None:
        entry["from"] = step["effective_from"]
    entry["rates"] = _rates(step)
    tiers = [tier for tier in _list(step.get("tiers")) if isinstance(tier, dict)]
    if tiers:
        entry["long"] = [
            {"above_input_tokens": tier["above_input_tokens"], "rates": _rates(tier)}
            for tier in tiers
        ]
    return entry


def _peak(step: Mapping[str, Value]) -> Record:
    start, end = _list(step["utc_window"])
    return {
        "start": start,
        "end": end,
        "weekdays_only": bool(step.get("weekdays_only")),
        "rates": _rates(step),
    }


def _rates(record: Mapping[str, Value]) -> Record:
    return dict(_known_rates(record))


def _known_rates(record: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name in RATE_NAMES:
        value = record.get(name)
        if not isinstance(value, int | Decimal):
            continue
        # A write price of zero is the price of keeping the tokens, not of reading them in: they are
        # billed as plain input, which is what a missing write price means.
        if name == "cache_write" and value == 0:
            continue
        yield name, format(Decimal(value).normalize(), "f")


def _list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def _dump(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def main(arguments: list[str] | None = None) -> int:
    """Build or check; return the exit code."""
    parser = argparse.ArgumentParser(description="Build rules/catalogue.json.")
    parser.add_argument("--facts", type=Path, default=FACTS)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    facts = json.loads(Path(options.facts).read_text(encoding="utf-8"), parse_float=Decimal)
    text = build(facts)
    if not options.check:
        CATALOGUE.write_text(text, encoding="utf-8")
        return 0
    if CATALOGUE.is_file() and CATALOGUE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{CATALOGUE} is not what {options.facts} gives; run the script without --check")
    return 1


if __name__ == "__main__":
    sys.exit(main())
