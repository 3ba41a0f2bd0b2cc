"""How long a provider asks us to wait, in the many ways providers say it.

Read on error statuses only: some providers send ``retry-after`` with successful answers too.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from ralex.core.patterns import lazy_pattern

_LONGEST_S = 31 * 86_400.0
"""Monthly limits are the longest that providers have; more is a mistake."""

_EPOCH_MS = 1e11
"""Numbers above this are milliseconds since 1970, not seconds to wait."""

_IN_TEXT = lazy_pattern(
    r"(?:try again|retry) in (?:(?P<h>\d+)h ?)?(?:(?P<m>\d+)m(?!s) ?)?"
    r"(?:(?P<n>\d+(?:\.\d+)?) ?(?P<u>ms|s))?",
    re.IGNORECASE,
)
_DURATION = lazy_pattern(
    r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m(?!s))?(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+(?:\.\d+)?)ms)?"
)


def wait_from_headers(
    headers: Mapping[str, str], *, now: datetime, has_rate_reset: bool = False
) -> float | None:
    """Read the wait in seconds from an error's headers; None if they name none.

    Args:
        headers: With names in lower case.
        now: The wall clock, with a zone; dates are compared with it.
        has_rate_reset: Also read ``x-ratelimit-reset``, which says when on a 429 only.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _plausible(milliseconds / 1000)
    wait_s = _seconds_or_date(headers.get("retry-after"), now)
    if wait_s is None and has_rate_reset:
        wait_s = until_epoch_ms(headers.get("x-ratelimit-reset"), now=now)
    return wait_s


def until_epoch_ms(value: object, *, now: datetime) -> float | None:
    """Convert a moment in milliseconds since 1970 (OpenRouter) to seconds from now."""
    moment = _number(str(value)) if value is not None else None
    if moment is None or moment < _EPOCH_MS:
        return None
    return _plausible(moment / 1000 - now.timestamp())


def duration_s(text: str) -> float | None:
    """Read ``48s``, ``6m0s``, ``120ms``, ``1h2m`` or a plain number of seconds."""
    plain = _number(text)
    if plain is not None:
        return _plausible(plain)
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds, ms = (float(part or 0) for part in match.groups())
    return _plausible(days * 86_400 + hours * 3600 + minutes * 60 + seconds + ms / 1000)


def wait_from_text(message: str) -> float | None:
    """Read "Please try again in 1m20.5s" and its like from an error message."""
    match = _IN_TEXT.search(message)
    if match is None or not any(match.group("h", "m", "n")):
        return None
    rest = float(match["n"] or 0) / (1000 if (match["u"] or "").lower() == "ms" else 1)
    return _plausible(int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + rest)


def _seconds_or_date(text: str | None, now: datetime) -> float | None:
    if not text:
        return None
    seconds = _number(text)
    if seconds is not None:
        return until_epoch_ms(text, now=now) if seconds >= _EPOCH_MS else _plausible(seconds)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - few servers send a date

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _plausible((moment - now).total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float((text or "").strip())
    except ValueError:
        return None
    return number if -1e18 < number < 1e18 else None


def _plausible(wait_s: float) -> float | None:
    return max(0.0, wait_s) if wait_s <= _LONGEST_S else None
