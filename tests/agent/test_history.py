"""The message list that goes to a model is valid and only ever extended, whatever was cut off."""

from hypothesis import given
from hypothesis import strategies as st

from ralex.agent.history import NEVER_RAN, UNKNOWN_OUTCOME, History
from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    ContextAdded,
    ContextCompacted,
    ToolCallFinished,
    ToolCallStarted,
    TurnStarted,
)
from ralex.core.ids import CallId, ModelId, SessionId, TurnId
from ralex.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from ralex.core.stream import FinishReason, TextDelta


def started(prompt: str) -> TurnStarted:
    return TurnStarted(session_id=SessionId("s"), turn_id=TurnId("t"), prompt=prompt)


def reply(text: str, *calls: str, is_partial: bool = False) -> AssistantMessageCompleted:
    return AssistantMessageCompleted(
        step=1,
        model=ModelId("a/b"),
        message=AssistantMessage(
            text=text,
            tool_calls=tuple(
                ToolCall(id=CallId(call), name="read", arguments_json="{}") for call in calls
            ),
        ),
        finish_reason=FinishReason.STOP,
        is_partial=is_partial,
    )


def call_started(call: str) -> ToolCallStarted:
    return ToolCallStarted(call_id=CallId(call), name="read", arguments_json="{}", title="x")


def call_finished(call: str, output: str = "out") -> ToolCallFinished:
    return ToolCallFinished(
        call_id=CallId(call), name="read", output=output, is_error=False, summary="", elapsed_ms=1
    )


def messages_of(*events: AgentEvent) -> tuple[Message, ...]:
    history = History("system")
    history.feed_all(events)
    return history.messages


def test_context_comes_before_the_prompt_in_the_first_user_message() -> None:
    messages = messages_of(
        started("do it"),
        ContextAdded(label="environment", text="<environment/>"),
        ContextAdded(label="AGENTS.md", text="<instructions/>"),
    )
    assert messages == (
        SystemMessage(text="system"),
        UserMessage(text="<environment/>\n\n<instructions/>\n\ndo it"),
    )


def test_results_stand_in_the_order_of_the_calls_whatever_finished_first() -> None:
    messages = messages_of(
        started("do it"),
        reply("", "one", "two"),
        call_started("one"),
        call_started("two"),
        call_finished("two", "2"),
        call_finished("one", "1"),
    )
    results = [m for m in messages if isinstance(m, ToolResultMessage)]
    assert [(r.call_id, r.text) for r in results] == [("one", "1"), ("two", "2")]


def test_a_call_that_was_started_and_never_finished_is_closed_as_unknown() -> None:
    messages = messages_of(
        started("do it"),
        reply("", "one", "two", "three"),
        call_started("one"),
        call_finished("one"),
        call_started("two"),
        started("and now?"),
    )
    results = [m for m in messages if isinstance(m, ToolResultMessage)]
    assert [r.text for r in results] == ["out", UNKNOWN_OUTCOME, NEVER_RAN]
    assert messages[-1] == UserMessage(text="and now?")


def test_text_that_streamed_before_an_interruption_is_kept() -> None:
    messages = messages_of(
        started("do it"), TextDelta(text="I was "), TextDelta(text="saying"), started("go on")
    )
    assert AssistantMessage(text="I was saying") in messages


def test_a_partial_reply_keeps_its_text_and_loses_its_calls() -> None:
    messages = messages_of(started("do it"), reply("so far", "one", is_partial=True))
    assert messages[-1] == AssistantMessage(text="so far")


@given(
    st.lists(
        st.one_of(
            st.builds(started, st.text(max_size=5)),
            st.builds(reply, st.text(max_size=5), st.sampled_from("abc"), st.sampled_from("def")),
            st.builds(call_started, st.sampled_from("abcdef")),
            st.builds(call_finished, st.sampled_from("abcdef"), st.text(max_size=3)),
            st.builds(TextDelta, text=st.text(max_size=3)),
        ),
        max_size=30,
    )
)
def test_every_call_is_answered_exactly_once_before_the_next_prompt(
    events: list[AgentEvent],
) -> None:
    messages = messages_of(started("first"), *events, started("last"))
    for position, message in enumerate(messages):
        if isinstance(message, AssistantMessage) and message.tool_calls:
            wanted = [call.id for call in message.tool_calls]
            following = messages[position + 1 : position + 1 + len(wanted)]
            answered = [m.call_id for m in following if isinstance(m, ToolResultMessage)]
            assert answered == wanted


def test_a_block_after_a_tool_batch_is_a_message_of_its_own() -> None:
    messages = messages_of(
        started("do it"),
        reply("", "one"),
        call_started("one"),
        call_finished("one"),
        ContextAdded(label="web/AGENTS.md", text="<instructions/>"),
    )
    assert messages[1] == UserMessage(text="do it")
    assert messages[-1] == UserMessage(text="<instructions/>")


def test_a_summary_takes_the_place_of_all_but_the_tail() -> None:
    history = History("system")
    history.feed_all([started("one"), reply("first"), started("two"), reply("second")])
    tail = history.messages[-2:]
    history.feed(
        ContextCompacted(
            text="<summary/>", summary="s", kept_messages=2, tokens_before=9, tokens_after=3
        )
    )
    assert history.messages == (
        SystemMessage(text="system"),
        UserMessage(text="<summary/>"),
        *tail,
    )
    assert history.last_ask == (2, "two")
    assert history.asks_before(2) == ["one"]
    history.feed(ContextAdded(label="a", text="block"))
    assert history.messages[1] == UserMessage(text="<summary/>"), "what stands is not rewritten"


def test_a_call_left_open_is_closed_before_a_summary() -> None:
    history = History("system")
    history.feed_all([started("one"), reply("", "c"), call_started("c")])
    history.feed(
        ContextCompacted(
            text="<summary/>", summary="s", kept_messages=2, tokens_before=9, tokens_after=3
        )
    )
    newest = history.messages[-1]
    assert isinstance(newest, ToolResultMessage)
    assert newest.text == UNKNOWN_OUTCOME
