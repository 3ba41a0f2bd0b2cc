"""What is sent in OpenAI's chat dialect, for every provider's wishes, byte for byte the same."""

import json
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from ralex.core.models import Api, PriceCeiling
from ralex.providers.chat_request import fulfils_strict, write_request
from ralex.providers.flavours import flavour_of
from tests.providers.conftest import Ask
from tests.providers.loopback import STREAM_HEAD, Serve, chat_chunk, event

HOSTS = {
    "acme": "http://127.0.0.1:1/v1",
    "openai": "https://api.openai.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "azure": "https://x.openai.azure.com/openai/v1",
    "deepseek": "https://api.deepseek.com",
    "mistral": "https://api.mistral.ai/v1",
    "xai": "https://api.x.ai/v1",
}
TOOL = ToolSpec(name="ls", description="List.", schema_json='{"type": "object",  "properties":{}}')
CALL = ToolCall(id=CallId("call_1"), name="ls", arguments_json='{"a": 1}')


def sent(
    *messages: Message, provider: str = "acme", model: str = "m", **more: object
) -> dict[str, object]:
    body = written(*messages, provider=provider, model=model, **more)
    return cast("dict[str, object]", json.loads(body))


def written(*messages: Message, provider: str = "acme", model: str = "m", **more: object) -> bytes:
    values: dict[str, object] = {"max_output_tokens": 100, **more}
    request = ModelRequest(model=model, messages=messages, **values)  # pyright: ignore[reportArgumentType]  # keyword values of a test
    flavour = flavour_of(name=provider, base_url=HOSTS[provider])
    return write_request(request, flavour, provider=provider)


def messages_of(body: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", body["messages"])


CONVERSATION = (
    SystemMessage(text="Be kurz."),
    UserMessage(text="hi ü"),
    AssistantMessage(text="", tool_calls=(CALL,), reasoning="hm"),
    ToolResultMessage(call_id=CallId("call_1"), name="ls", text="a\nb"),
    AssistantMessage(text="done"),
)


def test_a_conversation_is_written_in_the_dialect() -> None:
    assert messages_of(sent(*CONVERSATION)) == [
        {"role": "system", "content": "Be kurz."},
        {"role": "user", "content": "hi ü"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "ls", "arguments": '{"a": 1}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "a\nb"},
        {"role": "assistant", "content": "done"},
    ]


def test_schemas_are_embedded_as_they_were_serialised() -> None:
    body = written(UserMessage(text="hi"), tools=(TOOL,))
    assert TOOL.schema_json.encode() in body
    assert json.loads(body)["tools"][0]["function"]["parameters"] == json.loads(TOOL.schema_json)


@pytest.mark.parametrize("provider", sorted(HOSTS))
@given(count=st.integers(1, 4), cap=st.integers(1, 9))
def test_one_request_extends_the_previous_one_byte_for_byte(
    provider: str, count: int, cap: int
) -> None:
    def body(messages: tuple[Message, ...], cap: int) -> bytes:
        return written(
            *messages,
            provider=provider,
            max_output_tokens=cap,
            tools=(TOOL,),
            session_id="s",
            price_ceiling=PriceCeiling(input=Decimal(cap), output=Decimal(2)),
        )

    full, part = body(CONVERSATION, cap), body(CONVERSATION[:count], 1)
    prefix = part[: part.rindex(b"],")]
    assert full.startswith(prefix)
    assert full[len(prefix) :].startswith(b",{") or count == len(CONVERSATION)


CEILING = PriceCeiling(input=Decimal("0.30"), output=Decimal(15))


def test_openrouter_is_told_the_price_that_was_reserved() -> None:
    body = written(UserMessage(text="hi"), provider="openrouter", price_ceiling=CEILING)
    assert b'],"provider":{"max_price":{"prompt":0.3,"completion":15}},' in body
    free = PriceCeiling(input=Decimal("0.00"), output=Decimal(0))
    told = sent(UserMessage(text="hi"), provider="openrouter", price_ceiling=free)
    assert told["provider"] == {"max_price": {"prompt": 0, "completion": 0}}


@pytest.mark.parametrize("provider", sorted(set(HOSTS) - {"openrouter"}))
def test_others_hear_nothing_of_prices(provider: str) -> None:
    body = sent(UserMessage(text="hi"), provider=provider, price_ceiling=CEILING)
    assert "provider" not in body


def test_without_a_budget_openrouter_may_choose_freely() -> None:
    assert "provider" not in sent(UserMessage(text="hi"), provider="openrouter")


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("acme", "m", "max_tokens"),
        ("openai", "gpt-5.4", "max_completion_tokens"),
        ("openrouter", "openai/gpt-5.4", "max_tokens"),
        ("azure", "gpt-4o", "max_tokens"),
        ("azure", "o4-mini", "max_completion_tokens"),
        ("mistral", "m", "max_tokens"),
        ("xai", "grok", "max_completion_tokens"),
    ],
)
def test_the_output_cap_has_the_name_the_provider_takes(
    provider: str, model: str, name: str
) -> None:
    body = sent(UserMessage(text="hi"), provider=provider, model=model)
    caps = {key: value for key, value in body.items() if key.startswith("max_")}
    assert caps == {name: 100}


