"""A turn, end to end: what it tells, what it does, and what is left when it ends early."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from ralex.core.events import (
    ApprovalRequested,
    AssistantMessageCompleted,
    CapacityDecided,
    RetryScheduled,
    RouteDecided,
    StepFinished,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import ModelId
from ralex.core.messages import AssistantMessage, ToolResultMessage, UserMessage
from ralex.core.routing import Override, RouteReason
from ralex.core.stream import FinishReason, TextDelta
from ralex.core.tiers import Tier
from ralex.errors import ServerError, UnknownModelError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from tests.agent.script import DONE, HELLO, finished_calls, read, shell, step
from tests.agent.stand import Stand, impatient, play

HARD = "Refactor the pricing module so that totals respect the quantity, and add tests for it"


async def test_a_turn_tells_everything_in_order(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    session = await stand.open([ScriptedStep(text="I look.", calls=(read("a.txt"),)), DONE])
    events = await play(session, HELLO)
    kinds = [type(event) for event in events if not isinstance(event, TextDelta)]
    wanted = [
        TurnStarted, RouteDecided, CapacityDecided, StepStarted, AssistantMessageCompleted,
        StepFinished, ToolCallStarted, ToolCallFinished, CapacityDecided, StepStarted,
        AssistantMessageCompleted, StepFinished, TurnFinished,
    ]  # fmt: skip
    places = [kinds.index(wanted[0])]
    for kind in wanted[1:]:
        places.append(kinds.index(kind, places[-1] + 1))
    assert all(a < b for a, b in pairwise(places))
    end = events[-1]
    assert isinstance(end, TurnFinished)
    assert (end.text, end.steps, end.stop_reason) == ("Done.", 2, "done")
    assert end.cost_usd == sum(e.cost_usd for e in events if isinstance(e, StepFinished))
    assert end.budget.spent_usd == end.cost_usd


async def test_a_greeting_goes_to_the_cheap_model_and_a_refactoring_to_the_smart_one(
    stand: Stand,
) -> None:
    session = await stand.open([DONE, DONE])
    first = await play(session, HELLO)
    second = await play(session, HARD)
    routes = [e.route for e in (*first, *second) if isinstance(e, RouteDecided)]
    assert [(route.tier, route.model) for route in routes] == [
        (Tier.SIMPLE, "test/cheap"),
        (Tier.COMPLEX, "test/smart"),
    ]
    assert all(route.reasons for route in routes)


async def test_saved_is_the_difference_to_the_top_tier(stand: Stand) -> None:
    session = await stand.open([DONE])
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFinished)
    assert end.saved_usd == end.cost_usd * 29, "the top tier costs thirty times as much"


async def test_every_request_extends_the_one_before(stand: Stand) -> None:
    (stand.project / "AGENTS.md").write_text("Use tabs.\n")
    session = await stand.open([ScriptedStep(calls=(shell("true"),)), DONE, DONE])
    await play(session, HELLO)
    await play(session, "and again")
    requests = stand.provider.requests
    for earlier, later in pairwise(requests):
        assert later.messages[: len(earlier.messages)] == earlier.messages
        assert later.tools == earlier.tools
    first = requests[0].messages[1]
    assert isinstance(first, UserMessage)
    assert "Use tabs." in first.text
    assert str(stand.project) in first.text
    assert first.text.endswith(HELLO)


async def test_read_only_calls_run_together_and_changes_in_order(stand: Stand) -> None:
    for name in ("a", "b"):
        (stand.project / name).write_text(name)
    calls = (read("a"), read("b"), shell("echo one > c"), shell("cat c; echo two >> c"), read("c"))
    session = await stand.open([ScriptedStep(calls=calls), DONE])
    events = await play(session, HELLO)
    results = stand.provider.requests[1].messages[-5:]
    assert all(isinstance(message, ToolResultMessage) for message in results)
    texts = [message.text for message in results if isinstance(message, ToolResultMessage)]
    assert "a" in texts[0]
    assert "b" in texts[1]
    assert "one" in texts[3]
    assert "two" in texts[4]
    assert not any(event.is_error for event in finished_calls(events))


async def test_a_broken_call_is_answered_and_the_turn_goes_on(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    session = await stand.open(
        [
            ScriptedStep(calls=(ScriptedCall(name="read", arguments='{"path": "a.t'),)),
            ScriptedStep(calls=(ScriptedCall(name="fly", arguments={}),)),
            ScriptedStep(calls=(read("a.txt"),)),
            DONE,
        ]
    )
    events = await play(session, HELLO)
    errors = [event.is_error for event in finished_calls(events)]
    assert errors == [True, True, False]
    assert isinstance(events[-1], TurnFinished)


async def test_nothing_of_a_reply_cut_by_the_output_limit_is_run(stand: Stand) -> None:
    session = await stand.open(
        [
            ScriptedStep(calls=(shell("touch ran"),), finish_reason=FinishReason.LENGTH),
            DONE,
        ]
    )
    events = await play(session, HELLO)
    assert not (stand.project / "ran").exists()
    assert "cut off" in finished_calls(events)[0].output


async def test_a_model_that_repeats_itself_is_nudged_then_stopped(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("alpha\n")
    steps = [ScriptedStep(calls=(read("a.txt"),))] * 9
    session = await stand.open(steps, change=lambda config: replace(config, escalation="off"))
    events = await play(session, HELLO)
    outputs = [event.output for event in finished_calls(events)]
    assert "alpha" in outputs[1]
    assert "identical" in outputs[2]
    end = events[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.exit_code, len(outputs)) == ("loop", 5, 5)


async def test_the_step_limit_ends_the_turn(stand: Stand) -> None:
    steps = [ScriptedStep(calls=(shell(f"echo {n}"),)) for n in range(9)]
    session = await stand.open(steps, max_steps=3)
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.exit_code, end.steps) == ("step_limit", 5, 3)


async def test_a_provider_that_fails_is_a_last_event_and_not_an_exception(stand: Stand) -> None:
    session = await stand.open(
        [ScriptedStep(error=ServerError("the server burns", hint="wait", status=500))],
        change=impatient,
    )
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFailed)
    assert (end.message, end.hint, end.exit_code) == ("the server burns", "wait", 4)


async def test_a_cut_reply_is_asked_again_and_nothing_runs_twice(stand: Stand) -> None:
    session = await stand.open(
        [
            ScriptedStep(text="I will", is_cut=True),
            ScriptedStep(text="Appending.", calls=(shell("echo x >> log"),)),
            DONE,
        ]
    )
    events = await play(session, HELLO)
    assert any(isinstance(event, RetryScheduled) for event in events)
    assert (stand.project / "log").read_text() == "x\n"
    assert isinstance(events[-1], TurnFinished)
    stored = await session.history()
    texts = [e.message.text for e in stored if isinstance(e, AssistantMessageCompleted)]
    assert texts == ["Appending.", "Done."]


async def test_leaving_the_turn_interrupts_it_and_keeps_what_was_said(stand: Stand) -> None:
    session = await stand.open(
        [ScriptedStep(text="one two three " * 200), ScriptedStep(text="as you wish")],
        tokens_per_s=100,
    )
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    stored = await session.history()
    assert isinstance(stored[-1], TurnFailed)
    assert stored[-1].code == "interrupted"
    await play(session, "stop that")
    said = stand.provider.requests[-1].messages
    assert isinstance(said[2], AssistantMessage)
    assert said[2].text.startswith("one")
    assert said[-1] == UserMessage(text="stop that")


async def test_the_bill_of_a_stopped_turn_holds_the_call_that_was_stopped(stand: Stand) -> None:
    script = [step(shell("true")), ScriptedStep(text="slow " * 4_000)]
    session = await stand.open(script, tokens_per_s=500)
    paid = Decimal(0)
    async with asyncio.timeout(20), session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, StepFinished):
                paid = event.cost_usd
            if isinstance(event, TextDelta):
                break
    end = session.last_failure
    assert end is not None
    assert end.cost_usd > paid > 0
    assert end.cost_usd == (await session.budget()).spent_usd
    assert end.usage.output_tokens > 0


async def test_interrupting_kills_the_running_command(stand: Stand) -> None:
    session = await stand.open([ScriptedStep(calls=(shell("sleep 30; touch late"),)), DONE])
    async with asyncio.timeout(60), session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ToolCallStarted):
                break
    assert not (stand.project / "late").exists()


async def test_plan_mode_changes_nothing(stand: Stand) -> None:
    session = await stand.open([ScriptedStep(calls=(shell("touch made"),)), DONE], mode="plan")
    events = await play(session, HELLO)
    assert not (stand.project / "made").exists()
    assert "read-only" in finished_calls(events)[0].output


@pytest.mark.parametrize(("choice", "is_made"), [("allow", True), ("deny", False)])
async def test_ask_mode_waits_for_the_users_word(stand: Stand, choice: str, is_made: bool) -> None:
    session = await stand.open([ScriptedStep(calls=(shell("touch made"),)), DONE], mode="ask")
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ApprovalRequested):
                session.answer(event.request_id, choice)
    assert (stand.project / "made").exists() is is_made


async def test_an_override_holds_until_it_is_lifted(stand: Stand) -> None:
    session = await stand.open([DONE, DONE, DONE])
    session.set_override(Override(model=ModelId("test/smart")))
    for expected in ("test/smart", "test/smart"):
        events = await play(session, HELLO)
        route = next(e.route for e in events if isinstance(e, RouteDecided))
        assert (route.model, route.reason) == (expected, RouteReason.OVERRIDE)
    session.set_override(None)
    events = await play(session, HELLO)
    assert next(e.route for e in events if isinstance(e, RouteDecided)).model == "test/cheap"


async def test_an_override_for_one_turn_is_gone_after_it(stand: Stand) -> None:
    session = await stand.open([DONE, DONE])
    session.set_override(Override(tier=Tier.COMPLEX, once=True))
    await play(session, HELLO)
    assert session.override is None


async def test_an_unknown_override_is_refused_and_changes_nothing(stand: Stand) -> None:
    session = await stand.open([DONE])
    with pytest.raises(UnknownModelError):
        session.set_override(Override(model=ModelId("nobody/nothing")))
    assert session.override is None


async def test_a_resumed_session_sends_the_same_bytes(stand: Stand) -> None:
    first = await stand.open([ScriptedStep(calls=(shell("echo hi"),)), DONE])
    await play(first, HELLO)
    before = stand.provider.requests[-1].messages
    second = await stand.open([DONE], continues=True)
    assert second.id == first.id
    await play(second, "go on")
    after = stand.provider.requests[-1].messages
    assert after[: len(before)] == before
    assert after[-1] == UserMessage(text="go on")


async def test_what_is_shown_is_stored_before(stand: Stand) -> None:
    session = await stand.open([ScriptedStep(calls=(shell("echo hi"),)), DONE])
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ToolCallStarted | ToolCallFinished | AssistantMessageCompleted):
                assert event in await session.history()
