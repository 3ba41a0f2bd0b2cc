"""Fallback chains by kind of failure: they are never mixed."""

from dataclasses import replace

import pytest

from ralex.core.deployments import Groups
from ralex.core.fallbacks import Fallbacks
from ralex.core.ids import ModelId
from ralex.core.messages import UserMessage
from ralex.core.stream import FinishReason
from ralex.dispatch.calls import Call, CallResult, Candidate
from ralex.dispatch.candidates import CandidatePlan
from ralex.errors import (
    BadRequestError,
    ContentFilterError,
    ContextOverflowError,
    OverloadedError,
    ProviderError,
    StreamCutError,
)
from ralex.providers.scripted import ScriptedStep
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import FINE, PaperDesk, candidate

A, B, C, D = (ModelId(f"{name}/m") for name in "abcd")
DOWN = ScriptedStep(error=OverloadedError("503", status=503))
TOO_LONG = ScriptedStep(error=ContextOverflowError("too long", status=400))
REFUSED = ScriptedStep(error=ContentFilterError("no", status=400))
FILTERED = ScriptedStep(text="", finish_reason=FinishReason.CONTENT_FILTER)

PLAN = CandidatePlan(
    fallbacks=Fallbacks(general={A: (B,)}, context_window={A: (C,)}, content_policy={A: (D,)})
)


def size(model: ModelId) -> Candidate:
    return candidate(model)


async def run(
    desk: PaperDesk, plan: CandidatePlan = PLAN, *, moves_on_overflow: bool = True
) -> CallResult:
    call = Call(
        candidates=plan.candidates([A], size),
        messages=(UserMessage(text="hi"),),
        moves_on_overflow=moves_on_overflow,
    )
    return await desk.dispatcher.run(call, desk.note)


@pytest.mark.parametrize(
    ("step", "answered_by"),
    [(DOWN, B), (TOO_LONG, C), (REFUSED, D), (FILTERED, D)],
    ids=["down", "too long", "refused", "filtered"],
)
async def test_each_kind_of_failure_has_its_own_chain(
    ledger: SqliteLedger, step: ScriptedStep, answered_by: ModelId
) -> None:
    desk = PaperDesk(ledger, a=[step], b=[FINE], c=[FINE], d=[FINE])
    assert (await run(desk)).model.id == answered_by
    assert desk.waits == []
    assert sum(desk.calls(name) for name in "bcd") == 1


async def test_a_filtered_reply_is_paid_for(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[FILTERED], b=[], c=[], d=[FINE])
    result = await run(desk)
    assert result.budget.held_usd == 0
    assert result.budget.spent_usd > result.cost_usd


async def test_a_filtered_reply_without_a_chain_is_the_reply(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[FILTERED])
    result = await run(desk, CandidatePlan())
    assert result.reply.finish_reason is FinishReason.CONTENT_FILTER


async def test_a_caller_who_can_shorten_is_told_of_an_overflow_first(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[TOO_LONG], b=[], c=[])
    with pytest.raises(ContextOverflowError):
        await run(desk, moves_on_overflow=False)


async def test_without_a_chain_for_it_an_overflow_goes_to_a_larger_window(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, a=[TOO_LONG], b=[], c=[FINE])

    def sized(model: ModelId) -> Candidate:
        windows = {A: 8_000, B: 8_000, C: 200_000}
        one = candidate(model)
        return replace(one, model=replace(one.model, context_window=windows[model]))

    plan = CandidatePlan(fallbacks=Fallbacks(general={A: (B, C)}))
    call = Call(
        candidates=plan.candidates([A], sized),
        messages=(UserMessage(text="hi"),),
        moves_on_overflow=True,
    )
    assert (await desk.dispatcher.run(call, desk.note)).model.id == C


async def test_an_overflow_or_a_refusal_does_not_make_a_model_cool_down(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, a=[TOO_LONG, REFUSED, FINE], b=[], c=[FINE], d=[FINE])
    answered = [(await run(desk)).model.id for _ in range(3)]
    assert answered == [C, D, A]


async def test_a_chain_that_fails_as_well_ends_with_its_own_error(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, retries=0, a=[TOO_LONG], b=[], c=[DOWN])
    with pytest.raises(OverloadedError):
        await run(desk)


async def test_siblings_of_a_chain_share_its_load(ledger: SqliteLedger) -> None:
    plan = CandidatePlan(
        groups=Groups(members={"long": (C, D)}), fallbacks=Fallbacks(context_window={A: (C,)})
    )
    chain = plan.candidates([A], size)[0].on_overflow
    assert [(one.model.id, one.group) for one in chain] == [(C, "long"), (D, "long")]


async def test_a_side_call_knows_the_siblings_of_its_model_and_no_chain() -> None:
    plan = replace(PLAN, groups=Groups(members={"little": (A, B)}))
    chain = plan.siblings(A, size)
    assert [(one.model.id, one.group, one.on_overflow) for one in chain] == [
        (A, "little", ()),
        (B, "little", ()),
    ]


async def test_a_request_that_is_refused_as_it_is_makes_no_model_cool_down(
    ledger: SqliteLedger,
) -> None:
    bad = ScriptedStep(error=BadRequestError("no", status=400))
    desk = PaperDesk(ledger, a=[bad, FINE], b=[])
    with pytest.raises(BadRequestError):
        await run(desk)
    assert (await run(desk)).model.id == A


async def test_models_without_a_key_are_left_out_of_chains() -> None:
    def can_call(model: ModelId) -> bool:
        return model != C

    plan = replace(PLAN, can_call=can_call)
    assert plan.candidates([A], size)[0].on_overflow == ()


async def test_a_stream_that_fails_before_content_falls_back_and_one_after_keeps_its_words(
    ledger: SqliteLedger,
) -> None:
    before = ScriptedStep(error=StreamCutError("cut"))
    desk = PaperDesk(ledger, a=[before], b=[FINE])
    assert (await run(desk)).reply.message.text == "fine"
    words = "one two three four five"
    desk = PaperDesk(ledger, a=[ScriptedStep(text=words, is_cut=True)], b=[])
    with pytest.raises(ProviderError) as caught:
        await run(desk)
    assert caught.value.partial == words
