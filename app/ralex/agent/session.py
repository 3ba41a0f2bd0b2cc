"""One conversation: holds its history, its task and the user's choices, and runs its turns."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from ralex.agent.assembly import make_surroundings
from ralex.agent.context import (
    git_branch,
)
from ralex.agent.playing import TurnPlayer
from ralex.agent.report import ContextReport, context_report
from ralex.agent.services import AgentServices
from ralex.agent.shell import run_user_shell
from ralex.agent.titles import UNTITLED, Titler, title_of
from ralex.agent.totals import SessionTotals, TurnTotals
from ralex.core.budget import Balance, BudgetState, LimitChange, LimitName, SpendRow
from ralex.core.events import (
    AgentEvent,
    ContextCompacted,
    ShellRan,
    ToolOutputGrew,
    TurnFailed,
)
from ralex.core.forecast import DayForecast
from ralex.core.ids import ModelId, SessionId
from ralex.core.model_table import Standing
from ralex.core.models import ModelInfo
from ralex.core.permissions import Rule
from ralex.core.routing import Override, RouteDecision, Router, TierPrice
from ralex.errors import ToolError, UndoError, UsageError

if TYPE_CHECKING:
    from ralex.tools.jobs import JobInfo
    from ralex.undo.model import UndoReport

_log = logging.getLogger(__name__)
_QUEUED_EVENTS = 256


class Session:
    """One conversation in one project.

    Made by ``agent.opening``. Not safe for two turns at once.
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
        self._title = title
        self._branch = git_branch(services.cwd)
        self._around = make_surroundings(
            services=services, session_id=session_id, project=project, events=events
        )
        self._desk = self._around.desk
        self._toolbox = self._around.toolbox
        self._player = TurnPlayer(
            self._around,
            on_first_prompt=self._name_after,
            events=events,
        )
        self._titler = Titler(
            services,
            session_id=session_id,
            project=project,
            router=lambda: self._desk.router,
            rename=self._take_made_title,
        )
        self._titler.is_done = self._titler.is_done or self._player.turns > 0

    @property
    def id(self) -> SessionId:
        """Identify the session."""
        return self._around.session_id

    @property
    def title(self) -> str:
        """Name it for people; the first line of the first prompt."""
        return self._title

    @property
    def project(self) -> str:
        """Tell its folder."""
        return self._around.project

    @property
    def branch(self) -> str:
        """Tell the git branch at start, or an empty string."""
        return self._branch

    @property
    def mode(self) -> str:
        """Tell ``yolo``, ``ask`` or ``plan``."""
        return self._toolbox.permissions.mode

    def set_mode(self, mode: str) -> None:
        """Change the mode, also while a turn runs: for every call that is not judged yet.

        The model is told between two steps, by a block at the end of the conversation.

        Raises:
            UsageError: If there is no such mode.
        """
        self._toolbox.permissions.set_mode(mode)

    @property
    def permissions(self) -> tuple[Rule, ...]:
        """List the rules that hold here: the configuration's, then answers of "always"."""
        return self._toolbox.permissions.rules

    async def forget_permission(self, name: str) -> bool:
        """Take an answer of "always" back by its name; False if there is none.

        Raises:
            StoreError: If that cannot be stored.
        """
        return await self._toolbox.permissions.forget(name)

    @property
    def router(self) -> Router:
        """Give the router in force."""
        return self._desk.router

    @property
    def routers(self) -> tuple[str, ...]:
        """Name the routers that can be changed to, and the one in force."""
        return self._desk.routers

    def set_router(self, name: str) -> None:
        """Route with another router from the next turn on, which begins a task afresh.

        Raises:
            UsageError: If there is none of this name; the hint has the nearest.
            MissingKeyError: If none of its models can be called.
        """
        self._desk.set_router(name)

    def was_used(self, moment: datetime) -> None:
        """Note when the session taken up was last used, to know how long it has paused."""
        self._desk.was_used(moment)

    def price_of_next_turn(self, ask: str) -> tuple[TierPrice, ...]:
        """Price the next step on each tier and mark the one this ask would take; no I/O.

        Exactly one entry is chosen. Quick enough to be called while someone types.
        """
        return self._desk.prices(ask, context_tokens=self.totals.context_tokens)

    @property
    def models(self) -> Sequence[ModelInfo]:
        """List models of usable providers, those of the router first."""
        return self._desk.choosable()

    @property
    def standings(self) -> Mapping[ModelId, Standing]:
        """Tell what models achieved per task and for how much, and which another one beats."""
        return self._services.standings()

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
    def notices(self) -> tuple[str, ...]:
        """Tell what the user should know of how the session was opened; usually nothing."""
        jobs = self._toolbox.context.jobs
        return (*self._services.notices, *(jobs.notices if jobs else ()))

    @property
    def totals(self) -> SessionTotals:
        """Give the numbers of the status bar."""
        window = self._player.window
        if self._player.context_tokens:
            return SessionTotals(
                context_tokens=self._player.context_tokens,
                is_estimate=False,
                window=window,
                turns=self._player.turns,
            )
        model = self._desk.likely_model()
        self._around.sizer.follow(self._around.history.rewrites)
        tokens = self._around.sizer.estimate(self._around.history.messages, model) if model else 0
        return SessionTotals(
            context_tokens=tokens,
            is_estimate=True,
            window=model.context_window if model else None,
            turns=self._player.turns,
        )

    def set_override(self, override: Override | None) -> None:
        """Choose a model or tier, or None for the router.

        Raises:
            UnknownModelError: If no provider has the model.
        """
        self._desk.set_override(override)

    async def rename(self, title: str) -> None:
        """Give the session another title, for good."""
        self._titler.is_done = True
        await self._take_title(title)

    async def _take_made_title(self, title: str) -> None:
        """Take a title nobody chose, unless somebody gave one meanwhile, in any process."""
        if await self._services.store.rename(self.id, title, instead_of=self._title):
            self._title = title

    async def _take_title(self, title: str) -> None:
        await self._services.store.rename(self.id, title)
        self._title = title

    def answer(self, request_id: str, choice: str, message: str = "") -> None:
        """Answer an ApprovalRequested or QuestionAsked event; one that comes too late is ignored.

        Args:
            choice: One of those offered; for a question also free text, or empty for no answer.
            message: Told to the model with a ``deny``.
        """
        self._around.approvals.answer(request_id, choice, message)

    def jobs(self) -> "tuple[JobInfo, ...]":
        """List the background commands of this run of the session, ended ones included."""
        jobs = self._toolbox.context.jobs
        return jobs.all() if jobs else ()

    async def kill_job(self, number: int) -> "JobInfo":
        """End a background command and everything it started; the model hears of it.

        Raises:
            ToolError: If there is none of this number.
        """
        jobs = self._toolbox.context.jobs
        if jobs is None:
            raise ToolError("there are no background commands here")
        return await jobs.kill(number)

    async def open_jobs(self) -> None:
        """Find background commands that a killed ralex left behind, and end them."""
        if (jobs := self._toolbox.context.jobs) is not None:
            await jobs.open()

    async def aclose(self) -> None:
        """End what runs in the background; safe to call twice."""
        await self._titler.stop()
        if (jobs := self._toolbox.context.jobs) is not None:
            await jobs.aclose()

    async def budget(self) -> BudgetState:
        """Read the day's money from the ledger."""
        return await self._services.ledger.state()

    async def set_limit(self, kind: LimitName, usd: Decimal | None) -> LimitChange:
        """Change a limit at once, also for the turn that runs, and write it to the user's file.

        Args:
            usd: None is no limit; 0 means that nothing may be spent.

        Returns:
            What is in force now, with notes where another layer (a project's file) decides.

        Raises:
            UsageError: If it is no sum of money.
            ConfigError: If the file cannot be read or written; then nothing changed.
        """
        return await self._services.limits.change(kind, usd)

    async def raise_today(self, usd: Decimal | None) -> BudgetState:
        """Allow more on top of today's limit, in every process, until the day is over.

        Args:
            usd: How much more; None takes back all that was allowed today.

        Raises:
            UsageError: If it is no sum above zero, or there is no limit to raise.
        """
        return await self._services.limits.raise_today(usd)

    async def balances(self) -> list[Balance]:
        """Read every limit that counts here, with what is used of it."""
        ledger = self._services.ledger
        return await ledger.balances(session_id=self.id, project=self.project)

    async def forecast(self) -> DayForecast:
        """Tell how fast money goes, and what the day will have cost at this pace."""
        return await self._services.ledger.forecast()

    async def spend(self, by: str, *, days: int) -> list[SpendRow]:
        """Report the spend of the last days, today included, grouped by a dimension."""
        today = self._services.now().date()
        since = today - timedelta(days=max(days, 1) - 1)
        return await self._services.ledger.spend(
            by, since_day=since.isoformat(), until_day=today.isoformat()
        )

    async def history(self) -> list[AgentEvent]:
        """Read the session's stored events, to show it again."""
        return await self._services.store.load(self.id)

    @property
    def waiting(self) -> tuple[str, ...]:
        """What the user said meanwhile and the model has not been told yet, oldest first."""
        return tuple(one.text for one in self._around.steering.waiting)

    async def steer(self, text: str) -> None:
        """Say something while a turn runs; the model hears it after the running tool calls.

        It is stored when this returns. If the turn ends before, the next one begins with it.
        """
        await self._around.steering.add(text)

    async def unsteer(self, index: int) -> str:
        """Take back what waits at a place of ``waiting``, and give its text to edit or send anew.

        Raises:
            UsageError: If nothing waits there any more.
        """
        return await self._around.steering.withdraw(index)

    async def compact(self, focus: str = "") -> ContextCompacted | None:
        """Put a summary in the place of all but the newest messages; None if there is too little.

        Args:
            focus: What to keep especially.

        Raises:
            UsageError: A turn is running.
            RalexError: No model is known, or the summary cannot be paid or stored.
        """
        model = self._desk.likely_model()
        if self._player.is_running or model is None:
            raise UsageError(
                "the conversation cannot be summarised now",
                hint="wait for the turn to end"
                if self._player.is_running
                else "choose a /model first",
            )
        recorder = self._around.recorder(asyncio.Queue())
        totals = TurnTotals(top=self._desk.top_price(), limit_usd=self._services.max_cost_usd)
        self._player.is_running = True
        try:
            event = await self._around.keeper.compact(model, recorder.record, totals, focus=focus)
        finally:
            self._player.is_running = False
        if event is not None:
            self._player.context_tokens = 0
        return event

    async def run_shell(
        self,
        command: str,
        *,
        is_shared: bool = True,
        watch: Callable[[ToolOutputGrew], None] | None = None,
    ) -> ShellRan:
        """Run a command of the user's; the next turn's model reads what it printed.

        Nobody is asked and no model is called. Cancelling ends the command and all it started;
        what it had printed is kept.

        Args:
            is_shared: Whether it becomes part of the conversation at all.
            watch: Told what it prints while it runs; the events have no call.

        Raises:
            UsageError: A turn is running, or the command is blank or cannot be started.
            StoreError: If it cannot be recorded.
        """
        if self._player.is_running:
            raise UsageError("a turn is running", hint="stop it first with Esc")
        self._player.is_running = True
        try:
            return await run_user_shell(self._around, command, is_shared=is_shared, watch=watch)
        finally:
            self._player.is_running = False
            if is_shared:
                self._player.context_tokens = 0  # nobody has counted it yet

    async def undo(self) -> "UndoReport":
        """Take back the last turn's changes that are still as it left them.

        Raises:
            UndoError: If a turn is running, or the records cannot be used.
        """
        self._check_idle()
        report = await self._toolbox.changes.undo()
        if report.restored:
            self._around.escalator.undone(", ".join(report.restored))
        return report

    async def redo(self) -> "UndoReport":
        """Bring again what the last undo took back.

        Raises:
            UndoError: If a turn is running, or the records cannot be used.
        """
        self._check_idle()
        report = await self._toolbox.changes.redo()
        if report.restored:
            self._around.escalator.redone()
        return report

    async def diff(self, scope: Literal["turn", "session"] = "turn") -> str:
        """Show what the last turn or the whole session changed; empty if nothing.

        Raises:
            UndoError: If the records cannot be used.
        """
        return await self._toolbox.changes.diff(scope)

    def _check_idle(self) -> None:
        if self._player.is_running:
            raise UndoError("a turn is running", hint="stop it first with Esc")

    def context_report(self) -> ContextReport:
        """Tell what fills the context window, by kind."""
        return context_report(self._around.history, self._around.sizer, self._desk.likely_model())

    def turn(
        self, prompt: str, *, attached: str = ""
    ) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Run one turn; leaving the block early interrupts it, model call and tools included.

        What was said and done until then stays in the session. Expected failures arrive as
        TurnFailed.

        Args:
            attached: Text beside the prompt that is not the ask itself, such as piped input.
        """
        return self._turn(prompt, attached)

    @asynccontextmanager
    async def _turn(
        self, prompt: str, attached: str
    ) -> AsyncGenerator[AsyncIterator[AgentEvent], None]:
        await self._titler.stop()
        async with self._player.turn(prompt, attached=attached) as events:
            yield events
        if self._player.last_answer:
            self._titler.begin(prompt, self._player.last_answer)

    @property
    def last_failure(self) -> TurnFailed | None:
        """Tell how the last turn failed, if it did."""
        return self._player.last_failure

    async def _name_after(self, prompt: str) -> None:
        if self._title == UNTITLED:
            await self._take_title(title_of(prompt))
