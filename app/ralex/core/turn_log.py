"""What the store remembers of past turns, reduced to what judging and re-deciding them needs."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum

from ralex.core.escalation import EvidenceKind
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.records import dataclass
from ralex.core.tiers import Tier
from ralex.core.usage import Usage


class MarkKind(StrEnum):
    """What happened within a turn."""

    EVIDENCE = "evidence"
    ADVICE = "advice"
    STEP_UP = "step_up"
    CHANGE = "change"
    CHECK_PASSED = "check_passed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing that happened, in its order.

    Attributes:
        evidence: Of which kind, where the mark is evidence.
    """

    kind: MarkKind
    evidence: EvidenceKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRoute:
    """How a turn began.

    Attributes:
        tier: None for a model outside the tiers.
        reason: A value of ``RouteReason``.
        override: What the user had chosen, or empty.
    """

    router: str
    tier: Tier | None
    model: ModelId
    reason: str
    continues_task: bool = False
    override: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """One answered step; ``at_s`` in seconds since the epoch (UTC)."""

    model: ModelId
    tier: Tier | None
    usage: Usage
    cost_usd: Decimal
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTurn:
    """One stored turn.

    Attributes:
        started_s: Seconds since the epoch (UTC).
        route: The first of the turn; None if it ended before it was routed.
        request_tokens: Input of its first step as it was judged then; 0 if there was none.
        result: ``done``, ``length`` or an error's code; empty if its process died.
        cost_usd: Of everything in it, advice and summaries included.
        is_undone: The user took its changes back, and did not bring them again.
    """

    session_id: SessionId
    turn_id: TurnId
    started_s: float
    ask: str
    route: PastRoute | None = None
    request_tokens: int = 0
    calls: tuple[PastCall, ...] = ()
    marks: tuple[Mark, ...] = ()
    result: str = ""
    cost_usd: Decimal = Decimal(0)
    is_undone: bool = False

    @property
    def is_complaint(self) -> bool:
        """Tell whether the user began it by saying that the turn before was no good."""
        return any(mark.evidence is EvidenceKind.COMPLAINT for mark in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTask:
    """Turns of one session that belong together.

    Attributes:
        is_last: Nothing follows it in its session.
    """

    turns: tuple[PastTurn, ...]
    is_last: bool


def tasks_of(turns: Iterable[PastTurn]) -> Iterator[PastTask]:
    """Put turns together into tasks, in the order in which the tasks began.

    Args:
        turns: Those of one session in their order; sessions may be mixed.
    """
    open_tasks: dict[SessionId, list[list[PastTurn]]] = {}
    order: list[tuple[SessionId, int]] = []
    for turn in turns:
        tasks = open_tasks.setdefault(turn.session_id, [])
        if tasks and (turn.route is None or turn.route.continues_task):
            tasks[-1].append(turn)
        else:
            tasks.append([turn])
            order.append((turn.session_id, len(tasks) - 1))
    for session_id, place in order:
        tasks = open_tasks[session_id]
        yield PastTask(turns=tuple(tasks[place]), is_last=place == len(tasks) - 1)
