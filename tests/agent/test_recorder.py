"""What is shown is stored already; only streamed text may be a moment ahead."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from typing_extensions import override

from ralex.agent.history import History
from ralex.agent.recorder import FLUSH_AFTER_S, FLUSH_CHARACTERS, Recorder
from ralex.core.capacity import CapacityAction, CapacityDecision
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    CapacityDecided,
    EvidenceNoted,
    Notice,
    RetryScheduled,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    TurnStarted,
)
from ralex.core.ids import CallId, ModelId, SessionId, TurnId
from ralex.core.messages import AssistantMessage, ToolCall
from ralex.core.stream import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta
from ralex.opened import local_now
from ralex.store.sessions import SqliteSessions

MODEL = ModelId("test/cheap")


class Screen(asyncio.Queue[AgentEvent | None]):
    """Looks into the store at the moment in which an event is shown.

    Attributes:
        early: What was shown before it was stored.
    """

    def __init__(self, store: SqliteSessions, session: SessionId) -> None:
        super().__init__()
        self._store = store
        self._session = session
        self.early: list[AgentEvent] = []

    @override
    async def put(self, item: AgentEvent | None) -> None:
        if item is not None and item not in await self._store.load(self._session):
            self.early.append(item)
        await super().put(item)


class Bench:
    def __init__(self, store: SqliteSessions, session: SessionId) -> None:
        self.store = store
        self.session = session
        self.screen = Screen(store, session)
        self.history = History("system")
        self.now = 0.0
        self.recorder = Recorder(
            session_id=session,
            store=store,
            history=self.history,
            queue=self.screen,
            monotonic=lambda: self.now,
        )

    async def stored(self) -> Sequence[AgentEvent]:
        return await self.store.load(self.session)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = await SqliteSessions.open(tmp_path / "sessions.db", now=local_now)
    yield Bench(store, await store.create(project="/p", title="t"))
    await store.aclose()


def reply(text: str = "", *calls: str) -> AssistantMessageCompleted:
    made = tuple(ToolCall(id=CallId(one), name="read", arguments_json="{}") for one in calls)
    return AssistantMessageCompleted(
        step=1,
        model=MODEL,
        message=AssistantMessage(text=text, tool_calls=made),
        finish_reason=FinishReason.TOOL_CALLS if calls else FinishReason.STOP,
    )


async def test_no_event_is_shown_before_it_is_stored(bench: Bench) -> None:
    capacity = CapacityDecision(
        action=CapacityAction.FITS,
        model=MODEL,
        request_tokens=10,
        window=100,
        output_tokens=10,
        arithmetic="10 of 100",
    )
    await bench.recorder.emit(
        TurnStarted(session_id=bench.session, turn_id=TurnId("t"), prompt="hello")
    )
    await bench.recorder.emit(CapacityDecided(capacity=capacity))
    await bench.recorder.emit(
        StepStarted(step=1, model=MODEL, context_tokens=9, window=None, reserved_usd=Decimal("0.1"))
    )
    await bench.recorder.emit(Notice(level="warning", text="the alert is reached"))
    await bench.recorder.emit(EvidenceNoted(kind="loop"))
    await bench.recorder.emit(reply("I read it", "a"), Notice(level="info", text="paid"))
    await bench.recorder.emit(
        ToolCallStarted(call_id=CallId("a"), name="read", arguments_json="{}", title="a")
    )

    assert bench.screen.qsize() == 8
    assert bench.screen.early == []


async def test_a_noted_event_is_stored_and_shown_with_the_next_and_before_it(bench: Bench) -> None:
    noted, next_one = EvidenceNoted(kind="loop"), Notice(level="info", text="hello")
    bench.recorder.note(noted)
    shown_alone = bench.screen.qsize()
    await bench.recorder.emit(next_one)
    bench.recorder.note(noted)
    await bench.recorder.record(next_one)

    assert shown_alone == 0
    assert [bench.screen.get_nowait(), bench.screen.get_nowait()] == [noted, next_one]
    assert bench.screen.early == []
    assert await bench.stored() == [noted, next_one, noted, next_one]


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta])
async def test_streamed_text_is_stored_after_a_moment_at_the_latest(
    bench: Bench, kind: type[TextDelta | ReasoningDelta]
) -> None:
    await bench.recorder.emit(kind(text="first "))
    before = await bench.stored()
    bench.now = FLUSH_AFTER_S
    await bench.recorder.emit(kind(text="second"))

    assert before == []
    assert await bench.stored() == [kind(text="first second")]


async def test_much_text_is_stored_without_waiting(bench: Bench) -> None:
    await bench.recorder.emit(TextDelta(text="x" * (FLUSH_CHARACTERS - 1)))
    await bench.recorder.emit(ReasoningDelta(text="y"))

    assert await bench.stored() == [
        TextDelta(text="x" * (FLUSH_CHARACTERS - 1)),
        ReasoningDelta(text="y"),
    ]


async def test_text_that_a_retry_withdraws_was_shown_and_is_kept(bench: Bench) -> None:
    retry = RetryScheduled(attempt=2, wait_s=0.0, next_model=MODEL, error="cut")
    await bench.recorder.emit(TextDelta(text="half an ans"))
    await bench.recorder.emit(retry)

    assert await bench.stored() == [TextDelta(text="half an ans"), retry]
    bench.history.settle()
    assert len(bench.history.messages) == 1  # the model is not told of it


async def test_a_whole_message_is_stored_once(bench: Bench) -> None:
    await bench.recorder.emit(TextDelta(text="an answer"))
    await bench.recorder.emit(ToolCallDelta(index=0, name="read", arguments_json="{"))
    await bench.recorder.emit(reply("an answer"))

    assert await bench.stored() == [reply("an answer")]


async def test_a_cancelled_commit_leaves_store_and_history_agreeing(bench: Bench) -> None:
    await bench.recorder.emit(
        TurnStarted(session_id=bench.session, turn_id=TurnId("t"), prompt="hello")
    )
    await bench.recorder.emit(reply("", "a"))
    result = ToolCallFinished(
        call_id=CallId("a"), name="read", output="text", is_error=False, summary="", elapsed_ms=1
    )

    task = asyncio.create_task(bench.recorder.emit(result))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    again = History("system")
    again.feed_all(await bench.stored())
    again.settle()
    bench.history.settle()
    assert again.messages == bench.history.messages
