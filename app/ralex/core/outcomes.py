"""What came of past work, by tier, and how well failure was noticed.

Nobody grades the work, so both rates are measured by what happened next, and the words for that
are part of the result (``DEFINITIONS``). What is not known is counted as unknown, not as good.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from ralex.core.escalation import AdviceLog, Evidence, EvidenceKind, is_enough
from ralex.core.records import dataclass
from ralex.core.tiers import TIERS, Tier
from ralex.core.turn_log import MarkKind, PastTask, PastTurn, tasks_of

ENOUGH_TASKS = 20
"""Bad and good tasks each that a judgement of escalation needs: with as many, a share is known to
about 11 points (one standard error at most), and the difference of two to 16."""

LEAST_GAIN = 0.3
"""Below this difference of d and f, escalation costs more than it brings."""

OWN_FAULTS = frozenset({"loop", "step_limit", "malformed_reply"})
"""Ends of a turn that are the model's doing; a missing key or a full day is not."""

DEFINITIONS: dict[str, str] = {
    "succeeded": "the turn ended with an answer, and you neither complained of it in the next "
    "turn nor undid its changes",
    "failed": "you complained, you undid its changes, or the model looped, ran out of steps or "
    "gave no usable answer",
    "other": "ended by you, by the budget or by a provider; not the model's doing",
    "bad": "a task with changes to files that were changed again after ralex's warning, of which "
    "you complained, which you undid, or in which the model looped or ran out of steps",
    "good": "a task with changes to files of which you did not complain, and which a check or your "
    "going on to something else has confirmed; or one that stood as it was after a warning",
    "d": "of the bad tasks, the share in which failed checks, refused edits, repeated errors, "
    "unreadable calls or loops warned ralex before you had to say so; an upper estimate, because "
    "the first model might have put right alone what it changed after the warning",
    "advice": "given by a better model; enough where no other model took over after it, it was not "
    "given again, and you did not speak against the work",
    "f": "of the good tasks, the share in which ralex was warned all the same: nothing was changed "
    "after the warning and you did not object",
}

_BY_USER = frozenset({EvidenceKind.COMPLAINT, EvidenceKind.UNDO})


@dataclass(frozen=True, slots=True, kw_only=True)
class TierOutcome:
    """What came of the turns that began on one tier.

    Attributes:
        tier: None for models outside the tiers.
        succeeded: See ``DEFINITIONS``, like ``failed`` and ``other``.
        moved_up: Turns in which another model took over.
        cost_usd: Of all of them, failed ones and steps up included.
    """

    tier: Tier | None
    turns: int
    succeeded: int
    failed: int
    other: int
    moved_up: int
    cost_usd: Decimal

    @property
    def usd_per_success(self) -> Decimal | None:
        """What one success has cost, the failures on the way included; None without any."""
        return self.cost_usd / self.succeeded if self.succeeded else None


class _Verdict(StrEnum):
    NOTICED = "noticed"
    MISSED = "missed"
    LEFT_ALONE = "left_alone"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    NO_CHANGES = "no_changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticing:
    """How well failure was noticed, in tasks.

    Attributes:
        noticed: Bad ones with a warning.
        missed: Bad ones without.
        left_alone: Good ones without a warning.
        rejected: Good ones with one.
        unknown: Tasks with changes of which nothing more is known.
    """

    noticed: int
    missed: int
    left_alone: int
    rejected: int
    unknown: int

    @property
    def d(self) -> float | None:
        """Share of the bad tasks that were noticed; None without any."""
        bad = self.noticed + self.missed
        return self.noticed / bad if bad else None

    @property
    def f(self) -> float | None:
        """Share of the good tasks that were rejected; None without any."""
        good = self.left_alone + self.rejected
        return self.rejected / good if good else None

    @property
    def is_enough(self) -> bool:
        """Tell whether there are tasks enough to judge by."""
        bad, good = self.noticed + self.missed, self.left_alone + self.rejected
        return min(bad, good) >= ENOUGH_TASKS

    @property
    def is_useless(self) -> bool:
        """Tell whether the figures speak against escalation."""
        if self.d is None or self.f is None or not self.is_enough:
            return False
        return self.d - self.f < LEAST_GAIN


def by_tier(turns: Sequence[PastTurn]) -> tuple[TierOutcome, ...]:
    """Count what came of turns by the tier on which they began, cheapest first.

    Turns that were never routed are left out.

    Args:
        turns: Those of one session in their order.
    """
    seen: dict[Tier | None, list[tuple[PastTurn, str]]] = {}
    for task in tasks_of(turns):
        for place, turn in enumerate(task.turns):
            following = task.turns[place + 1] if place + 1 < len(task.turns) else None
            if turn.route is not None:
                seen.setdefault(turn.route.tier, []).append((turn, _result(turn, following)))
    return tuple(_tier_outcome(tier, seen[tier]) for tier in (*TIERS, None) if tier in seen)


