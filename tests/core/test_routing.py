"""The policy: who decides, in which order, and what the receipt says."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.budget import BudgetState
from ralex.core.chains import Cached
from ralex.core.complexity import Complexity
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.route_receipt import would_have_cost
from ralex.core.routing import (
    Alternative,
    Override,
    RouteDecision,
    Router,
    RouteReason,
    Rule,
    TaskState,
    decide,
    escalated,
    task_after,
    top_tier_model,
)
from ralex.core.tiers import TIERS, Tier
from ralex.errors import ConfigError

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHEAP, MID, SMART, BRAIN = (
    ModelId(name) for name in ("acme/cheap", "acme/mid", "bolt/smart", "bolt/brain")
)
BOTH = frozenset({"acme", "bolt"})


def model(name: ModelId, price: str, *, cached: str | None = None) -> ModelInfo:
    provider, _, short = name.partition("/")
    rate = Decimal(price)
    return ModelInfo(
        id=name,
        provider=provider,
        name=short,
        context_window=100_000,
        price=flat_price(
            Rates(
                input=rate, output=rate * 5, cache_read=None if cached is None else Decimal(cached)
            )
        ),
    )


MODELS = {
    CHEAP: model(CHEAP, "0.1", cached="0.01"),
    MID: model(MID, "0.5", cached="0.05"),
    SMART: model(SMART, "3", cached="0.3"),
    BRAIN: model(BRAIN, "5"),
}
ROUTER = Router(
    name="mine",
    tiers={
        Tier.SIMPLE: (CHEAP, SMART),
        Tier.MEDIUM: (MID,),
        Tier.COMPLEX: (SMART, MID),
        Tier.REASONING: (BRAIN,),
    },
)


def judged(tier: Tier, score: float = 0.3) -> Complexity:
    return Complexity(
        tier=tier,
        score=score,
        dimensions=(),
        signals=("code (refactor)",),
        cause="heuristic_scorer",
        scorer="ralex",
    )


def spent(usd: str) -> BudgetState:
    return BudgetState(
        day="2026-11-20",
        limit_usd=Decimal(5),
        alert_usd=Decimal(4),
        spent_usd=Decimal(usd),
        held_usd=Decimal(0),
    )


def route(
    ask: str = "do something",
    *,
    tier: Tier = Tier.COMPLEX,
    router: Router = ROUTER,
    task: TaskState | None = None,
    is_followup: bool = False,
    override: Override | None = None,
    usable: frozenset[str] = BOTH,
    models: dict[ModelId, ModelInfo] = MODELS,
    cached: Cached | None = None,
    budget: BudgetState | None = None,
    context_tokens: int = 0,
) -> RouteDecision:
    return decide(
        ask,
        complexity=judged(tier),
        router=router,
        models=models,
        usable=usable,
        cached=cached,
        now=NOW,
        task=task,
        is_followup=is_followup,
        override=override,
        budget=budget,
        context_tokens=context_tokens,
    )


def ruled(*rules: Rule) -> Router:
    return Router(name="mine", tiers=ROUTER.tiers, rules=rules)


def test_the_score_chooses_the_tier_and_the_chain_gives_the_fallbacks() -> None:
    found = route()
    assert (found.tier, found.model, found.reason) == (Tier.COMPLEX, SMART, RouteReason.SCORE)
    assert found.fallbacks == (MID,)
    assert found.reasons == ("the ask scores 0.30, which is COMPLEX: code (refactor)",)


def test_the_estimate_prices_the_context_and_a_usual_answer() -> None:
    found = route(context_tokens=10_000)
    assert found.estimated_usd == (10_000 * Decimal(3) + 800 * Decimal(15)) / 1_000_000


def test_alternatives_say_what_they_would_cost_and_why_they_were_not_taken() -> None:
    found = {one.model: one for one in route().alternatives}
    assert set(found) == {CHEAP, MID, BRAIN}
    assert found[MID].why_not == "a fallback, taken if bolt/smart fails"
    assert found[BRAIN].why_not == "REASONING is more than was asked for, at 1.7 times the price"
    assert found[CHEAP].why_not == "SIMPLE is less than was asked for, at 3% of the price"
    assert found[CHEAP].estimated_usd == 800 * Decimal("0.5") / 1_000_000


class TestOrder:
    def test_an_override_beats_a_rule(self) -> None:
        rules = ruled(Rule(pattern=re.compile("typo"), tier=Tier.SIMPLE))
        found = route("a typo", router=rules, override=Override(model=BRAIN, once=True))
        assert (found.model, found.tier, found.override) == (BRAIN, Tier.REASONING, BRAIN)
        assert found.reasons[0] == "you chose bolt/brain, for this turn"
        assert found.rule == ""
        assert found.fallbacks == ()

    def test_a_tier_override_goes_through_the_router(self) -> None:
        found = route(override=Override(tier=Tier.MEDIUM), budget=spent("4.9"))
        assert (found.model, found.reason) == (MID, RouteReason.OVERRIDE)

    def test_an_override_may_name_a_model_outside_the_router(self) -> None:
        found = route(override=Override(model=ModelId("acme/other")))
        assert (found.model, found.tier, found.estimated_usd) == ("acme/other", None, None)
        assert "the price of acme/other is unknown" in found.reasons

    def test_a_rule_beats_the_running_task(self) -> None:
        rules = ruled(Rule(pattern=re.compile("typo"), tier=Tier.SIMPLE))
        task = TaskState(tier=Tier.REASONING, model=BRAIN)
        found = route("the typo again", router=rules, task=task, is_followup=True)
        assert (found.model, found.reason) == (CHEAP, RouteReason.RULE)

    def test_the_first_rule_that_matches_wins_and_its_limits_are_carried(self) -> None:
        rules = ruled(
            Rule(pattern=re.compile("urgent"), model=BRAIN),
            Rule(
                pattern=re.compile("(?i)TYPO"),
                tier=Tier.SIMPLE,
                max_cost_usd=Decimal("0.00001"),
                max_tokens=50,
                name="small things",
            ),
            Rule(pattern=re.compile("typo"), tier=Tier.REASONING),
        )
        found = route("a typo", router=rules)
        assert (found.model, found.rule) == (CHEAP, "small things")
        assert (found.max_cost_usd, found.max_tokens) == (Decimal("0.00001"), 50)
        assert found.estimated_usd == 50 * Decimal("0.5") / 1_000_000
        assert any("over that limit" in reason for reason in found.reasons)

    def test_a_rule_may_name_a_model_and_keeps_its_tiers_fallbacks(self) -> None:
        found = route("x", router=ruled(Rule(pattern=re.compile("x"), model=MID)))
        assert (found.model, found.tier, found.rule) == (MID, Tier.MEDIUM, "x")
        found = route("x", router=ruled(Rule(pattern=re.compile("x"), model=SMART)))
        assert found.fallbacks == (MID,)


class TestTask:
    def test_a_followup_keeps_the_tasks_tier_and_model(self) -> None:
        task = TaskState(tier=Tier.COMPLEX, model=MID)
        found = route("yes", tier=Tier.SIMPLE, task=task, is_followup=True, context_tokens=900)
        assert (found.tier, found.model, found.reason) == (Tier.COMPLEX, MID, RouteReason.STICKY)
        assert found.fallbacks == (SMART,)
        assert found.continues_task

    def test_a_followup_may_raise_the_task(self) -> None:
        task = TaskState(tier=Tier.SIMPLE, model=CHEAP)
        found = route("and now prove it", tier=Tier.REASONING, task=task, is_followup=True)
        assert (found.tier, found.model) == (Tier.REASONING, BRAIN)
        assert found.continues_task

    def test_a_new_task_is_judged_afresh(self) -> None:
        task = TaskState(tier=Tier.REASONING, model=BRAIN, escalations=1)
        found = route("what is a mutex?", tier=Tier.SIMPLE, task=task, context_tokens=50_000)
        assert (found.tier, found.model) == (Tier.SIMPLE, CHEAP)
        assert task_after(found, task) == TaskState(tier=Tier.SIMPLE, model=CHEAP)

    def test_the_price_of_switching_is_on_the_receipt(self) -> None:
        task = TaskState(tier=Tier.COMPLEX, model=SMART)
        found = route(tier=Tier.SIMPLE, task=task, context_tokens=50_000)
        anew = "switching from bolt/smart reads 50,000 tokens anew: $0.0050"
        assert found.reasons[-1] == anew, "nothing is known of a cache"
        held = Cached(model=SMART, tokens=50_000)
        found = route(tier=Tier.SIMPLE, task=task, context_tokens=50_000, cached=held)
        assert found.reasons[-1] == f"{anew} against $0.0150 with what it has in its cache"

    def test_what_an_alternative_would_read_anew_is_in_its_price(self) -> None:
        task = TaskState(tier=Tier.COMPLEX, model=SMART)
        held = Cached(model=SMART, tokens=48_000)
        found = route("yes", task=task, is_followup=True, context_tokens=50_000, cached=held)
        assert found.estimated_usd == Decimal("0.0324"), "48,000 at 0.3, 2,000 at 3, 800 at 15"
        brain = next(one for one in found.alternatives if one.model == BRAIN)
        assert brain.estimated_usd == Decimal("0.27")
        assert brain.why_not == (
            "REASONING is more than was asked for, at 8.3 times the price, reading 48,000 cached"
            " tokens anew"
        )

    def test_a_better_model_stays_where_reading_elsewhere_would_cost_more(self) -> None:
        task = TaskState(tier=Tier.COMPLEX, model=SMART)
        held = Cached(model=SMART, tokens=90_000)
        dear = {**MODELS, MID: model(MID, "2.9")}
        found = route(tier=Tier.MEDIUM, task=task, context_tokens=90_000, cached=held, models=dear)
        assert (found.tier, found.model, found.reason) == (Tier.MEDIUM, SMART, RouteReason.SCORE)
        assert found.fallbacks == (MID,)
        assert found.reasons[-1] == (
            "bolt/smart stays, as it has 90,000 tokens in its cache: 3 steps are about $0.1170 "
            "there, and $0.8178 with acme/mid, which would read them anew"
        )
        assert route(tier=Tier.MEDIUM, task=task, context_tokens=90_000, models=dear).model == MID
        cheap = route(tier=Tier.SIMPLE, task=task, context_tokens=90_000, cached=held)
        assert cheap.model == CHEAP, "three steps with it are $0.0120"
        up = route(tier=Tier.REASONING, task=task, context_tokens=90_000, cached=held)
        assert up.model == BRAIN, "a cache never holds an ask below its tier"

    def test_an_escalated_task_stays_up_until_it_ends(self) -> None:
        task = escalated(TaskState(tier=Tier.SIMPLE, model=CHEAP), to=Tier.COMPLEX, model=SMART)
        found = route("yes", tier=Tier.SIMPLE, task=task, is_followup=True, budget=spent("4.8"))
        assert (found.tier, found.model, found.reason) == (
            Tier.COMPLEX,
            SMART,
            RouteReason.ESCALATED,
        )
        assert task_after(found, task).escalations == 1

    def test_an_override_leaves_the_task_where_it_was(self) -> None:
        task = TaskState(tier=Tier.MEDIUM, model=MID, escalations=1)
        found = route("yes", override=Override(model=BRAIN, once=True), task=task)
        assert task_after(found, task) == task
        assert task_after(found) == TaskState(tier=Tier.COMPLEX, model=BRAIN)

    @given(
        running=st.sampled_from(TIERS),
        asked=st.sampled_from(TIERS),
        share=st.integers(0, 5),
        usable=st.sampled_from([BOTH, frozenset({"acme"}), frozenset({"bolt"})]),
    )
    def test_no_followup_ever_lowers_a_tier(
        self, running: Tier, asked: Tier, share: int, usable: frozenset[str]
    ) -> None:
        found = route(
            "yes",
            tier=asked,
            task=TaskState(tier=running),
            is_followup=True,
            usable=usable,
            budget=spent(str(share)),
        )
        assert found.tier is not None
        assert found.tier.rank == max(running.rank, asked.rank)


class TestBudget:
    def test_from_four_fifths_of_the_limit_new_tasks_go_one_tier_down_and_say_so(self) -> None:
        found = route(budget=spent("4.00"))
        assert (found.tier, found.model, found.reason) == (Tier.MEDIUM, MID, RouteReason.BUDGET)
        assert found.reasons[0] == (
            "80% of today's $5.00 is used, so the tier goes down from COMPLEX to MEDIUM"
        ), "what decided leads: the lines that show one reason show this one"
        assert "which is COMPLEX" in found.reasons[1]

    def test_below_it_nothing_changes(self) -> None:
        assert route(budget=spent("3.99")).model == SMART

    def test_the_cheapest_tier_stays(self) -> None:
        found = route(tier=Tier.SIMPLE, budget=spent("4.5"))
        assert found.model == CHEAP
        assert found.reasons[-1].endswith("and no cheaper tier is left")

    def test_a_lower_tier_that_is_not_cheaper_is_passed_over(self) -> None:
        router = Router(
            name="odd", tiers={Tier.SIMPLE: (CHEAP,), Tier.MEDIUM: (BRAIN,), Tier.COMPLEX: (SMART,)}
        )
        assert route(router=router, budget=spent("4.5")).model == CHEAP


class TestDeployment:
    def test_a_missing_tier_takes_the_next_one_up_and_else_down(self) -> None:
        router = Router(name="two", tiers={Tier.SIMPLE: (CHEAP,), Tier.COMPLEX: (SMART,)})
        found = route(tier=Tier.MEDIUM, router=router)
        assert (found.model, found.tier) == (SMART, Tier.MEDIUM)
        assert "two has no tier MEDIUM, so COMPLEX serves it" in found.reasons
        assert route(tier=Tier.REASONING, router=router).model == SMART

    def test_a_model_without_a_key_is_skipped(self) -> None:
        found = route(usable=frozenset({"acme"}))
        assert (found.model, found.tier) == (MID, Tier.COMPLEX)
        assert "skipped bolt/smart: no key is set" in found.reasons
        assert {one.model: one.why_not for one in found.alternatives}[BRAIN] == (
            "no key is set for bolt"
        )

    def test_a_tier_without_a_key_is_served_by_the_next(self) -> None:
        found = route(tier=Tier.MEDIUM, usable=frozenset({"bolt"}))
        assert found.model == SMART
        assert "no model of the tier MEDIUM can be called, so COMPLEX serves it" in found.reasons

    def test_without_any_key_the_model_is_named_all_the_same(self) -> None:
        found = route(usable=frozenset())
        assert (found.model, found.fallbacks) == (SMART, ())
        assert found.reasons[-1] == "bolt/smart cannot be called: no key is set for bolt"

    def test_a_model_the_catalogue_does_not_know_can_be_used(self) -> None:
        router = Router(name="new", tiers={Tier.COMPLEX: (ModelId("acme/new"),)})
        found = route(router=router)
        assert (found.model, found.estimated_usd) == ("acme/new", None)

    def test_a_router_without_models_is_a_configuration_error(self) -> None:
        with pytest.raises(ConfigError, match='the router "none" has no models'):
            route(router=Router(name="none", tiers={}))


def test_the_yardstick_of_saving_is_the_top_tiers_model() -> None:
    assert top_tier_model(ROUTER, MODELS, BOTH) == MODELS[BRAIN]
    assert top_tier_model(ROUTER, MODELS, frozenset({"acme"})) == MODELS[MID]
    assert top_tier_model(ROUTER, MODELS, frozenset()) == MODELS[BRAIN]
    assert top_tier_model(ROUTER, {}, BOTH) is None


@given(
    tier=st.sampled_from(TIERS),
    usable=st.sets(st.sampled_from(["acme", "bolt"])).map(frozenset),
    share=st.integers(0, 6),
    tokens=st.integers(0, 10**7),
)
def test_a_decision_is_always_made_and_explained(
    tier: Tier, usable: frozenset[str], share: int, tokens: int
) -> None:
    found = route(tier=tier, usable=usable, budget=spent(str(share)), context_tokens=tokens)
    assert found.reasons
    assert found.model not in found.fallbacks
    assert found.model not in {one.model for one in found.alternatives}
    if usable:
        assert MODELS[found.model].provider in usable


def _not_taken(tier: Tier, usd: str | None) -> Alternative:
    price = None if usd is None else Decimal(usd)
    return Alternative(model=ModelId(f"a/{tier}"), tier=tier, estimated_usd=price, why_not="")


@pytest.mark.parametrize(
    ("tier", "estimate", "saved", "expected"),
    [
        (Tier.SIMPLE, "0.001", "0.90", "0.10"),  # a tenth of the price of a step
        (Tier.COMPLEX, "0.05", "0.90", "1.90"),  # the top tier: what was not saved
        (Tier.COMPLEX, "0.05", None, "5"),
        (Tier.SIMPLE, None, "0.90", None),
    ],
    ids=["below", "top", "top of unknown saving", "unknown price"],
)
def test_a_finished_turn_is_priced_elsewhere_as_a_whole(
    tier: Tier, estimate: str | None, saved: str | None, expected: str | None
) -> None:
    other = _not_taken(tier, estimate)
    more = () if tier is Tier.COMPLEX else (_not_taken(Tier.COMPLEX, "0.05"),)
    decision = RouteDecision(
        router="r",
        tier=Tier.MEDIUM,
        model=ModelId("a/MEDIUM"),
        reason=RouteReason.SCORE,
        reasons=(),
        alternatives=(other, *more),
        estimated_usd=Decimal("0.01"),
    )
    saved_usd = None if saved is None else Decimal(saved)
    found = would_have_cost(other, decision, Decimal(1), saved_usd)
    assert found == (None if expected is None else Decimal(expected))
