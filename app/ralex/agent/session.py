"""One conversation: holds its history, its task and the user's choices, and runs its turns."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ralex.agent.approval import Approvals
from ralex.agent.context import environment_block, git_branch, instruction_blocks
from ralex.agent.history import History
from ralex.agent.prompt import SYSTEM_PROMPT
from ralex.agent.recorder import Recorder
from ralex.agent.routes import RouteDesk
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.toolbox import Toolbox
from ralex.agent.turn import Turn
from ralex.core.budget import BudgetState, SpendRow
from ralex.core.events import (
    AgentEvent,
    RouteDecided,
    StepFinished,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import SessionId, TurnId
from ralex.core.models import ModelInfo
from ralex.core.routing import Override, RouteDecision, Router
from ralex.core.usage import Usage
from ralex.dispatch.finishing import finish
from ralex.errors import InterruptedTurnError, RalexError
from ralex.tools.base import ToolContext

_log = logging.getLogger(__name__)
_QUEUED_EVENTS = 256
UNTITLED = "new session"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTotals:
    """Numbers of the status bar; see ``tui.ports.SessionTotals``."""

    context_tokens: int
    is_estimate: bool
    window: int | None
    turns: int


class Session:
    """One conversation in one project.

    Made by :func:`start_session` or :func:`resume_session`. Not safe for two turns at once.
    """

    def __init__(
        self,
        services: AgentServices,
        *,
        session_id: SessionId,
        project: str,
        title: str,
        events: Sequence[AgentEvent] = (),
    ) -> None:
        self._services = services
        self._id = session_id
        self._project = project
        self._title = title
        self._branch = git_branch(services.cwd)
        self._history = History(SYSTEM_PROMPT)
        self._history.feed_all(events)
        self._approvals = Approvals()
        self._toolbox = Toolbox(
            tools=services.tools,
            context=ToolContext(
                cwd=services.cwd,
                output_dir=services.output_dir / session_id,
                environment=services.environment,
            ),
            mode=services.mode,
            approvals=self._approvals,
        )
        self._sizer = RequestSizer(self._toolbox.specs)
        self._desk = RouteDesk(services)
        self._turns = 0
        self._context_tokens = 0
        self._window: int | None = None
        self._has_started = False
        self._restore(events)

    def _restore(self, events: Sequence[AgentEvent]) -> None:
        """Take up where the stored events end."""
        for event in events:
            match event:
                case TurnStarted():
                    self._turns += 1
                    self._has_started = True
                case RouteDecided():
                    self._desk.resume(event.route)
                case StepFinished():
                    self._context_tokens = event.context_tokens
                    self._window = event.window
                case _:
                    pass

    @property
    def id(self) -> SessionId:
        """Identify the session."""
        return self._id

    @property
    def title(self) -> str:
        """Name it for people; the first line of the first prompt."""
        return self._title

    @property
    def project(self) -> str:
        """Tell its folder."""
        return self._project

    @property
    def branch(self) -> str:
        """Tell the git branch at start, or an empty string."""
        return self._branch

    @property
    def mode(self) -> str:
        """Tell ``yolo``, ``ask`` or ``plan``."""
        return self._services.mode

    @property
    def router(self) -> Router:
        """Give the router in force."""
        return self._services.router

    @property
    def models(self) -> Sequence[ModelInfo]:
        """List models of usable providers, those of the router first."""
        return self._desk.choosable()

    @property
    def override(self) -> Override | None:
        """Give the user's own choice, if one holds."""
        return self._desk.override

    @property
    def last_route(self) -> RouteDecision | None:
        """Give the receipt of the last turn."""
        return self._desk.last

    @property
    def label(self) -> str:
        """Give words that must stay on screen, such as the demo's notice."""
        return self._services.label

    @property
    def totals(self) -> SessionTotals:
        """Give the numbers of the status bar."""
        window = self._window
        if self._context_tokens:
            return SessionTotals(
                context_tokens=self._context_tokens,
                is_estimate=False,
                window=window,
                turns=self._turns,
            )
        model = self._desk.likely_model()
        tokens = self._sizer.estimate(self._history.messages, model) if model else 0
        return SessionTotals(
            context_tokens=tokens,
            is_estimate=True,
            window=model.context_window if model else None,
            turns=self._turns,
        )

    def set_override(self, override: Override | None) -> None:
        """Choose a model or tier, or None for the router.

        Raises:
            UnknownModelError: If no provider has the model.
        """
        self._desk.set_override(override)

    def answer(self, request_id: str, choice: str) -> None:
        """Answer an ApprovalRequested event."""
        self._approvals.answer(request_id, choice)

    async def budget(self) -> BudgetState:
        """Read the day's money from the ledger."""
        return await self._services.ledger.state()

    async def spend(self, by: str, *, days: int) -> list[SpendRow]:
        """Report the spend of the last days, today included, grouped by a dimension."""
        today = self._services.now().date()
        since = today - timedelta(days=max(days, 1) - 1)
        return await self._services.ledger.spend(
            by, since_day=since.isoformat(), until_day=today.isoformat()
        )

    async def history(self) -> list[AgentEvent]:
        """Read the session's stored events, to show it again."""
        return await self._services.store.load(self._id)

    @asynccontextmanager
    async def turn(self, prompt: str) -> AsyncGenerator[AsyncIterator[AgentEvent], None]:
        """Run one turn; leaving the block early interrupts it, model call and tools included.

        What was said and done until then stays in the session. Expected failures arrive as
        TurnFailed.
        """
        queue: asyncio.Queue[AgentEvent | None] = asyncio.Queue(maxsize=_QUEUED_EVENTS)
        async with asyncio.TaskGroup() as tasks:
            loop = tasks.create_task(self._play(prompt, queue), name="turn")
            try:
                yield _drain(queue)
            finally:
                loop.cancel()

    async def _play(self, prompt: str, queue: "asyncio.Queue[AgentEvent | None]") -> None:
        """Run a turn and see to it that exactly one last event is stored, whatever happens."""
        turn_id = TurnId(secrets.token_hex(6))
        recorder = Recorder(
            session_id=self._id, store=self._services.store, history=self._history, queue=queue
        )
        turn: Turn | None = None
        try:
            turn = await self._prepare(prompt, turn_id, recorder)
            await turn.run()
        except asyncio.CancelledError:
            error = InterruptedTurnError("interrupted", hint="what was done so far is kept")
            await finish(self._store_last(recorder, _failure(turn, turn_id, error)))
            raise
        except RalexError as error:
            await self._fail(recorder, queue, _failure(turn, turn_id, error))
        except Exception as error:  # noqa: BLE001 - the edge of a turn: shown, logged, never fatal
            _log.exception("a turn failed unexpectedly")
            wrapped = RalexError(
                f"something unexpected failed: {type(error).__name__}: {error}",
                hint="the details are in the log; the session is kept",
            )
            await self._fail(recorder, queue, _failure(turn, turn_id, wrapped))
        finally:
            if turn is not None:
                self._context_tokens = turn.context_tokens or self._context_tokens
                self._window = turn.window or self._window
        await queue.put(None)

    async def _prepare(
        self,
        prompt: str,
        turn_id: TurnId,
        recorder: Recorder,
    ) -> Turn:
        services = self._services
        await recorder.emit(TurnStarted(session_id=self._id, turn_id=turn_id, prompt=prompt))
        self._turns += 1
        if not self._has_started:
            self._has_started = True
            if self._title == UNTITLED:
                self._title = _title(prompt)
                await services.store.rename(self._id, self._title)
            blocks = [environment_block(services.cwd, services.now())]
            blocks += instruction_blocks(services.cwd)
            for block in blocks:
                await recorder.emit(block)
        complexity = services.score(prompt)
        await services.store.record_complexity(self._id, turn_id, complexity)
        messages = self._history.messages
        route = self._desk.decide(
            prompt,
            complexity,
            budget=await services.ledger.state(),
            size=lambda model: self._sizer.estimate(messages, model),
        )
        return Turn(
            services=services,
            session_id=self._id,
            turn_id=turn_id,
            project=self._project,
            history=self._history,
            sizer=self._sizer,
            toolbox=self._toolbox,
            recorder=recorder,
            route=route,
            top=self._desk.top_price(),
            judge=self._desk.judge,
        )

    async def _fail(
        self, recorder: Recorder, queue: "asyncio.Queue[AgentEvent | None]", event: TurnFailed
    ) -> None:
        try:
            await recorder.emit(event)
        except (
            RalexError
        ) as error:  # the store itself failed: the screen must hear of it all the same
            _log.warning("the end of a turn could not be stored: %s", error)
            await queue.put(event)

    async def _store_last(self, recorder: Recorder, event: TurnFailed) -> None:
        try:
            await recorder.record(event)
        except RalexError as error:
            _log.warning("the end of a turn could not be stored: %s", error)


