"""``ralex budget``: what is left, limits to set, and the way back to a working ledger."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from ralex.commands.toml_edit import set_values
from ralex.config.load import explain_config, load_config
from ralex.config.model import Config
from ralex.config.paths import CONFIG_NAME, home_folder
from ralex.core.budget import (
    Balance,
    BudgetState,
    DayForecast,
    LimitKind,
    forecast_line,
    format_usd,
)
from ralex.core.codec import to_jsonable
from ralex.errors import UsageError
from ralex.wiring import Engine, local_now

_LIMITS = {
    "daily": "daily_usd",
    "alert": "alert_usd",
    "session": "session_usd",
    "project": "project_usd",
    "monthly": "monthly_usd",
}
_NAMES = {LimitKind.MONTH: "this month", LimitKind.PROJECT: "this project"}
_MOST_USD = Decimal(1_000_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex budget``."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="show | set NAME VALUE … | repair",
        help="show (default); set daily 5, set alert 4, session, project, monthly: USD or off; "
        "set cutoff on|off; repair a damaged or lost ledger from its last backup",
    )
    parser.add_argument("--json", action="store_true", help="with show: one JSON object")
    parser.add_argument(
        "--spent",
        metavar="USD",
        help="with repair: what today has cost already; without it today's limit counts as used",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Show, set or repair, and return the exit code.

    Raises:
        UsageError: If the words make no sense.
        ConfigError: If the configuration cannot be read or written.
        LedgerUnavailableError: If the ledger cannot be read.
    """
    words: list[str] = args.words or ["show"]
    match words:
        case ["show"]:
            config = _config(args, cwd, environ, stderr)
            _show(config, cwd, environ, stdout, as_json=args.json)
        case ["set", *pairs]:
            _set(pairs, cwd, environ, stdout, stderr)
        case ["repair"]:
            spent = None if args.spent is None else _usd(args.spent)
            config = _config(args, cwd, environ, stderr)
            _repair(config, spent, stdout)
        case _:
            raise UsageError(
                f"budget does not understand {' '.join(words)!r}",
                hint="`ralex budget show`, `ralex budget set daily 5` or `ralex budget repair`",
            )
    return 0


def _config(
    args: argparse.Namespace, cwd: Path, environ: Mapping[str, str], stderr: TextIO
) -> Config:
    config = load_config(cwd=cwd, environ=environ, config_file=args.config, require_key=False)
    for warning in config.warnings:
        stderr.write(f"warning: {warning}\n")
    return config


def _show(
    config: Config, cwd: Path, environ: Mapping[str, str], stdout: TextIO, *, as_json: bool
) -> None:
    state, balances, forecast = asyncio.run(_read(config, cwd, environ))
    if as_json:
        report = {
            "day": state.day,
            "limit_usd": state.limit_usd,
            "alert_usd": state.alert_usd,
            "spent_usd": state.spent_usd,
            "held_usd": state.held_usd,
            "left_usd": state.left_usd,
            "saved_usd": state.saved_usd,
            "forecast": forecast,
            "cutoff": config.budget.cutoff,
            "others": balances,
        }
        json.dump(to_jsonable(report), stdout, indent=1)
        stdout.write("\n")
    else:
        stdout.writelines(f"{line}\n" for line in _lines(state, balances, forecast, config))


async def _read(
    config: Config, cwd: Path, environ: Mapping[str, str]
) -> tuple[BudgetState, list[Balance], DayForecast]:
    async with Engine(config, environ=environ) as engine:
        ledger = await engine.ledger()
        balances = await ledger.balances(project=str(cwd))
        others = [one for one in balances if one.kind is not LimitKind.DAY]
        return await ledger.state(), others, await ledger.forecast()


def _lines(
    state: BudgetState, balances: Sequence[Balance], forecast: DayForecast, config: Config
) -> Iterator[str]:
    yield f"today, {state.day}:  {_amounts(state)}"
    if pace := forecast_line(forecast):
        yield f"pace (estimate):  {pace}"
    for balance in balances:
        yield f"{_NAMES[balance.kind]}:  {_amounts(balance)}"
    if config.budget.session_usd is not None:
        yield f"each session:  at most {format_usd(config.budget.session_usd)}"
    if state.alert_usd is not None:
        yield f"alert at {format_usd(state.alert_usd)}" + (
            " (reached)" if state.is_near_limit else ""
        )
    if state.saved_usd:
        yield f"saved today, against the top tier (estimate):  {format_usd(state.saved_usd)}"
    if not config.budget.cutoff:
        yield "cutoff is off: limits are shown, and no call is refused"
    if state.held_usd:
        yield "held: the most that calls may still cost whose bill is not known yet"


def _amounts(one: BudgetState | Balance) -> str:
    limit = "no limit" if one.limit_usd is None else f"limit {format_usd(one.limit_usd)}"
    left = "" if one.left_usd is None else f", {format_usd(one.left_usd)} left"
    return f"{format_usd(one.spent_usd)} spent, {format_usd(one.held_usd)} held{left} ({limit})"


def _set(
    pairs: Sequence[str], cwd: Path, environ: Mapping[str, str], stdout: TextIO, stderr: TextIO
) -> None:
    if not pairs or len(pairs) % 2:
        raise UsageError(
            "set needs a name and a value", hint="such as `ralex budget set daily 5 alert 4`"
        )
    values = dict(
        _setting(name, value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)
    )
    path = home_folder(environ) / CONFIG_NAME
    set_values(path, "budget", values)
    explained = explain_config(cwd=cwd, environ=environ, require_key=False)
    for key, value in values.items():
        stdout.write(f"budget.{key} = {value}  # {path}\n")
        origin = explained.origins.get(f"budget.{key}", "")
        if not origin.startswith(str(path)):
            stderr.write(
                f"warning: here budget.{key} comes from {origin or 'elsewhere'}, not this\n"
            )
    for warning in explained.config.warnings:
        stderr.write(f"warning: {warning}\n")


def _setting(name: str, value: str) -> tuple[str, str]:
    word = value.lower()
    if name == "cutoff" and word in {"on", "true", "off", "false"}:
        return "cutoff", "true" if word in {"on", "true"} else "false"
    if name not in _LIMITS:
        raise UsageError(
            f"there is no limit {name!r}"
            if name != "cutoff"
            else f"cutoff is on or off, not {value!r}",
            hint=f"the names are {', '.join(_LIMITS)} and cutoff",
        )
    if word in {"off", "none", "false"}:
        return _LIMITS[name], "false"
    return _LIMITS[name], f"{_usd(value):f}"


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= _MOST_USD:
        raise UsageError(
            f"{text!r} is not an amount in USD", hint="such as 5 or 0.50; off for none"
        )
    return amount


def _repair(config: Config, spent_usd: Decimal | None, stdout: TextIO) -> None:
    from ralex.store.repair import repair_ledger  # noqa: PLC0415 - rarely wanted

    report = asyncio.run(
        repair_ledger(
            config.home / "ledger.db", limits=config.budget, now=local_now, spent_usd=spent_usd
        )
    )
    stdout.writelines(f"{line}\n" for line in report)
