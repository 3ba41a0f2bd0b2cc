"""``ralex route``: which tier and model a text would get, and why; nothing is sent anywhere.

One text gives a table or, with ``--json``, one object; ``--jsonl`` reads one request per line and
answers each with one line, whatever the others hold.
"""

import argparse
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ralex.commands.route_lines import LineError, RouteQuery, query_of_line
from ralex.config.load import load_config, usable_providers
from ralex.config.model import Config
from ralex.config.scorers import load_followups, load_scorer, scorer_for
from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityDecision, judge
from ralex.core.complexity import score_ask
from ralex.core.models import ModelInfo
from ralex.core.routing import RouteDecision, Router, TaskState, decide
from ralex.core.tiers import TIERS, Tier
from ralex.core.tokens import estimate_tokens, factor_for
from ralex.errors import ConfigError, RalexError, UsageError

if TYPE_CHECKING:
    from ralex.core.ids import ModelId

OUTPUT_TOKENS = 4_096
"""The answer that is taken to be wanted when the size of a request is judged."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex route``."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the ask; - reads stdin")
    parser.add_argument("--system", metavar="T", default="", help="system prompt, for its size")
    parser.add_argument("--router", metavar="N", help="a preset or one of your own")
    parser.add_argument(
        "--context-tokens", type=int, metavar="N", help="size of the conversation so far"
    )
    parser.add_argument(
        "--previous-tier", metavar="TIER", help=f"tier of the running task: {', '.join(TIERS)}"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="read this file as well")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    forms.add_argument(
        "--jsonl", action="store_true", help="read one JSON object per line from stdin"
    )
    parser.add_argument(
        "--stats",
        action="store_true",
        help="success and cost of past turns by tier, and how well failure was noticed",
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="decide past turns anew with --router or --config, and compare",
    )
    parser.add_argument(
        "--since",
        metavar="WHEN",
        help="with --stats (default: all) and --replay (default: 30d): 7d, 2026-11-01, today, all",
    )


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
    stdin: TextIO | None = None,
) -> int:
    """Route what the arguments say and return the exit code.

    Raises:
        ConfigError: If the configuration cannot be read, or names no router of this name.
        UsageError: If there is no text, or an argument makes no sense.
        StoreError: If past turns are asked for and cannot be read.
    """
    if args.stats or args.replay:
        from ralex.commands import route_past  # noqa: PLC0415 - opens the store, which a route does not

        return route_past.run(args, cwd=cwd, environ=environ, stdout=stdout, stderr=stderr)
    if args.since is not None:
        raise UsageError("--since goes with --stats or --replay")
    config = load_config(
        cwd=cwd,
        environ=environ,
        config_file=args.config,
        router=args.router,
        require_key=False,
    )
    for warning in config.warnings:
        stderr.write(f"warning: {warning}\n")
    if args.jsonl:
        desk = _Desk(config)
        for answer in _answers(_lines(stdin), desk, args):
            stdout.write(json.dumps(answer) + "\n")
            stdout.flush()
        return 0
    query = _query_of_arguments(args, stdin)
    record = _Desk(config, _money_of_today(config, environ)).route(query)
    if args.json:
        json.dump(record.as_full_json(), stdout, indent=1)
        stdout.write("\n")
    else:
        stdout.write(record.as_text())
    return 0


class RouteRecord:
    """A decision with what it was made from, ready to be shown."""

    def __init__(self, query: RouteQuery, route: RouteDecision, capacity: CapacityDecision) -> None:
        self._query = query
        self._route = route
        self._capacity = capacity

    def as_json(self) -> dict[str, object]:
        """Give the record as the command line promises it."""
        route, complexity = self._route, self._route.complexity
        dimensions = complexity.dimensions if complexity is not None else ()
        return {
            "id": self._query.id,
            "tier": route.tier,
            "score": complexity.score if complexity is not None else None,
            "signals": list(complexity.signals) if complexity is not None else [],
            "dimensions": {
                one.name: {
                    "raw": one.raw,
                    "weight": one.weight,
                    "contribution": one.contribution,
                    "matched": list(one.matched),
                }
                for one in dimensions
            },
            "override": self._override(),
            "rule": route.rule or None,
            "model": route.model,
            "capacity": {
                "action": self._capacity.action,
                "request_tokens": self._capacity.request_tokens,
                "window": self._capacity.window,
            },
            "reasons": list(route.reasons),
        }

    def as_full_json(self) -> dict[str, object]:
        """Give the record with what was not taken, for one ask that is looked at by itself."""
        route = self._route
        return {
            **self.as_json(),
            "estimated_usd": _decimal(route.estimated_usd),
            "alternatives": [
                {
                    "model": one.model,
                    "tier": one.tier,
                    "estimated_usd": _decimal(one.estimated_usd),
                    "why_not": one.why_not,
                }
                for one in route.alternatives
            ],
        }

    def _override(self) -> str | None:
        complexity = self._route.complexity
        if complexity is not None and complexity.cause != "heuristic_scorer":
            return complexity.cause
        return self._route.override or None

    def as_text(self) -> str:
        """Give the record as a page for people."""
        route, complexity = self._route, self._route.complexity
        rows = [
            f"tier      {route.tier or '-'} ({route.reason})",
            f"model     {route.model}{_price(route.estimated_usd)}",
            f"size      {self._capacity.action}: {self._capacity.arithmetic}",
        ]
        if complexity is not None:
            rows.insert(1, f"score     {complexity.score:.3f} ({complexity.scorer})")
            if complexity.dimensions:
                rows += ["", f"{'dimension':20}{'raw':>7}{'weight':>8}{'adds':>8}  found"]
            rows += [
                f"{one.name:20}{one.raw:>7.2f}{one.weight:>8.2f}{one.contribution:>+8.3f}"
                f"  {', '.join(one.matched[:6])}".rstrip()
                for one in complexity.dimensions
            ]
        rows += ["", "why", *(f"  {reason}" for reason in route.reasons)]
        if route.fallbacks:
            rows.append(f"  if it fails: {', '.join(route.fallbacks)}")
        if route.alternatives:
            rows += ["", "instead"]
            rows += [
                f"  {one.model}{_price(one.estimated_usd)}: {one.why_not}"
                for one in route.alternatives
            ]
        return "\n".join(rows) + "\n"


class _Desk:
    """Routes queries with one configuration.

    Args:
        budget: The day's money, where it may change a decision.
    """

    def __init__(self, config: Config, budget: BudgetState | None = None) -> None:
        self._config = config
        self._budget = budget
        self._usable = usable_providers(config)
        self._now = datetime.now(UTC)

    def route(self, query: RouteQuery) -> RouteRecord:
        router = self._router(query.router)
        scorer = (
            scorer_for(router) if query.scorer in ("", router.scorer) else load_scorer(query.scorer)
        )
        is_own = scorer.name == router.scorer
        weights = query.weights or (router.weights if is_own else None)
        boundaries = query.boundaries_over(
            (router.boundaries if is_own else None) or scorer.boundaries
        )
        complexity = score_ask(query.ask, scorer, weights=weights, boundaries=boundaries)
        added = estimate_tokens(query.ask) + estimate_tokens(query.system)
        route = decide(
            query.ask,
            complexity=complexity,
            router=router,
            models=self._config.models,
            usable=self._usable,
            now=self._now,
            task=TaskState(tier=query.previous_tier),
            is_followup=query.previous_tier is not None and load_followups()(query.ask),
            budget=self._budget,
            context_tokens=query.context_tokens + added,
        )
        return RouteRecord(query, route, self._capacity(route, query.context_tokens, added, router))

    def _router(self, name: str) -> Router:
        chosen = name or self._config.router
        router = self._config.routers.get(chosen)
        if router is None:
            known = ", ".join(sorted(self._config.routers))
            raise ConfigError(f'there is no router "{chosen}"', hint=f"choose one of: {known}")
        return router

    def _capacity(
        self, route: RouteDecision, context_tokens: int, added: int, router: Router
    ) -> CapacityDecision:
        model = self._info(route.model)
        larger = (
            self._info(other)
            for tier in TIERS
            for other in router.tiers.get(tier, ())
            if other != route.model and other in self._config.models
        )
        request = context_tokens + round(added * factor_for(model.provider, model.name))
        return judge(
            model,
            request_tokens=request,
            output_tokens=route.max_tokens or OUTPUT_TOKENS,
            fixed_tokens=request - context_tokens,
            larger=larger,
        )

    def _info(self, model: "ModelId") -> ModelInfo:
        provider, _, name = model.partition("/")
        return self._config.models.get(model) or ModelInfo(id=model, provider=provider, name=name)


def _money_of_today(config: Config, environ: Mapping[str, str]) -> BudgetState | None:
    """Read what a session would be told now; None where nothing was ever spent."""
    if not (config.home / "ledger.db").exists():
        return None
    import asyncio  # noqa: PLC0415 - a home without a ledger needs none of these

    from ralex.wiring import Engine  # noqa: PLC0415

    async def read() -> BudgetState:
        async with Engine(config, environ=environ) as engine:
            return await (await engine.ledger()).state()

    try:
        return asyncio.run(read())
    except RalexError:
        return None  # what is wrong with the ledger is told where money is at stake


def _answers(
    lines: Iterator[str], desk: _Desk, args: argparse.Namespace
) -> Iterator[dict[str, object]]:
    defaults = _defaults(args)
    for line in lines:
        if not line.strip():
            continue
        try:
            query = query_of_line(line, defaults)
        except LineError as error:
            yield {"id": error.line_id, "error": str(error)}
            continue
        try:
            yield desk.route(query).as_json()
        except RalexError as error:
            yield {"id": query.id, "error": error.message}


def _defaults(args: argparse.Namespace) -> RouteQuery:
    context_tokens: int | None = args.context_tokens
    if context_tokens is not None and context_tokens < 0:
        raise UsageError("--context-tokens must not be negative")
    return RouteQuery(
        ask="",
        system=args.system,
        router=args.router or "",
        context_tokens=context_tokens or 0,
        previous_tier=_tier(args.previous_tier),
    )


def _query_of_arguments(args: argparse.Namespace, stdin: TextIO | None) -> RouteQuery:
    text: str | None = args.text
    if text == "-" or text is None:
        text = "".join(_lines(stdin))
    if args.text is None and not text.strip():
        raise UsageError("there is no text to route", hint='ralex route "explain this function"')
    return replace(_defaults(args), ask=text.strip())


def _lines(stdin: TextIO | None) -> Iterator[str]:
    source = sys.stdin if stdin is None else stdin
    if isinstance(source, io.TextIOWrapper):
        # A stray byte belongs to one line and must not end the others.
        source.reconfigure(encoding="utf-8", errors="surrogateescape")
    yield from source


def _tier(name: str | None) -> Tier | None:
    if name is None:
        return None
    try:
        return Tier(name.upper())
    except ValueError as error:
        raise UsageError(
            f'there is no tier "{name}"', hint=f"choose one of: {', '.join(TIERS)}"
        ) from error


def _decimal(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"


def _price(usd: Decimal | None) -> str:
    return "" if usd is None else f" (about ${usd:.4f} a step)"
