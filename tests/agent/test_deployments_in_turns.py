"""Deployments, overflow chains and broken streams as a session meets them."""

from collections.abc import Callable
from dataclasses import replace

from ralex.config.model import Config
from ralex.core.events import (
    AssistantMessageCompleted,
    RetryScheduled,
    StepStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.fallbacks import Fallbacks
from ralex.core.ids import ModelId
from ralex.core.messages import AssistantMessage
from ralex.core.models import ModelInfo
from ralex.errors import ContextOverflowError, OverloadedError
from ralex.providers.scripted import ScriptedStep
from tests.agent.script import DONE, HELLO, of
from tests.agent.stand import Stand, play

CHEAP, TWIN, SMART = ModelId("test/cheap"), ModelId("test/twin"), ModelId("test/smart")
OVERFLOW = ScriptedStep(error=ContextOverflowError("too long", status=400))


def with_twin(**facts: float) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        twin: ModelInfo = replace(config.models[CHEAP], id=TWIN, name="twin", **facts)
        return replace(
            config,
            models={**config.models, TWIN: twin},
            deployments={"little": (CHEAP, TWIN)},
        )

    return change


async def test_the_receipt_tells_which_deployment_serves_and_why(stand: Stand) -> None:
    session = await stand.open([DONE, DONE], change=with_twin(weight=1e6))
    events = await play(session, HELLO)
    started = of(events, StepStarted)[0]
    assert started.model == TWIN
    assert started.deployment.startswith("little has 2 deployments; test/twin: drawn at 100%")
    assert session.last_route is not None
    assert started.deployment in session.last_route.reasons
    assert session.last_route.model == TWIN
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].model == TWIN


async def test_a_session_keeps_its_deployment_and_so_its_prompt_cache(stand: Stand) -> None:
    session = await stand.open([DONE] * 8, change=with_twin())
    models = {of(await play(session, HELLO), StepStarted)[0].model for _ in range(8)}
    assert len(models) == 1


async def test_a_sibling_finishes_the_turn_when_one_fails(stand: Stand) -> None:
    down = ScriptedStep(error=OverloadedError("503", status=503))
    session = await stand.open([down, DONE], change=with_twin(weight=0))
    events = await play(session, HELLO)
    assert [move.next_model for move in of(events, RetryScheduled)] == [TWIN]
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].model == TWIN


async def test_a_sibling_writes_the_summary_when_one_is_down(stand: Stand) -> None:
    down = ScriptedStep(error=OverloadedError("503", status=503))
    summary = ScriptedStep(text="## Goal\nmend the parser")
    session = await stand.open([ScriptedStep(text="word " * 3_000), down, summary], change=both)
    await play(session, HELLO)
    compacted = await session.compact()
    assert compacted is not None
    assert [one.model for one in stand.provider.requests[1:]] == ["cheap", "twin"]


def both(config: Config) -> Config:
    """Let one deployment work and the other stand by, at no pause after a failure."""
    return with_twin(weight=0)(config)


def overflow_chain(config: Config) -> Config:
    return replace(config, fallbacks=Fallbacks(context_window={CHEAP: (SMART,)}))


async def test_what_cannot_be_shortened_goes_to_the_chain_for_long_requests(stand: Stand) -> None:
    session = await stand.open([OVERFLOW, DONE], change=overflow_chain)
    events = await play(session, HELLO)
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].model == SMART
    assert [move.next_model for move in of(events, RetryScheduled)] == [SMART]


async def test_without_such_a_chain_an_overflow_ends_the_turn(stand: Stand) -> None:
    session = await stand.open([OVERFLOW])
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFailed)
    assert end.code == "context_overflow"


async def test_a_turn_that_keeps_breaking_off_shows_what_came_and_can_be_continued(
    stand: Stand,
) -> None:
    cut = ScriptedStep(text="one two three four five", is_cut=True)

    def at_once(config: Config) -> Config:
        return replace(config, retries=replace(config.retries, count=0))

    session = await stand.open([cut, ScriptedStep(text=" six seven")], change=at_once)
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFailed)
    assert (end.code, end.text) == ("stream_cut", "one two three four five")
    assert "send 'continue': what came is kept" in end.hint
    events = await play(session, "continue")
    assert isinstance(events[-1], TurnFinished)
    sent = stand.provider.requests[-1].messages
    assert AssistantMessage(text="one two three four five") in sent
    completed = of(events, AssistantMessageCompleted)[-1]
    assert completed.message.text == " six seven"
