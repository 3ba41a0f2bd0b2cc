"""``ralex spend``: where the money went, from the ledger's sums."""

import argparse
import asyncio
import csv
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import add
from pathlib import Path
from typing import TextIO, cast

from ralex.config.load import load_config
from ralex.config.model import Config
from ralex.core.budget import SpendRow, format_usd
from ralex.core.codec import to_jsonable
from ralex.core.forecast import DayForecast, forecast_line
from ralex.core.terminal_text import clean_line
from ralex.core.usage import Usage
from ralex.errors import StoreError, UsageError
from ralex.wiring import Engine

_DIMENSIONS = ("day", "model", "tier", "provider", "project", "session", "tag", "router")
_DAYS = re.compile(r"(\d{1,5})d?")
_TOKENS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex spend``."""
    parser.add_argument("--by", choices=_DIMENSIONS, default="day", help="default: day")
    parser.add_argument(
        "--since",
        metavar="WHEN",
        default="7d",
        help="so many days, today included (7d), a date (2026-11-01), today or all; default: 7d",
    )
    parser.add_argument("--format", choices=("table", "json", "csv"), default="table")
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Print the report and return the exit code.

    Raises:
        UsageError: If ``--since`` is no time.
        LedgerUnavailableError: If the ledger cannot be read.
    """
    config = load_config(cwd=cwd, environ=environ, config_file=args.config, require_key=False)
    for warning in config.warnings:
        stderr.write(f"warning: {warning}\n")
    since, rows, forecast = asyncio.run(_read(config, environ, args.by, args.since))
    titles: Mapping[str, str] = {}
    if args.by == "session":
        titles = asyncio.run(_titles(config, environ, stderr))
    match args.format:
        case "json":
            _write_json(rows, forecast, stdout, by=args.by, since=since, titles=titles)
        case "csv":
            _write_csv(rows, stdout, by=args.by)
        case _:
            _write_table(rows, stdout, by=args.by, since=since, titles=titles)
            if pace := forecast_line(forecast):
                stdout.write(f"today's pace (estimate): {pace}\n")
    return 0


def first_day(when: str, *, today: str) -> str:
    """Turn what ``--since`` says into the first day of the report; empty is the beginning.

    Raises:
        UsageError: If it is no time.
    """
    wanted = when.strip().lower()
    if wanted == "all":
        return ""
    if wanted == "today":
        return today
    try:
        if (days := _DAYS.fullmatch(wanted)) and int(days[1]) > 0:
            return (date.fromisoformat(today) - timedelta(days=int(days[1]) - 1)).isoformat()
        return date.fromisoformat(wanted).isoformat()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{when!r} is no time to report from", hint="such as 7d, 2026-11-01, today or all"
        ) from None


async def _read(
    config: Config, environ: Mapping[str, str], by: str, when: str
) -> tuple[str, list[SpendRow], DayForecast]:
    async with Engine(config, environ=environ) as engine:
        ledger = await engine.ledger()
        since = first_day(when, today=(await ledger.state()).day)
        rows = await ledger.spend(by, since_day=since)
        return since, rows, await ledger.forecast()


async def _titles(config: Config, environ: Mapping[str, str], stderr: TextIO) -> Mapping[str, str]:
    """Read what sessions are called; without their store the ids must do."""
    try:
        async with Engine(config, environ=environ) as engine:
            return await (await engine.sessions()).titles()
    except StoreError as error:
        stderr.write(f"warning: {error.message}\n")
        return {}


def _total(rows: Sequence[SpendRow]) -> SpendRow:
    return SpendRow(
        key="total",
        calls=sum(row.calls for row in rows),
        cost_usd=reduce(add, (row.cost_usd for row in rows)),
        saved_usd=reduce(add, (row.saved_usd for row in rows)),
        usage=reduce(add, (row.usage for row in rows), Usage()),
        cached_calls=sum(row.cached_calls for row in rows),
    )


def _write_table(
    rows: Sequence[SpendRow], stdout: TextIO, *, by: str, since: str, titles: Mapping[str, str]
) -> None:
    if not rows:
        stdout.write(f"nothing was spent{f' since {since}' if since else ''}\n")
        return
    lines = [(by, "calls", "input", "cached", "output", "cost", "saved (est.)")]
    lines += [
        (
            _named(row.key, titles) or "–",
            _calls(row),
            f"{row.usage.input_tokens + row.usage.cache_write_tokens:,}",
            f"{row.usage.cache_read_tokens:,}",
            f"{row.usage.output_tokens:,}",
            format_usd(row.cost_usd),
            format_usd(row.saved_usd),
        )
        for row in (*rows, _total(rows))
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        key, *numbers = line
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)]
        stdout.write("  ".join([key.ljust(widths[0]), *cells]) + "\n")


def _calls(row: SpendRow) -> str:
    """Count calls, and those that the cache of answers gave for nothing."""
    free = f" ({row.cached_calls:,} for nothing)" if row.cached_calls else ""
    return f"{row.calls:,}{free}"


def _named(key: str, titles: Mapping[str, str]) -> str:
    title = titles.get(key, "")
    return clean_line(f"{key} {title[:_TITLE_CELLS]}" if title else key)


_TITLE_CELLS = 40


def _write_json(
    rows: Sequence[SpendRow],
    forecast: DayForecast,
    stdout: TextIO,
    *,
    by: str,
    since: str,
    titles: Mapping[str, str],
) -> None:
    report = {
        "by": by,
        "since": since or None,
        "rows": [
            {**cast("dict[str, object]", to_jsonable(row)), "title": titles.get(row.key, "")}
            if by == "session"
            else to_jsonable(row)
            for row in rows
        ],
        "total": to_jsonable(_total(rows)) if rows else None,
        "today": to_jsonable(forecast),
    }
    json.dump(report, stdout, indent=1, ensure_ascii=False)
    stdout.write("\n")


def _write_csv(rows: Sequence[SpendRow], stdout: TextIO, *, by: str) -> None:
    writer = csv.writer(stdout, lineterminator="\n")
    writer.writerow([by, "calls", "cached_calls", *_TOKENS, "cost_usd", "saved_usd"])
    for row in rows:
        tokens = [getattr(row.usage, name) for name in _TOKENS]
        writer.writerow(
            [
                _inert(row.key),
                row.calls,
                row.cached_calls,
                *tokens,
                f"{row.cost_usd:f}",
                f"{row.saved_usd:f}",
            ]
        )


def _inert(text: str) -> str:
    """Keep a spreadsheet from taking a name for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and text else text
