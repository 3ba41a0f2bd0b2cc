"""One turn: decide the route, then call, run tools and call again until the model is done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal

from ralex.agent.history import History
from ralex.agent.loop_guard import LoopGuard
from ralex.agent.recorder import Recorder
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.toolbox import Toolbox
from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityAction, CapacityDecision
from ralex.core.events import (
    AssistantMessageCompleted,
    CapacityDecided,
    Notice,
    RetryScheduled,
    RouteDecided,
    StepFinished,
    StepStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.models import ModelInfo, PriceList
from ralex.core.routing import RouteDecision
from ralex.core.stream import (
    FinishReason,
    ReasoningDelta,
    StreamFinished,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ralex.core.usage import Usage
from ralex.dispatch.dispatcher import (
    DEFAULT_OUTPUT_TOKENS,
    AttemptFailed,
    AttemptStarted,
    Call,
    CallEvent,
    CallResult,
    Candidate,
)
from ralex.errors import (
    BudgetExceededError,
    ContextOverflowError,
    MalformedReplyError,
    RalexError,
    StepLimitError,
)


@dataclass(slots=True, kw_only=True)
class TurnTotals:
    """What a turn has come to so far; every end of it reports these."""

    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)
    counterfactual_usd: Decimal | None = Decimal(0)
    text: str = ""
    model: ModelId | None = None
    budget: BudgetState | None = None
    files_changed: list[str] = field(default_factory=list[str])

    @property
    def saved_usd(self) -> Decimal | None:
        """Estimate what the router's top tier would have cost more."""
        if self.counterfactual_usd is None:
            return None
        return self.counterfactual_usd - self.cost_usd

    def add_files(self, paths: list[str]) -> None:
        """Note changed files, each once, in order of first change."""
        self.files_changed += [path for path in paths if path not in self.files_changed]


