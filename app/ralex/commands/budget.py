"""``ralex budget``: what is left, limits to set, and the way back to a working ledger."""

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from ralex.config.limits import LIMIT_KEYS, check_limit, decided_elsewhere
from ralex.config.load import explain_config, load_config
from ralex.config.model import Config
from ralex.config.paths import CONFIG_NAME, home_folder
from ralex.config.toml_edit import set_values
from ralex.core.budget import Balance, BudgetState, LimitKind, format_usd, limit_usd, used_up
from ralex.core.codec import to_jsonable
from ralex.core.forecast import DayForecast, forecast_line
from ralex.errors import LedgerUnavailableError, UsageError
from ralex.opened import local_now
from ralex.wiring import Engine

_LIMITS: Mapping[str, str] = {**LIMIT_KEYS}
_NAMES = {LimitKind.MONTH: "this month", LimitKind.PROJECT: "this project"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex budget``."""
    parser.add_argument(
        "words",
        nargs="*",
        metavar="show | set NAME VALUE … | raise USD | confirm | repair",
        help="show (default); set daily 5, set alert 4, session, project, monthly: USD or off; "
        "set cutoff on|off; raise 2.50: more for today only, raise off takes it back; "
        "confirm the date after the clock was set forward; "
        "repair a damaged or lost ledger from its last backup",
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
        case ["raise", amount]:
            config = _config(args, cwd, environ, stderr)
            _raise(config, amount, cwd, environ, stdout)
        case ["confirm"]:
            config = _config(args, cwd, environ, stderr)
            day = asyncio.run(_confirm(config, environ))
            stdout.write(f"today is {day}; paid calls count for it from now on\n")
        case ["repair"]:
            spent = None if args.spent is None else _usd(args.spent)
            config = _config(args, cwd, environ, stderr)
            _repair(config, spent, stdout)
        case _:
            raise UsageError(
                f"budget does not understand {' '.join(words)!r}",
                hint="`ralex budget show`, `ralex budget set daily 5`, `ralex budget raise 2.50` "
                "or `ralex budget repair`",
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
    state, every, forecast = asyncio.run(_read(config, cwd, environ))
    set_limits = replace(config.budget, cutoff=True)  # those that refuse nothing are shown as well
    balances = [
        replace(one, limit_usd=limit_usd(set_limits, one.kind))
        for one in every
        if one.kind is not LimitKind.DAY
    ]
    if as_json:
        report = {
            "day": state.day,
            "limit_usd": state.limit_usd,
            "alert_usd": state.alert_usd,
            "spent_usd": state.spent_usd,
            "held_usd": state.held_usd,
            "left_usd": state.left_usd,
            "saved_usd": state.saved_usd,
            "raised_usd": state.raised_usd,
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
        return await ledger.state(), balances, await ledger.forecast()


async def _is_open_elsewhere(config: Config, environ: Mapping[str, str]) -> bool:
    async with Engine(config, environ=environ) as engine:
        return await (await engine.ledger()).is_open_elsewhere()


def _lines(
    state: BudgetState, balances: Sequence[Balance], forecast: DayForecast, config: Config
) -> Iterator[str]:
    yield f"today, {state.day}:  {_amounts(state)}"
    if state.raised_usd:
        yield f"today only, the limit is raised by {format_usd(state.raised_usd)}"
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


async def _confirm(config: Config, environ: Mapping[str, str]) -> str:
    async with Engine(config, environ=environ) as engine:
        return await (await engine.ledger()).confirm_date()


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
    limits = [key for key in values if key != "cutoff"]
    warnings = [*decided_elsewhere(explained, limits), *explained.config.warnings]
    try:
        _, balances, _ = asyncio.run(_read(explained.config, cwd, environ))
        if asyncio.run(_is_open_elsewhere(explained.config, environ)):
            warnings.append(
                "another ralex is running and keeps its limits: set them there with /budget, "
                "or start it again"
            )
    except LedgerUnavailableError as error:
        warnings.append(f"{error.message} ({error.hint})")
    else:
        warnings += used_up(balances)
    stderr.writelines(f"warning: {warning}\n" for warning in warnings)


def _raise(
    config: Config, amount: str, cwd: Path, environ: Mapping[str, str], stdout: TextIO
) -> None:
    usd = None if amount.lower() in {"off", "none"} else _usd(amount)

    async def work() -> BudgetState:
        async with Engine(config, environ=environ) as engine:
            return await (await engine.limits(cwd)).raise_today(usd)

    state = asyncio.run(work())
    stdout.write(f"today, {state.day}:  {_amounts(state)}\n")
    if state.raised_usd:
        stdout.write(f"raised by {format_usd(state.raised_usd)}, for today only\n")


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
        raise UsageError(
            f"{text!r} is not an amount in USD", hint="such as 5 or 0.50; off for none"
        ) from None
    return check_limit(amount)


def _repair(config: Config, spent_usd: Decimal | None, stdout: TextIO) -> None:
    from ralex.store.repair import repair_ledger  # noqa: PLC0415 - rarely wanted

    report = asyncio.run(
        repair_ledger(
            config.home / "ledger.db", limits=config.budget, now=local_now, spent_usd=spent_usd
        )
    )
    stdout.writelines(f"{line}\n" for line in report)
