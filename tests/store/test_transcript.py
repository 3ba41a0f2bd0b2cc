"""A session as text shows all that happened, in every form."""

from decimal import Decimal

import pytest

from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityAction, CapacityDecision
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    ApprovalRequested,
    CapacityDecided,
    ChangesUndone,
    ContextAdded,
    ContextCompacted,
    ContextMasked,
    EvidenceNoted,
    Notice,
    QuestionAsked,
    RetryScheduled,
    SteeringDelivered,
    SteeringQueued,
    StepFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.ids import CallId, ModelId, SessionId, TurnId
from ralex.core.stream import ReasoningDelta, TextDelta
from ralex.core.usage import Usage
from ralex.store import transcript
from ralex.store.sessions import StoredSession
from tests.store.test_sessions import started

FAST = ModelId("acme/fast")
TURN = TurnId("t1")
SESSION = StoredSession(
    id=SessionId("s1"), project="/shop", title="Mend it", created_s=0, updated_s=60, turns=1
)
BUDGET = BudgetState(
    day="2026-11-20",
    limit_usd=Decimal(5),
    alert_usd=None,
    spent_usd=Decimal(0),
    held_usd=Decimal(0),
)
TOO_LARGE = CapacityDecision(
    action=CapacityAction.UPSIZE,
    model=FAST,
    request_tokens=9,
    window=8,
    output_tokens=1,
    arithmetic="9 of 8 tokens",
    upsize_model=ModelId("acme/wide"),
)
USAGE = Usage(input_tokens=1_000, cache_read_tokens=500, output_tokens=20)

SHOWN: list[tuple[AgentEvent, str]] = [
    (SteeringDelivered(steering_id="1", text="mind the tests"), "mind the tests"),
    (SteeringQueued(steering_id="2", text="and the docs"), "has not been told yet"),
    (TextDelta(text="half an answer"), "half an answer"),
    (ContextAdded(label="AGENTS.md", text="be brief"), "context · AGENTS.md"),
    (ContextMasked(before=4, results=3, freed_tokens=12_000), "3 old tool results"),
    (
        ContextCompacted(
            text="t", summary="the goal", kept_messages=2, tokens_before=9_000, tokens_after=900
        ),
        "conversation summarised · ~9,000 → ~900 tokens",
    ),
    (EvidenceNoted(kind="same_error", detail="pytest -q"), "evidence: same_error · pytest -q"),
    (
        AdviceGiven(
            model=FAST, tier=None, text="look there", reason="it failed", usage=USAGE,
            cost_usd=Decimal("0.02"),
        ),
        "advice from acme/fast · $0.02",
    ),
    (CapacityDecided(capacity=TOO_LARGE), "size: upsize acme/wide (9 of 8 tokens)"),
    (
        RetryScheduled(attempt=2, wait_s=1.5, next_model=FAST, error="it was cut"),
        "it was cut; trying acme/fast in 1.5 s",
    ),
    (
        ToolCallStarted(call_id=CallId("c"), name="bash", arguments_json="{}", title="make"),
        "bash make · outcome unknown",
    ),
    (
        ApprovalRequested(
            request_id="r", call_id=CallId("c"), name="bash", title="rm x", choices=("deny",)
        ),
        "asked whether bash rm x may run",
    ),
    (
        ChangesUndone(turn_id=TURN, paths=("a.py",), conflicts=("b.py",)),
        "taken back: a.py; left alone: b.py",
    ),
    (
        QuestionAsked(request_id="q", call_id=CallId("c"), question="which?", options=("a", "b")),
        "asked: which? (a, b)",
    ),
    (Notice(level="warning", text="the alert is reached"), "the alert is reached"),
    (
        TurnFinished(
            turn_id=TURN, text="", stop_reason="done", model=FAST, tier=None, steps=2, usage=USAGE,
            cost_usd=Decimal("0.0015"), saved_usd=Decimal("0.01"), budget=BUDGET,
            files_changed=("a.py",),
        ),
        "cost $0.0015 · saved $0.01 · 2 steps, 1,520 tokens · changed a.py",
    ),
    (
        TurnFailed(
            turn_id=TURN, code="budget_exceeded", message="too dear", hint="", exit_code=3, text="",
            model=None, tier=None, steps=0, usage=Usage(), cost_usd=Decimal(0), saved_usd=None,
            budget=None, files_changed=(),
        ),
        "budget_exceeded: too dear · cost $0.00",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "text"), SHOWN, ids=lambda one: type(one).__name__)
def test_what_happened_is_in_every_form(event: AgentEvent, text: str) -> None:
    plain = transcript.to_text(SESSION, [event])
    page = transcript.to_html(SESSION, [event])
    markdown = transcript.to_markdown(SESSION, [event])

    assert text in plain
    assert text in page
    assert text in markdown.replace("\\", "")


def test_each_call_has_its_receipt_in_an_export() -> None:
    step = StepFinished(
        step=1,
        model=FAST,
        usage=USAGE,
        cost_usd=Decimal("0.0004"),
        cost_source="provider",
        context_tokens=1_520,
        window=None,
        budget=BUDGET,
    )

    text = transcript.to_markdown(SESSION, [step])

    assert "1,500 tokens in (500 from the cache), 20 out · $0.0004 (provider)" in text


def test_thinking_that_broke_off_is_kept() -> None:
    events: list[AgentEvent] = [ReasoningDelta(text="perhaps the parser"), TextDelta(text="I see")]

    markdown = transcript.to_markdown(SESSION, events)

    assert "thought (interrupted)" in markdown
    assert "perhaps the parser" in markdown


def test_tags_in_markdown_are_text_and_code_stays_as_it_is() -> None:
    said = (
        "<script>x</script> a < b `<div>` \\`<b>\\`\n"
        "- ```c\n  #include <stdio.h>\n  ```\n<img src=x>"
    )
    markdown = transcript.to_markdown(SESSION, [started(said)])

    assert "&lt;script>x&lt;/script> a < b `<div>` \\`&lt;b>" in markdown
    assert "#include <stdio.h>" in markdown
    assert "\n&lt;img src=x>" in markdown


def test_a_fence_left_open_ends_with_its_block() -> None:
    markdown = transcript.to_markdown(SESSION, [started("see\n~~~~\ncut off"), started("next")])

    assert "cut off\n~~~~\n\n## " in markdown
