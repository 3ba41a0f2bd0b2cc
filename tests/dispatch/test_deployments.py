"""Several deployments of one model share its load, and stand in for one another at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from ralex.core.messages import UserMessage
from ralex.core.rate_limits import Allowance, RateLimits
from ralex.dispatch.calls import AttemptStarted, Call, CallResult, Candidate
from ralex.errors import OverloadedError, RateLimitedError, UnknownPriceError
from ralex.providers.scripted import ScriptedStep
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import FINE, PaperDesk, candidate

DOWN = ScriptedStep(error=OverloadedError("503", status=503))
BUSY = ScriptedStep(error=RateLimitedError("429", status=429))


def deployment(name: str, *, group: str = "m", **facts: float) -> Candidate:
    one = candidate(name)
    return replace(one, group=group, model=replace(one.model, **facts))


async def run(desk: PaperDesk, *candidates: Candidate, session: str = "") -> CallResult:
    call = Call(candidates=candidates, messages=(UserMessage(text="hi"),), session_id=session)
    return await desk.dispatcher.run(call, desk.note)


def fine(times: int) -> Sequence[ScriptedStep]:
    return [FINE] * times


async def test_calls_are_spread_by_weight(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, draws=[0.1, 0.3, 0.5, 0.7, 0.9], a=fine(9), b=fine(9))
    members = deployment("a/m", weight=3.0), deployment("b/m", weight=2.0)
    answered = Counter([(await run(desk, *members)).model.id for _ in range(5)])
    assert answered == {"a/m": 3, "b/m": 2}


@pytest.mark.parametrize("step", [DOWN, BUSY], ids=["503", "429"])
async def test_a_healthy_sibling_takes_over_without_waiting(
    ledger: SqliteLedger, step: ScriptedStep
) -> None:
    desk = PaperDesk(ledger, draws=[0.0, 0.0], a=[step], b=fine(2))
    members = deployment("a/m"), deployment("b/m")
    assert (await run(desk, *members)).model.id == "b/m"
    assert desk.waits == []
    assert (await run(desk, *members)).model.id == "b/m", "the other one cools down"
    assert desk.calls("a") == 1


async def test_siblings_come_before_the_next_model_of_the_chain(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, draws=[0.9], a=fine(1), b=[DOWN], c=[])
    chain = deployment("a/m"), deployment("b/m"), candidate("c/other")
    assert (await run(desk, *chain)).model.id == "a/m"
    assert desk.calls("b") == 1


async def test_a_session_stays_with_its_deployment(ledger: SqliteLedger) -> None:
    told = RateLimits(requests=Allowance(remaining=1, limit=100, reset_s=30.0))
    steps = [replace(FINE, rate_limits=told)] * 3
    desk = PaperDesk(ledger, a=steps, b=steps)
    members = deployment("a/m"), deployment("b/m")
    answered = {(await run(desk, *members, session="s")).model.id for _ in range(2)}
    assert len(answered) == 1, "although the other one has more headroom by now"


async def test_another_process_draws_the_same_deployment_for_a_session(
    ledger: SqliteLedger,
) -> None:
    drawn = Counter[str]()
    members = deployment("a/m", weight=3.0), deployment("b/m")
    for number in range(60):
        first, second = (PaperDesk(ledger, a=fine(1), b=fine(1)) for _ in range(2))
        models = [
            (await run(desk, *members, session=f"session-{number}")).model.id
            for desk in (first, second)
        ]
        assert models[0] == models[1]
        drawn[models[0]] += 1
    assert 35 <= drawn["a/m"] <= 55, "three quarters of the sessions, by weight"


async def test_a_session_stays_where_it_fled_to(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[DOWN, *fine(2)], b=[DOWN, *fine(2)])
    members = deployment("a/m", weight=1e9), deployment("b/m")
    first = (await run(desk, *members, session="s")).model.id
    assert first == "b/m"
    desk.waits.append(600.0)  # the pause of the other one is long over
    assert (await run(desk, *members, session="s")).model.id == "b/m"


async def test_the_provider_s_own_headroom_moves_the_load(ledger: SqliteLedger) -> None:
    told = RateLimits(tokens=Allowance(remaining=10_000, limit=100_000, reset_s=30.0))
    desk = PaperDesk(
        ledger,
        draws=[0.0, 0.3, 0.3],
        a=[replace(FINE, rate_limits=told), FINE],
        b=fine(2),
    )
    members = deployment("a/m"), deployment("b/m")
    assert (await run(desk, *members)).model.id == "a/m"
    assert (await run(desk, *members)).model.id == "b/m", "a tenth is left of the other"
    desk.waits.append(31.0)
    assert (await run(desk, *members)).model.id == "a/m", "its limit is whole again"


async def test_the_attempt_says_why_this_deployment(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, draws=[0.0], a=fine(1), b=[])
    await run(desk, deployment("a/m", weight=3.0), deployment("b/m"))
    started = next(event for event in desk.events if isinstance(event, AttemptStarted))
    assert started.why.startswith("m has 2 deployments; a/m: drawn at 75%")


async def test_the_ledger_keeps_the_deployment_s_own_name(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, draws=[0.9], a=[], b=fine(1))
    await run(desk, deployment("a/m"), deployment("b/m"))
    assert [row.key for row in await ledger.spend("model")] == ["b/m"]
    assert [row.key for row in await ledger.spend("provider")] == ["b"]


async def test_at_its_limit_a_sibling_takes_the_call_at_once(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, draws=[0.0] * 3, a=fine(3), b=fine(3))
    members = deployment("a/m", rpm=1), deployment("b/m", rpm=1)
    answered = [(await run(desk, *members)).model.id for _ in range(2)]
    assert answered == ["a/m", "b/m"]
    assert desk.waits == []


async def test_a_lone_model_waits_for_its_own_limit_and_says_so(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=fine(3))
    one = deployment("a/m", group="", rpm=2)
    for _ in range(3):
        await run(desk, one)
    assert desk.waits == [60.0]
    assert [(move.wait_s, move.next_model) for move in desk.moves] == [(60.0, "a/m")]
    assert desk.moves[0].error == "a/m is at your limit of 2 requests a minute"


async def test_tokens_are_counted_as_they_were_billed(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=fine(3))
    one = deployment("a/m", group="", tpm=2_150)  # each takes 1,100: two do not fit with a third
    await run(desk, one)
    desk.waits.append(20.0)
    await run(desk, one)
    assert desk.waits == [20.0], "1,100 + 1,000 expected"
    await run(desk, one)
    assert desk.waits == [20.0, 40.0], "until the first one leaves the window"


async def test_a_request_above_the_whole_limit_goes_alone(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=fine(2))
    one = deployment("a/m", group="", tpm=10)
    await run(desk, one)
    assert desk.waits == []
    await run(desk, one)
    assert desk.waits == [60.0]


async def test_a_long_wait_for_a_limit_moves_on_to_the_next_model(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=fine(1), b=fine(1))
    chain = deployment("a/m", group="", rpm=1), candidate("b/other")
    assert (await run(desk, *chain)).model.id == "a/m"
    assert (await run(desk, *chain)).model.id == "b/other"
    assert desk.waits == []
    assert "at your limit of 1 requests a minute" in desk.moves[0].error


async def test_a_short_wait_for_a_limit_is_borne(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=fine(2), b=[])
    chain = deployment("a/m", group="", rpm=1), candidate("b/other")
    await run(desk, *chain)
    desk.waits.append(58.5)
    assert (await run(desk, *chain)).model.id == "a/m"
    assert desk.waits == [58.5, 1.5]


async def test_a_limit_that_is_full_for_too_long_is_an_error_with_a_hint(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, limit_wait_s=10.0, a=fine(1))
    one = deployment("a/m", group="", rpm=1)
    await run(desk, one)
    with pytest.raises(RateLimitedError, match="at your limit of 1 requests a minute") as caught:
        await run(desk, one)
    assert caught.value.retry_after_s == 60
    assert "rpm" in caught.value.hint
    assert desk.waits == []
    state = await ledger.state()
    assert state.held_usd == 0


async def test_a_deployment_without_a_price_leaves_the_call_to_its_sibling(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, draws=[0.0], a=[], b=fine(1))
    unpriced = deployment("a/m", weight=9.0)
    unpriced = replace(unpriced, model=replace(unpriced.model, price=None))
    assert (await run(desk, unpriced, deployment("b/m"))).model.id == "b/m"
    assert "price of a/m is unknown" in desk.moves[0].error


async def test_a_model_without_a_price_is_refused_although_a_fallback_has_one(
    ledger: SqliteLedger,
) -> None:
    desk = PaperDesk(ledger, a=[], b=[])
    one = candidate("a/m")
    with pytest.raises(UnknownPriceError):
        await run(desk, replace(one, model=replace(one.model, price=None)), candidate("b/other"))
