"""Anthropic's Messages dialect: what is sent, what is read, and what must go back unchanged."""

import json
from decimal import Decimal
from typing import cast

import pytest

from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Image,
    Message,
    ModelRequest,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.models import Api
from ralex.core.stream import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta
from ralex.core.usage import Usage
from ralex.errors import MalformedReplyError, OverloadedError, StreamCutError
from ralex.providers.anthropic_request import write_request
from tests.providers.conftest import KEY, Ask
from tests.providers.loopback import STREAM_HEAD, Serve, event, json_http

TOOL = ToolSpec(name="ls", description="List.", schema_json='{"type": "object",  "properties":{}}')
CALL = ToolCall(id=CallId("toolu_1"), name="ls", arguments_json='{"a":  1.10}')
CONVERSATION = (
    SystemMessage(text="Be brief."),
    UserMessage(text="hi"),
    AssistantMessage(text="", tool_calls=(CALL,)),
    ToolResultMessage(call_id=CallId("toolu_1"), name="ls", text="no", is_error=True),
    UserMessage(text="and now?"),
)


@pytest.fixture
def ask() -> Ask:
    """Give a client of the Messages dialect."""
    return Ask(api=Api.ANTHROPIC)


def written(*messages: Message, model: str = "m", session_id: str = "", **more: object) -> bytes:
    values: dict[str, object] = {"max_output_tokens": 9, "session_id": session_id, **more}
    request = ModelRequest(model=model, messages=messages, **values)  # pyright: ignore[reportArgumentType]  # keyword values of a test
    return write_request(request, provider="acme", caches_alone=True)


def sent(*messages: Message, model: str = "m", session_id: str = "") -> dict[str, object]:
    body = written(*messages, model=model, session_id=session_id)
    return cast("dict[str, object]", json.loads(body))


def turns(*messages: Message, model: str = "m") -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", sent(*messages, model=model)["messages"])


def start(**usage: object) -> bytes:
    message = {"model": "m-1", "usage": {"input_tokens": 10, "output_tokens": 1, **usage}}
    return event({"type": "message_start", "message": message}, name="message_start")


def block(index: int, **content: object) -> bytes:
    return event({"type": "content_block_start", "index": index, "content_block": content})


def delta(index: int, **content: object) -> bytes:
    return event({"type": "content_block_delta", "index": index, "delta": content})


def stop(reason: str = "end_turn", **usage: object) -> bytes:
    told = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}
    return event(told) + event({"type": "message_stop"})


def say(text: str, index: int = 0) -> bytes:
    return block(index, type="text", text="") + delta(index, type="text_delta", text=text)


def test_a_conversation_is_written_in_the_dialect() -> None:
    body = sent(*CONVERSATION)
    assert body["system"] == [{"type": "text", "text": "Be brief."}]
    assert body["max_tokens"] == 9
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "toolu_1", "name": "ls", "input": {"a": 1.1}}],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no",
                 "is_error": True},
                {"type": "text", "text": "and now?"},
            ],
        },
    ]  # fmt: skip


def test_arguments_and_schemas_are_embedded_as_they_are() -> None:
    body = written(*CONVERSATION, tools=(TOOL,))
    assert TOOL.schema_json.encode() in body
    assert CALL.arguments_json.encode() in body


def test_one_request_extends_the_previous_one_byte_for_byte() -> None:
    full = written(*CONVERSATION, tools=(TOOL,), session_id="s")
    for count in (2, 3):
        part = written(*CONVERSATION[:count], tools=(TOOL,), session_id="s", max_output_tokens=1)
        assert full.startswith(part[: part.rindex(b'],"max_tokens"')])


def test_the_cache_is_written_within_a_session_only() -> None:
    mark = {"type": "ephemeral"}
    inside = sent(*CONVERSATION, session_id="s")
    assert inside["cache_control"] == mark
    assert inside["system"] == [{"type": "text", "text": "Be brief.", "cache_control": mark}]
    assert b"cache_control" not in written(*CONVERSATION)


