"""What the screen needs from a session; the agent's Session fits this without importing it."""

from __future__ import annotations  # the types below cost time that the first frame does not have

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from ralex.core.budget import BudgetState, SpendRow
    from ralex.core.events import AgentEvent
    from ralex.core.ids import SessionId
    from ralex.core.models import ModelInfo
    from ralex.core.routing import Override, RouteDecision, Router


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

    def set_override(self, override: Override | None) -> None:
        """Choose a model or tier, or None for the router.

        Raises:
            UnknownModelError: If no provider has the model.
        """
        ...

    def turn(self, prompt: str) -> AbstractAsyncContextManager[AsyncIterator[AgentEvent]]:
        """Run one turn; leaving the block early interrupts it."""
        ...

    def answer(self, request_id: str, choice: str) -> None:
        """Answer an ApprovalRequested event."""
        ...

    async def budget(self) -> BudgetState:
        """Read the day's money from the ledger."""
        ...

    async def spend(self, by: str, *, days: int) -> list[SpendRow]:
        """Report spend grouped ``by`` day, model, tier, provider, project or session."""
        ...

    async def history(self) -> list[AgentEvent]:
        """Read the session's stored events, to show it again."""
        ...


class SessionOpener(Protocol):
    """Opens sessions once the first frame is on screen, so that nothing heavy loads before it."""

    async def open(self) -> ChatSession:
        """Open the session the command line asked for."""
        ...

    async def new(self) -> ChatSession:
        """Start a fresh session in the same project."""
        ...

    async def aclose(self) -> None:
        """Close everything that was opened."""
        ...
