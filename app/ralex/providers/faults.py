"""From a provider's error body to ralex's error tree, in one place for every dialect.

Providers agree on neither shapes nor statuses: the same overflow is a 400, a 413 or an event inside
a 200, and a used-up account is a 402, a 429 or a 401. So the body is first read into one shape,
then judged by its type names, then by its wording, and only then by its status.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ralex.core.records import dataclass
from ralex.errors import (
    AuthenticationError,
    BadRequestError,
    BillingError,
    ContentFilterError,
    ContextOverflowError,
    MalformedReplyError,
    ModelNotFoundError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitedError,
    ServerError,
    StreamCutError,
)
from ralex.providers.fault_bodies import Fault, fault_of_body, find_fault, tidy
from ralex.providers.rate_limits import wait_for_reset
from ralex.providers.retry_after import wait_from_headers

_BY_KIND: Sequence[tuple[type[ProviderError], frozenset[str]]] = (
    (
        ContextOverflowError,
        frozenset(
            {
                "context_length_exceeded",
                "exceed_context_size_error",
                "too_many_prompt_tokens",
                "model_max_prompt_tokens_exceeded",
                "context_window_exceeded",
            }
        ),
    ),
    (
        BillingError,
        frozenset(
            {
                "insufficient_quota",
                "billing_error",
                "billing_hard_limit_reached",
                "payment_required",
                "insufficient_balance",
                "insufficient_credits",
                "creditserror",
                "monthlylimiterror",
                "userlimiterror",
            }
        ),
    ),
    (
        ModelNotFoundError,
        frozenset(
            {
                "model_not_found",
                "deploymentnotfound",
                "invalid_model",
                "modelerror",
                "unknown_model",
                "not_found_error",
            }
        ),
    ),
    (PermissionDeniedError, frozenset({"regionerror", "permission_error", "permission_denied"})),
    (
        AuthenticationError,
        frozenset(
            {"api_key_invalid", "invalid_api_key", "authentication_error", "autherror",
             "unauthenticated"}
        ),
    ),
    (
        ContentFilterError,
        frozenset(
            {
                "content_filter",
                "content_policy_violation",
                "responsibleaipolicyviolation",
                "moderation_blocked",
            }
        ),
    ),
    (
        RateLimitedError,
        frozenset(
            {
                "rate_limit_error",
                "rate_limit_exceeded",
                "rate_limited",
                "ratelimiterror",
                "freeusagelimiterror",
                "gousagelimiterror",
                "blackusagelimiterror",
                "resource_exhausted",
                "capacity_exhausted",
            }
        ),
    ),
    (
        OverloadedError,
        frozenset(
            {
                "overloaded_error",
                "overloaded",
                "provider_overloaded",
                "provider_unavailable",
                "unavailable",
                "service_unavailable",
                "engine_overloaded_error",
            }
        ),
    ),
    (ServerError, frozenset({"server_error", "api_error", "internal", "internal_server_error"})),
)  # fmt: skip

_BY_WORDING: Sequence[tuple[type[ProviderError], str]] = (
    (
        ContextOverflowError,
        (
            r"maximum context length|exceeds? the (?:model'?s )?(?:maximum )?context"
            r"|context (?:window|length) (?:is )?exceed|prompt is too long"
            r"|prompt too long; exceeded|length of all messages is too long"
            r"|input token count|exceeds the available context size|too many prompt tokens"
            r"|exceeds? (?:the )?(?:max(?:imum)? )?(?:input|prompt) (?:token|length)"
            r"|reduce the length of the (?:messages|prompt|input)"
        ),
    ),
    (
        BillingError,
        (
            r"credit balance is too low|insufficient (?:credits?|balance|funds)|out of credits"
            r"|billing hard limit|requires more credits|payment required"
        ),
    ),
    (
        AuthenticationError,
        (
            r"incorrect api key|invalid api[- ]key|api key not valid|missing authentication header"
            r"|no auth credentials"
        ),
    ),
    (
        ModelNotFoundError,
        r"is not a valid model|model .{1,80}(?:not found|not exist)|no endpoints found",
    ),
)
"""Patterns are compiled when a fault is first judged: most runs see none."""

_VERBS: Mapping[type[ProviderError], str] = {
    AuthenticationError: "does not accept the key",
    PermissionDeniedError: "does not permit this",
    BillingError: "has no credit left for this key",
    ModelNotFoundError: "does not know the model or the path",
    RateLimitedError: "limits the rate",
    OverloadedError: "is overloaded",
    ServerError: "failed",
    ProviderTimeoutError: "timed out",
    ContextOverflowError: "refuses the request as too long",
    ContentFilterError: "refuses the content",
    BadRequestError: "refuses the request",
}

_HINTS: Mapping[type[ProviderError], str] = {
    AuthenticationError: "check {keys}",
    PermissionDeniedError: "check what the key and the account may use, or choose another model "
    "with /model",
    BillingError: "top up the account at {provider}, or choose a model of another provider "
    "with /model",
    ModelNotFoundError: "check the model's name with `ralex models`, and base_url of {provider}",
    RateLimitedError: "wait {wait}, or choose another model with /model",
    OverloadedError: "try again in a moment, or choose another model with /model",
    ServerError: "try again; if it stays so, choose another model with /model",
    ProviderTimeoutError: "try again; if it stays so, choose another model with /model",
    ContextOverflowError: "shorten the conversation with /compact, or choose a model with a larger "
    "window",
    ContentFilterError: "say it differently, or choose another model with /model",
    BadRequestError: "choose another model with /model if this one cannot take the request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whose errors these are, for messages.

    Attributes:
        provider: The provider's name in the configuration.
        key_names: Environment variables that would hold its key.
        secret: The key, to be masked wherever the provider repeats it.
    """

    provider: str
    key_names: tuple[str, ...] = ()
    secret: str = ""

    def __repr__(self) -> str:
        """Show nothing of the key."""
        return f"Origin(provider={self.provider!r})"


