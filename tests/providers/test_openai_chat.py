"""OpenAI's chat dialect over a real socket: good replies, odd replies and broken ones."""

from decimal import Decimal

import pytest

from ralex.core.messages import ToolCall
from ralex.core.stream import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ralex.core.usage import Usage
from ralex.errors import (
    OverloadedError,
    RateLimitedError,
    ServerError,
)
from tests.providers.conftest import Ask
from tests.providers.loopback import (
    STREAM_HEAD,
    Pause,
    Serve,
    chat_chunk,
    event,
    json_http,
)

DONE = event("[DONE]")
FINISH = chat_chunk(finish="stop")
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
HELLO = STREAM_HEAD + chat_chunk("Hel") + chat_chunk("lo")


def called(index: int | None, **function: object) -> bytes:
    """Write a chunk with one tool-call entry."""
    entry: dict[str, object] = {} if index is None else {"index": index}
    if "id" in function:
        entry["id"] = function.pop("id")
    return chat_chunk(delta={"tool_calls": [{**entry, "function": function}]})


async def test_a_stream_gives_its_parts_and_then_the_whole_reply(serve: Serve, ask: Ask) -> None:
    account = event({"choices": [], "model": "m-2", "usage": {**USAGE, "cost": 0.25}})
    async with serve(HELLO + FINISH + account + DONE) as server:
        reply = await ask(server.url)
    usage = Usage(input_tokens=10, output_tokens=4)
    assert ask.parts[:-1] == [
        TextDelta(text="Hel"),
        TextDelta(text="lo"),
        UsageReport(usage=usage, cost_usd=Decimal("0.25")),
    ]
    assert reply.message.text == "Hello"
    assert reply.finish_reason is FinishReason.STOP
    assert (reply.usage, reply.cost_usd, reply.model) == (usage, Decimal("0.25"), "m-2")


async def test_a_stream_cut_into_single_bytes_reads_the_same(serve: Serve, ask: Ask) -> None:
    raw = chat_chunk("Grüße 🌍").replace(b"\n", b"\r\n") + FINISH
    pieces = [STREAM_HEAD, *(raw[i : i + 1] for i in range(len(raw)))]
    async with serve([step for piece in pieces for step in (piece, Pause(0))]) as server:
        assert (await ask(server.url)).message.text == "Grüße 🌍"


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(FINISH, id="finish reason, no end mark"),
        pytest.param(DONE, id="end mark, no finish reason"),
        pytest.param(FINISH.rstrip(b"\n"), id="no blank line after the last event"),
    ],
)
async def test_a_finish_reason_or_the_end_mark_makes_a_reply_complete(
    serve: Serve, ask: Ask, end: bytes
) -> None:
    async with serve(HELLO + end) as server:
        assert (await ask(server.url)).message.text == "Hello"


async def test_the_price_after_the_end_mark_is_read(serve: Serve, ask: Ask) -> None:
    price = event({"choices": [], "cost": "0.00012"})
    async with serve(HELLO + FINISH + DONE + price) as server:
        assert (await ask(server.url)).cost_usd == Decimal("0.00012")


async def test_an_answer_of_plain_json_to_a_stream_request_is_read(serve: Serve, ask: Ask) -> None:
    choice = {"message": {"content": "Hello"}, "finish_reason": "length"}
    body = {"model": "m", "choices": [choice], "usage": USAGE}
    async with serve(json_http(body, headers="x: y\r\n")) as server:
        reply = await ask(server.url)
    assert (reply.message.text, reply.finish_reason) == ("Hello", FinishReason.LENGTH)
    assert TextDelta(text="Hello") in ask.parts


async def test_a_stream_in_answer_to_a_plain_request_is_read(serve: Serve, ask: Ask) -> None:
    async with serve(HELLO + FINISH) as server:
        assert (await ask(server.url, stream=False)).message.text == "Hello"
    assert "stream" not in server.requests[0].json


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(event({"error": {"message": "upstream died", "code": 502}}), id="openai"),
        pytest.param(
            chat_chunk(finish="error", error={"message": "upstream died", "code": 400}),
            id="openrouter, with choices",
        ),
        pytest.param(
            event({"error": {"message": "upstream died", "status_code": 400}}, name="error"),
            id="groq, named event",
        ),
        pytest.param(event("upstream died", name="error"), id="text in a named event"),
        pytest.param(event({"error": "upstream died"}), id="error as a string"),
        pytest.param(
            event({"type": "error", "error": {"type": "api_error", "message": "upstream died"}}),
            id="anthropic's shape",
        ),
        pytest.param(
            event({"choices": [{"error": {"message": "upstream died"}, "finish_reason": "error"}]}),
            id="inside the choice",
        ),
    ],
)
async def test_an_error_in_the_middle_of_the_reply_is_raised(
    serve: Serve, ask: Ask, chunk: bytes
) -> None:
    async with serve(HELLO + chunk + DONE) as server:
        with pytest.raises(ServerError, match="upstream died") as caught:
            await ask(server.url)
    assert caught.value.status is None  # the call was taken and may be billed
    assert ask.parts == [TextDelta(text="Hel"), TextDelta(text="lo")]


