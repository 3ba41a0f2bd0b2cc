"""A picture in a tool's result, in every dialect, and the request that extends the one before."""

import json
from collections.abc import Callable
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
    UserMessage,
)
from ralex.providers import anthropic_request, chat_request, gemini_request, responses_request
from ralex.providers.flavours import flavour_of

URL = "data:image/png;base64,AAAA"
PICTURE = Image(media_type="image/png", data_base64="AAAA", width=3, height=2)
FIRST, SECOND = CallId("abcdefgh1"), CallId("abcdefgh2")
CALLS = (
    ToolCall(id=FIRST, name="read", arguments_json="{}"),
    ToolCall(id=SECOND, name="read", arguments_json="{}"),
)
BEFORE: tuple[Message, ...] = (
    SystemMessage(text="s"),
    UserMessage(text="look"),
    AssistantMessage(text="", tool_calls=CALLS),
    ToolResultMessage(call_id=FIRST, name="read", text="a.png", images=(PICTURE,)),
    ToolResultMessage(call_id=SECOND, name="read", text="plain"),
)
LATER: tuple[Message, ...] = (*BEFORE, UserMessage(text="and?"), AssistantMessage(text="red"))


def chat(name: str, messages: tuple[Message, ...]) -> bytes:
    request = ModelRequest(model="m", messages=messages, max_output_tokens=9, stream=False)
    return chat_request.write_request(request, flavour_of(name=name, base_url=""), provider="test")


def request(messages: tuple[Message, ...]) -> ModelRequest:
    return ModelRequest(model="m", messages=messages, max_output_tokens=9)


WRITERS: dict[str, Callable[[tuple[Message, ...]], bytes]] = {
    "chat": lambda messages: chat("acme", messages),
    "mistral": lambda messages: chat("mistral", messages),
    "anthropic": lambda messages: anthropic_request.write_request(
        request(messages), provider="test", caches_alone=True
    ),
    "gemini": lambda messages: gemini_request.write_request(request(messages), provider="test"),
    "responses": lambda messages: responses_request.write_request(
        request(messages), provider="test", has_cache_key=False
    ),
}


def sent(dialect: str, key: str) -> list[dict[str, object]]:
    body = cast("dict[str, object]", json.loads(WRITERS[dialect](BEFORE)))
    return cast("list[dict[str, object]]", body[key])


def test_chat_results_are_text_and_the_picture_follows_all_of_them() -> None:
    *_, first, second, shown = sent("chat", "messages")
    assert (first["role"], first["content"]) == ("tool", "a.png")
    assert (second["role"], second["content"]) == ("tool", "plain")
    assert shown["role"] == "user"
    assert cast("list[object]", shown["content"])[1] == {
        "type": "image_url",
        "image_url": {"url": URL},
    }


def test_mistral_takes_it_within_the_result_and_no_user_behind_it() -> None:
    *_, first, second = sent("mistral", "messages")
    assert first["content"] == [
        {"type": "text", "text": "a.png"},
        {"type": "image_url", "image_url": {"url": URL}},
    ]
    assert second["content"] == "plain"


def test_anthropic_takes_it_within_the_result() -> None:
    first, second = cast("list[dict[str, object]]", sent("anthropic", "messages")[-1]["content"])
    source = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    assert first["content"] == [
        {"type": "text", "text": "a.png"},
        {"type": "image", "source": source},
    ]
    assert second["content"] == "plain"


def test_gemini_takes_it_behind_all_responses() -> None:
    first, second, shown = cast("list[dict[str, object]]", sent("gemini", "contents")[-1]["parts"])
    assert "functionResponse" in first
    assert "functionResponse" in second
    assert shown == {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}


def test_responses_take_it_within_the_output() -> None:
    *_, first, second = sent("responses", "input")
    assert first["output"] == [
        {"type": "input_text", "text": "a.png"},
        {"type": "input_image", "image_url": URL},
    ]
    assert second["output"] == "plain"


@pytest.mark.parametrize("dialect", WRITERS)
def test_a_later_request_extends_the_one_with_the_picture(dialect: str) -> None:
    earlier, later = WRITERS[dialect](BEFORE), WRITERS[dialect](LATER)
    end = earlier.rindex(b"AAAA") + 4
    assert later[:end] == earlier[:end]
    assert later.count(b"AAAA") == 1
