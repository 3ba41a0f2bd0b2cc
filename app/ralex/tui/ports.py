"""What the screen needs from a session; the agent's Session fits this without importing it."""

from __future__ import annotations  # the types below cost time that the first frame does not have

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from decimal import Decimal
    from pathlib import Path
    from typing import Literal, TypeAlias

    from ralex.agent.report import ContextReport
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
    from ralex.core.routing import Override, RouteDecision, Router, TierPrice
    from ralex.tools.jobs import JobInfo
    from ralex.undo.model import UndoReport

    ExportForm: TypeAlias = Literal["md", "json", "html"]


class SessionTotals(Protocol):
    """What the status bar shows about the session."""

    @property
    def context_tokens(self) -> int:
        """What the conversation holds now."""
        ...

    @property
    def is_estimate(self) -> bool:
        """Tell whether no provider has confirmed the count yet; shown with ``~``."""
        ...

    @property
    def window(self) -> int | None:
        """The current model's context window in tokens, or None."""
        ...

    @property
    def turns(self) -> int:
        """Prompts so far."""
        ...


class ChatSession(Protocol):
    """One conversation, as the chat screen uses it."""

    @property
    def id(self) -> SessionId:
        """Identify the session."""
        ...

    @property
    def title(self) -> str:
        """Name it for people."""
        ...

    @property
    def project(self) -> str:
        """Tell its folder."""
        ...

    @property
    def branch(self) -> str:
        """The git branch at start, or empty."""
        ...

    @property
    def mode(self) -> str:
        """Tell ``yolo``, ``ask`` or ``plan``."""
        ...

    @property
    def router(self) -> Router:
        """Give the router in force."""
        ...

    @property
    def models(self) -> Sequence[ModelInfo]:
        """Models that can be chosen: those of configured providers, in catalogue order."""
        ...

    @property
    def override(self) -> Override | None:
        """Give the user's own choice, if one holds."""
        ...

    @property
    def last_route(self) -> RouteDecision | None:
        """Give the receipt of the last turn."""
        ...

    @property
    def totals(self) -> SessionTotals:
        """Give the numbers of the status bar."""
        ...

    @property
    def label(self) -> str:
        """Words that must stay on screen, such as the demo's notice; usually empty."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """What the user should know of how the stores were opened, such as a repair."""
        ...

    def set_override(self, override: Override | None) -> None:
        """Choose a model or tier, or None for the router.

        Raises:
            UnknownModelError: If no provider has the model.
        """
        ...

    @property
    def standings(self) -> Mapping[ModelId, Standing]:
        """Tell what models achieved per task and for how much, and which another one beats."""
        ...

    @property
    def routers(self) -> tuple[str, ...]:
        """Name the routers that can be changed to, and the one in force."""
        ...

    def set_router(self, name: str) -> None:
        """Route with another router from the next turn on, which begins a task afresh.

        Raises:
            UsageError: If there is none of this name; the hint has the nearest.
            MissingKeyError: If none of its models can be called.
        """
        ...

    def price_of_next_turn(self, ask: str) -> tuple[TierPrice, ...]:
        """Price the next step on each tier and mark the one this ask would take; no I/O."""
        ...

    async def rename(self, title: str) -> None:
        """Give the session another title."""
        ...

    @property
    def last_failure(self) -> TurnFailed | None:
        """How the last turn failed, if it did; of a stopped one known once its block was left."""
        ...

    @property
    def waiting(self) -> Sequence[str]:
        """What the user said during a turn and the model has not been told yet, oldest first."""
        ...

    async def run_shell(
        self,
        command: str,
        *,
        is_shared: bool = True,
        watch: Callable[[ToolOutputGrew], None] | None = None,
    ) -> ShellRan:
        """Run a command of the user's; the next turn's model reads what it printed.

        Cancelling ends it; what it had printed is kept.

        Args:
            is_shared: Whether it becomes part of the conversation at all.
            watch: Told what it prints while it runs; the events have no call.

        Raises:
            UsageError: A turn is running, or the command is blank or cannot be started.
        """
        ...

    async def steer(self, text: str) -> None:
        """Say something while a turn runs; the model hears it after the running tool calls.

        It is stored when this returns. If the turn ends before, the next one begins with it.
        """
        ...

    async def unsteer(self, index: int) -> str:
        """Take back what waits at a place of ``waiting``, and give its text.

        Raises:
            UsageError: If nothing waits there any more.
        """
        ...

    async def compact(self, focus: str = "") -> ContextCompacted | None:
        """Put a summary in the place of all but the newest messages; None if there is too little.

        Raises:
            RalexError: If a turn is running, or the summary cannot be paid or stored.
        """
        ...

    def context_report(self) -> ContextReport:
        """Tell what fills the context window, by kind."""
        ...

    def turn(self, prompt: str) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Run one turn; leaving the block early interrupts it."""
        ...

    def answer(self, request_id: str, choice: str, message: str = "") -> None:
        """Answer an ApprovalRequested or QuestionAsked event.

        Args:
            choice: One of those offered; for a question also free text, or empty for no answer.
            message: Told to the model with a ``deny``.
        """
        ...

    def set_mode(self, mode: str) -> None:
        """Change the mode, also while a turn runs.

        Raises:
            UsageError: If there is no such mode.
        """
        ...

    def jobs(self) -> tuple[JobInfo, ...]:
        """List the background commands of this session, those that ended included."""
        ...

    async def kill_job(self, number: int) -> JobInfo:
        """End a background command.

        Raises:
            ToolError: If there is none of this number.
        """
        ...

    async def budget(self) -> BudgetState:
        """Read the day's money from the ledger."""
        ...

    async def set_limit(self, kind: LimitName, usd: Decimal | None) -> LimitChange:
        """Change a limit at once, and in the user's file for good; None is no limit.

        Returns:
            What is in force now; its notes belong on screen, such as that a project's file decides.

        Raises:
            UsageError: If it is no sum of money.
            ConfigError: If the file cannot be read or written; then nothing changed.
        """
        ...

    async def raise_today(self, usd: Decimal | None) -> BudgetState:
        """Allow more on top of today's limit, for today only; None takes back what was allowed.

        Raises:
            UsageError: If it is no sum above zero, or there is no limit to raise.
        """
        ...

    async def balances(self) -> list[Balance]:
        """Read every limit that counts here, with what is used of it."""
        ...

    async def forecast(self) -> DayForecast:
        """Tell the burn rate, and what the day will have cost at this pace; an estimate."""
        ...

    async def spend(self, by: str, *, days: int) -> list[SpendRow]:
        """Report spend grouped ``by`` day, model, tier, provider, project or session."""
        ...

    async def history(self) -> list[AgentEvent]:
        """Read the session's stored events, to show it again."""
        ...

    async def undo(self) -> UndoReport:
        """Take back the last turn's changes that are still as it left them.

        Raises:
            UndoError: If a turn is running, or the records cannot be used.
        """
        ...

    async def redo(self) -> UndoReport:
        """Bring again what the last undo took back.

        Raises:
            UndoError: If a turn is running, or the records cannot be used.
        """
        ...

    async def diff(self, scope: Literal["turn", "session"]) -> str:
        """Show what the last turn or the session changed, as a unified diff; empty if nothing."""
        ...


