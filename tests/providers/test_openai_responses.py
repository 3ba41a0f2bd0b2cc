"""OpenAI's Responses dialect: what is sent, what is read, and what must go back unchanged."""

import json
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
from ralex.errors import BillingError, MalformedReplyError, ServerError, StreamCutError
from ralex.providers.responses_request import write_request
from tests.providers.conftest import Ask
from tests.providers.loopback import STREAM_HEAD, Serve, event, json_http

TOOL = ToolSpec(name="ls", description="List.", schema_json='{"type": "object",  "properties":{}}')
CALL = ToolCall(id=CallId("call_1"), name="ls", arguments_json='{"a": 1}')
CONVERSATION = (
    SystemMessage(text="Be brief."),
    UserMessage(text="hi", images=(Image(media_type="image/png", data_base64="AAAA"),)),
    AssistantMessage(text="Let me see.", tool_calls=(CALL,)),
    ToolResultMessage(call_id=CallId("call_1"), name="ls", text="a"),
)
USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 6},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 3},
}


@pytest.fixture
def ask() -> Ask:
    """Give a client of the Responses dialect."""
    return Ask(api=Api.OPENAI_RESPONSES)


def written(*messages: Message, model: str = "m", **more: object) -> bytes:
    values: dict[str, object] = {"max_output_tokens": 9, **more}
    request = ModelRequest(model=model, messages=messages, **values)  # pyright: ignore[reportArgumentType]  # keyword values of a test
    return write_request(request, provider="acme", has_cache_key=True)


def items(*messages: Message, model: str = "m") -> list[dict[str, object]]:
    body = cast("dict[str, object]", json.loads(written(*messages, model=model)))
    return cast("list[dict[str, object]]", body["input"])


def told(kind: str, **more: object) -> bytes:
    return event({"type": f"response.{kind}", "output_index": 0, **more}, name=f"response.{kind}")


def ended(kind: str = "completed", **more: object) -> bytes:
    response: dict[str, object] = {
        "status": kind,
        "model": "m-1",
        "output": [],
        "usage": USAGE,
        **more,
    }
    return told(kind, response=response)


def test_a_conversation_is_written_in_the_dialect() -> None:
    body = json.loads(written(*CONVERSATION, tools=(TOOL,), session_id="s"))
    assert body["instructions"] == "Be brief."
    assert body["store"] is False
    assert body["prompt_cache_key"] == "s"
    assert body["max_output_tokens"] == 9
    assert body["tools"][0]["strict"] is False
    assert body["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "hi"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            ],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Let me see."}],
        },
        {"type": "function_call", "call_id": "call_1", "name": "ls", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "a"},
    ]


def test_one_request_extends_the_previous_one_byte_for_byte() -> None:
    full = written(*CONVERSATION, tools=(TOOL,), session_id="s")
    for count in (2, 3):
        part = written(*CONVERSATION[:count], tools=(TOOL,), session_id="s", max_output_tokens=1)
        assert full.startswith(part[: part.rindex(b'],"max_output_tokens"')])


def test_encrypted_reasoning_is_asked_of_models_that_reason_only() -> None:
    assert b"reasoning.encrypted_content" in written(*CONVERSATION, model="gpt-5.4")
    assert b"reasoning.encrypted_content" not in written(*CONVERSATION, model="gpt-4.1")


async def test_reasoning_goes_back_before_the_call_it_led_to(serve: Serve, ask: Ask) -> None:
    reasoning: dict[str, object] = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "zz",
    }
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "ls"}
    reply = (
        told("reasoning_summary_text.delta", delta="hm")
        + told("output_item.done", item={**reasoning, "status": "completed"})
        + told("output_item.added", output_index=1, item={**call, "arguments": ""})
        + told("function_call_arguments.delta", output_index=1, delta='{"a":')
        + told("function_call_arguments.delta", output_index=1, delta="1}")
        + told("output_item.done", output_index=1, item={**call, "arguments": '{"a":1}'})
        + ended()
    )
    async with serve(STREAM_HEAD + reply) as server:
        done = await ask(server.url)
    assert ask.parts[:2] == [
        ReasoningDelta(text="hm"),
        ToolCallDelta(index=0, call_id="call_1", name="ls"),
    ]
    assert done.finish_reason is FinishReason.TOOL_CALLS
    assert done.message.tool_calls == (
        ToolCall(id=CallId("call_1"), name="ls", arguments_json='{"a":1}'),
    )
    assert items(done.message) == [
        reasoning,
        {"type": "function_call", "call_id": "call_1", "name": "ls", "arguments": '{"a":1}'},
    ]
    assert [item["type"] for item in items(done.message, model="other")] == ["function_call"]