async def test_usage_beside_an_error_is_reported_before_it(serve: Serve, ask: Ask) -> None:
    chunk = chat_chunk(error={"message": "cut", "code": 502}, usage=USAGE)
    async with serve(STREAM_HEAD + chunk) as server:
        with pytest.raises(ServerError):
            await ask(server.url)
    assert ask.parts == [UsageReport(usage=Usage(input_tokens=10, output_tokens=4))]


async def test_an_error_in_json_with_a_good_status_is_raised(serve: Serve, ask: Ask) -> None:
    body = {"error": {"message": "Rate limit exceeded", "code": 429}, "user_id": "u"}
    async with serve(json_http(body)) as server:
        with pytest.raises(RateLimitedError):
            await ask(server.url)


@pytest.mark.parametrize("reason", ["error", "network_error", "insufficient_system_resource"])
async def test_a_finish_reason_that_says_the_answer_is_broken_is_an_error(
    serve: Serve, ask: Ask, reason: str
) -> None:
    async with serve(HELLO + chat_chunk(finish=reason) + DONE) as server:
        with pytest.raises(OverloadedError):
            await ask(server.url)


@pytest.mark.parametrize(
    ("chunks", "calls"),
    [
        pytest.param(
            [
                called(0, id="a", name="read", arguments=""),
                called(0, arguments='{"p":'),
                called(1, id="b", name="ls", arguments="{}"),
                called(0, arguments="1}"),
            ],
            [("a", "read", '{"p":1}'), ("b", "ls", "{}")],
            id="interleaved by index",
        ),
        pytest.param(
            [called(None, id="a", name="read", arguments='{"p":'), called(None, arguments="1}"),
             called(None, id="b", name="ls", arguments="{}")],
            [("a", "read", '{"p":1}'), ("b", "ls", "{}")],
            id="no index",
        ),
        pytest.param(
            [called(0, id="a", name="read", arguments="{}"),
             called(0, id="b", name="read", arguments="{}")],
            [("a", "read", "{}"), ("b", "read", "{}")],
            id="one index, two ids",
        ),
        pytest.param(
            [called(0, id="a", name=""), called(0, arguments="{"), called(0, name="read"),
             called(0, arguments="}")],
            [("a", "read", "{}")],
            id="late name",
        ),
        pytest.param(
            [called(0, id="a", name="read", arguments="{"),
             called(0, id="a", name="read", arguments="}")],
            [("a", "read", "{}")],
            id="name and id repeated",
        ),
        pytest.param(
            [called(0, id="a", name="read", arguments={"p": 1})],
            [("a", "read", '{"p":1}')],
            id="arguments as an object",
        ),
        pytest.param(
            [called(0, id="a", name="ls", arguments=""), called(1, id="b", name="ls"),
             called(2, id="c", name="ls", arguments="null")],
            [("a", "ls", "{}"), ("b", "ls", "{}"), ("c", "ls", "{}")],
            id="no arguments",
        ),
        pytest.param(
            [called(0, id="a", name="read", arguments='{"path": "x')],
            [("a", "read", '{"path": "x')],
            id="cut arguments are kept as they are",
        ),
    ],
)  # fmt: skip
async def test_tool_calls_are_put_together(
    serve: Serve, ask: Ask, chunks: list[bytes], calls: list[tuple[str, str, str]]
) -> None:
    async with serve(STREAM_HEAD + b"".join(chunks) + chat_chunk(finish="stop")) as server:
        reply = await ask(server.url)
    assert [(c.id, c.name, c.arguments_json) for c in reply.message.tool_calls] == calls
    assert reply.finish_reason is FinishReason.TOOL_CALLS
    firsts: dict[int, ToolCallDelta] = {}
    joined: dict[int, str] = {}
    for part in ask.parts:
        if isinstance(part, ToolCallDelta):
            firsts.setdefault(part.index, part)
            joined[part.index] = joined.get(part.index, "") + part.arguments_json
    assert [(firsts[i].call_id, firsts[i].name) for i in sorted(firsts)] == [
        (call_id, name) for call_id, name, _ in calls
    ]
    for index, (_, _, arguments) in enumerate(calls):
        assert joined[index] in (arguments, "", "null")


async def test_a_call_without_an_id_is_given_one_that_no_other_call_has(
    serve: Serve, ask: Ask
) -> None:
    chunks = called(0, name="ls") + called(1, name="ls")
    async with serve(STREAM_HEAD + chunks + FINISH) as server:
        calls = (await ask(server.url)).message.tool_calls
    ids = {call.id for call in calls}
    assert len(ids) == 2
    assert all(ids)
    assert ids == {part.call_id for part in ask.parts if isinstance(part, ToolCallDelta)}


async def test_a_legacy_function_call_is_a_tool_call(serve: Serve, ask: Ask) -> None:
    chunks = chat_chunk(delta={"function_call": {"name": "ls", "arguments": ""}})
    chunks += chat_chunk(delta={"function_call": {"arguments": "{}"}})
    async with serve(STREAM_HEAD + chunks + chat_chunk(finish="function_call")) as server:
        reply = await ask(server.url)
    (call,) = reply.message.tool_calls
    assert call == ToolCall(id=call.id, name="ls", arguments_json="{}")
    assert reply.finish_reason is FinishReason.TOOL_CALLS


