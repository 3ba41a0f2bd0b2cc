"""Read what a provider says went wrong, in the shape of any of them."""

import re
from datetime import UTC, datetime

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.providers.retry_after import duration_s, until_epoch_ms, wait_from_text
from ralex.providers.shapes import (
    JsonObject,
    as_list,
    as_object,
    as_text,
    decode,
    object_in,
    objects_in,
)

LONGEST_FOREIGN_TEXT = 200
"""Characters of a provider's own words that are shown."""

_SECRETS = lazy_pattern(
    r"\b(?:sk|gsk|xai|pplx|hf|fw|csk|r8|nvapi)[-_][\w\-*.]{4,}|\bAIza[\w\-]{8,}"
    r"|(?<=bearer )\S+|(?<=key=)[^\s&\"']+",
    re.IGNORECASE,
)
_CONTROL = lazy_pattern(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_TITLE = lazy_pattern(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as a provider tells it, before it is judged.

    Attributes:
        kinds: Type names and codes, in lower case.
        status: The status named in the body, or None.
        retry_after_s: A wait named in the body, in seconds.
    """

    message: str
    kinds: frozenset[str] = frozenset()
    status: int | None = None
    retry_after_s: float | None = None


def find_fault(document: object, *, now: datetime, is_error: bool) -> Fault | None:
    """Find an error in JSON of any provider; None if there is none.

    Args:
        is_error: The JSON is known to be an error, so that its bare words count as one.
    """
    items = as_list(document)
    body = as_object(items[0] if items else document)
    if body is None:
        text = as_text(document)
        return Fault(message=text) if is_error and text else None
    inner = body.get("error")
    if inner:
        return _fault(as_object(inner), as_text(inner), body, now)
    says_error = body.get("type") == "error" or body.get("object") == "error"
    is_answer = "choices" in body or "candidates" in body or "content" in body
    if not (is_error or says_error or (not is_answer and _has_words(body))):
        return None
    nested = objects_in(body.get("errors"))
    return _fault(nested[0] if nested else body, "", body, now)


def tidy(text: str, secret: str = "") -> str:
    """Make one safe line of a provider's text: no control characters, no keys, not too long."""
    if secret:
        text = text.replace(secret, "[key]")
    line = _CONTROL.sub(" ", _SECRETS.sub("[key]", text[: 4 * LONGEST_FOREIGN_TEXT]))
    line = " ".join(line.split())
    if len(line) > LONGEST_FOREIGN_TEXT:
        line = line[: LONGEST_FOREIGN_TEXT - 1] + "…"
    return line.encode("utf-8", "replace").decode("utf-8")


def _has_words(body: JsonObject) -> bool:
    return any(isinstance(body.get(key), str) for key in ("message", "detail"))


def _fault(inner: JsonObject | None, text: str, body: JsonObject, now: datetime) -> Fault:
    """Read one error; ``inner`` is the object that tells it, ``body`` all that came with it."""
    inner = inner or {}
    metadata = object_in(inner, "metadata")
    message = text or _words(inner) or _words(body)
    cause = _cause(metadata.get("raw"))
    if cause and cause not in message:
        message = f"{message}: {cause}" if message else cause
    names: list[object] = [inner.get(key) for key in ("type", "code", "status", "reason")]
    names += [body.get("code"), metadata.get("error_type"), metadata.get("provider_code")]
    names.append(object_in(inner, "innererror").get("code"))
    wait: float | None = None
    for detail in objects_in(inner.get("details")):
        names.append(detail.get("reason"))
        wait = wait or duration_s(as_text(detail.get("retryDelay")))
    if metadata.get("reasons"):
        names.append("content_filter")
    reset = {k.lower(): v for k, v in object_in(metadata, "headers").items()}
    wait = wait or until_epoch_ms(reset.get("x-ratelimit-reset"), now=now)
    kinds = frozenset(name.lower() for name in names if isinstance(name, str))
    statuses = (inner.get("status_code"), inner.get("code"), body.get("status_code"),
                body.get("code"))  # fmt: skip
    return Fault(
        message=message,
        kinds=kinds - {"error"},
        status=next((found for one in statuses if (found := _status(one))), None),
        retry_after_s=wait if wait is not None else wait_from_text(message),
    )


def _words(body: JsonObject) -> str:
    for key in ("message", "detail", "msg", "error_description", "title"):
        value = body.get(key)
        if isinstance(value, str) and value:
            return value
        nested = as_object(value) or next(iter(objects_in(value)), None)
        if nested and (found := _words(nested)):
            return found
    return ""


def _cause(raw: object) -> str:
    """Dig the real cause out of OpenRouter's ``metadata.raw``: an object, text, or JSON as text."""
    text = as_text(raw)
    if text.lstrip()[:1] in ("{", "["):
        try:
            raw = decode(text)
        except ValueError:
            return text
    if as_object(raw) is None and not as_list(raw):
        return text
    fault = find_fault(raw, now=datetime.now(UTC), is_error=True)
    return fault.message if fault and fault.message else text


def _status(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return value if isinstance(value, int) and 400 <= value < 600 else None


def fault_of_body(body: bytes, *, now: datetime) -> Fault:
    """Read the error out of a whole body: JSON, a page of HTML, or plain text."""
    text = body.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if text.startswith("data:"):
        text = text.removeprefix("data:").split("\n", 1)[0].strip()
    try:
        fault = find_fault(decode(text), now=now, is_error=True)
    except ValueError:
        fault = None
    if fault is not None and fault != Fault(message=""):
        return fault
    if text in ("{}", "[]", "null"):
        text = ""
    if text.startswith("<"):
        title = _TITLE.search(text)
        return Fault(message=f"a web page, {title[1].strip()!r}" if title else "a web page")
    return Fault(message=text, retry_after_s=wait_from_text(text[:1000]))
