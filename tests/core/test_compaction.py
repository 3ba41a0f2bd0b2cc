"""What is left out of a conversation, and what never is."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ralex.core.compaction import (
    MASKED_FROM_CHARS,
    SHORTENED_FROM_CHARS,
    compacted_text,
    holds_stand_in,
    marks_for,
    masked,
    plan_masking,
    tail_start,
    within_limit,
)
from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)


def steps(*lengths: int) -> list[Message]:
    """Build a conversation with one tool result of each length."""
    messages: list[Message] = [SystemMessage(text="system"), UserMessage(text="do it")]
    for number, length in enumerate(lengths):
        call = ToolCall(id=CallId(f"c{number}"), name="read", arguments_json="{}")
        messages.append(AssistantMessage(text="", tool_calls=(call,)))
        messages.append(ToolResultMessage(call_id=call.id, name="read", text="x" * length))
    return messages


def sizes_of(messages: list[Message]) -> list[int]:
    return [len(message.text) // 4 + 4 + _length_of_calls(message) // 4 for message in messages]


def _length_of_calls(message: Message) -> int:
    if not isinstance(message, AssistantMessage):
        return 0
    return sum(len(call.arguments_json) for call in message.tool_calls)


conversations = st.lists(st.integers(0, 60_000), min_size=1, max_size=12).map(
    lambda lengths: steps(*lengths)
)


@given(conversations, st.integers(0, 60_000), st.integers(0, 30_000))
def test_masking_touches_nothing_but_long_tool_output(
    messages: list[Message], keep: int, gain: int
) -> None:
    plan = plan_masking(messages, sizes_of(messages), keep_tokens=keep, least_gain=gain)
    if plan is None:
        return
    after = masked(messages, plan.before)
    assert len(after) == len(messages)
    changed = [(a, b) for a, b in zip(messages, after, strict=True) if a != b]
    assert len(changed) == plan.results > 0
    for before, left in changed:
        assert isinstance(before, ToolResultMessage)
        assert isinstance(left, ToolResultMessage)
        assert (left.call_id, left.name) == (before.call_id, before.name)
        assert len(left.text) < MASKED_FROM_CHARS <= len(before.text)
    assert plan.freed_tokens >= gain
    assert masked(after, plan.before) == after, "what is masked stays as it is"


@given(conversations, st.integers(1, 60_000))
def test_the_results_of_the_last_reply_stay(messages: list[Message], keep: int) -> None:
    plan = plan_masking(messages, sizes_of(messages), keep_tokens=keep, least_gain=1)
    if plan is not None:
        assert masked(messages, plan.before)[-1] == messages[-1]


@given(conversations, st.integers(0, 60_000))
def test_a_tail_begins_with_a_reply_or_a_prompt_and_fits(
    messages: list[Message], keep: int
) -> None:
    sizes = sizes_of(messages)
    start = tail_start(messages, sizes, keep_tokens=keep)
    assert start >= 2
    assert sum(sizes[start:]) <= keep
    if start < len(messages):
        assert isinstance(messages[start], AssistantMessage | UserMessage)


def test_too_small_a_gain_is_not_worth_a_broken_cache() -> None:
    messages = steps(8_000, 8_000, 8_000)
    sizes = sizes_of(messages)
    assert plan_masking(messages, sizes, keep_tokens=2_500, least_gain=20_000) is None
    assert plan_masking(messages, sizes, keep_tokens=2_500, least_gain=1_000) is not None


@given(st.integers(1_000, 2_000_000))
def test_the_marks_leave_room_for_an_answer(window: int) -> None:
    marks = marks_for(window)
    assert 0 < marks.soft <= window
    assert marks.hard <= window - window * 15 // 100
    assert marks.hard > window // 2


@given(st.lists(st.text(max_size=40), max_size=12), st.integers(0, 200))
def test_the_newest_messages_of_the_user_are_kept_first(asks: list[str], keep: int) -> None:
    sizes = [len(ask) for ask in asks]
    kept = within_limit(asks, sizes, keep_tokens=keep)
    assert list(kept) == asks[len(asks) - len(kept) :]
    assert sum(map(len, kept)) <= keep


def test_the_text_holds_everything_that_must_outlive_a_summary() -> None:
    text = compacted_text(
        standing=["<environment>here</environment>"],
        summary="## Goal\nmend it",
        asks=["earlier wish"],
        left_out_asks=2,
        plan="[>] write",
        last_ask="the last wish",
    )
    for part in ("here", "mend it", "earlier wish", "2 older messages", "[>] write"):
        assert part in text
    assert text.endswith("the last wish")


def wrote(characters: int, *, path: str = "src/a.py") -> list[Message]:
    arguments = json.dumps({"path": path, "content": "x" * characters})
    call = ToolCall(id=CallId(f"c{path}"), name="write", arguments_json=arguments)
    return [
        AssistantMessage(text="", tool_calls=(call,)),
        ToolResultMessage(call_id=call.id, name="write", text="written"),
    ]


def test_long_arguments_of_old_calls_are_left_out_and_stay_json_with_the_path() -> None:
    messages = [*wrote(200_000), *wrote(200_000, path="b.py"), *wrote(200_000, path="c.py")]
    sizes = sizes_of(messages)
    plan = plan_masking(messages, sizes, keep_tokens=40_000, least_gain=20_000)
    assert plan is not None
    assert (plan.results, plan.calls) == (0, 2)
    after = masked(messages, plan.before)
    first = after[0]
    assert isinstance(first, AssistantMessage)
    arguments = json.loads(first.tool_calls[0].arguments_json)
    assert arguments["path"] == "src/a.py"
    assert "200,000 characters" in arguments["content"]
    assert after[-2:] == messages[-2:]
    assert sum(sizes) - sum(sizes_of(after)) >= plan.freed_tokens * 0.9
    assert masked(after, plan.before) == after


def test_what_stands_for_a_left_out_text_is_known_again() -> None:
    messages = [*wrote(200_000), *steps(60_000)[2:]]
    assert not any(holds_stand_in(text) for text in _texts(messages))
    left = _texts(masked(messages, len(messages)))
    assert [holds_stand_in(text) for text in left] == [True, True]
    for text in left:
        assert holds_stand_in({"items": [{"content": f"x = 1\r\n  {text}\r\ny = 2"}]})
        assert not holds_stand_in(f"he said {text!r}, which is a quotation")


def _texts(messages: list[Message]) -> list[object]:
    """Give the content of each call that writes, and each result that is long enough to go."""
    calls = [one for m in messages if isinstance(m, AssistantMessage) for one in m.tool_calls]
    written = [json.loads(call.arguments_json).get("content") for call in calls]
    results = [m.text for m in messages if isinstance(m, ToolResultMessage)]
    return [text for text in (*written, *results) if text and len(text) > 40]


@given(st.text(max_size=5_000), st.integers(0, 5_000))
def test_shortened_arguments_are_json_whatever_they_were(text: str, characters: int) -> None:
    call = ToolCall(id=CallId("c"), name="write", arguments_json=text + "{" * characters)
    message = AssistantMessage(text="", tool_calls=(call,))
    left = masked([message], 1)[0]
    assert isinstance(left, AssistantMessage)
    if len(call.arguments_json) > SHORTENED_FROM_CHARS:
        json.loads(left.tool_calls[0].arguments_json)
    else:
        assert left == message
