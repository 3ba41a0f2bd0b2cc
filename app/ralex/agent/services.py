"""What the agent is given to work with; made in wiring, never by the agent itself."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ralex.agent.limits import LimitDesk
from ralex.agent.ports import PermissionMemory, SessionStore
from ralex.core.budget import Balance, SpendRow
from ralex.core.complexity import Complexity
from ralex.core.forecast import DayForecast
from ralex.core.ids import ModelId, SessionId
from ralex.core.model_table import Standing
from ralex.core.models import ModelInfo
from ralex.core.permissions import Rule
from ralex.core.records import dataclass
from ralex.core.routing import Router
from ralex.dispatch.caching import Runner
from ralex.dispatch.candidates import CandidatePlan
from ralex.dispatch.ports import Ledger
from ralex.tools.base import Tool

if TYPE_CHECKING:
    from ralex.tools.jobs import Jobs
    from ralex.undo.log import UndoLog


class ReportingLedger(Ledger, Protocol):
    """A ledger that can also tell where the money went."""

    async def spend(self, by: str, *, since_day: str, until_day: str) -> list[SpendRow]:
        """Group the charges of days (``YYYY-MM-DD``, both included) by a dimension."""
        ...

    async def balances(self, *, session_id: str = "", project: str = "") -> list[Balance]:
        """Read every limit that counts for a session and project, with what is used of it."""
        ...

    async def forecast(self) -> DayForecast:
        """Tell how fast money goes, and what the day will have cost at this pace."""
        ...

    async def take_alerts(self) -> list[str]:
        """Give alerts that were reached and not told yet; each is given once."""
        ...


def _no_standings() -> Mapping[ModelId, Standing]:
    return {}


def _never(_ask: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentServices:
    """Collaborators and settings of every session of this process.

    Attributes:
        score: Judges an ask with a router's scorer.
        is_followup: Tells whether an ask only makes sense within the task in progress.
        resolve: Finds a model by the name a user typed; raises UnknownModelError.
        router: The one in force when a session begins.
        routers: All that a session may change to, by name.
        usable: Names of providers that can be called: they have a key or need none.
        max_cost_usd: Limit on what one turn may cost, or None.
        environment: For tools; holds no keys.
        tools: In the order in which models see them.
        label: Words that stay on screen, such as the demo's notice.
        is_complaint: Tells whether a follow-up says that the last answer was no good.
        notices: What the user should know of how the stores were opened.
        plan: Puts the siblings of deployments and the fallback chains in place.
        standings: What is known of models by whole tasks; read when it is first needed.
        new_task_after: After a pause this long a prompt begins a new task; None never.
        escalates: Evidence of failure may move a task to a better model.
        undo_of: Gives the record of what a session changes; None for no undo.
        limits: Changes limits, for good or for today.
        rules: Of the configuration, for tool calls.
        memory: Keeps answers of "always"; None remembers them for the session alone.
        secrets: Provider keys, blotted out wherever a tool's result shows one.
        extra_roots: Folders besides ``cwd`` that tools may read and change.
        answer_schema: JSON Schema that final answers must follow, or empty.
        tag: Kept with every charge, for reports, or empty.
        names_sessions: A cheap model may name a session after its first turn.
        jobs_of: Gives what runs a session's background commands; None where none may run.
    """

    store: SessionStore
    ledger: ReportingLedger
    dispatcher: Runner
    score: Callable[[str, Router], Complexity]
    is_followup: Callable[[str], bool]
    resolve: Callable[[str], ModelInfo]
    router: Router
    routers: Mapping[str, Router]
    models: Mapping[ModelId, ModelInfo]
    usable: frozenset[str]
    tools: tuple[Tool, ...]
    environment: Mapping[str, str]
    output_dir: Path
    cwd: Path
    mode: str
    max_steps: int
    max_cost_usd: Decimal | None
    now: Callable[[], datetime]
    limits: LimitDesk
    label: str = ""
    rules: tuple[Rule, ...] = ()
    memory: PermissionMemory | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    is_complaint: Callable[[str], bool] = _never
    escalates: bool = True
    new_task_after: timedelta | None = None
    standings: Callable[[], Mapping[ModelId, Standing]] = _no_standings
    notices: tuple[str, ...] = ()
    plan: CandidatePlan = field(default_factory=CandidatePlan)
    undo_of: "Callable[[SessionId], UndoLog] | None" = None
    extra_roots: tuple[Path, ...] = ()
    answer_schema: str = ""
    tag: str = ""
    names_sessions: bool = False
    jobs_of: "Callable[[SessionId], Jobs] | None" = None
