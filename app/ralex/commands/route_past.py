"""``ralex route --stats`` and ``--replay``: what came of past turns, and what else could have."""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from textwrap import wrap
from typing import TextIO

from ralex.commands.spend import first_day
from ralex.config.load import load_config, usable_providers
from ralex.config.model import Config
from ralex.config.scorers import AskJudge, load_followups
from ralex.core.budget import format_usd
from ralex.core.formats import count
from ralex.core.outcomes import (
    DEFINITIONS,
    ENOUGH_TASKS,
    Noticing,
    TierOutcome,
    advice,
    advised,
    by_tier,
    noticing,
)
from ralex.core.replay import Redecided, Replay, replay
from ralex.core.terminal_text import clean_line
from ralex.core.tiers import TIERS, Tier
from ralex.core.turn_log import PastTurn
from ralex.errors import UsageError
from ralex.opened import local_now
from ralex.wiring import Engine

_SHOWN = 20
_WIDTH = 98
_ASK_CHARS = 60
_REPLAY_NOTES = (
    "the tokens are those that were used; another model may need more or fewer, and its cache is "
    "taken to hold as much",
    "steps after a task moved up stay as they were",
    "turns for which you chose the model or tier are left out, as are those never routed",
    "how much of a day's money was left is not considered",
)


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Print what is asked for and return the exit code.

    Raises:
        ConfigError: If the configuration cannot be read, or names no router of this name.
        UsageError: If the arguments make no sense together.
        StoreError: If the stored sessions cannot be read.
    """
    _check(args)
    config = load_config(
        cwd=cwd,
        environ=environ,
        config_file=args.config,
        router=args.router,
        require_key=False,
    )
    for warning in config.warnings:
        stderr.write(f"warning: {warning}\n")
    since = first_day(
        args.since or ("30d" if args.replay else "all"),
        today=local_now().date().isoformat(),
    )
    turns = asyncio.run(read_turns(config, environ, since))
    if args.replay:
        _replay(config, turns, since, stdout, as_json=args.json)
    elif args.json:
        _write_json(stdout, _stats(turns, since))
    else:
        stdout.write("".join(f"{line}\n" for line in stats_lines(turns, since)))
    return 0


async def read_turns(config: Config, environ: Mapping[str, str], since: str) -> list[PastTurn]:
    """Read the turns since a day (``YYYY-MM-DD``; empty is the beginning) from the session store.

    Raises:
        StoreError: If it cannot be read.
    """
    since_s = 0.0
    if since:
        since_s = datetime.combine(date.fromisoformat(since), time()).astimezone().timestamp()
    async with Engine(config, environ=environ) as engine:
        return await (await engine.sessions()).past_turns(since_s=since_s)


def _check(args: argparse.Namespace) -> None:
    if args.stats and args.replay:
        raise UsageError("--stats and --replay exclude each other")
    if args.jsonl or args.text is not None:
        raise UsageError(
            "--stats and --replay read what is stored; they take no text and no --jsonl"
        )


def _stats(turns: Sequence[PastTurn], since: str) -> dict[str, object]:
    found = noticing(turns)
    return {
        "since": since or None,
        "tiers": [
            {
                "tier": one.tier,
                "turns": one.turns,
                "succeeded": one.succeeded,
                "failed": one.failed,
                "other": one.other,
                "moved_up": one.moved_up,
                "cost_usd": f"{one.cost_usd:f}",
                "usd_per_success": _usd(one.usd_per_success),
            }
            for one in by_tier(turns)
        ],
        "escalation": {
            "bad_noticed": found.noticed,
            "bad_missed": found.missed,
            "good_left_alone": found.left_alone,
            "good_rejected": found.rejected,
            "unknown": found.unknown,
            "d": found.d,
            "f": found.f,
            "needs": ENOUGH_TASKS,
            "is_enough": found.is_enough,
            "advice": advice(found) or None,
            "advice_given": advised(turns).given,
            "advice_enough": advised(turns).helped,
        },
        "definitions": DEFINITIONS,
    }


def stats_lines(turns: Sequence[PastTurn], since: str) -> Iterator[str]:
    """Tell success and cost by tier, and the two rates, line by line."""
    tiers = by_tier(turns)
    if not tiers:
        yield f"no turn is stored{f' since {since}' if since else ''}"
        return
    yield f"turns by the tier on which they began{f', since {since}' if since else ''}"
    yield ""
    yield from _table(
        ("tier", "turns", "succeeded", "failed", "other", "moved up", "cost", "$/success"),
        [_row(one) for one in tiers],
    )
    if any(one.tier is None for one in tiers):
        yield "  no tier: you chose a model that serves no tier of the router, or none was routed"
    yield ""
    yield from _noticing_lines(noticing(turns))
    log = advised(turns)
    if log.given:
        yield f"  advice was enough in {log.helped} of {log.given} cases"
    yield ""
    yield "how this is measured"
    for name, words in DEFINITIONS.items():
        yield from wrap(f"{name}: {words}", _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _row(one: TierOutcome) -> tuple[str, ...]:
    judged = one.succeeded + one.failed
    share = f" ({one.succeeded / judged:.0%})" if judged else ""
    each = one.usd_per_success
    return (
        one.tier or "no tier",
        f"{one.turns:,}",
        f"{one.succeeded:,}{share}",
        f"{one.failed:,}",
        f"{one.other:,}",
        f"{one.moved_up:,}",
        format_usd(one.cost_usd),
        "–" if each is None else format_usd(each),
    )


def _noticing_lines(found: Noticing) -> Iterator[str]:
    bad, good = found.noticed + found.missed, found.left_alone + found.rejected
    yield "escalation: how well failure is noticed, in tasks that changed files"
    yield f"  d  failures noticed     {_share(found.d)}  ({found.noticed} of {bad} bad tasks)"
    yield f"  f  good work rejected   {_share(found.f)}  ({found.rejected} of {good} good tasks)"
    if found.unknown:
        yield f"     {found.unknown} more of which nothing is known"
    if not found.is_enough:
        yield (
            f"  too few to judge by: it takes {ENOUGH_TASKS} bad and {ENOUGH_TASKS} good tasks "
            "before ralex advises anything"
        )
    elif words := advice(found):
        yield f"  {words}"
    else:
        yield "  d − f is at least 0.3: escalation pays"


def _share(value: float | None) -> str:
    return "   –" if value is None else f"{value:4.0%}"


def _replay(
    config: Config, turns: Sequence[PastTurn], since: str, stdout: TextIO, *, as_json: bool
) -> None:
    judge, router = AskJudge(), config.routers[config.router]
    found = replay(
        turns,
        router=router,
        score=lambda ask: judge(ask, router),
        is_followup=load_followups(),
        models=config.models,
        usable=usable_providers(config),
    )
    if as_json:
        _write_json(stdout, _replay_record(found, router.name, since))
    else:
        stdout.write("".join(f"{line}\n" for line in _replay_lines(found, router.name, since)))


def _replay_record(found: Replay, router: str, since: str) -> dict[str, object]:
    pairs = Counter((one.route.tier, one.tier) for one in found.turns)
    return {
        "router": router,
        "since": since or None,
        "turns": len(found.turns),
        "left_out": found.left_out,
        "shifts": [
            {"was": was, "would_be": would, "turns": count}
            for (was, would), count in sorted(pairs.items(), key=_by_rank)
        ],
        "moved": [
            {
                "session_id": one.turn.session_id,
                "turn_id": one.turn.turn_id,
                "ask": _short(one.turn.ask),
                "was": {"tier": one.route.tier, "model": one.route.model},
                "would_be": {"tier": one.tier, "model": one.model},
                "cost_usd": f"{one.was_usd:f}",
                "estimated_usd": _usd(one.would_usd),
            }
            for one in found.turns
            if one.is_moved
        ],
        "cost_usd": f"{found.was_usd:f}",
        "estimated_usd": f"{found.would_usd:f}",
        "turns_without_price": found.unpriced,
        "notes": list(_REPLAY_NOTES),
    }


def _replay_lines(found: Replay, router: str, since: str) -> Iterator[str]:
    if not found.turns:
        yield f"no routed turn is stored{f' since {since}' if since else ''}"
        return
    left_out = f"; {found.left_out} left out" if found.left_out else ""
    yield (
        f"{count(len(found.turns), 'turn')}{f' since {since}' if since else ''}, "
        f"decided anew by the router {router}{left_out}"
    )
    yield ""
    yield from _matrix(found.turns)
    moved = [one for one in found.turns if one.is_moved]
    yield ""
    if moved:
        yield f"would go elsewhere: {len(moved):,}" + (
            f", the newest {_SHOWN}" if len(moved) > _SHOWN else ""
        )
        newest = sorted(moved, key=lambda one: one.turn.started_s)[-_SHOWN:]
        yield from (f"  {line}" for one in newest for line in _moved_lines(one))
    else:
        yield "every turn would have gone where it went"
    yield ""
    yield _bill(found)
    for note in _REPLAY_NOTES:
        yield from wrap(note, _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _matrix(turns: Sequence[Redecided]) -> Iterator[str]:
    pairs = Counter((one.route.tier, one.tier) for one in turns)
    columns = [tier for tier in (*TIERS, None) if any(to is tier for _, to in pairs)]
    rows = [tier for tier in (*TIERS, None) if any(was is tier for was, _ in pairs)]
    yield from _table(
        ("was ↓  would be →", *(tier or "no tier" for tier in columns)),
        [
            (
                was or "no tier",
                *(f"{pairs[was, to]:,}" if pairs[was, to] else "·" for to in columns),
            )
            for was in rows
        ],
    )


def _moved_lines(one: Redecided) -> Iterator[str]:
    would = "price unknown" if one.would_usd is None else f"about {format_usd(one.would_usd)}"
    yield f"{_short(one.turn.ask)}"
    yield (
        f"    {one.route.tier or '–'} {one.route.model} → {one.tier or '–'} {one.model}, "
        f"{format_usd(one.was_usd)} → {would}"
    )


def _bill(found: Replay) -> str:
    if found.unpriced == len(found.turns):
        return f"cost: unknown, because no price is known for any of the {found.unpriced} turns"
    difference = found.would_usd - found.was_usd
    sign = "+" if difference >= 0 else "−"
    unknown = f"; left out for an unknown price: {found.unpriced}" if found.unpriced else ""
    return (
        f"cost {format_usd(found.was_usd)} → about {format_usd(found.would_usd)} "
        f"({sign}{format_usd(abs(difference))}){unknown}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *rest in lines:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])


def _by_rank(entry: tuple[tuple[Tier | None, Tier | None], int]) -> tuple[int, int]:
    (was, would), _ = entry
    return (len(TIERS) if was is None else was.rank, len(TIERS) if would is None else would.rank)


def _short(ask: str) -> str:
    line = clean_line(" ".join(ask[:1_000].split()))
    return line if len(line) <= _ASK_CHARS else line[: _ASK_CHARS - 1] + "…"


def _usd(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _write_json(stdout: TextIO, record: Mapping[str, object]) -> None:
    json.dump(record, stdout, indent=1, ensure_ascii=False)
    stdout.write("\n")
