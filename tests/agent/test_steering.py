"""What the user says while a turn runs reaches the model between two steps, once, and is kept."""

import asyncio

import pytest

from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    SteeringDelivered,
    SteeringQueued,
    ToolCallStarted,
    TurnFinished,
)
from ralex.core.messages import ToolResultMessage, UserMessage
from ralex.core.stream import TextDelta
from ralex.errors import UsageError
from ralex.providers.scripted import ScriptedStep
from tests.agent.script import DONE, HELLO, breaks, of, shell, step
from tests.agent.stand import Stand, play


async def test_a_message_is_delivered_after_the_running_tool_calls(stand: Stand) -> None:
    session = await stand.open([step(shell("echo one"), shell("echo two")), DONE])
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ToolCallStarted) and event.title == "echo one":
                await session.steer("use tabs")
                assert session.waiting == ("use tabs",)
    messages = stand.provider.requests[1].messages
    assert [type(m) for m in messages[-3:]] == [ToolResultMessage, ToolResultMessage, UserMessage]
    assert messages[-1] == UserMessage(text="use tabs")
    assert session.waiting == ()
    assert breaks(stand.provider.requests) == 0


async def test_a_message_during_the_last_answer_is_answered_too(stand: Stand) -> None:
    slow = ScriptedStep(text="one two three four five six seven eight nine ten")
    session = await stand.open([slow, ScriptedStep(text="With tabs now.")], tokens_per_s=100)
    collected: list[AgentEvent] = []
    async with session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, TextDelta) and not of(collected, TextDelta):
                await session.steer("use tabs")
            collected.append(event)
    end = collected[-1]
    assert isinstance(end, TurnFinished)
    assert (end.text, end.steps) == ("With tabs now.", 2)
    assert len(of(collected, SteeringDelivered)) == 1


async def test_a_message_is_stored_before_it_is_delivered(stand: Stand) -> None:
    session = await stand.open([])
    await session.steer("use tabs")
    assert [e.text for e in of(await session.history(), SteeringQueued)] == ["use tabs"]


async def test_an_interruption_keeps_the_message_for_the_next_turn(stand: Stand) -> None:
    session = await stand.open([step(shell("sleep 30")), DONE])
    async with asyncio.timeout(60), session.turn(HELLO) as events:
        async for event in events:
            if isinstance(event, ToolCallStarted):
                await session.steer("use tabs")
                break
    assert session.waiting == ("use tabs",)
    await play(session, "go on")
    newest = stand.provider.requests[-1].messages[-1]
    assert newest == UserMessage(text="use tabs\n\ngo on")
    before = stand.provider.requests[-1].messages
    again = await stand.open([DONE], continues=True)
    assert again.waiting == ()
    await play(again, "and now")
    after = stand.provider.requests[-1].messages
    assert after[: len(before)] == before
    assert after[-1] == UserMessage(text="and now")


async def test_a_message_survives_the_end_of_the_process(stand: Stand) -> None:
    session = await stand.open([DONE])
    await play(session, HELLO)
    await session.steer("use tabs")
    again = await stand.open([DONE], continues=True)
    assert again.waiting == ("use tabs",)
    events = await play(again, "go on")
    assert len(of(events, SteeringDelivered)) == 1
    assert len(of(events, AssistantMessageCompleted)) == 1


async def test_a_waiting_message_can_be_taken_back(stand: Stand) -> None:
    session = await stand.open([DONE])
    await play(session, HELLO)
    for text in ("one", "two", "three"):
        await session.steer(text)
    assert await session.unsteer(1) == "two"
    assert session.waiting == ("one", "three")
    later = await stand.open([DONE], continues=True)
    assert later.waiting == ("one", "three")
    await play(later, HELLO)
    sent = str(stand.provider.requests[-1].messages)
    assert ["two" in sent, "three" in sent] == [False, True]


async def test_what_the_model_has_heard_cannot_be_taken_back(stand: Stand) -> None:
    session = await stand.open([DONE])
    await session.steer("one")
    await play(session, HELLO)
    with pytest.raises(UsageError, match="does not wait"):
        await session.unsteer(0)
