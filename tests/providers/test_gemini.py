"""Google's Gemini dialect: what is sent, what is read, and what must go back unchanged."""

import json
from typing import cast

import pytest

from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.models import Api
from ralex.core.stream import FinishReason, ReasoningDelta, TextDelta
from ralex.core.usage import Usage
from ralex.errors import (
    AuthenticationError,
    MalformedReplyError,
    OverloadedError,
    RateLimitedError,
    StreamCutError,
)
from ralex.providers.gemini_request import NO_SIGNATURE, write_request
from tests.providers.conftest import KEY, Ask
from tests.providers.loopback import STREAM_HEAD, Serve, event, http, json_http

TOOL = ToolSpec(name="ls", description="List.", schema_json='{"type": "object",  "properties":{}}')
CALL = ToolCall(id=CallId("call_1"), name="ls", arguments_json='{"a": 1}')
CONVERSATION = (
    SystemMessage(text="Be brief."),
    UserMessage(text="hi"),
    AssistantMessage(text="", tool_calls=(CALL,)),
    ToolResultMessage(call_id=CallId("call_1"), name="ls", text="a"),
)
MODEL = "gemini-3-flash"


@pytest.fixture
def ask() -> Ask:
    """Give a client of the Gemini dialect."""
    return Ask(api=Api.GEMINI)


def sent(*messages: Message, model: str = MODEL, **more: object) -> dict[str, object]:
    values: dict[str, object] = {"max_output_tokens": 9, **more}
    request = ModelRequest(model=model, messages=messages, **values)  # pyright: ignore[reportArgumentType]  # keyword values of a test
    return cast("dict[str, object]", json.loads(write_request(request, provider="acme")))


def parts_of(message: Message, model: str = MODEL) -> list[object]:
    (content,) = cast("list[dict[str, list[object]]]", sent(message, model=model)["contents"])
    return content["parts"]


def chunk(*parts: object, finish: str | None = None, **more: object) -> bytes:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": [*parts]}}
    if finish:
        candidate["finishReason"] = finish
    return event({"candidates": [candidate], **more})


def test_a_conversation_is_written_in_the_dialect() -> None:
    body = sent(*CONVERSATION, model="gemini-2.0-flash", tools=(TOOL,))
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert body["generationConfig"] == {"maxOutputTokens": 9}
    declared = {
        "name": "ls",
        "description": "List.",
        "parametersJsonSchema": json.loads(TOOL.schema_json),
    }
    assert body["tools"] == [{"functionDeclarations": [declared]}]
    response = {"functionResponse": {"name": "ls", "response": {"result": "a"}}}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "ls", "args": {"a": 1}}}]},
        {"role": "user", "parts": [response]},
    ]


async def test_the_path_names_the_model_and_the_key_has_its_own_header(
    serve: Serve, ask: Ask
) -> None:
    async with serve(
        STREAM_HEAD + chunk({"text": "ok"}, finish="STOP"),
        json_http({"candidates": [{"finishReason": "STOP"}]}),
    ) as server:
        await ask(server.url + "/v1beta", model=MODEL)
        await ask(server.url + "/v1beta", model="a/../b", stream=False)
    assert [request.target for request in server.requests] == [
        f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
        "/v1beta/models/a%2F..%2Fb:generateContent",
    ]
    assert server.requests[0].headers["x-goog-api-key"] == KEY


async def test_signatures_and_ids_go_back_on_the_parts_they_came_with(
    serve: Serve, ask: Ask
) -> None:
    came: list[dict[str, object]] = [
        {"text": "Let me see.", "thoughtSignature": "s1"},
        {"functionCall": {"id": "x1", "name": "ls", "args": {"a": 1}}, "thoughtSignature": "s2"},
        {"functionCall": {"id": "x2", "name": "ls", "args": {}}},
        {"text": "", "thoughtSignature": "s3"},
    ]
    async with serve(STREAM_HEAD + chunk(*came, finish="STOP")) as server:
        done = await ask(server.url, model=MODEL)
    assert done.finish_reason is FinishReason.TOOL_CALLS
    back = parts_of(done.message)
    assert back == came
    result = ToolResultMessage(call_id=CallId("x1"), name="ls", text="a")
    contents = cast(
        "list[dict[str, list[dict[str, object]]]]", sent(done.message, result)["contents"]
    )
    assert cast("dict[str, object]", contents[1]["parts"][0]["functionResponse"])["id"] == "x1"


