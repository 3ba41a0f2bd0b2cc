"""What a failed attempt means: wait and repeat, move on to another model, or give up."""

from dataclasses import replace
from typing import Protocol, Self

from ralex.core.records import dataclass
from ralex.errors import (
    AuthenticationError,
    BadRequestError,
    BillingError,
    ConnectError,
    ContentFilterError,
    ContextOverflowError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitedError,
)


class Settings(Protocol):
    """What the user says of it; ``config.model.Retries`` has this shape."""

    @property
    def count(self) -> int | None:
        """Further attempts at the same model after the first."""
        ...

    @property
    def cooldown_s(self) -> float | None:
        """How long a model that failed is tried last."""
        ...

    @property
    def limit_wait_s(self) -> float | None:
        """The longest wait for the user's own limits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Times in seconds.

    Attributes:
        retries: Further attempts at the same model after the first.
        base_s: First wait; doubles with each attempt.
        cap_s: The longest wait of our own making.
        retry_after_cap_s: The longest wait a provider may ask for; beyond it the error is shown.
        limit_wait_s: The longest that one call waits for the user's own ``rpm`` and ``tpm``.
        short_wait_s: Up to this a limited model is waited for although another one is free.
    """

    retries: int = 3
    base_s: float = 0.5
    cap_s: float = 8.0
    retry_after_cap_s: float = 60.0
    failure_cooldown_s: float = 5.0
    hopeless_cooldown_s: float = 300.0
    limit_wait_s: float = 60.0
    short_wait_s: float = 2.0

    def but(self, said: Settings) -> Self:
        """Give a policy that differs where something is said."""
        return replace(
            self,
            retries=self.retries if said.count is None else said.count,
            failure_cooldown_s=said.cooldown_s or self.failure_cooldown_s,
            limit_wait_s=said.limit_wait_s or self.limit_wait_s,
        )

    def next_wait_s(self, error: ProviderError, *, attempt: int, jitter: float) -> float | None:
        """Tell how long to wait before the same model is asked again; None to give up."""
        if not error.retryable or attempt > self.retries:
            return None
        return self.wait_s(error, attempt=attempt, jitter=jitter)

    def wait_s(self, error: ProviderError, *, attempt: int, jitter: float) -> float | None:
        """Tell how long to wait before the next attempt; None if the provider asks for too long.

        Args:
            attempt: The attempt that failed, from 1.
            jitter: Between 0 and 1; spreads the waits of many clients.
        """
        backoff = min(self.base_s * 2 ** (attempt - 1), self.cap_s) * (0.5 + jitter)
        if not error.retry_after_s:  # "at once" would only bring the next failure
            return backoff
        if error.retry_after_s > self.retry_after_cap_s:
            return None
        return error.retry_after_s + 0.25 * jitter

    def cooldown_s(self, error: ProviderError) -> float:
        """Tell how long a model that failed so is tried last."""
        if is_about_the_account(error):
            return self.hopeless_cooldown_s
        if isinstance(error, RateLimitedError) and error.retry_after_s is not None:
            return error.retry_after_s
        return self.failure_cooldown_s


def may_move_on(error: ProviderError) -> bool:
    """Tell whether another model may do better.

    An overflow is a matter of capacity, and a request that is refused for what it says is refused
    elsewhere as well; only a content filter is one provider's own judgement.
    """
    if isinstance(error, ContextOverflowError):
        return False
    return isinstance(error, ContentFilterError) or not isinstance(error, BadRequestError)


def is_about_the_account(error: ProviderError) -> bool:
    """Tell whether every model of the same provider fails alike: its key, or its credit."""
    return isinstance(error, AuthenticationError | BillingError)


_OF_A_GATEWAY = frozenset({408, 499, 502, 504, 598, 599, *range(520, 528)})
"""Statuses with which a go-between gives up waiting; the model behind it may go on and bill."""


def may_have_been_billed(error: BaseException) -> bool:
    """Tell whether a provider may bill an attempt that broke off.

    The provider's own error status is an answer and costs nothing, and where nobody answers nobody
    bills. Everything else, silence and cancelling included, leaves the bill open.
    """
    if isinstance(error, ConnectError):
        return False
    if not isinstance(error, ProviderError) or isinstance(error, ProviderTimeoutError):
        return True
    return error.status is None or error.status in _OF_A_GATEWAY