async def test_elsewhere_than_at_anthropic_the_last_message_is_marked(
    serve: Serve, ask: Ask
) -> None:
    async with serve(STREAM_HEAD + start() + say("ok") + stop()) as server:
        await ask(server.url, messages=CONVERSATION[:2], session_id="s")
    body = server.requests[0].json
    assert "cache_control" not in body
    assert body["messages"] == [
        {"role": "user",
         "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}
    ]  # fmt: skip


async def test_key_and_version_are_sent_in_their_own_headers(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + start() + say("ok") + stop()) as server:
        await ask(server.url + "/v1")
    request = server.requests[0]
    assert request.target == "/v1/messages"
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in request.headers


def test_blank_text_is_left_out_and_pictures_are_blocks() -> None:
    picture = Image(media_type="image/png", data_base64="AAAA")
    (turn,) = turns(UserMessage(text=" ", images=(picture,)), AssistantMessage(text="\n"))
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert turn["content"] == [{"type": "image", "source": source}]


def test_an_id_of_another_dialect_is_replaced_alike_in_call_and_result() -> None:
    call = ToolCall(id=CallId("functions.ls:0"), name="ls", arguments_json="{}")
    assistant, user = turns(
        AssistantMessage(text="", tool_calls=(call,)),
        ToolResultMessage(call_id=call.id, name="ls", text="ok"),
    )
    (use,) = cast("list[dict[str, str]]", assistant["content"])
    (result,) = cast("list[dict[str, str]]", user["content"])
    assert use["id"] == result["tool_use_id"]
    assert use["id"].replace("_", "").isalnum()


async def test_thinking_goes_back_unchanged_and_in_its_place(serve: Serve, ask: Ask) -> None:
    reply = (
        start()
        + block(0, type="thinking", thinking="", signature="")
        + delta(0, type="thinking_delta", thinking="hm")
        + delta(0, type="thinking_delta", thinking="m")
        + delta(0, type="signature_delta", signature="sig")
        + say("Let ", 1)
        + delta(1, type="text_delta", text="me.")
        + block(2, type="redacted_thinking", data="zz")
        + block(3, type="tool_use", id="toolu_1", name="ls", input={})
        + delta(3, type="input_json_delta", partial_json='{"a":')
        + delta(3, type="input_json_delta", partial_json="1}")
        + stop("tool_use", output_tokens=5)
    )
    async with serve(STREAM_HEAD + reply) as server:
        message = (await ask(server.url)).message
    assert ask.parts[:2] == [ReasoningDelta(text="hm"), ReasoningDelta(text="m")]
    assert (message.reasoning, message.text) == ("hmm", "Let me.")
    (turn,) = turns(message)
    assert turn["content"] == [
        {"type": "thinking", "thinking": "hmm", "signature": "sig"},
        {"type": "text", "text": "Let me."},
        {"type": "redacted_thinking", "data": "zz"},
        {"type": "tool_use", "id": "toolu_1", "name": "ls", "input": {"a": 1}},
    ]
    (other,) = turns(message, model="other")
    kinds = [one["type"] for one in cast("list[dict[str, str]]", other["content"])]
    assert kinds == ["text", "tool_use"]


async def test_a_stream_gives_its_parts_and_then_the_whole_reply(serve: Serve, ask: Ask) -> None:
    ping = event({"type": "ping"}, name="ping")
    async with serve(STREAM_HEAD + start() + ping + say("ok") + stop(output_tokens=4)) as server:
        reply = await ask(server.url)
    assert TextDelta(text="ok") in ask.parts
    assert (reply.message.text, reply.model) == ("ok", "m-1")
    assert reply.finish_reason is FinishReason.STOP
    assert reply.usage == Usage(input_tokens=10, output_tokens=4)
    assert reply.message.opaque_json == ""


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [([], "{}"), ([""], "{}"), (['{"a"', ":1}"], '{"a":1}'), (['{"a'], '{"a')],
    ids=["none", "empty", "pieces", "cut"],
)
async def test_tool_calls_are_put_together(
    serve: Serve, ask: Ask, pieces: list[str], arguments: str
) -> None:
    reply = start() + block(0, type="tool_use", id="t", name="ls", input={})
    for piece in pieces:
        reply += delta(0, type="input_json_delta", partial_json=piece)
    async with serve(STREAM_HEAD + reply + stop("tool_use")) as server:
        done = await ask(server.url)
    assert done.message.tool_calls == (
        ToolCall(id=CallId("t"), name="ls", arguments_json=arguments),
    )
    assert done.finish_reason is FinishReason.TOOL_CALLS
    assert ToolCallDelta(index=0, call_id="t", name="ls") in ask.parts


async def test_counts_are_merged_and_a_later_zero_erases_nothing(serve: Serve, ask: Ask) -> None:
    reply = start(cache_read_input_tokens=7, cache_creation_input_tokens=3) + say("ok")
    end = stop(input_tokens=0, cache_read_input_tokens=None, output_tokens=4,
               output_tokens_details={"thinking_tokens": 2})  # fmt: skip
    async with serve(STREAM_HEAD + reply + end) as server:
        usage = (await ask(server.url)).usage
    assert usage == Usage(
        input_tokens=10,
        cache_read_tokens=7,
        cache_write_tokens=3,
        output_tokens=4,
        reasoning_tokens=2,
    )


async def test_the_price_after_the_last_event_is_read(serve: Serve, ask: Ask) -> None:
    price = event({"type": "ping", "cost": "0.00012"}, name="ping")
    async with serve(STREAM_HEAD + start() + say("ok") + stop() + price) as server:
        assert (await ask(server.url)).cost_usd == Decimal("0.00012")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop_sequence", FinishReason.STOP), ("max_tokens", FinishReason.LENGTH),
     ("refusal", FinishReason.CONTENT_FILTER), ("pause_turn", FinishReason.OTHER),
     ("model_context_window_exceeded", FinishReason.LENGTH)],
)  # fmt: skip
async def test_stop_reasons_are_mapped(
    serve: Serve, ask: Ask, reason: str, expected: FinishReason
) -> None:
    async with serve(STREAM_HEAD + start() + say("ok") + stop(reason)) as server:
        assert (await ask(server.url)).finish_reason is expected


async def test_a_stream_without_a_stop_reason_is_an_error(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + start() + say("ok")) as server:
        with pytest.raises(StreamCutError):
            await ask(server.url)


async def test_an_error_in_the_middle_of_the_reply_is_raised(serve: Serve, ask: Ask) -> None:
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    async with serve(STREAM_HEAD + start() + say("ok") + event(told, name="error")) as server:
        with pytest.raises(OverloadedError) as caught:
            await ask(server.url)
    assert caught.value.status is None


async def test_an_answer_of_plain_json_is_read(serve: Serve, ask: Ask) -> None:
    body = {
        "type": "message",
        "model": "m-1",
        "content": [
            {"type": "text", "text": "ok"},
            {"type": "tool_use", "id": "t", "name": "ls", "input": {"a": [1]}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    async with serve(json_http(body)) as server:
        reply = await ask(server.url, stream=False)
    assert reply.message.text == "ok"
    assert [call.arguments_json for call in reply.message.tool_calls] == ['{"a":[1]}']
    assert reply.usage == Usage(input_tokens=3, output_tokens=2)


async def test_json_that_is_no_answer_is_malformed(serve: Serve, ask: Ask) -> None:
    async with serve(json_http({"id": "x"})) as server:
        with pytest.raises(MalformedReplyError):
            await ask(server.url)