def error_from_response(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    provider: str,
    now: datetime,
    key_names: tuple[str, ...] = (),
    secret: str = "",
) -> ProviderError:
    """Make the error that an HTTP answer with an error status means.

    Args:
        headers: With names in lower case.
        now: The wall clock, with a zone.
    """
    origin = Origin(provider=provider, key_names=key_names, secret=secret)
    if 300 <= status < 400:
        return _redirected(status, headers, origin)
    fault = fault_of_body(body, now=now)
    kind = _judge(fault, status)
    wait_s = wait_from_headers(headers, now=now, has_rate_reset=status == 429)
    if wait_s is None:
        wait_s = fault.retry_after_s
    if wait_s is None and kind is RateLimitedError:
        wait_s = wait_for_reset(headers, now=now)
    may_retry = headers.get("x-should-retry", "").strip().lower()
    if may_retry == "true" and kind is BadRequestError:
        kind = ServerError
    error = _error(kind, fault.message, origin, status=status, wait_s=wait_s)
    if may_retry == "false" and error.retryable:
        return ProviderError(error.message, hint=error.hint, retry_after_s=wait_s, status=status)
    return error


def error_in_reply(
    document: object, origin: Origin, *, is_error: bool = False
) -> ProviderError | None:
    """Recognise an error inside a reply whose status said success; None if it is none.

    Its ``status`` stays None: the call was taken and may be billed.

    Args:
        is_error: The event says that it is an error, whatever its data look like.
    """
    now = datetime.now(UTC)
    fault = find_fault(document, now=now, is_error=is_error)
    if fault is None:
        return None
    kind = _judge(fault, fault.status)
    if kind is BadRequestError:
        kind = ServerError  # the request was taken: what fails now is not its form
    return _error(kind, fault.message, origin, status=None, wait_s=fault.retry_after_s)


def cut_stream(origin: Origin) -> StreamCutError:
    """Make the error of a reply that ends without saying that it is complete."""
    return StreamCutError(
        f"the reply of {origin.provider} stopped before its end",
        hint="try again; if it stays so, choose another model with /model",
    )


def malformed(what: str, origin: Origin) -> MalformedReplyError:
    """Make the error of a reply that cannot be read; ``what`` may hold the provider's text."""
    return MalformedReplyError(
        f"the reply of {origin.provider} cannot be read: {tidy(what, origin.secret)}",
        hint="try again; if it stays so, check base_url and api of this provider",
    )


def is_overflow(message: str) -> bool:
    """Tell whether a message speaks of too many tokens."""
    return bool(re.search(_BY_WORDING[0][1], message.lower()))


def _judge(fault: Fault, status: int | None) -> type[ProviderError]:
    for kind, names in _BY_KIND:
        if fault.kinds & names and not _status_knows_better(kind, status):
            return kind
    if status not in (401, 402, 429, 529):
        wording = fault.message.lower()
        for kind, pattern in _BY_WORDING:
            if re.search(pattern, wording):
                return kind
    elif status == 429 and re.search(_BY_WORDING[1][1], fault.message.lower()):
        return BillingError
    return _of_status(status)


def _status_knows_better(kind: type[ProviderError], status: int | None) -> bool:
    """Tell whether a vague type name, like ``api_error``, says less than the status."""
    if kind is ServerError:
        return status is not None
    if kind in (AuthenticationError, PermissionDeniedError):
        return status in (402, 403, 429)
    return kind is RateLimitedError and status is not None and status >= 500


def _of_status(status: int | None) -> type[ProviderError]:
    exact: Mapping[int, type[ProviderError]] = {
        401: AuthenticationError,
        402: BillingError,
        403: PermissionDeniedError,
        404: ModelNotFoundError,
        408: ProviderTimeoutError,
        409: ServerError,
        413: ContextOverflowError,
        425: ServerError,
        429: RateLimitedError,
        503: OverloadedError,
        504: ProviderTimeoutError,
        529: OverloadedError,
    }
    if status is None:
        return ServerError
    return exact.get(status) or (ServerError if status >= 500 else BadRequestError)


def _redirected(status: int, headers: Mapping[str, str], origin: Origin) -> ProviderError:
    target = tidy(headers.get("location", "another address").split("?")[0], origin.secret)
    return BadRequestError(
        f"{origin.provider} redirects to {target} ({status}), and a key is not sent after it",
        hint="write the final address as base_url of this provider",
        status=status,
    )


def _error(
    kind: type[ProviderError],
    text: str,
    origin: Origin,
    *,
    status: int | None,
    wait_s: float | None,
) -> ProviderError:
    where = f"({status})" if status is not None else "in the middle of the reply"
    words = tidy(text, origin.secret)
    message = f"{origin.provider} {_VERBS[kind]} {where}" + (f": {words}" if words else "")
    keys = " or ".join(origin.key_names) or f"the key of {origin.provider}"
    wait = "a moment" if wait_s is None else _spoken(wait_s)
    hint = _HINTS[kind].format(keys=keys, provider=origin.provider, wait=wait)
    if kind is ModelNotFoundError and "no endpoints" in words.lower():
        hint = (
            "no host may serve it at the price that ralex knows; look the price up and correct it "
            "in [models], or choose another model with /model"
        )
    return kind(message, hint=hint, retry_after_s=wait_s, status=status)


def _spoken(wait_s: float) -> str:
    if wait_s < 120:
        return f"{wait_s:.0f} s"
    minutes = wait_s / 60
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
