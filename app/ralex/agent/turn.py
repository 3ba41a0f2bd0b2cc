"""One turn: decide the route, then call, run tools and call again until the model is done."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from ralex.agent.candidates import candidates_of, sizes_of
from ralex.agent.ending import failed, finished
from ralex.agent.loop_guard import LoopGuard
from ralex.agent.received import received
from ralex.agent.recorder import Teller
from ralex.agent.surroundings import Surroundings
from ralex.agent.text_calls import with_text_calls
from ralex.agent.totals import TurnTotals
from ralex.core.budget import format_usd
from ralex.core.escalation import EvidenceKind
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    CapacityDecided,
    Notice,
    RetryScheduled,
    RouteDecided,
    StepFinished,
    StepStarted,
    ToolCallFinished,
    TurnFailed,
)
from ralex.core.ids import ModelId, TurnId
from ralex.core.models import Api, PriceList
from ralex.core.routing import RouteDecision
from ralex.core.stream import (
    FinishReason,
    ReasoningDelta,
    StreamFinished,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
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
    LoopError,
    MalformedReplyError,
    RalexError,
    StepLimitError,
)

_MOST_RECOVERIES = 3
"""How often one step may be shortened after a provider found it too long."""


class _NothingFitsError(ContextOverflowError):
    """By ralex's own count the conversation fits none of the models; nothing was sent."""


