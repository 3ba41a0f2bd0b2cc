"""Escalation: only on evidence, advice first, at most twice, never past the budget."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.budget import BudgetState
from ralex.core.chains import Market
from ralex.core.escalation import (
    AdviceLog,
    Escalation,
    EscalationAction,
    Evidence,
    EvidenceKind,
    consider,
)
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import Router, TaskState, escalated
from ralex.core.tiers import Tier

CHEAP, OTHER, SMART, BRAIN = (
    ModelId(f"acme/{name}") for name in ("cheap", "other", "smart", "brain")
)
PRICES = {CHEAP: "0.1", OTHER: "0.15", SMART: "3", BRAIN: "15"}
MARKET = Market(
    models={
        name: ModelInfo(
            id=name,
            provider="acme",
            name=name.partition("/")[2],
            price=flat_price(Rates(input=Decimal(rate), output=Decimal(rate) * 5)),
        )
        for name, rate in PRICES.items()
    },
    usable=frozenset({"acme"}),
    context_tokens=20_000,
    output_tokens=800,
    now=datetime(2026, 11, 20, tzinfo=UTC),
)
ROUTER = Router(
    name="mine",
    tiers={Tier.SIMPLE: (CHEAP, SMART), Tier.COMPLEX: (SMART,), Tier.REASONING: (BRAIN,)},
)
TWINS = Router(name="twins", tiers={**ROUTER.tiers, Tier.SIMPLE: (CHEAP, OTHER)})
TASK = TaskState(tier=Tier.SIMPLE, model=CHEAP)


def seen(*kinds: EvidenceKind) -> list[Evidence]:
    return [Evidence(kind=kind, detail="pytest -q") for kind in kinds]


def verdict(
    *kinds: EvidenceKind,
    task: TaskState = TASK,
    router: Router = ROUTER,
    budget: BudgetState | None = None,
    was_advised: bool = False,
    is_on: bool = True,
) -> Escalation:
    return consider(
        seen(*kinds),
        task=task,
        router=router,
        market=MARKET,
        budget=budget,
        was_advised=was_advised,
        is_on=is_on,
    )


def left(usd: str) -> BudgetState:
    return BudgetState(
        day="2026-11-20",
        limit_usd=Decimal(5),
        alert_usd=None,
        spent_usd=Decimal(5) - Decimal(usd),
        held_usd=Decimal(0),
    )


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        (EvidenceKind.FAILED_CHECK, 1),
        (EvidenceKind.EDIT_REFUSED, 2),
        (EvidenceKind.SAME_ERROR, 2),
        (EvidenceKind.EMPTY_DIFF, 1),
        (EvidenceKind.MALFORMED_CALL, 3),
        (EvidenceKind.LOOP, 1),
        (EvidenceKind.COMPLAINT, 1),
        (EvidenceKind.UNDO, 1),
    ],
)
def test_each_kind_takes_its_number_of_observations(kind: EvidenceKind, times: int) -> None:
    assert verdict(*[kind] * (times - 1)).action is EscalationAction.STAY
    assert verdict(*[kind] * times).action is not EscalationAction.STAY


def test_advice_comes_first_and_names_the_adviser_and_its_price() -> None:
    found = verdict(EvidenceKind.FAILED_CHECK)
    assert (found.action, found.tier, found.model) == (
        EscalationAction.ADVISE,
        Tier.COMPLEX,
        SMART,
    )
    assert found.reason == (
        "a check failed after an edit (pytest -q); acme/smart of COMPLEX is asked for advice"
        " (about $0.0720)"
    )


def test_after_advice_the_better_model_takes_over() -> None:
    found = verdict(EvidenceKind.FAILED_CHECK, was_advised=True)
    assert (found.action, found.model) == (EscalationAction.TAKE_OVER, SMART)


@pytest.mark.parametrize("kind", [EvidenceKind.LOOP, EvidenceKind.UNDO])
def test_who_cannot_follow_advice_is_replaced_at_once(kind: EvidenceKind) -> None:
    assert verdict(EvidenceKind.FAILED_CHECK, kind).action is EscalationAction.TAKE_OVER


def test_another_model_of_the_same_price_comes_before_the_dear_one() -> None:
    first = verdict(EvidenceKind.LOOP, router=TWINS)
    assert (first.tier, first.model) == (Tier.SIMPLE, OTHER)
    task = escalated(TASK, to=Tier.SIMPLE, model=OTHER)
    second = verdict(EvidenceKind.LOOP, router=TWINS, task=task)
    assert (second.tier, second.model) == (Tier.COMPLEX, SMART)


def test_two_steps_are_the_most() -> None:
    task = TaskState(tier=Tier.COMPLEX, model=SMART, escalations=2)
    found = verdict(EvidenceKind.LOOP, task=task)
    assert found.action is EscalationAction.STAY
    assert found.reason.endswith("the task already moved up 2 steps")


def test_the_top_has_nothing_above_it() -> None:
    task = TaskState(tier=Tier.REASONING, model=BRAIN)
    assert verdict(EvidenceKind.LOOP, task=task).action is EscalationAction.STAY


def test_a_step_that_does_not_fit_the_budget_is_not_taken() -> None:
    assert verdict(EvidenceKind.LOOP, budget=left("0.072")).action is EscalationAction.TAKE_OVER
    found = verdict(EvidenceKind.LOOP, budget=left("0.0719"))
    assert found.action is EscalationAction.STAY
    assert found.reason.endswith("acme/smart may cost $0.0720 and $0.0719 is left today")


def test_it_can_be_switched_off() -> None:
    found = verdict(EvidenceKind.LOOP, is_on=False)
    assert found.action is EscalationAction.STAY
    assert found.reason == "the model repeats itself (pytest -q); escalation is off"


def test_without_a_running_task_nothing_escalates() -> None:
    assert verdict(EvidenceKind.UNDO, task=TaskState()).action is EscalationAction.STAY


@given(
    kinds=st.lists(st.sampled_from(EvidenceKind), max_size=8),
    was_advised=st.booleans(),
    twins=st.booleans(),
)
def test_a_task_that_obeys_every_verdict_ends_within_two_steps(
    kinds: list[EvidenceKind], was_advised: bool, twins: bool
) -> None:
    task, steps = TASK, 0
    router = TWINS if twins else ROUTER
    while steps < 5:
        found = verdict(*kinds, task=task, router=router, was_advised=was_advised or steps > 0)
        if found.action is not EscalationAction.TAKE_OVER:
            break
        assert found.tier is not None
        assert task.tier is not None
        assert found.tier.rank >= task.tier.rank
        assert found.model != task.model
        task, steps = escalated(task, to=found.tier, model=found.model), steps + 1
    assert steps <= 2


def consider_twins(
    *, advised_by: frozenset[ModelId] = frozenset(), bills: dict[ModelId, Decimal] | None = None
) -> Escalation:
    return consider(
        seen(EvidenceKind.FAILED_CHECK),
        task=TASK,
        router=TWINS,
        market=MARKET,
        was_advised=not advised_by,
        advised_by=advised_by,
        bills=bills,
    )


def test_the_same_adviser_is_not_paid_twice_for_one_task() -> None:
    found = consider_twins(advised_by=frozenset({SMART}))
    assert found.action is EscalationAction.TAKE_OVER
    assert consider_twins(advised_by=frozenset({BRAIN})).action is EscalationAction.ADVISE


def test_whole_tasks_say_which_models_cost_about_the_same_where_they_are_known() -> None:
    cents = Decimal("0.03")
    assert consider_twins(bills={CHEAP: cents, OTHER: cents * 2}).model == OTHER
    dear = consider_twins(bills={CHEAP: cents, OTHER: cents * 3})
    assert dear.model == SMART, "cheap by the token, dear by the task"
    assert consider_twins(bills={CHEAP: cents}).model == OTHER, "one bill alone compares nothing"


@pytest.mark.parametrize(
    ("log", "bills", "action"),
    [
        # A step of SMART is 0.072 USD here, a whole task with it 0.72: advice must help one in ten.
        (AdviceLog(), {SMART: "0.72"}, EscalationAction.ADVISE),
        (AdviceLog(given=5, helped=0), {SMART: "0.72"}, EscalationAction.ADVISE),
        (AdviceLog(given=6, helped=0), {SMART: "0.72"}, EscalationAction.TAKE_OVER),
        (AdviceLog(given=6, helped=1), {SMART: "0.72"}, EscalationAction.ADVISE),
        (AdviceLog(given=100, helped=9), {SMART: "0.72"}, EscalationAction.TAKE_OVER),
        (AdviceLog(given=100, helped=0), {}, EscalationAction.ADVISE),
        (None, {SMART: "0.72"}, EscalationAction.ADVISE),
    ],
    ids=[
        "nothing known",
        "a few failures",
        "one more",
        "one success",
        "many failures",
        "the bill is unknown",
        "no log",
    ],
)
def test_advice_is_bought_while_it_may_save_its_price(
    log: AdviceLog | None, bills: dict[ModelId, str], action: EscalationAction
) -> None:
    found = consider(
        seen(EvidenceKind.FAILED_CHECK),
        task=TASK,
        router=ROUTER,
        market=MARKET,
        bills={model: Decimal(usd) for model, usd in bills.items()},
        advice=log,
    )
    assert (found.action, found.model) == (action, SMART)
    is_dear = "advice has helped too seldom for its price" in found.reason
    assert is_dear is (action is EscalationAction.TAKE_OVER)