async def test_calls_cut_by_the_output_cap_keep_that_reason(serve: Serve, ask: Ask) -> None:
    chunks = called(0, id="a", name="ls", arguments='{"x') + chat_chunk(finish="length")
    async with serve(STREAM_HEAD + chunks) as server:
        assert (await ask(server.url)).finish_reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", FinishReason.STOP), ("eos", FinishReason.STOP), ("length", FinishReason.LENGTH),
     ("content_filter", FinishReason.CONTENT_FILTER), ("whatever", FinishReason.OTHER),
     ("tool_calls", FinishReason.OTHER)],
)  # fmt: skip
async def test_finish_reasons_are_mapped(
    serve: Serve, ask: Ask, reason: str, expected: FinishReason
) -> None:
    async with serve(HELLO + chat_chunk(finish=reason)) as server:
        assert (await ask(server.url)).finish_reason is expected


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param([{"reasoning_content": "hm"}, {"content": "ok"}], id="reasoning_content"),
        pytest.param([{"reasoning": "hm"}, {"content": "ok"}], id="reasoning"),
        pytest.param(
            [{"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
             {"content": "ok"}],
            id="told twice",
        ),
        pytest.param(
            [{"reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}, {"content": "ok"}],
            id="details only",
        ),
        pytest.param([{"content": "<thi"}, {"content": "nk>hm</th"}, {"content": "ink>\n\nok"}],
                     id="inline tag, cut"),
        pytest.param([{"content": [{"type": "thinking", "thinking": [{"text": "hm"}]},
                                   {"type": "text", "text": "ok"}]}], id="typed parts"),
    ],
)  # fmt: skip
async def test_reasoning_is_told_apart_from_the_answer(
    serve: Serve, ask: Ask, deltas: list[dict[str, object]]
) -> None:
    chunks = b"".join(chat_chunk(delta=delta) for delta in deltas)
    async with serve(STREAM_HEAD + chunks + FINISH) as server:
        reply = await ask(server.url)
    assert (reply.message.reasoning, reply.message.text) == ("hm", "ok")
    shown = "".join(part.text for part in ask.parts if isinstance(part, ReasoningDelta))
    assert shown == "hm"


async def test_a_refusal_is_shown_and_marked(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + chat_chunk(delta={"refusal": "No."}) + FINISH) as server:
        reply = await ask(server.url)
    assert (reply.message.text, reply.refusal) == ("No.", "No.")


async def test_half_a_character_at_the_end_of_a_delta_waits_for_its_other_half(
    serve: Serve, ask: Ask
) -> None:
    first = event('{"choices":[{"delta":{"content":"a\\ud83c"}}]}')
    second = event('{"choices":[{"delta":{"content":"\\udf0d \\ud800 b"}}]}')
    async with serve(STREAM_HEAD + first + second + FINISH) as server:
        assert (await ask(server.url)).message.text == "a🌍 \ufffd b"


async def test_chunks_without_choices_are_harmless_wherever_they_stand(
    serve: Serve, ask: Ask
) -> None:
    empty = event({"choices": [], "prompt_filter_results": []})
    null = event({"choices": None, "usage": None})
    async with serve(STREAM_HEAD + empty + null + chat_chunk("a") + empty + FINISH) as server:
        assert (await ask(server.url)).message.text == "a"


async def test_the_last_usage_counts_and_nulls_keep_the_earlier(serve: Serve, ask: Ask) -> None:
    chunks = (
        chat_chunk("a", usage={"prompt_tokens": 10, "completion_tokens": None})
        + chat_chunk("b", usage={"prompt_tokens": 10, "completion_tokens": 1})
        + chat_chunk(finish="stop", x_groq={"usage": {"completion_tokens": 3}})
        + event({"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": 4}})
        + chat_chunk(usage=None)
    )
    async with serve(STREAM_HEAD + chunks) as server:
        assert (await ask(server.url)).usage == Usage(input_tokens=10, output_tokens=4)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 10},
        {"prompt_tokens": 10, "completion_tokens": 0},
        {"prompt_tokens": 0, "completion_tokens": 5},
        {"total_tokens": 15},
    ],
    ids=["nothing", "no output", "output of 0", "input of 0", "a sum alone"],
)
async def test_usage_without_one_of_its_halves_beside_an_answer_counts_as_unreported(
    serve: Serve, ask: Ask, usage: dict[str, int]
) -> None:
    async with serve(HELLO + chat_chunk(finish="stop", usage=usage)) as server:
        assert (await ask(server.url)).usage is None


async def test_a_price_that_no_call_can_have_counts_as_unreported(serve: Serve, ask: Ask) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 1e12}
    async with serve(HELLO + chat_chunk(finish="stop", usage=usage)) as server:
        assert (await ask(server.url)).cost_usd is None
