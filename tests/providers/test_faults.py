"""Error bodies of every provider become the right error, in one safe line."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ralex.errors import (
    AuthenticationError,
    BadRequestError,
    BillingError,
    ContentFilterError,
    ContextOverflowError,
    ModelNotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitedError,
    ServerError,
)
from ralex.providers.fault_bodies import tidy
from ralex.providers.faults import Origin, error_from_response, error_in_reply
from ralex.providers.retry_after import duration_s, wait_from_headers, wait_from_text

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def error_of(status: int, body: object, **headers: str) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from_response(status, named, raw, provider="acme", now=NOW)


def zen(kind: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": "sorry"}, "metadata": {}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"error": {"message": "x", "code": "invalid_api_key"}}, AuthenticationError),
        (401, {"detail": "Invalid API Key"}, AuthenticationError),
        (400, {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid.",
                         "details": [{"reason": "API_KEY_INVALID"}]}}, AuthenticationError),
        (400, {"code": "invalid-argument", "error": "Incorrect API key provided"},
         AuthenticationError),
        (401, zen("AuthError"), AuthenticationError),
        (401, zen("CreditsError"), BillingError),
        (401, zen("MonthlyLimitError"), BillingError),
        (401, zen("ModelError"), ModelNotFoundError),
        (403, zen("RegionError"), PermissionDeniedError),
        (429, zen("FreeUsageLimitError"), RateLimitedError),
        (429, zen("GoUsageLimitError"), RateLimitedError),
        (402, {}, BillingError),
        (409, {"error": {"message": "the lock timed out"}}, ServerError),
        (425, {}, ServerError),
        (429, {"error": {"message": "quota", "code": "insufficient_quota"}}, BillingError),
        (400, {"type": "error", "error": {"type": "invalid_request_error",
               "message": "Your credit balance is too low to access the API."}}, BillingError),
        (429, {"error": {"code": 429, "message": "You exceeded your current quota, please check",
                         "status": "RESOURCE_EXHAUSTED"}}, RateLimitedError),
        (403, {"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["x"]}}},
         ContentFilterError),
        (400, {"error": {"code": "content_filter", "message": "x"}}, ContentFilterError),
        (400, {"error": {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
         ContentFilterError),
        (400, {"error": {"message": "m is not a valid model ID", "code": 400}}, ModelNotFoundError),
        (400, {"object": "error", "type": "invalid_model", "code": "1500", "message": "x"},
         ModelNotFoundError),
        (404, {"error": {"code": "DeploymentNotFound", "message": "x"}}, ModelNotFoundError),
        (400, {"error": {"message": "This model's maximum context length is 8 tokens."}},
         ContextOverflowError),
        (400, {"type": "error", "error": {"type": "invalid_request_error",
               "message": "prompt is too long: 9 tokens > 8 maximum"}}, ContextOverflowError),
        (400, {"error": {"message": "The input token count (9) exceeds the maximum"}},
         ContextOverflowError),
        (400, {"error": {"type": "exceed_context_size_error", "message": "x"}},
         ContextOverflowError),
        (400, {"error": {"type": "too_many_prompt_tokens", "message": "x"}}, ContextOverflowError),
        (400, {"error": "prompt too long; exceeded max context length by 5 tokens"},
         ContextOverflowError),
        (413, {"error": {"type": "request_too_large", "message": "x"}}, ContextOverflowError),
        (422, {"message": {"detail": [{"msg": "field required"}]}}, BadRequestError),
        (400, {"error": {"message": "bad"}}, BadRequestError),
        (408, {}, ProviderTimeoutError),
        (504, b"", ProviderTimeoutError),
        (500, {"error": {"message": "x", "type": "server_error"}}, ServerError),
        (502, b"<html><title>Bad gateway</title>", ServerError),
        (503, b"", OverloadedError),
        (529, {"type": "error", "error": {"type": "overloaded_error"}}, OverloadedError),
        (500, {"error": {"type": "overloaded_error", "message": "x"}}, OverloadedError),
        (418, b"short and stout", BadRequestError),
    ],
)  # fmt: skip
def test_bodies_and_statuses_become_errors(
    status: int, body: object, expected: type[ProviderError]
) -> None:
    error = error_of(status, body)
    assert type(error) is expected
    assert error.status == status
    assert error.hint
    assert "\n" not in error.message


@pytest.mark.parametrize(
    "raw",
    [
        "google/x is temporarily rate-limited upstream",
        json.dumps({"error": {"message": "google/x is temporarily rate-limited upstream"}}),
        {"error": {"message": "google/x is temporarily rate-limited upstream"}},
    ],
    ids=["text", "json in text", "object"],
)
def test_the_real_cause_behind_openrouter_is_told(raw: object) -> None:
    body = {"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": raw}}}
    error = error_of(429, body)
    assert isinstance(error, RateLimitedError)
    assert "Provider returned error: google/x is temporarily rate-limited" in error.message


def test_an_overflow_behind_openrouter_is_recognised_in_the_cause() -> None:
    raw = json.dumps({"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}})
    body = {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}}
    assert isinstance(error_of(400, body), ContextOverflowError)


def test_an_array_around_an_error_is_opened() -> None:
    assert "inner" in error_of(400, [{"error": {"code": 400, "message": "inner"}}]).message


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "9", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, 30),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=30), usegmt=True)}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "99999999"}, None),
        ({"x-ratelimit-reset": str(NOW_MS + 4000)}, 4),
        ({"x-ratelimit-reset": "12"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_the_wait_is_read_from_headers(headers: dict[str, str], expected: float | None) -> None:
    wait_s = wait_from_headers(headers, now=NOW, has_rate_reset=True)
    assert wait_s == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": 429, "details": [{"retryDelay": "48s"}]}}, 48),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(NOW_MS + 4000)}}}}, 4),
        ({"error": {"message": "Please try again in 1m20.5s. Visit us."}}, 80.5),
        ({"error": {"message": "Please try again in 120ms."}}, 0.12),
        ({"error": {"message": "no idea"}}, None),
    ],
)  # fmt: skip
def test_the_wait_is_read_from_the_body(body: object, expected: float | None) -> None:
    wait_s = error_of(429, body).retry_after_s
    assert wait_s == (None if expected is None else pytest.approx(expected, abs=0.01))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("120ms", 0.12), ("6m0s", 360), ("1h2m3s", 3723), ("48s", 48), ("2", 2), ("", None),
     ("x", None), ("1d", 86400)],
)  # fmt: skip
def test_durations_are_read(text: str, expected: float | None) -> None:
    assert duration_s(text) == expected


def test_an_unrelated_number_is_no_wait() -> None:
    assert wait_from_text("please try again later") is None


def test_a_wait_of_hours_is_said_in_hours() -> None:
    assert "5 hours" in error_of(429, {}, retry_after="18000").hint


def test_a_server_that_says_not_to_retry_is_obeyed() -> None:
    error = error_of(529, {}, x_should_retry="false")
    assert not error.retryable
    assert (error.code, error.status) == ("provider", 529)
    assert error_of(400, {}, x_should_retry="true").retryable


def test_foreign_text_is_one_short_line_without_control_characters() -> None:
    text = "a\x1b[31mred\x07\n\u202eevil\u2028" + "x" * 500
    error = error_of(400, {"error": {"message": text}})
    assert "a [31mred evil x" in error.message
    assert error.message.isprintable()
    assert len(error.message) < 260


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-or-v1-abcdef0123456789.",
        "Authorization: Bearer abcdef0123456789 is wrong",
        "https://x/y?key=abcdef0123456789&z=1",
        "AIzaSyabcdef0123456789 not valid",
        "gsk_abcdef0123456789",
    ],
)
def test_keys_in_foreign_text_are_masked(text: str) -> None:
    assert "abcdef0123456789" not in tidy(text)
    assert "[key]" in tidy(text)


def test_the_own_key_is_masked_whatever_it_looks_like() -> None:
    assert tidy("your key hunter2hunter2 is bad", "hunter2hunter2") == "your key [key] is bad"


@pytest.mark.parametrize(
    "document",
    [
        {"choices": []},
        {"choices": [], "error": None},
        {"id": "x", "usage": {}},
        {"choices": [], "message": "hello"},
        {},
    ],
)
def test_ordinary_chunks_are_no_errors(document: object) -> None:
    assert error_in_reply(document, Origin(provider="acme")) is None


def test_an_overflow_inside_a_reply_is_still_an_overflow() -> None:
    document = {"error": {"message": "maximum context length is 8", "code": 400}}
    error = error_in_reply(document, Origin(provider="acme"))
    assert isinstance(error, ContextOverflowError)
    assert error.status is None
