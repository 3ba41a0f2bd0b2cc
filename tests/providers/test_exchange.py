"""Replies over a real socket: error statuses, cut and silent streams, and who hangs up when."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from ralex.config.model import Timeouts
from ralex.core.messages import ModelRequest, UserMessage
from ralex.core.stream import (
    StreamFinished,
    TextDelta,
)
from ralex.errors import (
    AuthenticationError,
    BillingError,
    ConnectError,
    ContextOverflowError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    ProviderTimeoutError,
    RateLimitedError,
    ServerError,
    StreamCutError,
)
from ralex.providers.openai_chat import OpenAIChat
from tests.providers.conftest import KEY, Ask
from tests.providers.loopback import (
    STREAM_HEAD,
    Hang,
    Pause,
    Reset,
    Serve,
    chat_chunk,
    event,
    http,
    json_http,
    serving,
)

DONE = event("[DONE]")
FINISH = chat_chunk(finish="stop")
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
HELLO = STREAM_HEAD + chat_chunk("Hel") + chat_chunk("lo")


async def until(is_true: Callable[[], bool]) -> None:
    """Let the loop run until something holds."""
    async with asyncio.timeout(60):
        while not is_true():  # noqa: ASYNC110  what is waited for has no event of its own
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([HELLO], id="clean end between events"),
        pytest.param([HELLO + FINISH[:40]], id="clean end inside an event"),
        pytest.param([HELLO, Reset()], id="connection reset"),
        pytest.param([STREAM_HEAD], id="nothing at all"),
        pytest.param([Reset()], id="reset before the head"),
    ],
)
async def test_a_stream_without_a_finish_reason_is_an_error(
    serve: Serve, ask: Ask, steps: list[bytes | Reset]
) -> None:
    async with serve(steps) as server:
        with pytest.raises(StreamCutError) as caught:
            await ask(server.url)
    assert caught.value.retryable
    assert caught.value.status is None


async def test_what_breaks_after_the_finish_reason_does_not_spoil_the_reply(
    serve: Serve, ask: Ask
) -> None:
    async with serve([HELLO + FINISH, Reset()]) as server:
        reply = await ask(server.url)
    assert (reply.message.text, reply.usage) == ("Hello", None)


async def test_a_connection_that_stays_open_after_the_end_mark_is_left(
    serve: Serve, ask: Ask
) -> None:
    ask.timeouts = Timeouts(connect_s=2, first_byte_s=2, idle_s=0.1)
    async with serve([HELLO + FINISH + DONE, Hang()]) as server:
        assert (await ask(server.url)).message.text == "Hello"


async def test_blanks_before_json_are_skipped(serve: Serve, ask: Ask) -> None:
    body = "\n         \n" + '{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}'
    async with serve(http(body)) as server:
        assert (await ask(server.url, stream=False)).message.text == "a"


async def test_the_content_type_is_not_believed(serve: Serve, ask: Ask) -> None:
    body = chat_chunk("Hello") + FINISH
    async with serve(http(body, content_type="application/octet-stream")) as server:
        assert (await ask(server.url)).message.text == "Hello"


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, {"error": {"message": "bad key"}}, AuthenticationError, "ACME_KEY"),
        (402, {"error": {"message": "no credits"}}, BillingError, "top up"),
        (404, {"error": {"message": "no such model"}}, ModelNotFoundError, "ralex models"),
        (500, {"error": {"message": "boom"}}, ServerError, "try again"),
        (503, {}, OverloadedError, "moment"),
        (400, {"error": {"message": "x", "code": "context_length_exceeded"}},
         ContextOverflowError, "/compact"),
    ],
)  # fmt: skip
async def test_an_error_status_is_raised_before_the_reply_begins(
    serve: Serve, ask: Ask, status: int, body: object, error: type[Exception], said: str
) -> None:
    async with serve(json_http(body, status=status)) as server:
        provider = ask.provider(server.url)
        request = ModelRequest(model="m", messages=(UserMessage(text="hi"),), max_output_tokens=1)
        entered = False
        with pytest.raises(error) as caught:
            async with provider.stream(request):
                entered = True
        await provider.aclose()
    assert not entered
    assert f"({status})" in str(caught.value)
    assert said in getattr(caught.value, "hint", "")


async def test_a_429_carries_the_providers_own_wait(serve: Serve, ask: Ask) -> None:
    async with serve(json_http({}, status=429, headers="retry-after: 7\r\n")) as server:
        with pytest.raises(RateLimitedError) as caught:
            await ask(server.url)
    assert caught.value.retry_after_s == 7
    assert "7 s" in caught.value.hint


async def test_retry_after_of_a_good_answer_is_ignored(serve: Serve, ask: Ask) -> None:
    body = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    async with serve(json_http(body, headers="retry-after: 60\r\n")) as server:
        assert (await ask(server.url)).message.text == "a"


async def test_an_error_page_of_html_is_told_in_one_line(serve: Serve, ask: Ask) -> None:
    page = "<html><head><title>502 Bad\nGateway</title></head><body>cloudflare</body></html>"
    async with serve(http(page, status=502, content_type="text/html")) as server:
        with pytest.raises(ServerError, match="a web page, '502 Bad"):
            await ask(server.url)


async def test_a_web_page_with_a_good_status_is_no_answer(serve: Serve, ask: Ask) -> None:
    async with serve(http("<!doctype html><p>log in</p>", content_type="text/html")) as server:
        with pytest.raises(MalformedReplyError, match="web page"):
            await ask(server.url)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(STREAM_HEAD + event('{"choices":[{') + FINISH, id="event"),
        pytest.param(STREAM_HEAD + event("7") + FINISH, id="event of a number"),
        pytest.param(http('{"choices":[{"message'), id="document"),
        pytest.param(json_http({"id": "x"}), id="document without an answer"),
        pytest.param(json_http({"choices": []}), id="document without choices"),
        pytest.param(http("[" * 100_000), id="nested too deep"),
    ],
)
async def test_a_reply_that_is_not_the_dialect_is_malformed(
    serve: Serve, ask: Ask, body: bytes
) -> None:
    async with serve(body) as server:
        with pytest.raises(MalformedReplyError):
            await ask(server.url)


async def test_a_server_that_never_answers_is_given_up(serve: Serve, ask: Ask) -> None:
    ask.timeouts = Timeouts(connect_s=0.1, first_byte_s=0.1, idle_s=5)
    async with serve([Hang()]) as server:
        with pytest.raises(ProviderTimeoutError):
            await ask(server.url)


async def test_a_head_that_trickles_in_is_given_up(serve: Serve, ask: Ask) -> None:
    ask.timeouts = Timeouts(connect_s=0.1, first_byte_s=0.1, idle_s=5)
    steps = [step for byte in STREAM_HEAD for step in (bytes([byte]), Pause(0.02))]
    async with serve(steps) as server:
        with pytest.raises(ProviderTimeoutError):
            await ask(server.url)


async def test_a_reply_that_falls_silent_is_given_up(serve: Serve, ask: Ask) -> None:
    ask.timeouts = Timeouts(connect_s=2, first_byte_s=2, idle_s=0.1)
    async with serve([HELLO, Hang()]) as server:
        with pytest.raises(ProviderTimeoutError, match=r"sent nothing for 0\.1 s"):
            await ask(server.url)
    assert ask.parts == [TextDelta(text="Hel"), TextDelta(text="lo")]


async def test_keep_alives_without_an_answer_are_given_up(serve: Serve, ask: Ask) -> None:
    ask.timeouts = Timeouts(connect_s=2, first_byte_s=0.05, idle_s=0.05)
    steps = [STREAM_HEAD, *(step for _ in range(40) for step in (b": wait\n\n", Pause(0.02)))]
    async with serve(steps) as server:
        with pytest.raises(ProviderTimeoutError, match="keep-alives"):
            await ask(server.url)


async def test_slow_pieces_within_the_limits_are_waited_for(serve: Serve, ask: Ask) -> None:
    ask.timeouts = Timeouts(connect_s=2, first_byte_s=2, idle_s=0.5)
    pieces = [STREAM_HEAD, *([chat_chunk("a"), Pause(0.05)] * 5), FINISH]
    async with serve(pieces) as server:
        assert (await ask(server.url)).message.text == "aaaaa"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_unreachable_port_names_host_and_port(ask: Ask, scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = int(unused.getsockname()[1])
    with pytest.raises(ConnectError, match=f"cannot reach 127.0.0.1:{port}: ") as caught:
        await ask(f"{scheme}://127.0.0.1:{port}/v1")
    assert caught.value.__cause__ is not None


async def test_leaving_early_closes_the_connection(serve: Serve, ask: Ask) -> None:
    request = ModelRequest(model="m", messages=(UserMessage(text="hi"),), max_output_tokens=1)
    async with serve([HELLO, Hang()]) as server:
        provider = ask.provider(server.url)
        async with provider.stream(request) as parts:
            assert await anext(parts) == TextDelta(text="Hel")
        async with asyncio.timeout(60):
            await server.hung_up.wait()
        await provider.aclose()


async def test_cancelling_closes_the_connection(serve: Serve, ask: Ask) -> None:
    async with serve([HELLO, Hang()]) as server:
        asking = asyncio.ensure_future(ask(server.url))
        await until(lambda: len(ask.parts) == 2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(60):
            await server.hung_up.wait()


async def test_the_key_is_sent_and_never_told(serve: Serve, ask: Ask) -> None:
    body = {"error": {"message": f"Incorrect API key provided: {KEY}. See sk-other-12345678"}}
    async with serve(json_http(body, status=401)) as server:
        with pytest.raises(AuthenticationError) as caught:
            await ask(server.url)
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(ask.provider(server.url))
    told = f"{caught.value} {caught.value.hint} {caught.value!r}"
    assert KEY not in told
    assert "12345678" not in told


async def test_a_redirect_is_not_followed_with_the_key(serve: Serve, ask: Ask) -> None:
    moved = http(status=307, headers="location: https://evil.example/v1?key=abc\r\n")
    async with serve(moved) as server:
        with pytest.raises(Exception, match=r"redirects to https://evil\.example/v1 \(307\)"):
            await ask(server.url)
        assert len(server.requests) == 1


async def test_one_provider_serves_many_calls_over_one_connection(serve: Serve, ask: Ask) -> None:
    body = b'{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}'
    kept = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    request = ModelRequest(model="m", messages=(UserMessage(text="hi"),), max_output_tokens=1)
    async with serve(kept, kept) as server:
        provider = ask.provider(server.url)
        for _ in range(2):
            async with provider.stream(request) as parts:
                assert [part async for part in parts]
        await provider.aclose()
    assert (len(server.requests), server.connections) == (2, 1)


def test_one_provider_serves_one_event_loop_after_the_other(ask: Ask) -> None:
    async def once() -> str:
        async with serving(HELLO + FINISH) as server:
            http._base = server.url  # the same adapter, a new server in a new loop
            request = ModelRequest(
                model="m", messages=(UserMessage(text="hi"),), max_output_tokens=1
            )
            async with shared.stream(request) as parts:
                last = [part async for part in parts][-1]
        assert isinstance(last, StreamFinished)
        return last.message.text

    shared = ask.provider("http://127.0.0.1:1")
    assert isinstance(shared, OpenAIChat)
    http = shared._http
    assert [asyncio.run(once()) for _ in range(2)] == ["Hello", "Hello"]
