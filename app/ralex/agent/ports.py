"""What the agent needs from the outside; adapters fit these shapes without importing them."""

from collections.abc import Sequence
from typing import Protocol

from ralex.core.complexity import Complexity
from ralex.core.events import AgentEvent
from ralex.core.ids import SessionId, TurnId
from ralex.core.permissions import Rule
from ralex.core.records import dataclass
from ralex.core.routing import RouteDecision
from ralex.core.turn_log import PastTurn


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """One row of the list of sessions; times are seconds since the epoch (UTC).

    Attributes:
        project: The folder the session works in.
    """

    id: SessionId
    project: str
    title: str
    created_s: float
    updated_s: float
    turns: int


class PermissionMemory(Protocol):
    """What the user answered with "always", kept for each project outside of it."""

    def load(self, project: str) -> tuple[Rule, ...]:
        """Read the answers that hold in a project.

        Raises:
            ConfigError: If what is stored cannot be read.
        """
        ...

    def add(self, project: str, name: str) -> None:
        """Remember that a rule's calls are allowed.

        Raises:
            StoreError: If it cannot be written.
        """
        ...

    def remove(self, project: str, name: str) -> None:
        """Forget a rule; one that is not there is no fault.

        Raises:
            StoreError: If it cannot be written.
        """
        ...


class SessionStore(Protocol):
    """Sessions as append-only lists of events; the decisions behind them in tables of their own."""

    async def create(self, *, project: str, title: str) -> SessionId:
        """Start a session and return its id."""
        ...

    async def rename(
        self, session_id: SessionId, title: str, *, instead_of: str | None = None
    ) -> bool:
        """Give a session another title; False if it has no longer the one it is to replace."""
        ...

    async def append(self, session_id: SessionId, events: Sequence[AgentEvent]) -> None:
        """Store events in order and commit before returning."""
        ...

    async def load(self, session_id: SessionId) -> list[AgentEvent]:
        """Read a session's events in order.

        Raises:
            SessionNotFoundError: If there is none of this id.
        """
        ...

    async def latest(self, *, project: str) -> SessionId | None:
        """Find the session of a project that was written last."""
        ...

    async def record_complexity(
        self, session_id: SessionId, turn_id: TurnId, complexity: Complexity
    ) -> None:
        """Store how hard the ask was judged."""
        ...

    async def past_turns(
        self, *, since_s: float = 0.0, only_troubled: bool = False
    ) -> list[PastTurn]:
        """Read what is remembered of the turns of all sessions since a time (UTC, seconds).

        Args:
            only_troubled: Of the newest sessions in which something spoke against a model.
        """
        ...

    async def record_route(
        self, session_id: SessionId, turn_id: TurnId, route: RouteDecision
    ) -> None:
        """Store the receipt of a routing decision."""
        ...
