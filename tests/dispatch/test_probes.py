"""What a failing provider costs the user in calls and in waiting."""

import pytest

from ralex.core.stream import FinishReason, TextDelta
from ralex.errors import (
    AuthenticationError,
    BillingError,
    BudgetExceededError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
    StreamCutError,
)
from ralex.providers.scripted import ScriptedStep
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import FINE, PaperDesk, candidate

DOWN = ScriptedStep(error=OverloadedError("503", status=503))
BUSY = ScriptedStep(error=RateLimitedError("429", status=429))
NOTHING = ScriptedStep(text="")


async def test_a_server_that_is_down_is_given_up_after_at_most_two_and_a_half_seconds(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, jitter=1.0, a=[DOWN] * 9)
    with pytest.raises(OverloadedError):
        await desk.run(candidate("a/one"))
    assert desk.calls("a") == 3
    assert sum(desk.waits) <= 2.5


@pytest.mark.parametrize("step", [DOWN, BUSY], ids=["503", "429"])
async def test_a_fallback_is_asked_after_one_call_and_no_waiting(
    ledger: SqliteLedger, step: ScriptedStep
) -> None:
    desk = PaperDesk(ledger, a=[step], b=[FINE])
    await desk.run(candidate("a/one"), candidate("b/two"))
    assert (desk.calls("a"), desk.calls("b"), desk.waits) == (1, 1, [])


async def test_the_words_before_a_cut_are_kept(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[ScriptedStep(text="one two three four five", is_cut=True)], b=[])
    with pytest.raises(StreamCutError):
        await desk.run(candidate("a/one"), candidate("b/two"))
    words = "".join(event.text for event in desk.events if isinstance(event, TextDelta))
    assert words == "one two three four five"
    state = await ledger.state()
    assert state.held_usd > 0


async def test_an_empty_reply_is_paid_for_and_goes_to_the_next_model(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[NOTHING], b=[FINE])
    result = await desk.run(candidate("a/one"), candidate("b/two"), refuses_empty=True)
    assert result.model.id == "b/two"
    assert result.budget.held_usd == 0
    assert result.budget.spent_usd > result.cost_usd, "the empty reply was billed as well"


async def test_a_model_that_only_answers_nothing_fails(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[NOTHING] * 3)
    with pytest.raises(MalformedReplyError, match="nothing at all"):
        await desk.run(candidate("a/one"), refuses_empty=True)


async def test_an_empty_reply_that_says_why_is_a_reply(ledger: SqliteLedger) -> None:
    step = ScriptedStep(text="", finish_reason=FinishReason.LENGTH)
    desk = PaperDesk(ledger, a=[step])
    result = await desk.run(candidate("a/one"), refuses_empty=True)
    assert result.reply.finish_reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    "error",
    [AuthenticationError("401", status=401), BillingError("402", status=402)],
    ids=lambda error: error.code,
)
async def test_a_refused_account_skips_every_model_of_its_provider(
    ledger: SqliteLedger, error: ProviderError
) -> None:
    desk = PaperDesk(ledger, a=[ScriptedStep(error=error)], b=[FINE, FINE])
    chain = candidate("a/one"), candidate("a/two"), candidate("b/three")
    assert (await desk.run(*chain)).model.id == "b/three"
    assert (await desk.run(*chain)).model.id == "b/three", "the whole provider cools down"
    assert desk.calls("a") == 1


async def test_a_refused_account_without_another_provider_is_the_answer(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, a=[ScriptedStep(error=AuthenticationError("401", status=401))])
    with pytest.raises(AuthenticationError):
        await desk.run(candidate("a/one"), candidate("a/two"))
    assert desk.calls("a") == 1


async def test_a_model_that_the_provider_does_not_know_moves_on(ledger: SqliteLedger) -> None:
    gone = ScriptedStep(error=ModelNotFoundError("404", status=404))
    desk = PaperDesk(ledger, a=[gone, FINE])
    assert (await desk.run(candidate("a/old"), candidate("a/new"))).model.id == "a/new"


async def test_a_cheaper_fallback_takes_over_where_the_budget_refuses(
    small_ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(small_ledger, a=[], b=[], c=[FINE])
    chain = candidate("a/dear", price=9), candidate("b/dearer", price=20), candidate("c/cheap")
    assert (await desk.run(*chain)).model.id == "c/cheap"
    assert [(move.next_model, move.wait_s) for move in desk.moves] == [("c/cheap", 0.0)]
    assert "c/cheap is cheaper" in desk.moves[0].error


async def test_a_refused_budget_never_leads_to_a_dearer_model(small_ledger: SqliteLedger) -> None:
    desk = PaperDesk(small_ledger, a=[], b=[FINE])
    with pytest.raises(BudgetExceededError):
        await desk.run(candidate("a/dear", price=9), candidate("b/dearer", price=10))
    assert desk.calls("b") == 0
