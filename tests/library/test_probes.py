"""What a failing provider costs a caller: each probe over a real socket, from a config file on."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

import ralex
from ralex.config.load import load_config
from ralex.dispatch.dispatcher import Dispatcher
from ralex.errors import (
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    OverloadedError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitedError,
    StreamCutError,
)
from tests.providers.loopback import (
    STREAM_HEAD,
    Answer,
    Hang,
    Serve,
    chat_chunk,
    event,
    json_http,
    serve,
)

__all__ = ["serve"]

HI = [{"role": "user", "content": "hi"}]
USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
FINE = (
    STREAM_HEAD
    + chat_chunk("fine")
    + event({"choices": [{"index": 0, "finish_reason": "stop"}], "usage": USAGE})
    + event("[DONE]")
)
WORDS = "one two three four five"
CUT_AFTER_FIVE = STREAM_HEAD + b"".join(chat_chunk(f"{word} ") for word in WORDS.split())
CUT_BEFORE = STREAM_HEAD


def refusal(status: int, text: str = "no", *, headers: str = "", code: str = "") -> bytes:
    body = {"error": {"message": text, "code": code or None}}
    return json_http(body, status=status, headers=headers)


def client_of(home: Path, *urls: str, more: str = "", daily: str = "5") -> ralex.Client:
    """Make one with a provider for each address, each with a model ``m``, and a chain of them."""
    lines = [f"[budget]\ndaily_usd = {daily}\nalert_usd = false"]
    for name, url in zip("abc", urls, strict=False):
        lines.append(f'[providers.{name}]\nbase_url = "{url}"')
        lines.append(f'[models."{name}/m"]\nprice = {{ input = 1, output = 2 }}')
    chain = ", ".join(f'"{name}/m"' for name, _ in zip("abc", urls, strict=False))
    lines.append(f"[routers.chain]\ntiers = {{ SIMPLE = [{chain}] }}")
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text("\n".join([*lines, more]), encoding="utf-8")
    config = load_config(cwd=home, environ={"RALEX_HOME": str(home)})
    return ralex.Client(config=config)


TWO_RETRIES = "[retries]\ncount = 2\n"


@pytest.mark.parametrize(
    ("answer", "error", "calls", "most_s"),
    [
        (refusal(503), OverloadedError, 3, 2.25),
        (refusal(429), RateLimitedError, 3, 2.25),
        (refusal(429, headers="retry-after-ms: 40\r\n"), RateLimitedError, 3, 0.6),
        (refusal(429, headers="retry-after: 3600\r\n"), RateLimitedError, 1, 0.0),
        (refusal(429, code="insufficient_quota"), ProviderError, 1, 0.0),
        (refusal(400), BadRequestError, 1, 0.0),
        (refusal(401), AuthenticationError, 1, 0.0),
    ],
    ids=["503", "429", "429 with a wait", "429 for an hour", "no credit", "400", "401"],
)
async def test_a_lone_model_that_fails(
    tmp_path: Path,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    answer: bytes,
    error: type[ProviderError],
    calls: int,
    most_s: float,
) -> None:
    waits: list[float] = []
    _note_waits(monkeypatch, waits)
    async with (
        serve(*[answer] * calls) as server,
        client_of(tmp_path, server.url, more=TWO_RETRIES) as client,
    ):
        with pytest.raises(error):
            await client.complete("a/m", HI)
    assert len(server.requests) == calls
    assert len(waits) == calls - 1, "none after the last attempt"
    assert sum(waits) <= most_s


def _note_waits(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> None:
    """Let the dispatcher's waits pass at once, and remember how long they were."""
    original = Dispatcher.__init__

    def init(self: Dispatcher, **values: object) -> None:
        async def note(seconds: float) -> None:
            waits.append(seconds)

        original(self, **{**values, "sleep": note})  # pyright: ignore[reportArgumentType]  # passes on what it got

    monkeypatch.setattr(Dispatcher, "__init__", init)