def noticing(turns: Iterable[PastTurn]) -> Noticing:
    """Measure how well failure was noticed in tasks that changed files, or tried to."""
    verdicts = [_verdict(task) for task in tasks_of(turns)]
    return Noticing(
        noticed=verdicts.count(_Verdict.NOTICED),
        missed=verdicts.count(_Verdict.MISSED),
        left_alone=verdicts.count(_Verdict.LEFT_ALONE),
        rejected=verdicts.count(_Verdict.REJECTED),
        unknown=verdicts.count(_Verdict.UNKNOWN),
    )


def advised(turns: Iterable[PastTurn]) -> AdviceLog:
    """Count how often advice was given in tasks, and how often it was enough.

    It was not, where another model took over after it, where it was given again, or where the user
    spoke against the work; tasks that others ended count for neither.
    """
    given = helped = 0
    for task in tasks_of(turns):
        marks = [mark for turn in task.turns for mark in turn.marks]
        kinds = [mark.kind for mark in marks]
        count = kinds.count(MarkKind.ADVICE)
        if not count:
            continue
        after = marks[len(kinds) - kinds[::-1].index(MarkKind.ADVICE) :]
        is_spoken_against = any(turn.is_undone for turn in task.turns) or any(
            mark.evidence in _BY_USER for mark in after
        )
        has_failed = (
            is_spoken_against
            or task.turns[-1].result in OWN_FAULTS
            or any(mark.kind is MarkKind.STEP_UP for mark in after)
        )
        is_known = has_failed or task.turns[-1].result in ("done", "length")
        given += count if is_known else count - 1
        helped += is_known and not has_failed
    return AdviceLog(given=given, helped=helped)


def advice(found: Noticing) -> str:
    """Say in one sentence what the figures mean for escalation; empty if nothing is to be done."""
    if not found.is_useless or found.d is None or found.f is None:
        return ""
    return (
        f"escalation does more harm than good here: it notices {found.d:.0%} of the failures and "
        f'rejects {found.f:.0%} of the good work; switch it off with escalation = "off"'
    )


def _result(turn: PastTurn, following: PastTurn | None) -> str:
    if turn.is_undone or (following is not None and following.is_complaint):
        return "failed"
    if turn.result in OWN_FAULTS:
        return "failed"
    return "succeeded" if turn.result in ("done", "length") else "other"


def _tier_outcome(tier: Tier | None, found: Sequence[tuple[PastTurn, str]]) -> TierOutcome:
    results = [result for _, result in found]
    return TierOutcome(
        tier=tier,
        turns=len(found),
        succeeded=results.count("succeeded"),
        failed=results.count("failed"),
        other=results.count("other"),
        moved_up=sum(
            any(mark.kind is MarkKind.STEP_UP for mark in turn.marks) for turn, _ in found
        ),
        cost_usd=sum((turn.cost_usd for turn, _ in found), Decimal(0)),
    )


def _verdict(task: PastTask) -> _Verdict:
    marks = [mark for turn in task.turns for mark in turn.marks]
    tried = {MarkKind.CHANGE, EvidenceKind.EDIT_REFUSED}
    if not any(mark.kind in tried or mark.evidence in tried for mark in marks):
        return _Verdict.NO_CHANGES
    is_spoken_against = any(turn.is_undone or turn.is_complaint for turn in task.turns)
    is_bad = is_spoken_against or task.turns[-1].result in OWN_FAULTS
    warned = _first_warning(task)
    if warned is not None:
        after = marks[warned + 1 :]
        if is_bad or any(mark.kind is MarkKind.CHANGE for mark in after):
            return _Verdict.NOTICED
        return _Verdict.REJECTED if _is_confirmed(task) else _Verdict.UNKNOWN
    if is_bad:
        return _Verdict.MISSED
    return _Verdict.LEFT_ALONE if _is_confirmed(task) else _Verdict.UNKNOWN


def _first_warning(task: PastTask) -> int | None:
    """Find the place of the mark with which there was evidence enough; None if the user was first.

    What the user says is no noticing of ralex's own.
    """
    seen: list[Evidence] = []
    place = -1
    for turn in task.turns:
        for mark in turn.marks:
            place += 1
            if mark.evidence is None:
                continue
            if mark.evidence in _BY_USER:
                return None
            seen.append(Evidence(kind=mark.evidence))
            if is_enough(seen):
                return place
        if turn.is_undone:
            return None
    return None


def _is_confirmed(task: PastTask) -> bool:
    """Tell whether something speaks for the work: a check after the last change, or the user."""
    last = task.turns[-1]
    if last.result not in ("done", "length"):
        return False
    if not task.is_last:
        return True
    changed = [
        place
        for place, turn in enumerate(task.turns)
        if any(mark.kind is MarkKind.CHANGE for mark in turn.marks)
    ]
    if changed and changed[-1] < len(task.turns) - 1:
        return True  # the user went on from it, and complained of nothing
    marks = [mark.kind for mark in last.marks]
    since = max((place for place, kind in enumerate(marks) if kind is MarkKind.CHANGE), default=0)
    return MarkKind.CHECK_PASSED in marks[since:]
