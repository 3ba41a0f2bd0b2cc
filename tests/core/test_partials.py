"""Replies that broke off stay in every later view."""

from decimal import Decimal

from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    Notice,
    RetryScheduled,
    StepStarted,
    TurnStarted,
)
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.messages import AssistantMessage
from ralex.core.partials import with_partials
from ralex.core.stream import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta

MODEL = ModelId("acme/fast")
STEP = StepStarted(step=2, model=MODEL, context_tokens=1, window=None, reserved_usd=Decimal("0.01"))
TURN = TurnStarted(session_id=SessionId("s"), turn_id=TurnId("t"), prompt="go")


def message(text: str, reasoning: str = "", *, is_partial: bool) -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        step=2,
        model=MODEL,
        message=AssistantMessage(text=text, reasoning=reasoning),
        finish_reason=FinishReason.OTHER,
        is_partial=is_partial,
    )


def view(*events: AgentEvent) -> list[AgentEvent]:
    return list(with_partials(events))


def test_what_a_killed_process_had_shown_is_a_partial_message() -> None:
    seen = view(STEP, ReasoningDelta(text="hm "), TextDelta(text="half "), TextDelta(text="an"))

    assert seen == [STEP, message("half an", "hm ", is_partial=True)]


def test_it_stands_before_the_next_prompt() -> None:
    assert view(STEP, TextDelta(text="half"), TURN) == [
        STEP,
        message("half", is_partial=True),
        TURN,
    ]


def test_a_whole_message_takes_the_place_of_its_pieces() -> None:
    whole = message("whole", is_partial=False)

    assert view(STEP, TextDelta(text="who"), ToolCallDelta(index=0), whole) == [STEP, whole]


def test_a_notice_between_the_pieces_tears_nothing() -> None:
    notice = Notice(level="info", text="by the way")

    seen = view(STEP, TextDelta(text="half "), notice, TextDelta(text="an"))

    assert seen == [STEP, notice, message("half an", is_partial=True)]


def test_what_a_retry_withdrew_was_shown() -> None:
    retry = RetryScheduled(attempt=2, wait_s=0.0, next_model=MODEL, error="cut")

    assert view(STEP, TextDelta(text="half"), retry, STEP) == [
        STEP,
        message("half", is_partial=True),
        retry,
        STEP,
    ]