async def test_a_stream_gives_its_parts_and_then_the_whole_reply(serve: Serve, ask: Ask) -> None:
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hello"}]}
    reply = (
        told("output_text.delta", delta="Hel")
        + told("output_text.delta", delta="lo")
        + told("output_item.done", item=message)
        + ended(output=[message])
    )
    async with serve(STREAM_HEAD + reply) as server:
        done = await ask(server.url + "/v1")
    assert server.requests[0].target == "/v1/responses"
    assert ask.parts[:2] == [TextDelta(text="Hel"), TextDelta(text="lo")]
    assert (done.message.text, done.model) == ("Hello", "m-1")
    assert done.usage == Usage(
        input_tokens=4, cache_read_tokens=6, output_tokens=4, reasoning_tokens=3
    )


async def test_items_without_deltas_are_read_when_done(serve: Serve, ask: Ask) -> None:
    call = {"type": "function_call", "call_id": "c", "name": "ls", "arguments": "{}"}
    message = {"type": "message", "content": [{"type": "output_text", "text": "ok"}]}
    reply = (
        told("output_item.done", item=message)
        + told("output_item.done", output_index=1, item=call)
        + ended()
    )
    async with serve(STREAM_HEAD + reply) as server:
        done = await ask(server.url)
    assert done.message.text == "ok"
    assert [one.name for one in done.message.tool_calls] == ["ls"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_output_tokens", FinishReason.LENGTH), ("content_filter", FinishReason.CONTENT_FILTER)],
)
async def test_an_incomplete_reply_says_why(
    serve: Serve, ask: Ask, reason: str, expected: FinishReason
) -> None:
    end = ended("incomplete", incomplete_details={"reason": reason})
    async with serve(STREAM_HEAD + told("output_text.delta", delta="a") + end) as server:
        assert (await ask(server.url)).finish_reason is expected


@pytest.mark.parametrize(
    "failure",
    [
        event({"type": "error", "error": {"code": "insufficient_quota", "message": "no"}}),
        event({"type": "error", "code": "insufficient_quota", "message": "no"}, name="error"),
        ended("failed", error={"code": "insufficient_quota", "message": "no"}),
    ],
    ids=["nested", "flat", "failed"],
)
async def test_an_error_in_the_stream_is_raised(serve: Serve, ask: Ask, failure: bytes) -> None:
    async with serve(STREAM_HEAD + told("created", response={}) + failure) as server:
        with pytest.raises(BillingError):
            await ask(server.url)


async def test_a_stream_without_its_last_event_is_an_error(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + told("output_text.delta", delta="a")) as server:
        with pytest.raises(StreamCutError):
            await ask(server.url)


async def test_an_answer_of_plain_json_is_read(serve: Serve, ask: Ask) -> None:
    output = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]},
    ]
    async with serve(json_http({"status": "completed", "output": output})) as server:
        done = await ask(server.url, stream=False)
    assert (done.message.reasoning, done.message.text, done.refusal) == ("hm", "No.", "No.")
    assert done.usage is None


async def test_json_that_failed_or_is_no_answer_is_an_error(serve: Serve, ask: Ask) -> None:
    failed: dict[str, object] = {"status": "failed", "output": [], "error": {"message": "boom"}}
    async with serve(json_http(failed), json_http({"id": "x"})) as server:
        with pytest.raises(ServerError, match="boom"):
            await ask(server.url)
        with pytest.raises(MalformedReplyError):
            await ask(server.url)