class Turn:
    """Runs one prompt to its end and tells everything through the recorder.

    Args:
        around: What the session lends to its turns.
        route: Decided before the turn begins to call; changes when the task escalates.
        top: Prices of the router's top tier, for what was saved; None if unknown.
        purpose: Kept with the charge of each call, like ``tag``.
    """

    def __init__(
        self,
        *,
        around: Surroundings,
        turn_id: TurnId,
        prompt: str,
        recorder: Teller,
        route: RouteDecision,
        top: PriceList | None,
        purpose: str = "step",
        tag: str = "",
    ) -> None:
        self._around = around
        self._services = around.services
        self._history = around.history
        self._turn_id = turn_id
        self._prompt = prompt
        self._recorder = recorder
        self._route = route
        self._guard = LoopGuard()
        self._purpose = purpose
        self._tag = tag
        self.totals = TurnTotals(top=top, limit_usd=around.services.max_cost_usd)
        self.context_tokens = 0
        self.window: int | None = None

    async def run(self) -> None:
        """Play the turn to its end; the last event is TurnFinished.

        Raises:
            RalexError: The turn failed; the caller reports it.
        """
        await self._announce()
        self._around.keeper.begin_turn()
        await self._around.steering.deliver(self._recorder.emit)
        await self._around.escalator.begin_turn(
            self._route, self._prompt, self._recorder.emit, self.totals
        )
        await self._escalate()
        empty_replies = 0
        while True:
            self._check_limits()
            result = await self._step()
            message = result.reply.message
            if message.tool_calls:
                await self._run_tools(result)
                continue
            if await self._around.steering.deliver(self._recorder.emit):
                continue
            if message.text.strip():
                if await self._is_given_up_too_early():
                    continue
                await self._finish(result)
                return
            empty_replies += 1
            if empty_replies > 1 and not await self._fault(EvidenceKind.EMPTY_DIFF, "no answer"):
                raise MalformedReplyError(
                    f"{result.model.id} answered twice with nothing at all",
                    hint="try again, or choose another model with /model",
                )

    def failed(self, error: RalexError) -> TurnFailed:
        """Describe the end of a turn that failed."""
        return failed(self._turn_id, error, self.totals, self._route)

    async def _announce(self) -> None:
        await self._recorder.emit(RouteDecided(route=self._route))
        await self._services.store.record_route(self._around.session_id, self._turn_id, self._route)

    async def _step(self) -> CallResult:
        """Make one model call; a conversation that proves too long is shortened and sent again."""
        model = self._services.resolve(self._route.model)
        recoveries, rewrites = 0, self._history.rewrites
        while True:
            await self._around.keeper.make_room(model, self._recorder.emit, self.totals)
            try:
                result = await self._call(self.totals.steps + 1)
            except ContextOverflowError as error:
                recoveries += 1
                if recoveries > _MOST_RECOVERIES or not await self._around.keeper.recover(
                    model,
                    self._recorder.emit,
                    self.totals,
                    is_proven=not isinstance(error, _NothingFitsError),
                ):
                    result = await self._call_a_larger_one(error)
                    break
            else:
                break
        if self._history.rewrites != rewrites:
            self._guard.forgive()
        return await self._settle(result)

    async def _call_a_larger_one(self, error: ContextOverflowError) -> CallResult:
        """Take the chain that the user named for requests too long, when nothing can be shortened.

        Raises:
            ContextOverflowError: The error given, if there is no such chain.
        """
        chain = self._services.plan.after_overflow((self._route.model, *self._route.fallbacks))
        if not chain:
            raise error
        await self._recorder.emit(
            RetryScheduled(attempt=1, wait_s=0.0, next_model=chain[0], error=error.message)
        )
        return await self._call(self.totals.steps + 1, chain)

    async def _call(self, step: int, chain: tuple[ModelId, ...] = ()) -> CallResult:
        candidates = self._candidates(step, chain)
        messages = self._history.messages
        call = Call(
            candidates=candidates,
            messages=messages,
            tools=self._around.toolbox.specs,
            tier=self._route.tier or "",
            router=self._route.router,
            session_id=self._around.session_id,
            project=self._around.project,
            purpose=self._purpose,
            tag=self._tag,
            output_tokens=self._route.max_tokens or DEFAULT_OUTPUT_TOKENS,
            max_cost_usd=self._left_of_own_limit(),
            counterfactual=self.totals.top,
            response_schema_json=self._schema_for(candidates),
            restarts_after_content=True,
        )
        result = await self._services.dispatcher.run(call, self._teller(step, candidates))
        self._around.sizer.observe(result.model.id, result.usage, messages=len(messages))
        message, known = result.reply.message, self._around.toolbox.names
        if result.reply.finish_reason in (FinishReason.STOP, FinishReason.TOOL_CALLS):
            prefix = f"text_{self._turn_id}_{step}"
            message = with_text_calls(message, known=known, prefix=prefix)
        prefix = f"call_{self._turn_id}_{step}"
        message = received(message, known=known, is_used=self._history.has_call, prefix=prefix)
        return replace(result, reply=replace(result.reply, message=message))

    def _schema_for(self, candidates: tuple[Candidate, ...]) -> str:
        """Give the answer's schema if every provider that may be called can hold a model to it.

        Gemini's may answer 400 to a schema beside tools (googleapis/python-genai issue 867).
        """
        can = all(
            each.model.response_schema and each.model.api is not Api.GEMINI for each in candidates
        )
        return self._services.answer_schema if can else ""

    async def _settle(self, result: CallResult) -> CallResult:
        """Note what a call brought and cost, and tell it."""
        totals = self.totals
        totals.steps = step = totals.steps + 1
        totals.model = result.model.id
        totals.budget = result.budget
        totals.text = result.reply.message.text or totals.text
        totals.bill(result.usage, result.cost_usd, result.counterfactual_usd)
        self._around.desk.called(result.model.id, result.usage, result.budget)
        self.context_tokens = result.usage.total_tokens
        self.window = result.model.context_window
        alerts = await self._services.ledger.take_alerts()
        await self._recorder.emit(
            AssistantMessageCompleted(
                step=step,
                model=result.model.id,
                message=result.reply.message,
                finish_reason=result.reply.finish_reason,
            ),
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
            ),
            *(Notice(level="warning", text=alert) for alert in alerts),
        )
        return result

    def _candidates(self, step: int, chain: tuple[ModelId, ...] = ()) -> tuple[Candidate, ...]:
        """Size the request for the route's models, or for a chain in their place."""
        around = self._around
        chosen, verdict = candidates_of(
            around, chain or (self._route.model, *self._route.fallbacks), self._route.max_tokens
        )
        self._recorder.note(CapacityDecided(capacity=verdict, turn_id=self._turn_id, step=step))
        if not chosen:
            raise _NothingFitsError(
                f"the conversation does not fit any more: {verdict.arithmetic}",
                hint="start afresh with /new, or choose a model with a larger window with /model",
            )
        return chosen

    def _teller(
        self, step: int, candidates: tuple[Candidate, ...]
    ) -> Callable[[CallEvent], Awaitable[None]]:
        sizes = sizes_of(candidates)

        async def tell(event: CallEvent) -> None:
            match event:
                case AttemptStarted():
                    self._around.desk.served_by(event.model.id, event.why)
                    await self._recorder.emit(
                        StepStarted(
                            step=step,
                            model=event.model.id,
                            context_tokens=sizes[event.model.id],
                            window=event.model.context_window,
                            reserved_usd=event.reserved_usd,
                            deployment=event.why,
                        )
                    )
                case AttemptFailed():
                    self.totals.bill(event.usage, event.cost_usd, None)
                case TextDelta() | ReasoningDelta() | ToolCallDelta() | RetryScheduled():
                    await self._recorder.emit(event)
                case UsageReport() | StreamFinished():
                    pass  # told by StepFinished and AssistantMessageCompleted

        return tell

    async def _run_tools(self, result: CallResult) -> None:
        """Run the calls of a reply, then whatever belongs between two steps."""
        try:
            await self._around.toolbox.run(
                result.reply.message.tool_calls,
                guard=self._guard,
                totals=self.totals,
                emit=self._watch,
                is_truncated=result.reply.finish_reason is FinishReason.LENGTH,
            )
        except LoopError as error:
            if not await self._fault(EvidenceKind.LOOP, error.message):
                raise
        for block in self._around.toolbox.job_news():
            await self._recorder.emit(block)
        seen = tuple(self._around.toolbox.context.seen)
        for block in self._around.nested.near(seen, known=self._history.labels):
            await self._recorder.emit(block)
        for block in self._around.toolbox.permissions.news():
            await self._recorder.emit(block)
        await self._around.steering.deliver(self._recorder.emit)
        await self._escalate()

    async def _watch(self, event: AgentEvent) -> None:
        """Tell an event of the tools, and keep what it says of the work."""
        await self._recorder.emit(event)
        if isinstance(event, ToolCallFinished):
            self.totals.add_files(list(event.files_changed))
        await self._around.escalator.observe(event, self._recorder.emit, self.totals)

    async def _fault(self, kind: EvidenceKind, detail: str) -> bool:
        """Note a fault that ends the turn, unless it leads to advice or to another model."""
        await self._around.escalator.note(kind, detail, self._recorder.emit, self.totals)
        return await self._escalate()

    async def _is_given_up_too_early(self) -> bool:
        if not self._around.escalator.has_failed_to_change:
            return False
        return await self._fault(EvidenceKind.EMPTY_DIFF, "every edit was refused")

    async def _escalate(self) -> bool:
        """Act on the evidence so far; True if the next step will be another one because of it."""
        taken = await self._around.escalator.act(self._route, self._recorder.emit, self.totals)
        if taken is None:
            return False
        if taken is not self._route:
            self._route = taken
            self._guard = LoopGuard()
            await self._announce()
        return True

    async def _finish(self, result: CallResult) -> None:
        totals = self.totals
        await self._around.toolbox.changes.end(totals.files_changed)
        if result.reply.finish_reason is FinishReason.CONTENT_FILTER:
            text = f"the provider of {result.model.id} cut this answer off with its content filter"
            await self._recorder.emit(Notice(level="warning", text=text))
        await self._recorder.emit(finished(self._turn_id, result, totals, self._route.tier))

    def _left_of_own_limit(self) -> Decimal | None:
        limits = (self._route.max_cost_usd, self.totals.left_usd)
        return min((limit for limit in limits if limit is not None), default=None)

    def _check_limits(self) -> None:
        most = self._services.max_steps
        if self.totals.steps >= most:
            raise StepLimitError(
                f"the turn used all {most} steps it may take",
                hint="send 'continue' to go on, or raise max_steps",
            )
        left = self.totals.left_usd
        if left is not None and left <= 0:
            raise BudgetExceededError(
                f"the turn has cost {format_usd(self.totals.cost_usd)} of the "
                f"{format_usd(self.totals.limit_usd or 0)} it may cost",
                hint="raise --max-cost, or send 'continue'",
            )