class SessionSummary(Protocol):
    """A stored session in the list; the store's rows fit this."""

    @property
    def id(self) -> SessionId:
        """Identify the session."""
        ...

    @property
    def title(self) -> str:
        """Name it for people."""
        ...

    @property
    def updated_s(self) -> float:
        """When it was last written, in seconds since the epoch (UTC)."""
        ...

    @property
    def turns(self) -> int:
        """Prompts so far."""
        ...


class SessionHit(Protocol):
    """A stored session in which a text was found; the store's rows fit this."""

    @property
    def session(self) -> SessionSummary:
        """Name the session."""
        ...

    @property
    def excerpt(self) -> str:
        """One line around the newest place of the text."""
        ...


class SessionOpener(Protocol):
    """Opens sessions once the first frame is on screen, so that nothing heavy loads before it."""

    async def open(self) -> ChatSession:
        """Open the session the command line asked for."""
        ...

    async def new(self) -> ChatSession:
        """Start a fresh session in the same project; the one before is given free."""
        ...

    async def stored(self) -> Sequence[SessionSummary]:
        """List this project's sessions in which something was asked, the newest first."""
        ...

    async def search(self, text: str) -> Sequence[SessionHit]:
        """Find this project's sessions whose title or content holds a text."""
        ...

    async def look(self, session_id: SessionId) -> Sequence[AgentEvent]:
        """Read what was said in a stored session, without opening it.

        Raises:
            SessionNotFoundError: If there is none.
        """
        ...

    async def rename(self, session_id: SessionId, title: str) -> None:
        """Give a stored session another title.

        Raises:
            SessionNotFoundError: If there is none.
        """
        ...

    async def delete(self, session_id: SessionId) -> None:
        """Delete a stored session for good.

        Raises:
            UsageError: If it is the open one.
            SessionLockedError: If another living process writes it.
        """
        ...

    async def resume(self, name: str) -> ChatSession:
        """Take up a stored session in the place of the open one.

        Args:
            name: Its id, or as much of it as is unique.

        Raises:
            SessionNotFoundError: If there is none, or more than one.
            SessionLockedError: If another living process writes it.
        """
        ...

    async def fork(self, name: str) -> ChatSession:
        """Go on in a copy of a stored session, which may be open elsewhere.

        Raises:
            SessionNotFoundError: If there is none, or more than one.
        """
        ...

    async def export(self, form: ExportForm, path: str) -> Path:
        """Write the open session to a file, and tell which.

        Args:
            path: Relative to the project; empty for a new file named after the session.

        Raises:
            UsageError: If the file exists already or cannot be written.
        """
        ...

    async def aclose(self) -> None:
        """Close everything that was opened."""
        ...
