"""What came of past work, and how well failure was noticed, by the words of ``DEFINITIONS``."""

from decimal import Decimal

import pytest

from ralex.core.escalation import EvidenceKind
from ralex.core.outcomes import ENOUGH_TASKS, Noticing, advice, advised, by_tier, noticing
from ralex.core.tiers import Tier
from ralex.core.turn_log import PastTurn, tasks_of
from tests.core.past import ADVICE, CHANGE, COMPLAINT, FAILED, PASSED, STEP_UP, seen, turn

REFUSED = seen(EvidenceKind.EDIT_REFUSED)
UNDO = seen(EvidenceKind.UNDO)
NEXT = turn(number=9)
"""Another task of the same session: the user has gone on."""

NOTICED, MISSED, LEFT_ALONE, REJECTED, UNKNOWN = range(5)

CASES: dict[str, tuple[list[PastTurn], int | None]] = {
    "a failed check, then changed": ([turn(CHANGE, FAILED, CHANGE)], NOTICED),
    "a failed check, then complained of": (
        [turn(CHANGE, FAILED), turn(COMPLAINT, follows=True)],
        NOTICED,
    ),
    "warned, and the model looped": ([turn(CHANGE, FAILED, result="loop")], NOTICED),
    "refused twice, then applied": ([turn(REFUSED, REFUSED, CHANGE)], NOTICED),
    "refused once only": ([turn(REFUSED, CHANGE), NEXT], LEFT_ALONE),
    "the user had to say it": ([turn(CHANGE), turn(COMPLAINT, CHANGE, follows=True)], MISSED),
    "the user said it before any check": (
        [turn(CHANGE), turn(COMPLAINT, CHANGE, FAILED, CHANGE, follows=True)],
        MISSED,
    ),
    "undone": ([turn(CHANGE, undone=True)], MISSED),
    "undone, told with the next turn": (
        [turn(CHANGE, undone=True), turn(UNDO, FAILED, CHANGE, follows=True)],
        MISSED,
    ),
    "ran out of steps": ([turn(CHANGE, result="step_limit")], MISSED),
    "the user went on": ([turn(CHANGE), NEXT], LEFT_ALONE),
    "the user went on in the task": ([turn(CHANGE), turn(follows=True)], LEFT_ALONE),
    "a check passed last": ([turn(CHANGE, PASSED)], LEFT_ALONE),
    "a check passed, then changed": ([turn(CHANGE, PASSED, CHANGE)], UNKNOWN),
    "nothing more is known": ([turn(CHANGE)], UNKNOWN),
    "stopped by the user": ([turn(CHANGE, result="interrupted")], UNKNOWN),
    "warned, left as it was, accepted": ([turn(CHANGE, FAILED, STEP_UP), NEXT], REJECTED),
    "warned, left as it was, check passed": ([turn(CHANGE, FAILED, PASSED)], REJECTED),
    "warned, left as it was, silence": ([turn(CHANGE, FAILED)], UNKNOWN),
    "only talk": ([turn(), turn(COMPLAINT, follows=True)], None),
}


@pytest.mark.parametrize(("turns", "verdict"), CASES.values(), ids=CASES.keys())
def test_a_task_is_judged_by_what_happened_next(turns: list[PastTurn], verdict: int | None) -> None:
    found = noticing(turns)
    counts = (found.noticed, found.missed, found.left_alone, found.rejected, found.unknown)
    assert counts == tuple(int(place == verdict) for place in range(5))


def test_sessions_do_not_mix() -> None:
    mixed = [
        turn(CHANGE, session="a"),
        turn(CHANGE, session="b"),
        turn(COMPLAINT, session="a", follows=True),
        turn(session="b"),
    ]
    found = noticing(mixed)
    assert (found.missed, found.left_alone) == (1, 1)
    assert [len(task.turns) for task in tasks_of(mixed)] == [2, 1, 1]


def test_success_is_counted_where_a_turn_began_and_paid_whole() -> None:
    (simple, own) = by_tier(
        [
            turn(cost="0.01"),
            turn(cost="0.02"),
            turn(COMPLAINT, STEP_UP, follows=True, cost="0.30"),
            turn(result="interrupted", cost="0.05"),
            turn(result="loop", cost="0.02"),
            turn(tier=None, cost="1"),
        ]
    )
    assert (simple.tier, simple.turns, simple.succeeded) == (Tier.SIMPLE, 5, 2)
    assert (simple.failed, simple.other, simple.moved_up) == (2, 1, 1)
    assert simple.usd_per_success == Decimal("0.20"), "the failures on the way are in it"
    assert own.tier is None


def test_without_a_success_there_is_no_price_of_one() -> None:
    (only,) = by_tier([turn(result="loop")])
    assert only.usd_per_success is None


def figures(noticed: int, missed: int, left_alone: int, rejected: int) -> Noticing:
    return Noticing(
        noticed=noticed, missed=missed, left_alone=left_alone, rejected=rejected, unknown=0
    )


@pytest.mark.parametrize(
    ("found", "speaks"),
    [
        pytest.param(figures(10, 10, 15, 5), True, id="d 50 %, f 25 %"),
        pytest.param(figures(12, 8, 15, 5), False, id="d 60 %, f 25 %"),
        pytest.param(figures(9, 10, 15, 5), False, id="one bad task too few"),
        pytest.param(figures(0, 0, 0, 0), False, id="nothing is known"),
    ],
)
def test_escalation_is_advised_against_below_a_difference_of_30_points(
    found: Noticing, *, speaks: bool
) -> None:
    assert bool(advice(found)) is speaks
    if speaks:
        assert 'escalation = "off"' in advice(found)


def test_the_least_number_of_tasks_is_part_of_the_promise() -> None:
    assert ENOUGH_TASKS == 20


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([turn(CHANGE, FAILED, ADVICE, CHANGE)], (1, 1)),
        ([turn(CHANGE, FAILED, ADVICE, CHANGE, FAILED, STEP_UP)], (1, 0)),
        ([turn(FAILED, ADVICE), turn(STEP_UP, follows=True)], (1, 0)),
        ([turn(FAILED, ADVICE, FAILED, STEP_UP, FAILED, ADVICE)], (2, 1)),
        ([turn(FAILED, ADVICE), turn(COMPLAINT, follows=True)], (1, 0)),
        ([turn(COMPLAINT, ADVICE, CHANGE)], (1, 1)),
        ([turn(FAILED, ADVICE, CHANGE, undone=True)], (1, 0)),
        ([turn(FAILED, ADVICE, result="loop")], (1, 0)),
        ([turn(FAILED, ADVICE, result="interrupted")], (0, 0)),
        ([turn(FAILED, ADVICE), NEXT], (1, 1)),
        ([turn(FAILED, STEP_UP)], (0, 0)),
    ],
    ids=[
        "enough",
        "then a step up",
        "a step up in the next turn",
        "again, from the next adviser",
        "then a complaint",
        "after a complaint",
        "undone",
        "a loop",
        "stopped by the user",
        "the user went on",
        "none given",
    ],
)
def test_advice_is_judged_by_what_came_after_it(
    turns: list[PastTurn], expected: tuple[int, int]
) -> None:
    found = advised(turns)
    assert (found.given, found.helped) == expected
