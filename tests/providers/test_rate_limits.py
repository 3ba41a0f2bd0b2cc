"""What providers say of their limits, in each one's own way of saying it."""

from datetime import UTC, datetime

import pytest

from ralex.core.rate_limits import Allowance, RateLimits
from ralex.errors import RateLimitedError
from ralex.providers.faults import error_from_response
from ralex.providers.rate_limits import rate_limits
from tests.providers.conftest import Ask
from tests.providers.loopback import STREAM_HEAD, Serve, chat_chunk, event

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)

OPENAI = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "59",
    "x-ratelimit-reset-requests": "1s",
    "x-ratelimit-limit-tokens": "150000",
    "x-ratelimit-remaining-tokens": "149984",
    "x-ratelimit-reset-tokens": "6m0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2026-11-20T12:00:30Z",
    "anthropic-ratelimit-input-tokens-limit": "40000",
    "anthropic-ratelimit-input-tokens-remaining": "39000",
    "anthropic-ratelimit-input-tokens-reset": "2026-11-20T12:01:00+00:00",
    "anthropic-ratelimit-output-tokens-limit": "8000",
    "anthropic-ratelimit-output-tokens-remaining": "2000",
    "anthropic-ratelimit-output-tokens-reset": "2026-11-20T12:00:45Z",
}
MISTRAL = {
    "x-ratelimit-limit-req-minute": "300",
    "x-ratelimit-remaining-req-minute": "299",
    "x-ratelimit-limit-tokens-minute": "50000",
    "x-ratelimit-remaining-tokens-minute": "49000",
    "ratelimitbysize-limit": "500000",
    "ratelimitbysize-remaining": "499000",
    "ratelimitbysize-reset": "12",
}
OPENROUTER = {
    "x-ratelimit-limit": "20",
    "x-ratelimit-remaining": "0",
    "x-ratelimit-reset": str(NOW_MS + 5_000),
}


def allowance(remaining: int, limit: int | None, reset_s: float | None) -> Allowance:
    return Allowance(remaining=remaining, limit=limit, reset_s=reset_s)


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        pytest.param(OPENAI, allowance(59, 60, 1), allowance(149984, 150000, 360), id="openai"),
        pytest.param(ANTHROPIC, allowance(49, 50, 30), allowance(2000, 8000, 45), id="anthropic"),
        pytest.param(MISTRAL, allowance(299, 300, 60), allowance(49000, 50000, 60), id="mistral"),
        pytest.param(OPENROUTER, allowance(0, 20, 5), None, id="openrouter"),
        pytest.param(
            {"ratelimit-limit": "10", "ratelimit-remaining": "3", "ratelimit-reset": "7.5"},
            allowance(3, 10, 7.5),
            None,
            id="ietf",
        ),
        pytest.param(
            {"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "120ms"},
            None,
            allowance(5, None, 0.12),
            id="milliseconds, no limit",
        ),
        pytest.param(
            {"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "soon"},
            allowance(1, None, None),
            None,
            id="odd reset",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-requests-remaining": "1",
                "anthropic-ratelimit-requests-reset": "2026-11-20T11:00:00Z",
            },
            allowance(1, None, 0),
            None,
            id="reset in the past",
        ),
    ],
)
def test_each_providers_headers_are_understood(
    headers: dict[str, str], requests: Allowance | None, tokens: Allowance | None
) -> None:
    assert rate_limits(headers, now=NOW) == RateLimits(requests=requests, tokens=tokens)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/event-stream"},
        {"x-ratelimit-remaining-requests": "many"},
        {"x-ratelimit-remaining-requests": "nan"},
        {"x-ratelimit-remaining-requests": "-3"},
        {"ratelimit-remaining": "9223372036854775807"},
        {"x-ratelimit-reset": str(NOW_MS)},
    ],
    ids=lambda headers: " ".join(headers.values()) or "none",
)
def test_headers_that_say_nothing_are_nothing(headers: dict[str, str]) -> None:
    assert rate_limits(headers, now=NOW) is None


@pytest.mark.parametrize(
    ("used", "age_s", "share"),
    [(0, 0.0, 0.5), (20, 0.0, 0.3), (90, 0.0, 0.0), (0, 10.0, 1.0)],
    ids=["as told", "less what was sent", "all of it sent", "after the reset"],
)
def test_the_share_left_follows_use_and_time(used: int, age_s: float, share: float) -> None:
    told = allowance(50, 100, 10)
    assert told.share_left(used=used, age_s=age_s) == pytest.approx(share)


def test_limits_without_a_reset_are_not_believed_for_ever() -> None:
    used_up = allowance(0, 100, None)
    assert used_up.share_left(age_s=59.0) == 0
    assert used_up.share_left(age_s=60.0) == 1


async def test_the_limits_of_an_answer_come_before_its_parts(ask: Ask, serve: Serve) -> None:
    head = STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nx-ratelimit-remaining-requests: 7\r\n\r\n", 1)
    answer = head + chat_chunk("hi") + event({"choices": [{"finish_reason": "stop"}]})
    async with serve(answer + event("[DONE]")) as server:
        reply = await ask(server.url)
    assert reply.message.text == "hi"
    assert ask.limits == RateLimits(requests=allowance(7, None, None))


def test_a_429_without_retry_after_waits_for_the_used_up_limit() -> None:
    error = error_from_response(
        429,
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"} | {},
        b'{"error": {"message": "slow down"}}',
        provider="acme",
        now=NOW,
    )
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == 2


def test_a_429_with_limits_that_are_not_used_up_names_no_wait() -> None:
    error = error_from_response(429, OPENAI, b"{}", provider="acme", now=NOW)
    assert error.retry_after_s is None