class Turn:
    """Runs one prompt to its end and tells everything through the recorder.

    Args:
        route: Decided before the turn begins to call.
        top: Prices of the router's top tier, for what was saved; None if unknown.
    """

    def __init__(
        self,
        *,
        services: AgentServices,
        session_id: SessionId,
        turn_id: TurnId,
        project: str,
        history: History,
        sizer: RequestSizer,
        toolbox: Toolbox,
        recorder: Recorder,
        route: RouteDecision,
        top: PriceList | None,
        judge: Callable[[ModelInfo, int, int], CapacityDecision],
    ) -> None:
        self._services = services
        self._session_id = session_id
        self._turn_id = turn_id
        self._project = project
        self._history = history
        self._sizer = sizer
        self._toolbox = toolbox
        self._recorder = recorder
        self._route = route
        self._top = top
        self._judge = judge
        self._guard = LoopGuard()
        self.totals = TurnTotals()
        self.context_tokens = 0
        self.window: int | None = None

    async def run(self) -> None:
        """Play the turn to its end; the last event is TurnFinished.

        Raises:
            RalexError: The turn failed; the caller reports it.
        """
        await self._recorder.emit(RouteDecided(route=self._route))
        await self._services.store.record_route(self._session_id, self._turn_id, self._route)
        empty_replies = 0
        while True:
            if self.totals.steps >= self._services.max_steps:
                raise StepLimitError(
                    f"the turn used all {self._services.max_steps} steps it may take",
                    hint="send 'continue' to go on, or raise max_steps",
                )
            self._check_own_limit()
            result = await self._step()
            message = result.reply.message
            if message.tool_calls:
                await self._run_tools(result)
                continue
            if message.text.strip():
                await self._finish(result)
                return
            empty_replies += 1
            if empty_replies > 1:
                raise MalformedReplyError(
                    f"{result.model.id} answered twice with nothing at all",
                    hint="try again, or choose another model with /model",
                )

    def failed(self, error: RalexError) -> TurnFailed:
        """Describe the end of a turn that failed."""
        totals = self.totals
        return TurnFailed(
            turn_id=self._turn_id,
            code=error.code,
            message=error.message,
            hint=error.hint,
            exit_code=error.exit_code,
            text=totals.text,
            model=totals.model or self._route.model,
            tier=self._route.tier,
            steps=totals.steps,
            usage=totals.usage,
            cost_usd=totals.cost_usd,
            saved_usd=totals.saved_usd,
            budget=totals.budget,
            files_changed=tuple(totals.files_changed),
        )

    async def _step(self) -> CallResult:
        step = self.totals.steps + 1
        candidates = await self._candidates(step)
        messages = self._history.messages
        call = Call(
            candidates=candidates,
            messages=messages,
            tools=self._toolbox.specs,
            tier=self._route.tier or "",
            router=self._route.router,
            session_id=self._session_id,
            project=self._project,
            output_tokens=self._route.max_tokens or DEFAULT_OUTPUT_TOKENS,
            max_cost_usd=self._left_of_own_limit(),
            counterfactual=self._top,
            restarts_after_content=True,
        )
        result = await self._services.dispatcher.run(call, self._teller(step, candidates))
        self.totals.steps = step
        self.totals.model = result.model.id
        self.totals.budget = result.budget
        self.totals.text = result.reply.message.text or self.totals.text
        self._bill(result.usage, result.cost_usd, result.counterfactual_usd)
        self._sizer.observe(result.model.id, result.usage, messages=len(messages))
        self.context_tokens = result.usage.total_tokens
        self.window = result.model.context_window
        await self._recorder.emit(
            AssistantMessageCompleted(
                step=step,
                model=result.model.id,
                message=result.reply.message,
                finish_reason=result.reply.finish_reason,
            )
        )
        await self._recorder.emit(
            StepFinished(
                step=step,
                model=result.model.id,
                usage=result.usage,
                cost_usd=result.cost_usd,
                cost_source=result.cost_source,
                context_tokens=self.context_tokens,
                window=self.window,
                budget=result.budget,
                tier=self._route.tier,
            )
        )
        for alert in await self._services.ledger.take_alerts():
            await self._recorder.emit(Notice(level="warning", text=alert))
        return result

    async def _candidates(self, step: int) -> tuple[Candidate, ...]:
        """Size the request for the model and its fallbacks; those it does not fit drop out."""
        messages = self._history.messages
        chosen: list[Candidate] = []
        verdicts: list[CapacityDecision] = []
        for model_id in (self._route.model, *self._route.fallbacks):
            model = self._services.resolve(model_id)
            tokens = self._sizer.estimate(messages, model)
            verdict = self._judge(model, tokens, self._route.max_tokens or DEFAULT_OUTPUT_TOKENS)
            verdicts.append(verdict)
            if verdict.action is CapacityAction.UPSIZE and verdict.upsize_model is not None:
                model = self._services.resolve(verdict.upsize_model)
            elif verdict.action is not CapacityAction.FITS:
                continue
            bound = self._sizer.bound(messages, model)
            chosen.append(Candidate(model=model, input_tokens=tokens, input_bound_tokens=bound))
        await self._services.store.record_capacity(
            self._session_id, self._turn_id, step, verdicts[0]
        )
        await self._recorder.emit(CapacityDecided(capacity=verdicts[0]))
        if not chosen:
            raise ContextOverflowError(
                f"the conversation does not fit any more: {verdicts[0].arithmetic}",
                hint="start afresh with /new, or choose a model with a larger window with /model",
            )
        return tuple(chosen)

    def _teller(
        self, step: int, candidates: tuple[Candidate, ...]
    ) -> Callable[[CallEvent], Awaitable[None]]:
        sizes = {one.model.id: one.input_tokens for one in candidates}

        async def tell(event: CallEvent) -> None:
            match event:
                case AttemptStarted():
                    await self._recorder.emit(
                        StepStarted(
                            step=step,
                            model=event.model.id,
                            context_tokens=sizes[event.model.id],
                            window=event.model.context_window,
                            reserved_usd=event.reserved_usd,
                        )
                    )
                case AttemptFailed():
                    self._bill(event.usage, event.cost_usd, None)
                case TextDelta() | ReasoningDelta() | ToolCallDelta() | RetryScheduled():
                    await self._recorder.emit(event)
                case UsageReport() | StreamFinished():
                    pass  # told by StepFinished and AssistantMessageCompleted

        return tell

    async def _run_tools(self, result: CallResult) -> None:
        changed = await self._toolbox.run(
            result.reply.message.tool_calls,
            guard=self._guard,
            emit=self._recorder.emit,
            is_truncated=result.reply.finish_reason is FinishReason.LENGTH,
        )
        self.totals.add_files(changed)

    async def _finish(self, result: CallResult) -> None:
        totals = self.totals
        is_cut = result.reply.finish_reason is FinishReason.LENGTH
        await self._recorder.emit(
            TurnFinished(
                turn_id=self._turn_id,
                text=result.reply.message.text,
                stop_reason="length" if is_cut else "done",
                model=result.model.id,
                tier=self._route.tier,
                steps=totals.steps,
                usage=totals.usage,
                cost_usd=totals.cost_usd,
                saved_usd=totals.saved_usd,
                budget=result.budget,
                files_changed=tuple(totals.files_changed),
            )
        )

    def _bill(self, usage: Usage, cost_usd: Decimal, counterfactual: Decimal | None) -> None:
        totals = self.totals
        totals.usage += usage
        totals.cost_usd += cost_usd
        if self._top is None:
            totals.counterfactual_usd = None
        elif totals.counterfactual_usd is not None:
            totals.counterfactual_usd += cost_usd if counterfactual is None else counterfactual

    def _left_of_own_limit(self) -> Decimal | None:
        limits = [self._route.max_cost_usd]
        if self._services.max_cost_usd is not None:
            limits.append(self._services.max_cost_usd - self.totals.cost_usd)
        return min((limit for limit in limits if limit is not None), default=None)

    def _check_own_limit(self) -> None:
        limit = self._services.max_cost_usd
        if limit is not None and self.totals.cost_usd >= limit:
            raise BudgetExceededError(
                f"the turn has cost ${self.totals.cost_usd:.4f} of the ${limit} it may cost",
                hint="raise --max-cost, or send 'continue'",
            )