def test_a_call_of_another_model_gets_a_stand_in_for_its_signature() -> None:
    two = AssistantMessage(
        text="", tool_calls=(CALL, ToolCall(id=CallId("2"), name="ls", arguments_json=""))
    )
    first, second = parts_of(two)
    assert cast("dict[str, object]", first)["thoughtSignature"] == NO_SIGNATURE
    assert second == {"functionCall": {"name": "ls", "args": {}}}
    assert "thoughtSignature" not in cast("dict[str, object]", parts_of(two, "gemini-2.0")[0])


async def test_a_stream_gives_its_parts_and_then_the_whole_reply(serve: Serve, ask: Ask) -> None:
    counts = {"promptTokenCount": 10, "cachedContentTokenCount": 6, "thoughtsTokenCount": 3}
    reply = (
        chunk({"text": "hm", "thought": True}, usageMetadata={"promptTokenCount": 10})
        + chunk({"text": "Hel"})
        + chunk({"text": "lo"}, finish="STOP", modelVersion="m-1",
                usageMetadata={**counts, "candidatesTokenCount": 4, "toolUsePromptTokenCount": 2})
    )  # fmt: skip
    async with serve(STREAM_HEAD + reply.replace(b"\n", b"\r\n")) as server:
        done = await ask(server.url)
    assert ask.parts[:3] == [
        ReasoningDelta(text="hm"), TextDelta(text="Hel"), TextDelta(text="lo")
    ]  # fmt: skip
    assert (done.message.text, done.message.reasoning, done.model) == ("Hello", "hm", "m-1")
    assert done.usage == Usage(
        input_tokens=6, cache_read_tokens=6, output_tokens=7, reasoning_tokens=3
    )


async def test_calls_without_ids_get_some_and_go_back_without(serve: Serve, ask: Ask) -> None:
    call = {"functionCall": {"name": "ls"}}
    async with serve(STREAM_HEAD + chunk(call, call, finish="STOP")) as server:
        message = (await ask(server.url, model="gemini-2.0")).message
    assert len({one.id for one in message.tool_calls}) == 2
    assert [one.arguments_json for one in message.tool_calls] == ["{}", "{}"]
    assert parts_of(message, "gemini-2.0") == [{"functionCall": {"name": "ls", "args": {}}}] * 2


async def test_an_array_of_pieces_is_read(serve: Serve, ask: Ask) -> None:
    pieces = [
        {"candidates": [{"content": {"parts": [{"text": "a"}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "b"}]}, "finishReason": 2}]},
    ]
    async with serve(json_http(pieces)) as server:
        done = await ask(server.url)
    assert (done.message.text, done.finish_reason) == ("ab", FinishReason.LENGTH)


async def test_a_blocked_prompt_is_a_refusal_by_content(serve: Serve, ask: Ask) -> None:
    async with serve(json_http({"promptFeedback": {"blockReason": "SAFETY"}})) as server:
        assert (await ask(server.url)).finish_reason is FinishReason.CONTENT_FILTER


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param(chunk({"text": "a"}, finish="MALFORMED_FUNCTION_CALL"), id="malformed call"),
        pytest.param(
            chunk({"functionCall": {"name": "ls", "willContinue": True}}), id="call in pieces"
        ),
        pytest.param(event("[1"), id="no JSON"),
    ],
)
async def test_what_cannot_be_read_is_malformed(serve: Serve, ask: Ask, piece: bytes) -> None:
    async with serve(STREAM_HEAD + piece) as server:
        with pytest.raises(MalformedReplyError):
            await ask(server.url)


async def test_errors_are_raised(serve: Serve, ask: Ask) -> None:
    overloaded = {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}
    limited = {"error": {"code": 429, "message": "slow", "details": [{"retryDelay": "48s"}]}}
    bad_key = {
        "error": {
            "code": 400,
            "message": "API key not valid.",
            "details": [{"reason": "API_KEY_INVALID"}],
        }
    }
    async with serve(
        STREAM_HEAD + chunk({"text": "a"}) + event(overloaded),
        http(json.dumps([limited]), status=429),
        json_http(bad_key, status=400),
        STREAM_HEAD + chunk({"text": "a"}),
    ) as server:
        with pytest.raises(OverloadedError):
            await ask(server.url)
        with pytest.raises(RateLimitedError) as caught:
            await ask(server.url)
        assert caught.value.retry_after_s == 48
        with pytest.raises(AuthenticationError):
            await ask(server.url)
        with pytest.raises(StreamCutError):
            await ask(server.url)
