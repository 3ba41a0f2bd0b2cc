"""Rate limits as providers put them into their headers, in five ways of saying it.

OpenAI, Groq, xAI and Azure: ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``, where the
reset is a duration. Anthropic: ``anthropic-ratelimit-…-{limit,remaining,reset}``, where it is a
moment. Mistral: ``x-ratelimit-{limit,remaining}-{req,tokens}-minute`` and ``ratelimitbysize-…``.
OpenRouter: ``x-ratelimit-{limit,remaining,reset}``, where the reset is in milliseconds since 1970.
The draft of the IETF: ``ratelimit-{limit,remaining,reset}``. (Their API references and recorded
answers, November 2026.)
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ralex.core.rate_limits import Allowance, RateLimits
from ralex.providers.retry_after import duration_s, until_epoch_ms

_MINUTE_S = 60.0
_MOST = 10**15
"""Servers without limits tell numbers near 2⁶³; more than this is no limit."""

_REQUESTS = (
    ("x-ratelimit-{}-requests", None),
    ("anthropic-ratelimit-requests-{}", None),
    ("x-ratelimit-{}-req-minute", _MINUTE_S),
    ("x-ratelimit-{}", None),
    ("ratelimit-{}", None),
)
_TOKENS = (
    ("x-ratelimit-{}-tokens", None),
    ("anthropic-ratelimit-tokens-{}", None),
    ("anthropic-ratelimit-input-tokens-{}", None),
    ("anthropic-ratelimit-output-tokens-{}", None),
    ("x-ratelimit-{}-tokens-minute", _MINUTE_S),
    ("ratelimitbysize-{}", _MINUTE_S),
)


def rate_limits(headers: Mapping[str, str], *, now: datetime) -> RateLimits | None:
    """Read what an answer's headers say; None if nothing.

    Args:
        headers: With names in lower case.
        now: The wall clock, with a zone; moments are compared with it.
    """
    if not any("ratelimit" in name for name in headers):
        return None
    requests = _tightest(_allowances(headers, _REQUESTS, now))
    tokens = _tightest(_allowances(headers, _TOKENS, now))
    if requests is None and tokens is None:
        return None
    return RateLimits(requests=requests, tokens=tokens)


def wait_for_reset(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Give the seconds until a used-up limit is whole again; None if none is used up."""
    told = rate_limits(headers, now=now)
    if told is None:
        return None
    waits = [
        one.reset_s
        for one in (told.requests, told.tokens)
        if one is not None and one.remaining <= 0 and one.reset_s is not None
    ]
    return max(waits, default=None)


def _allowances(
    headers: Mapping[str, str], forms: tuple[tuple[str, float | None], ...], now: datetime
) -> Iterator[Allowance]:
    for form, usual_reset_s in forms:
        remaining = _count(headers.get(form.format("remaining")))
        if remaining is None:
            continue
        reset_s = _seconds_until(headers.get(form.format("reset")), now)
        yield Allowance(
            remaining=remaining,
            limit=_count(headers.get(form.format("limit"))),
            reset_s=usual_reset_s if reset_s is None else reset_s,
        )


def _tightest(allowances: Iterator[Allowance]) -> Allowance | None:
    return min(allowances, key=Allowance.share_left, default=None)


def _count(text: str | None) -> int | None:
    """Read a count; one that is no limit at all counts as not told."""
    try:
        number = float((text or "").split(",")[0].split(";")[0].strip())
    except ValueError:
        return None
    return int(number) if 0 <= number < _MOST else None


def _seconds_until(text: str | None, now: datetime) -> float | None:
    """Read a duration, seconds, a moment in RFC 3339, or milliseconds since 1970."""
    if not text:
        return None
    moment = until_epoch_ms(text, now=now)
    if moment is not None:
        return moment
    seconds = duration_s(text)
    if seconds is not None:
        return seconds
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return max(0.0, (parsed - now).total_seconds())
