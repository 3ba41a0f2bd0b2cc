"""The tool ``task``: a sub-agent with a conversation of its own, which looks into one question.

It reads and searches, and changes nothing. It runs on the cheapest tier, within limits on steps,
time and money, and its cost is part of the turn that asked for it. Only its last message comes
back, so that what it read does not fill the parent's context. It cannot start sub-agents itself.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from ralex.agent.approval import Approvals
from ralex.agent.changes import Changes
from ralex.agent.context import environment_block
from ralex.agent.history import History
from ralex.agent.permissions import Permissions
from ralex.agent.prompt import TASK_PROMPT
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.summary import cut
from ralex.agent.surroundings import Surroundings, surroundings_of
from ralex.agent.task_watch import TaskWatch, Unstored
from ralex.agent.toolbox import Toolbox
from ralex.agent.totals import TurnTotals
from ralex.agent.turn import Turn
from ralex.agent.turn_tools import TurnScope, TurnTool
from ralex.core.budget import format_usd
from ralex.core.events import TurnStarted
from ralex.core.ids import SessionId, TurnId
from ralex.core.messages import ToolSpec
from ralex.core.records import dataclass
from ralex.core.routing import Override
from ralex.core.tiers import TIERS
from ralex.errors import RalexError, ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.params import Param, Params
from ralex.tools.titles import title_from

_ALIASES = ("description", "task", "instructions", "question", "query", "text")
_PARAMS = Params(
    Param(
        name="prompt",
        required=True,
        aliases=_ALIASES,
        description="all it must know, and what it shall answer",
    )
)
_READING = frozenset({"read", "grep", "glob", "ls"})
_MOST_CHARS = 12_000
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLimits:
    """How far one sub-agent may go.

    Attributes:
        max_usd: Of it, at most half of what is left of the turn's own limit is granted.
    """

    max_steps: int = 30
    max_usd: Decimal = Decimal("0.50")
    max_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A sub-agent at work."""

    turn: Turn
    watch: TaskWatch


class TaskTool(TurnTool):
    """Starts sub-agents for one session.

    Args:
        desk: The session's own; only its router is looked at.
        permissions: The session's own: rules hold in sub-agents as well.
    """

    def __init__(
        self,
        *,
        services: AgentServices,
        session_id: SessionId,
        project: str,
        desk: RouteDesk,
        permissions: Permissions,
        approvals: Approvals,
        limits: TaskLimits | None = None,
    ) -> None:
        self._services = services
        self._session_id = session_id
        self._project = project
        self._desk = desk
        self._permissions = permissions
        self._approvals = approvals
        self._limits = limits or TaskLimits()
        self._room = asyncio.Semaphore(_AT_ONCE)

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="task",
            description=(
                "Let a cheap read-only sub-agent look into one question about the project; only "
                "its answer comes back. Several in one message run at once."
            ),
            schema_json=_PARAMS.schema_json,
        )

    def title(self, arguments: Mapping[str, object]) -> str:
        """Give the beginning of what it is asked."""
        return title_from(arguments, ("prompt", *_ALIASES), "task")

    async def run_in(self, scope: TurnScope, arguments: Mapping[str, object]) -> ToolOutcome:
        """Run a sub-agent to its end.

        Raises:
            ToolError: If there is no prompt, or nothing is left to pay it with.
        """
        prompt = _PARAMS.coerce(arguments).text("prompt").strip()
        if not prompt:
            raise ToolError('argument "prompt" is blank: say what the sub-agent shall find out')
        async with self._room:
            grant = self._grant(scope.totals)
            scope.totals.held_usd += grant
            try:
                return await self._work(scope, prompt, grant)
            finally:
                scope.totals.held_usd -= grant

    def _grant(self, totals: TurnTotals) -> Decimal:
        left = totals.left_usd
        grant = self._limits.max_usd if left is None else min(self._limits.max_usd, left / 2)
        if grant <= 0:
            raise ToolError("nothing is left of what this turn may cost: do it yourself, or finish")
        return grant

    async def _work(self, scope: TurnScope, prompt: str, grant: Decimal) -> ToolOutcome:
        run: _Run | None = None
        trouble = ""
        try:
            async with asyncio.timeout(self._limits.max_s):
                run = await self._begin(scope, prompt, grant)
                await run.turn.run()
        except TimeoutError:
            trouble = f"it was ended after {self._limits.max_s:.0f} s"
        except RalexError as error:
            trouble = error.message
        finally:
            if run is not None:
                run.watch.bill()
        totals = run.turn.totals if run is not None else TurnTotals()
        steps = "1 step" if totals.steps == 1 else f"{totals.steps} steps"
        summary = f"{steps} · {format_usd(totals.cost_usd)}"
        text = cut(totals.text.strip(), _MOST_CHARS)
        if not trouble:
            return ToolOutcome(text=text, summary=summary)
        said = f" What it said last:\n{text}" if text else ""
        return ToolOutcome(
            text=f"The sub-agent did not finish: {trouble}.{said}",
            summary=f"{summary} · {trouble}"[:120],
            is_error=True,
        )

    async def _begin(self, scope: TurnScope, prompt: str, grant: Decimal) -> _Run:
        """Set a sub-agent up; its conversation is fed like that of a session."""
        services = replace(
            self._services,
            store=Unstored(),
            max_steps=self._limits.max_steps,
            max_cost_usd=grant,
            escalates=False,
            answer_schema="",
        )
        history = History(TASK_PROMPT)
        around = self._surroundings(services, history)
        around.desk.router = self._desk.router
        around.desk.set_override(self._cheapest())
        watch = TaskWatch(history=history, scope=scope)
        turn_id = TurnId(secrets.token_hex(6))
        await watch.emit(TurnStarted(session_id=self._session_id, turn_id=turn_id, prompt=prompt))
        await watch.emit(environment_block(services.cwd, services.now()))
        route = around.desk.decide(
            prompt,
            services.score(prompt, around.desk.router),
            budget=await services.ledger.state(),
            size=lambda model: around.sizer.estimate(history.messages, model),
        )
        turn = Turn(
            around=around,
            turn_id=turn_id,
            prompt=prompt,
            recorder=watch,
            route=route,
            top=self._desk.top_price(),
            purpose="subagent",
            tag=services.tag or "task",
        )
        watch.totals = turn.totals
        return _Run(turn=turn, watch=watch)

    def _cheapest(self) -> Override | None:
        """Choose the cheapest tier that can be called, else what the user chose."""
        model, tiers = self._desk.cheapest(), self._desk.router.tiers
        tier = next((one for one in TIERS if model and model.id in tiers.get(one, ())), None)
        return self._desk.override if tier is None else Override(tier=tier)

    def _surroundings(self, services: AgentServices, history: History) -> Surroundings:
        """Put the parts of a sub-agent together: like a session's, but nothing is stored."""
        desk = RouteDesk(services)
        toolbox = Toolbox(
            tools=[tool for tool in services.tools if tool.spec.name in _READING],
            context=ToolContext(
                cwd=services.cwd,
                output_dir=services.output_dir / self._session_id,
                environment=services.environment,
                extra_roots=services.extra_roots,
            ),
            permissions=self._permissions,
            approvals=self._approvals,
            changes=Changes(None, session_id=self._session_id, store=services.store),
            secrets=services.secrets,
        )
        return surroundings_of(
            services,
            session_id=self._session_id,
            project=self._project,
            history=history,
            toolbox=toolbox,
            desk=desk,
            approvals=self._approvals,
        )