async def start_session(services: AgentServices, *, first_prompt: str = "") -> Session:
    """Start a fresh session in the working directory."""
    project = str(services.cwd)
    title = _title(first_prompt)
    session_id = await services.store.create(project=project, title=title)
    return Session(services, session_id=session_id, project=project, title=title)


async def resume_session(
    services: AgentServices, session_id: SessionId, *, title: str = ""
) -> Session:
    """Take up a stored session where it ended.

    Raises:
        SessionNotFoundError: If there is none of this id.
    """
    events = await services.store.load(session_id)
    return Session(
        services, session_id=session_id, project=str(services.cwd), title=title, events=events
    )


def _title(prompt: str) -> str:
    first = next((line.strip() for line in prompt.splitlines() if line.strip()), "")
    return first[:60] or UNTITLED


def _failure(turn: Turn | None, turn_id: TurnId, error: RalexError) -> TurnFailed:
    if turn is not None:
        return turn.failed(error)
    return TurnFailed(
        turn_id=turn_id,
        code=error.code,
        message=error.message,
        hint=error.hint,
        exit_code=error.exit_code,
        text="",
        model=None,
        tier=None,
        steps=0,
        usage=Usage(),
        cost_usd=Decimal(0),
        saved_usd=None,
        budget=None,
        files_changed=(),
    )


async def _drain(queue: "asyncio.Queue[AgentEvent | None]") -> AsyncGenerator[AgentEvent, None]:
    while (event := await queue.get()) is not None:
        yield event
        if isinstance(event, TurnFinished | TurnFailed):
            return