def test_openrouter_is_told_to_count_to_keep_the_session_and_not_to_compress() -> None:
    body = sent(UserMessage(text="hi"), provider="openrouter")
    assert body["usage"] == {"include": True}
    assert body["plugins"] == [{"id": "context-compression", "enabled": False}]


async def test_openrouter_gets_the_session_in_a_header(serve: Serve, ask: Ask) -> None:
    ask.name = "openrouter"
    async with serve(STREAM_HEAD + chat_chunk("a", finish="stop")) as server:
        await ask(server.url, session_id="s" * 300)
    assert server.requests[0].headers["x-session-id"] == "s" * 256


def test_claude_behind_openrouter_is_asked_to_cache_within_a_session_only() -> None:
    hi = UserMessage(text="hi")
    claude = "anthropic/claude-sonnet-4.6"
    inside = sent(hi, provider="openrouter", model=claude, session_id="s")
    assert inside["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in sent(hi, provider="openrouter", model=claude)
    assert "cache_control" not in sent(hi, provider="openrouter", model="m", session_id="s")


def test_streams_ask_for_usage_except_where_that_is_refused() -> None:
    hi = UserMessage(text="hi")
    assert sent(hi)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in sent(hi, provider="mistral")
    assert "stream_options" not in sent(hi, stream=False)


def test_a_reasoning_model_of_openai_gets_no_temperature() -> None:
    hi = UserMessage(text="hi")
    assert sent(hi, temperature=0.5)["temperature"] == 0.5
    assert "temperature" not in sent(hi, temperature=0.5, provider="openai", model="gpt-5.4")


@pytest.mark.parametrize("model", ["deepseek-v4", "moonshotai/kimi-k2.5", "glm-5"])
def test_models_that_need_it_get_their_reasoning_back_with_tool_calls(model: str) -> None:
    assistant, final = (messages_of(sent(*CONVERSATION, model=model))[i] for i in (2, 4))
    assert assistant["reasoning_content"] == "hm"
    assert "reasoning_content" not in final


def test_a_field_named_by_the_catalogue_carries_the_reasoning() -> None:
    assistant = messages_of(sent(*CONVERSATION, reasoning_field="reasoning"))[2]
    assert assistant["reasoning"] == "hm"


def test_reasoning_is_not_sent_to_servers_that_refuse_it() -> None:
    for provider in ("openai", "mistral"):
        assert set(messages_of(sent(*CONVERSATION, provider=provider, model="deepseek"))[2]) == {
            "role", "content", "tool_calls",
        }  # fmt: skip


async def test_reasoning_details_go_back_unchanged_to_their_own_model_only(
    serve: Serve, ask: Ask
) -> None:
    ask.name = "openrouter"
    pieces = [
        {"type": "reasoning.text", "text": "a", "index": 0, "format": "x"},
        {"type": "reasoning.text", "text": "b", "index": 0, "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "zz", "index": 1, "id": "r1"},
    ]
    chunks = b"".join(chat_chunk(delta={"reasoning_details": [piece]}) for piece in pieces)
    async with serve(STREAM_HEAD + chunks + chat_chunk("ok", finish="stop")) as server:
        message = (await ask(server.url, model="m")).message
    merged = [
        {"type": "reasoning.text", "text": "ab", "index": 0, "format": "x", "signature": "sig"},
        pieces[2],
    ]
    assert messages_of(sent(message, provider="openrouter"))[0]["reasoning_details"] == merged
    other = messages_of(sent(message, provider="openrouter", model="other"))[0]
    assert other == {"role": "assistant", "content": "ok"}
    assert messages_of(sent(message, provider="acme"))[0] == other


async def test_the_signature_beside_a_gemini_call_goes_back_with_it(serve: Serve, ask: Ask) -> None:
    extra = {"google": {"thought_signature": "abc"}}
    call = {"index": 0, "id": "c1", "function": {"name": "ls", "arguments": "{}"}}
    chunk = chat_chunk(delta={"tool_calls": [{**call, "extra_content": extra}]}, finish="stop")
    async with serve(STREAM_HEAD + chunk) as server:
        message = (await ask(server.url)).message
    (back,) = cast("list[dict[str, object]]", messages_of(sent(message))[0]["tool_calls"])
    assert back["extra_content"] == extra


def test_call_ids_are_shortened_alike_in_call_and_result() -> None:
    for provider, longest in (("mistral", 9), ("openai", 40)):
        call = ToolCall(id=CallId("call_" + "x" * 50), name="ls", arguments_json="{}")
        body = sent(
            AssistantMessage(text="", tool_calls=(call,)),
            ToolResultMessage(call_id=call.id, name="ls", text="ok"),
            provider=provider,
        )
        assistant, result = messages_of(body)
        (back,) = cast("list[dict[str, object]]", assistant["tool_calls"])
        assert back["id"] == result["tool_call_id"]
        assert len(str(back["id"])) == longest


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [('{"a": 1}', '{"a": 1}'), ("", "{}"), ('{"a', '{"invalid_arguments":"{\\"a"}'),
     ("[1]", '{"invalid_arguments":"[1]"}')],
)  # fmt: skip
def test_broken_arguments_are_sent_back_as_json_that_servers_can_read(
    arguments: str, expected: str
) -> None:
    call = ToolCall(id=CallId("c"), name="ls", arguments_json=arguments)
    (message,) = messages_of(sent(AssistantMessage(text="", tool_calls=(call,))))
    (back,) = cast("list[dict[str, dict[str, object]]]", message["tool_calls"])
    assert back["function"]["arguments"] == expected


def test_an_empty_answer_is_left_out() -> None:
    assert messages_of(sent(UserMessage(text="a"), AssistantMessage(text=""))) == [
        {"role": "user", "content": "a"}
    ]


def test_pictures_are_data_urls() -> None:
    picture = Image(media_type="image/png", data_base64="AAAA")
    (message,) = messages_of(sent(UserMessage(text="look", images=(picture,))))
    assert message["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]


def test_text_that_no_encoding_holds_is_still_sent() -> None:
    assert messages_of(sent(UserMessage(text="a\ud800b")))[0]["content"] == "a?b"


CLOSED = '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}'  # noqa: E501
OPEN = '{"type":"object","properties":{"a":{"type":"string"}}}'


@pytest.mark.parametrize(("schema", "strict"), [(CLOSED, True), (OPEN, False)])
def test_a_schema_is_strict_only_if_it_keeps_the_rules(schema: str, *, strict: bool) -> None:
    body = sent(UserMessage(text="hi"), response_schema_json=schema)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": strict, "schema": json.loads(schema)},
    }


def test_where_schemas_are_unknown_json_is_asked_for() -> None:
    body = sent(UserMessage(text="hi"), response_schema_json=CLOSED, provider="deepseek")
    assert body["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": json.loads(OPEN)},
        {"anyOf": [json.loads(CLOSED), json.loads(OPEN)]},
        {"$defs": {"x": json.loads(OPEN)}, "$ref": "#/$defs/x"},
    ],
)
def test_one_open_object_anywhere_makes_a_schema_not_strict(schema: object) -> None:
    assert not fulfils_strict(schema)


def test_flavours_are_known_by_host_before_name() -> None:
    assert flavour_of(name="work", base_url=HOSTS["openrouter"]).name == "openrouter"
    assert flavour_of(name="openrouter", base_url="http://proxy/v1").name == "openrouter"
    assert flavour_of(name="openai", base_url="http://localhost/v1").name == "openai-compatible"
    assert flavour_of(name="evilopenrouter", base_url="https://notopenrouter.ai/v1").name == (
        "openai-compatible"
    )
    mistral = flavour_of(name="x", base_url="http://localhost/v1", api=Api.MISTRAL)
    assert mistral.name == "mistral"


async def test_a_query_of_the_base_url_is_kept(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + event("[DONE]")) as server:
        await ask(server.url + "/openai?api-version=2024-10-21")
    assert server.requests[0].target == "/openai/chat/completions?api-version=2024-10-21"
