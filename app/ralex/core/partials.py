"""Replies that broke off, made whole again for those who read a session later."""

from collections.abc import Iterable, Iterator

from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    RetryScheduled,
    StepStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import ModelId
from ralex.core.messages import AssistantMessage
from ralex.core.stream import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta


def with_partials(events: Iterable[AgentEvent]) -> Iterator[AgentEvent]:
    """Leave out deltas, and put a partial message where one never became whole.

    A killed process, a stop and a retry leave pieces that were shown; they belong in every later
    view, marked as partial.
    """
    text: list[str] = []
    reasoning: list[str] = []
    step, model = 0, ModelId("")
    for event in events:
        match event:
            case TextDelta():
                text.append(event.text)
                continue
            case ReasoningDelta():
                reasoning.append(event.text)
                continue
            case ToolCallDelta():
                continue
            case AssistantMessageCompleted():
                text, reasoning = [], []
            case StepStarted() | RetryScheduled() | TurnStarted() | TurnFinished() | TurnFailed():
                if text or reasoning:
                    yield _partial(step, model, text, reasoning)
                    text, reasoning = [], []
            case _:
                pass
        if isinstance(event, StepStarted):
            step, model = event.step, event.model
        yield event
    if text or reasoning:
        yield _partial(step, model, text, reasoning)


def _partial(
    step: int, model: ModelId, text: list[str], reasoning: list[str]
) -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        step=step,
        model=model,
        message=AssistantMessage(text="".join(text), reasoning="".join(reasoning)),
        finish_reason=FinishReason.OTHER,
        is_partial=True,
    )
