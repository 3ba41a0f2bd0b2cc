"""Watches a sub-agent: feeds its conversation, tells its parent's screen, and bills the parent."""

from collections.abc import Sequence
from decimal import Decimal

from ralex.agent.history import History
from ralex.agent.totals import TurnTotals
from ralex.agent.turn_tools import TurnScope
from ralex.core.complexity import Complexity
from ralex.core.events import (
    AgentEvent,
    ApprovalRequested,
    Notice,
    StepFinished,
    StepStarted,
    TaskProgressed,
    ToolCallStarted,
)
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.routing import RouteDecision
from ralex.core.turn_log import PastTurn
from ralex.core.usage import Usage
from ralex.errors import UsageError


class TaskWatch:
    """Where the events of a sub-agent go; in the place of a session's recorder.

    Attributes:
        totals: Of the sub-agent; what is new in them goes on the parent's bill.
    """

    def __init__(self, *, history: History, scope: TurnScope) -> None:
        self._history = history
        self._scope = scope
        self._billed_usd = Decimal(0)
        self._billed_top_usd = Decimal(0)
        self._billed_usage = Usage()
        self._doing = "starting"
        self._model: ModelId | None = None
        self.totals = TurnTotals()

    async def emit(self, *events: AgentEvent) -> None:
        """Take events of the sub-agent, in order."""
        for event in events:
            self._history.feed(event)
            match event:
                case StepStarted():
                    self._doing, self._model = "thinking", event.model
                    await self._tell()
                case StepFinished():
                    self.bill()
                    await self._tell()
                case ToolCallStarted():
                    self._doing = f"{event.name} {event.title}"
                    await self._tell()
                case Notice() | ApprovalRequested():
                    await self._scope.emit(event)
                case _:
                    pass

    def note(self, event: AgentEvent) -> None:
        """Take an event that tells the parent nothing by itself."""
        self._history.feed(event)

    def bill(self) -> None:
        """Put what the sub-agent has cost since the last time on its parent's bill."""
        mine, parent = self.totals, self._scope.totals
        cost = mine.cost_usd - self._billed_usd
        parent.bill(
            mine.usage - self._billed_usage,
            cost,
            mine.counterfactual_usd - self._billed_top_usd,
        )
        parent.budget = mine.budget or parent.budget
        self._billed_usd += cost
        self._billed_top_usd = mine.counterfactual_usd
        self._billed_usage = mine.usage

    async def _tell(self) -> None:
        await self._scope.emit(
            TaskProgressed(
                call_id=self._scope.call_id,
                model=self._model,
                steps=self.totals.steps,
                doing=self._doing,
                cost_usd=self.totals.cost_usd,
            )
        )


class Unstored:
    """Stands in for the session store: what a sub-agent says is not kept, its result is."""

    async def record_complexity(
        self, session_id: SessionId, turn_id: TurnId, complexity: Complexity
    ) -> None:
        """Keep nothing."""

    async def record_route(
        self, session_id: SessionId, turn_id: TurnId, route: RouteDecision
    ) -> None:
        """Keep nothing."""

    async def past_turns(
        self,
        *,
        since_s: float = 0.0,  # noqa: ARG002 - none is kept
        only_troubled: bool = False,  # noqa: ARG002
    ) -> list[PastTurn]:
        """Remember nothing."""
        return []

    async def append(self, session_id: SessionId, events: Sequence[AgentEvent]) -> None:
        """Keep nothing."""

    async def create(self, *, project: str, title: str) -> SessionId:
        """Refuse: a sub-agent is no session.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"a sub-agent is no session ({project}, {title})")

    async def rename(
        self, session_id: SessionId, title: str, *, instead_of: str | None = None
    ) -> bool:
        """Keep nothing."""
        del session_id, title, instead_of
        return False

    async def load(self, session_id: SessionId) -> list[AgentEvent]:
        """Give nothing."""
        del session_id
        return []

    async def latest(self, *, project: str) -> SessionId | None:
        """Give nothing."""
        del project
        return None
