"""Acts on evidence: asks a better model for advice, then hands it the task; within the money."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal

from ralex.agent.advice import ADVICE_TOKENS, advice_request
from ralex.agent.evidence import TaskRecord
from ralex.agent.history import History
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.totals import TurnTotals
from ralex.core.budget import format_usd
from ralex.core.escalation import (
    AdviceLog,
    Escalation,
    EscalationAction,
    Evidence,
    EvidenceKind,
    is_enough,
)
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    ChangesUndone,
    EvidenceNoted,
    Notice,
    RouteDecided,
    ToolCallFinished,
    ToolCallStarted,
)
from ralex.core.ids import ModelId, SessionId
from ralex.core.outcomes import advised
from ralex.core.routing import RouteDecision, RouteReason
from ralex.dispatch.dispatcher import AttemptFailed, Call, CallEvent, Candidate
from ralex.errors import BudgetError, ProviderError, RalexError
from ralex.tools.base import TodoItem

Emit = Callable[[AgentEvent], Awaitable[None]]

_EXPERIENCE = timedelta(days=30)
"""How far back advice is judged by how it fared."""

_BRIEF_TOKENS = 6_000
"""About the longest brief; the estimate of what advice costs is made with it."""

_NOT_FROM_CALLS = frozenset({EvidenceKind.COMPLAINT, EvidenceKind.EMPTY_DIFF, EvidenceKind.LOOP})


class Escalator:
    """Collects one session's evidence and answers it.

    Args:
        plan: Gives the todo list as it stands.
    """

    def __init__(
        self,
        *,
        services: AgentServices,
        session_id: SessionId,
        project: str,
        history: History,
        desk: RouteDesk,
        plan: Callable[[], tuple[TodoItem, ...]],
    ) -> None:
        self._services = services
        self._session_id = session_id
        self._project = project
        self._history = history
        self._desk = desk
        self._plan = plan
        self._record = TaskRecord()
        self._advice: AdviceLog | None = None

    def restore(self, events: Sequence[AgentEvent]) -> None:
        """Take up the evidence of stored events."""
        for event in events:
            match event:
                case RouteDecided():
                    self._follow(event.route)
                    if event.route.reason is RouteReason.ESCALATED:
                        self._record.moved_up()
                case ToolCallStarted() | ToolCallFinished():
                    self._record.observe(event)
                case EvidenceNoted() if event.kind in _NOT_FROM_CALLS:
                    self._record.evidence.append(
                        Evidence(kind=EvidenceKind(event.kind), detail=event.detail)
                    )
                case AdviceGiven():
                    self._record.advised(event.model)
                case ChangesUndone():
                    if event.is_redo:
                        self.redone()
                    else:
                        self.undone(", ".join(event.paths))
                case _:
                    pass

    async def begin_turn(
        self, route: RouteDecision, prompt: str, emit: Emit, totals: TurnTotals
    ) -> None:
        """Start a new record with a new task; a complaint about the running one is evidence."""
        self._follow(route)
        for one in self._record.evidence:
            if one.kind is EvidenceKind.UNDO:
                await self._tell(one, emit, totals)
        if route.continues_task and self._services.is_complaint(prompt):
            await self.note(EvidenceKind.COMPLAINT, " ".join(prompt.split())[:80], emit, totals)

    def undone(self, paths: str) -> None:
        """Note that the user took back what the task has changed; told with the next turn."""
        self._record.evidence.append(
            Evidence(kind=EvidenceKind.UNDO, detail=" ".join(paths.split())[:80])
        )

    def redone(self) -> None:
        """Note that the user wants the changes after all."""
        self._record.forget(EvidenceKind.UNDO)

    async def observe(self, event: AgentEvent, emit: Emit, totals: TurnTotals) -> None:
        """Take an event of the loop; what it proves is stored."""
        for found in self._record.observe(event):
            await self._tell(found, emit, totals)

    async def note(self, kind: EvidenceKind, detail: str, emit: Emit, totals: TurnTotals) -> None:
        """Take a fact that no tool call tells."""
        found = Evidence(kind=kind, detail=detail)
        self._record.evidence.append(found)
        await self._tell(found, emit, totals)

    @property
    def has_failed_to_change(self) -> bool:
        """Tell whether changes were tried in this task and none was made."""
        return self._record.refused_edits > 0 and not self._record.files_changed

    async def act(
        self, route: RouteDecision, emit: Emit, totals: TurnTotals
    ) -> RouteDecision | None:
        """Do what the evidence calls for.

        Returns:
            The new route if another model takes over; the present one if it was advised; None if
            all stays as it is.
        """
        if not is_enough(self._record.evidence) or route.reason is RouteReason.OVERRIDE:
            return None
        budget = totals.budget or await self._services.ledger.state()
        advice = await self._experience()
        step = self._desk.consider(
            self._record.evidence,
            was_advised=self._record.was_advised,
            advised_by=self._record.advisers,
            budget=budget,
            advice=advice,
            brief_tokens=_BRIEF_TOKENS,
            context_tokens=_BRIEF_TOKENS,
        )
        if step.action is EscalationAction.ADVISE:
            if not await self._is_within(step, route, emit, totals):
                return None
            return route if await self._advise(step, route, emit, totals) else None
        context_tokens = 0
        if step.action is EscalationAction.TAKE_OVER:
            context_tokens = RequestSizer(()).rough(self._history.messages)
            step = self._desk.consider(
                self._record.evidence,
                was_advised=self._record.was_advised,
                advised_by=self._record.advisers,
                budget=budget,
                advice=advice,
                brief_tokens=_BRIEF_TOKENS,
                context_tokens=context_tokens,
            )
        if step.action is not EscalationAction.TAKE_OVER:
            return None
        if not await self._is_within(step, route, emit, totals):
            return None
        taken = self._desk.take_over(step, route, context_tokens=context_tokens)
        self._record.moved_up()
        totals.escalations += 1
        return taken

    async def _experience(self) -> AdviceLog:
        """Count how advice fared lately; once for each session, and only where it is needed."""
        if self._advice is None:
            since = self._services.now() - _EXPERIENCE
            try:
                turns = await self._services.store.past_turns(
                    since_s=since.timestamp(), only_troubled=True
                )
            except RalexError:
                turns = []  # advice is then judged as if it were the first
            self._advice = advised(turns)
        return self._advice

    async def _is_within(
        self, step: Escalation, route: RouteDecision, emit: Emit, totals: TurnTotals
    ) -> bool:
        """Keep to what the rule and the turn allow for one call; say once what forbids a step."""
        limit, price = _limit_of_a_call(route, totals), step.estimated_usd
        if limit is None or price is None or price <= limit:
            return True
        if step.model is not None and step.model not in self._record.unaffordable:
            self._record.unaffordable.add(step.model)
            text = f"{_evidence_of(step)}; {step.model} may cost {format_usd(price)}"
            await emit(
                Notice(level="info", text=f"{text}, and a call may cost {format_usd(limit)}")
            )
        return False

    async def _advise(
        self, step: Escalation, route: RouteDecision, emit: Emit, totals: TurnTotals
    ) -> bool:
        """Ask for advice; whatever goes wrong with that must not end the turn."""
        self._record.was_advised = True
        if step.model is None:
            return False
        model = self._services.resolve(step.model)
        plan = "\n".join(f"[{item.status}] {item.text}" for item in self._plan())
        asks = self._history.asks_before(len(self._history.messages))
        messages = advice_request(self._record, asks, plan, _evidence_of(step))
        sizer = RequestSizer(())

        async def note(event: CallEvent) -> None:
            if isinstance(event, AttemptFailed):
                totals.bill(event.usage, event.cost_usd, None)

        def size(name: ModelId) -> Candidate:
            one = self._services.resolve(name)
            return Candidate(
                model=one,
                input_tokens=sizer.estimate(messages, one),
                input_bound_tokens=sizer.bound(messages, one),
            )

        await emit(Notice(level="info", text=step.reason))
        call = Call(
            candidates=self._services.plan.siblings(model.id, size),
            messages=messages,
            tier=step.tier or "",
            router=self._desk.at_work.name,
            session_id=self._session_id,
            project=self._project,
            purpose="advice",
            tag=self._services.tag,
            output_tokens=ADVICE_TOKENS,
            max_cost_usd=_limit_of_a_call(route, totals),
            restarts_after_content=True,
        )
        try:
            result = await self._services.dispatcher.run(call, note)
        except (ProviderError, BudgetError) as error:
            await emit(Notice(level="warning", text=f"no advice: {error.message}"))
            return False
        totals.bill(result.usage, result.cost_usd, None)
        totals.budget = result.budget
        text = result.reply.message.text.strip()
        if not text:
            return False
        await emit(
            AdviceGiven(
                model=result.model.id,
                tier=step.tier,
                text=text,
                reason=_evidence_of(step),
                usage=result.usage,
                cost_usd=result.cost_usd,
            )
        )
        self._record.advised(result.model.id)
        return True

    def _follow(self, route: RouteDecision) -> None:
        if not route.continues_task:
            self._record = TaskRecord()

    async def _tell(self, found: Evidence, emit: Emit, totals: TurnTotals) -> None:
        totals.evidence.append(found.kind.value)
        await emit(EvidenceNoted(kind=found.kind.value, detail=found.detail))


def _evidence_of(step: Escalation) -> str:
    """Give the reason without what is done about it; commands in it may hold semicolons."""
    return step.reason.rpartition("; ")[0]


def _limit_of_a_call(route: RouteDecision, totals: TurnTotals) -> Decimal | None:
    limits = (route.max_cost_usd, totals.left_usd)
    return min((limit for limit in limits if limit is not None), default=None)
