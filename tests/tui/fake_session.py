"""A session that plays scripts, with gates instead of sleeps, and builders for its events."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeAlias

from ralex.agent.report import KINDS, ContextReport, ContextShare
from ralex.core.budget import (
    Balance,
    BudgetState,
    LimitChange,
    LimitKind,
    LimitName,
    Limits,
    SpendRow,
)
from ralex.core.chains import Market
from ralex.core.complexity import Complexity, DimensionScore
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    ContextCompacted,
    RouteDecided,
    ShellRan,
    SteeringDelivered,
    SteeringQueued,
    StepFinished,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutputGrew,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.forecast import DayForecast
from ralex.core.ids import CallId, ModelId, SessionId, TurnId
from ralex.core.messages import AssistantMessage
from ralex.core.model_table import Standing
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import (
    Alternative,
    Override,
    RouteDecision,
    Router,
    RouteReason,
    TierPrice,
    prices_by_tier,
)
from ralex.core.stream import FinishReason, TextDelta
from ralex.core.tiers import Tier
from ralex.core.usage import Usage
from ralex.errors import (
    RalexError,
    SessionLockedError,
    SessionNotFoundError,
    ToolError,
    UnknownModelError,
    UsageError,
)
from ralex.tools.jobs import JobInfo
from ralex.tui.ports import SessionTotals
from ralex.undo.model import UndoReport

S1 = SessionId("s1")
CHEAP = ModelId("acme/swift-mini")
STRONG = ModelId("acme/deep-large")
MODELS = (
    ModelInfo(
        id=CHEAP,
        provider="acme",
        name="swift-mini",
        context_window=128_000,
        price=flat_price(Rates(input=Decimal("0.1"), output=Decimal("0.4"))),
    ),
    ModelInfo(
        id=STRONG,
        provider="acme",
        name="deep-large",
        context_window=400_000,
        price=flat_price(Rates(input=Decimal(3), output=Decimal(15))),
    ),
    ModelInfo(id=ModelId("local/[tiny]"), provider="local", name="[tiny]"),
)
ROUTER = Router(
    name="house",
    tiers={Tier.SIMPLE: (CHEAP,), Tier.COMPLEX: (STRONG, CHEAP), Tier.REASONING: (STRONG,)},
)
USAGE = Usage(input_tokens=2_400, cache_read_tokens=9_600, output_tokens=420, reasoning_tokens=80)

Step: TypeAlias = AgentEvent | asyncio.Event | Exception
"""What a script holds: an event to send, a gate to wait at, or an error to raise."""


def budget(spent: str = "1.25", held: str = "0.02", limit: str | None = "5.00") -> BudgetState:
    return BudgetState(
        day="2026-03-14",
        limit_usd=None if limit is None else Decimal(limit),
        alert_usd=Decimal(4),
        spent_usd=Decimal(spent),
        held_usd=Decimal(held),
        saved_usd=Decimal("3.40"),
    )


def route(
    tier: Tier = Tier.SIMPLE, model: ModelId = CHEAP, reason: RouteReason = RouteReason.SCORE
) -> RouteDecision:
    return RouteDecision(
        router="house",
        tier=tier,
        model=model,
        reason=reason,
        reasons=(
            "The ask scores 0.06, below 0.10, so it is SIMPLE.",
            "The first model of the tier answers; nothing cools down.",
        ),
        complexity=Complexity(
            tier=tier,
            score=0.06,
            dimensions=(
                DimensionScore(
                    name="technicalTerms",
                    raw=0.5,
                    weight=0.25,
                    contribution=0.125,
                    matched=("checkout", "test"),
                ),
                DimensionScore(
                    name="simpleIndicators", raw=-1, weight=0.2, contribution=-0.2, matched=("add",)
                ),
                DimensionScore(
                    name="codePresence",
                    raw=0.4,
                    weight=0.1,
                    contribution=0.04,
                    matched=("function",),
                ),
            ),
            signals=(),
            cause="heuristic_scorer",
            scorer="ralex",
        ),
        alternatives=(
            Alternative(
                model=STRONG,
                tier=Tier.COMPLEX,
                estimated_usd=Decimal("0.042"),
                why_not="a higher tier than the ask needs",
            ),
        ),
        estimated_usd=Decimal("0.0011"),
    )


def started(prompt: str) -> TurnStarted:
    return TurnStarted(session_id=SessionId("s1"), turn_id=TurnId("t1"), prompt=prompt)


def opening(prompt: str, decision: RouteDecision | None = None) -> list[Step]:
    decision = decision or route()
    return [
        started(prompt),
        RouteDecided(route=decision),
        StepStarted(
            step=1,
            model=decision.model,
            context_tokens=11_900,
            window=128_000,
            reserved_usd=Decimal("0.01"),
        ),
    ]


def deltas(text: str, size: int = 7) -> list[Step]:
    return [TextDelta(text=text[at : at + size]) for at in range(0, len(text), size)]


def said(text: str, reasoning: str = "") -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        step=1,
        model=CHEAP,
        message=AssistantMessage(text=text, reasoning=reasoning),
        finish_reason=FinishReason.STOP,
    )


def step_finished(money: BudgetState | None = None) -> StepFinished:
    return StepFinished(
        step=1,
        model=CHEAP,
        usage=USAGE,
        cost_usd=Decimal("0.0031"),
        cost_source="provider",
        context_tokens=12_420,
        window=128_000,
        budget=money or budget(),
        tier=Tier.SIMPLE,
    )


def call(
    name: str,
    title: str,
    *,
    output: str = "",
    summary: str = "",
    arguments: str = "{}",
    diff: str = "",
    exit_code: int | None = None,
    is_error: bool = False,
    number: str = "1",
) -> list[Step]:
    call_id = CallId(f"{name}-{number}")
    return [
        ToolCallStarted(call_id=call_id, name=name, arguments_json=arguments, title=title),
        ToolCallFinished(
            call_id=call_id,
            name=name,
            output=output,
            is_error=is_error,
            summary=summary,
            elapsed_ms=412,
            diff=diff,
            exit_code=exit_code,
        ),
    ]


def finished(text: str = "", stop_reason: str = "done") -> TurnFinished:
    return TurnFinished(
        turn_id=TurnId("t1"),
        text=text,
        stop_reason=stop_reason,
        model=CHEAP,
        tier=Tier.SIMPLE,
        steps=1,
        usage=USAGE,
        cost_usd=Decimal("0.0031"),
        saved_usd=Decimal("0.039"),
        budget=budget(),
        files_changed=(),
    )


def failed(message: str, hint: str = "", code: str = "auth") -> TurnFailed:
    return TurnFailed(
        turn_id=TurnId("t1"),
        code=code,
        message=message,
        hint=hint,
        exit_code=4,
        text="",
        model=CHEAP,
        tier=Tier.SIMPLE,
        steps=0,
        usage=Usage(),
        cost_usd=Decimal(0),
        saved_usd=None,
        budget=budget(),
        files_changed=(),
    )


def plain_turn(prompt: str, text: str) -> list[Step]:
    return [*opening(prompt), *deltas(text), said(text), step_finished(), finished(text)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    context_tokens: int = 0
    is_estimate: bool = True
    window: int | None = 128_000
    turns: int = 0


@dataclass
class FakeSession:
    """Plays one script for each turn and remembers what it was asked."""

    scripts: list[list[Step]] = field(default_factory=list[list[Step]])
    stored: list[AgentEvent] = field(default_factory=list[AgentEvent])
    label: str = ""
    notices: Sequence[str] = ()
    title: str = "Discount codes in the checkout"
    project: str = "/home/ada/shop"
    branch: str = "main"
    mode: str = "yolo"
    router: Router = ROUTER
    models: Sequence[ModelInfo] = MODELS
    override: Override | None = None
    last_route: RouteDecision | None = None
    money: BudgetState = field(default_factory=budget)
    limits: Limits = field(default_factory=Limits)
    limit_notes: tuple[str, ...] = ()
    prompts: list[str] = field(default_factory=list[str])
    overrides_at_turns: list[Override | None] = field(default_factory=list[Override | None])
    answers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    others: Sequence[Router] = ()
    background: list[JobInfo] = field(default_factory=list[JobInfo])
    messages: list[str] = field(default_factory=list[str])
    steered: list[SteeringQueued] = field(default_factory=list[SteeringQueued])
    undos: list[UndoReport] = field(default_factory=list[UndoReport])
    diffs: dict[str, str] = field(default_factory=dict[str, str])
    commands: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    ran: ShellRan | None = None
    compacted: list[str] = field(default_factory=list[str])
    compaction: ContextCompacted | None = None
    gate: asyncio.Event | None = None
    printed: str = ""
    last_failure: TurnFailed | None = None
    stopped: TurnFailed | None = None
    interrupted: int = 0
    id: SessionId = S1
    context_tokens: int = 0

    @property
    def totals(self) -> SessionTotals:
        return Totals(context_tokens=self.context_tokens, is_estimate=self.context_tokens == 0)

    def set_override(self, override: Override | None) -> None:
        known = {model.id for model in self.models}
        if override and override.model and override.model not in known:
            raise UnknownModelError(f"no provider has {override.model}", hint="see /model")
        self.override = override

    @property
    def standings(self) -> dict[ModelId, Standing]:
        return {}

    @property
    def routers(self) -> tuple[str, ...]:
        return (self.router.name, *(one.name for one in self.others))

    def set_router(self, name: str) -> None:
        if name not in self.routers:
            raise UsageError(f"there is no router {name!r}", hint="the routers are house")
        self.router = next((one for one in self.others if one.name == name), self.router)

    def price_of_next_turn(self, ask: str) -> tuple[TierPrice, ...]:
        models = {one.id: one for one in self.models}
        market = Market(
            models=models,
            usable={one.provider for one in self.models},
            context_tokens=self.context_tokens + len(ask) // 4,
            output_tokens=800,
            now=datetime(2026, 3, 14, 12, tzinfo=UTC),
        )
        return prices_by_tier(route(), self.router, market)

    @property
    def waiting(self) -> list[str]:
        return [each.text for each in self.steered]

    async def steer(self, text: str) -> None:
        self.steered.append(SteeringQueued(steering_id=f"s{len(self.steered)}", text=text))

    async def unsteer(self, index: int) -> str:
        return self.steered.pop(index).text

    async def run_shell(
        self,
        command: str,
        *,
        is_shared: bool = True,
        watch: Callable[[ToolOutputGrew], None] | None = None,
    ) -> ShellRan:
        self.commands.append((command, is_shared))
        if watch is not None and self.printed:
            watch(
                ToolOutputGrew(
                    call_id=CallId(""),
                    tail=self.printed,
                    is_cut=False,
                    total_bytes=len(self.printed),
                )
            )
        if self.gate is not None:
            await self.gate.wait()
        if not command:
            raise UsageError("there is no command after the !", hint="such as !git status")
        return self.ran or ShellRan(
            command=command, output="done\n", exit_code=0, elapsed_ms=412, is_shared=is_shared
        )

    async def rename(self, title: str) -> None:
        self.title = title

    async def compact(self, focus: str = "") -> ContextCompacted | None:
        if self.gate is not None:
            await self.gate.wait()
        self.compacted.append(focus)
        return self.compaction

    def context_report(self) -> ContextReport:
        counts = (900, 1_400, 600, 0, 1_100, 2_300, 6_120)
        return ContextReport(
            shares=tuple(
                ContextShare(kind=kind, tokens=tokens)
                for kind, tokens in zip(KINDS, counts, strict=True)
            ),
            total_tokens=sum(counts),
            window=128_000,
            messages=14,
        )

    async def undo(self) -> UndoReport:
        return self.undos.pop(0) if self.undos else UndoReport()

    async def redo(self) -> UndoReport:
        return self.undos.pop(0) if self.undos else UndoReport(is_redo=True)

    async def diff(self, scope: Literal["turn", "session"]) -> str:
        return self.diffs.get(scope, "")

    @asynccontextmanager
    async def turn(self, prompt: str) -> AsyncGenerator[AsyncIterator[AgentEvent], None]:
        self.prompts.append(prompt)
        self.overrides_at_turns.append(self.override)
        script = self.scripts.pop(0) if self.scripts else plain_turn(prompt, "Done.")
        try:
            yield self._play(script)
        except asyncio.CancelledError:
            self.interrupted += 1
            self.last_failure = self.stopped
            raise

    async def _play(self, script: Sequence[Step]) -> AsyncIterator[AgentEvent]:
        for step in script:
            if isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                while isinstance(step, TurnFinished) and self.steered:
                    said = self.steered.pop(0)
                    yield SteeringDelivered(steering_id=said.steering_id, text=said.text)
                if isinstance(step, RouteDecided):
                    self.last_route = step.route
                if isinstance(step, StepFinished):
                    self.context_tokens = step.context_tokens
                    self.money = step.budget
                yield step

    def answer(self, request_id: str, choice: str, message: str = "") -> None:
        self.answers.append((request_id, choice))
        self.messages.append(message)

    def set_mode(self, mode: str) -> None:
        self.mode = mode

    async def budget(self) -> BudgetState:
        return self.money

    async def set_limit(self, kind: LimitName, usd: Decimal | None) -> LimitChange:
        if usd is not None and usd < 0:
            raise UsageError(f"{usd} is not an amount in USD", hint="such as 5 or 0.50")
        self.limits = replace(self.limits, **{f"{kind}_usd": usd})
        self.money = replace(
            self.money, limit_usd=self.limits.daily_usd, alert_usd=self.limits.alert_usd
        )
        return LimitChange(limits=self.limits, file="/home/ada/config.toml", notes=self.limit_notes)

    async def raise_today(self, usd: Decimal | None) -> BudgetState:
        before = self.money.raised_usd
        raised = Decimal(0) if usd is None else before + usd
        limit = (self.money.limit_usd or Decimal(0)) - before + raised
        self.money = replace(self.money, limit_usd=limit, raised_usd=raised)
        return self.money

    def jobs(self) -> tuple[JobInfo, ...]:
        return tuple(self.background)

    async def kill_job(self, number: int) -> JobInfo:
        at = next((at for at, job in enumerate(self.background) if job.id == number), None)
        if at is None:
            raise ToolError(f"there is no job {number}")
        self.background[at] = replace(self.background[at], state="killed", exit_code=143)
        return self.background[at]

    async def balances(self) -> list[Balance]:
        return [
            Balance(
                kind=LimitKind.DAY,
                limit_usd=self.limits.daily_usd,
                spent_usd=self.money.spent_usd,
                held_usd=self.money.held_usd,
            ),
            Balance(
                kind=LimitKind.MONTH,
                limit_usd=self.limits.monthly_usd,
                spent_usd=Decimal("12.4"),
                held_usd=Decimal(0),
            ),
            Balance(
                kind=LimitKind.PROJECT,
                limit_usd=self.limits.project_usd,
                spent_usd=Decimal("7.31"),
                held_usd=Decimal(0),
            ),
            Balance(
                kind=LimitKind.SESSION,
                limit_usd=self.limits.session_usd,
                spent_usd=Decimal("0.42"),
                held_usd=Decimal("0.02"),
            ),
        ]

    async def forecast(self) -> DayForecast:
        return DayForecast(
            last_hour_usd=Decimal("0.42"), end_of_day_usd=Decimal("3.10"), hours_to_limit=None
        )

    async def spend(self, by: str, *, days: int) -> list[SpendRow]:
        keys = {
            "model": [(CHEAP, "0.31"), (STRONG, "0.94")],
            "tier": [("SIMPLE", "0.31"), ("COMPLEX", "0.94")],
            "provider": [("acme", "1.25")],
            "project": [("/home/ada/shop", "0.93"), ("/home/ada/[notes]", "0.32")],
            "session": [("s1", "0.42")],
            "day": [(f"2026-03-{day:02}", f"{(day * 7) % 5}.{day}") for day in range(1, 14)]
            + [("2026-02-20", "5.40"), ("2026-03-14", "1.25"), ("2026-01-02", "99")],
        }[by]
        return [
            SpendRow(
                key=key, calls=12, cost_usd=Decimal(cost), saved_usd=Decimal("0.80"), usage=USAGE
            )
            for key, cost in keys
        ]

    async def history(self) -> list[AgentEvent]:
        return self.stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    id: SessionId
    title: str
    updated_s: float
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    session: Summary
    excerpt: str


@dataclass
class FakeOpener:
    """Opens one session, after a gate if there is one."""

    session: FakeSession = field(default_factory=FakeSession)
    gate: asyncio.Event | None = None
    error: Exception | None = None
    opened: int = 0
    closed: int = 0
    others: list[FakeSession] = field(default_factory=list[FakeSession])
    written_s: float = field(default_factory=time.time)
    locked: set[str] = field(default_factory=set[str])
    exports: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    config: object = None

    def hold(self) -> None:
        self.gate = asyncio.Event()

    def go_on(self, config: object) -> None:
        self.config = config
        if self.gate is not None:
            self.gate.set()

    async def open(self) -> FakeSession:
        if self.gate is not None:
            await self.gate.wait()
        self.opened += 1
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return self.session

    async def new(self) -> FakeSession:
        self.session = FakeSession(title="new session")
        return self.session

    async def stored(self) -> list[Summary]:
        return [
            Summary(
                id=each.id,
                title=each.title,
                updated_s=self.written_s - number * 7_300,
                turns=each.totals.turns or 3 * number + 1,
            )
            for number, each in enumerate([self.session, *self.others])
        ]

    async def search(self, text: str) -> list[Hit]:
        rows = {row.id: row for row in await self.stored()}
        return [
            Hit(session=rows[each.id], excerpt=f"… {text} …")
            for each in [self.session, *self.others]
            if any(text in repr(event) for event in each.stored)
        ]

    async def look(self, session_id: SessionId) -> list[AgentEvent]:
        return self._of(session_id).stored

    async def rename(self, session_id: SessionId, title: str) -> None:
        self._of(session_id).title = title

    async def delete(self, session_id: SessionId) -> None:
        if session_id in self.locked:
            raise SessionLockedError("it is open in another ralex (process 71)", hint="close it")
        self.others.remove(self._of(session_id))

    def _of(self, session_id: SessionId) -> FakeSession:
        return next(each for each in [self.session, *self.others] if each.id == session_id)

    async def resume(self, name: str) -> FakeSession:
        if name in self.locked:
            raise SessionLockedError(
                f"the session {name} is open in another ralex (process 71)",
                hint=f"close it there, or go on in a copy: /fork {name}",
            )
        found = next((each for each in self.others if each.id == name), None)
        if found is None:
            raise SessionNotFoundError(f"there is no session {name!r}")
        self.session = found
        return found

    async def fork(self, name: str) -> FakeSession:
        source = next(each for each in [self.session, *self.others] if each.id == name)
        self.session = replace(source, id=SessionId(f"{name}-copy"), scripts=[], prompts=[])
        return self.session

    async def export(self, form: str, path: str) -> Path:
        self.exports.append((form, path))
        return Path("/home/ada/shop") / (path or f"ralex-{self.session.id}.{form}")

    async def aclose(self) -> None:
        self.closed += 1


def an_error(message: str, hint: str = "") -> RalexError:
    return RalexError(message, hint=hint)
