"""Past asks under another router: the first choice changes, what happened afterwards stays."""

from decimal import Decimal

from ralex.config.scorers import AskJudge, load_followups
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.replay import Replay, replay
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.core.turn_log import PastTurn
from tests.core.past import CHEAP, SMART, STEP_UP, call, turn

HARD = "Refactor the scheduler of the payment service to async and fix the race condition in it"
UNPRICED = ModelId("acme/free-form")


def info(model: ModelId, usd: str | None) -> ModelInfo:
    provider, _, name = model.partition("/")
    price = None
    if usd is not None:
        price = flat_price(Rates(input=Decimal(usd), output=Decimal(usd)))
    return ModelInfo(id=model, provider=provider, name=name, price=price)


MODELS = {one.id: one for one in (info(CHEAP, "0.1"), info(SMART, "3"), info(UNPRICED, None))}


def again(turns: list[PastTurn], **tiers: ModelId) -> Replay:
    router = Router(name="other", tiers={Tier(name): (model,) for name, model in tiers.items()})
    judge = AskJudge()
    return replay(
        turns,
        router=router,
        score=lambda ask: judge(ask, router),
        is_followup=load_followups(),
        models=MODELS,
        usable={"acme", "bolt"},
    )


def test_the_same_tokens_are_priced_at_the_other_model() -> None:
    found = again([turn(calls=(call(), call()))], SIMPLE=SMART)
    (one,) = found.turns
    assert one.is_moved
    assert (found.was_usd, found.would_usd) == (Decimal("0.2"), Decimal(6))


def test_a_turn_that_stays_where_it_was_costs_what_it_did() -> None:
    found = again([turn(calls=(call(cost="0.123"),))], SIMPLE=CHEAP, COMPLEX=SMART)
    assert not found.turns[0].is_moved
    assert found.would_usd == found.was_usd == Decimal("0.123")


def test_an_unknown_price_leaves_the_turn_out_of_both_sums() -> None:
    turns = [turn(calls=(call(),)), turn(ask=HARD, tier=Tier.COMPLEX, calls=(call(),), number=1)]
    found = again(turns, SIMPLE=CHEAP, COMPLEX=UNPRICED)
    assert found.unpriced == 1
    assert (found.was_usd, found.would_usd) == (Decimal("0.1"), Decimal("0.1"))


def test_a_followup_stays_with_the_task_as_the_other_router_sees_it() -> None:
    turns = [turn(ask="hi", tier=Tier.SIMPLE), turn(ask=HARD), turn(ask="yes", follows=True)]
    found = again(turns, SIMPLE=CHEAP, COMPLEX=SMART)
    assert [one.tier for one in found.turns] == [Tier.SIMPLE, Tier.COMPLEX, Tier.COMPLEX]


def test_sessions_keep_their_own_tasks() -> None:
    turns = [turn(ask=HARD, session="a"), turn(ask="yes", session="b")]
    assert again(turns, SIMPLE=CHEAP, COMPLEX=SMART).turns[1].tier is Tier.SIMPLE


def test_steps_after_a_task_moved_up_stay_as_they_were() -> None:
    calls = (call(), call(SMART, tier=Tier.COMPLEX, cost="2"))
    turns = [turn(STEP_UP, calls=calls), turn(ask="and?", follows=True, tier=Tier.COMPLEX)]
    found = again(turns, SIMPLE=UNPRICED, MEDIUM=CHEAP, COMPLEX=SMART)
    first, second = found.turns
    assert first.model == UNPRICED
    assert second.tier is Tier.COMPLEX, "it would have moved up there as well"
    found = again(turns, SIMPLE=SMART)
    assert found.turns[0].would_usd == Decimal(5), "3 for the cheap step's tokens, 2 as paid"


def test_what_the_user_chose_is_left_out() -> None:
    found = again([turn(reason="override"), turn()], SIMPLE=CHEAP)
    assert (len(found.turns), found.left_out) == (1, 1)