async def test_a_server_that_stumbles_once_is_asked_twice(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    _note_waits(monkeypatch, waits)
    async with serve(refusal(503), FINE) as server, client_of(tmp_path, server.url) as client:
        assert (await client.complete("a/m", HI)).text == "fine"
    assert len(server.requests) == 2
    assert waits[0] <= 0.75


@pytest.mark.parametrize(
    "answer",
    [refusal(503), refusal(429), refusal(401), CUT_BEFORE, json_http({"choices": []})],
    ids=["503", "429", "401", "a cut before content", "no choices"],
)
async def test_a_fallback_takes_over_after_one_call(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    waits: list[float] = []
    _note_waits(monkeypatch, waits)
    async with (
        serve(answer) as first,
        serve(FINE) as second,
        client_of(tmp_path, first.url, second.url) as client,
    ):
        reply = await client.complete("chain", HI)
    assert (reply.model, reply.text) == ("b/m", "fine")
    assert (len(first.requests), len(second.requests), waits) == (1, 1, [])


async def test_of_two_deployments_the_healthy_one_answers(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    _note_waits(monkeypatch, waits)
    more = '[deployments]\nboth = ["a/m", "b/m"]\n'
    async with (
        serve(refusal(503)) as first,
        serve(*[FINE] * 6) as second,
        client_of(tmp_path, first.url, second.url, more=more) as client,
    ):
        for _ in range(6):
            assert (await client.complete("both", HI)).model == "b/m"
            if first.requests:
                break
    assert len(first.requests) <= 1
    assert waits == []


async def test_a_request_that_is_too_long_takes_its_own_chain(tmp_path: Path, serve: Serve) -> None:
    too_long = refusal(400, "maximum context length is 8", code="context_length_exceeded")
    chains = '[fallbacks]\ncontext_window = { "a/m" = ["c/m"] }\n'
    async with (
        serve(too_long) as first,
        serve() as second,
        serve(FINE) as third,
        client_of(tmp_path, first.url, second.url, third.url, more=chains) as client,
    ):
        assert (await client.complete("chain", HI)).model == "c/m"
    assert len(second.requests) == 0


async def test_a_cut_after_five_words_is_an_error_that_keeps_them(
    tmp_path: Path, serve: Serve
) -> None:
    async with (
        serve(CUT_AFTER_FIVE) as first,
        serve() as second,
        client_of(tmp_path, first.url, second.url) as client,
    ):
        with pytest.raises(StreamCutError) as caught:
            await client.complete("chain", HI)
    assert caught.value.partial.split() == WORDS.split()
    assert "ask to continue" in caught.value.hint
    assert (len(first.requests), len(second.requests)) == (1, 0)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("first_byte_s", (Hang(),)),
        ("idle_s", (STREAM_HEAD + chat_chunk("one"), Hang())),
    ],
    ids=["first byte", "idle"],
)
async def test_each_wait_of_the_file_bounds_the_call(
    tmp_path: Path, serve: Serve, key: str, answer: Answer
) -> None:
    waits = f"[timeouts]\nconnect_s = 5\n{key} = 0.1\n[retries]\ncount = 0\n"
    async with serve(answer) as server, client_of(tmp_path, server.url, more=waits) as client:
        async with asyncio.timeout(20):
            with pytest.raises(ProviderTimeoutError):
                await client.complete("a/m", HI)


async def test_ten_identical_questions_at_once_are_one_call(tmp_path: Path, serve: Serve) -> None:
    async with serve(FINE) as server, client_of(tmp_path, server.url) as client:
        replies = await asyncio.gather(*[client.complete("a/m", HI) for _ in range(10)])
    assert {reply.text for reply in replies} == {"fine"}
    assert len(server.requests) == 1


async def test_twenty_calls_against_money_for_one_are_one_call(
    tmp_path: Path, serve: Serve
) -> None:
    dear = FINE.replace(b'"completion_tokens": 2', b'"completion_tokens": 500')
    async with serve(dear) as server, client_of(tmp_path, server.url, daily="0.00115") as client:
        results = await asyncio.gather(
            *[client.complete("a/m", HI, share=False, max_tokens=500) for _ in range(20)],
            return_exceptions=True,
        )
        state = await (await client._opened()._engine.ledger()).state()
    refused = [one for one in results if isinstance(one, BudgetExceededError)]
    assert len(server.requests) == 1
    assert len(refused) == 19
    assert state.spent_usd + state.held_usd <= Decimal("0.00115")
