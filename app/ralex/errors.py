"""Every deliberate error of ralex, as one tree split by what the caller can do about it.

    RalexError                       1  the task failed
    ├── UsageError                   2  wrong flags or arguments
    ├── ConfigError                  2  a file, key or variable says something unusable
    │   ├── MissingKeyError          2  no provider key was found
    │   ├── UnknownModelError        2  no provider or catalogue entry of that name
    │   └── ResourceError            2  themes/ or rules/ are not where they should be
    ├── BudgetError                  3
    │   ├── BudgetExceededError      3  the call may cost more than is left
    │   ├── UnknownPriceError        3  under a budget a call needs a price
    │   └── LedgerUnavailableError   3  no ledger, no paid call
    ├── ProviderError                4  the other side, or the way there
    │   ├── ConnectError             4  retryable: nothing answers
    │   ├── ProviderTimeoutError     4  retryable: it answers too slowly
    │   ├── AuthenticationError      4  the key is wrong (401)
    │   ├── PermissionDeniedError    4  the key may not do this (403)
    │   ├── BillingError             4  no credit (402, quota): never retried
    │   ├── ModelNotFoundError       4  the provider does not know the model (404)
    │   ├── RateLimitedError         4  retryable (429)
    │   ├── OverloadedError          4  retryable (503, 529)
    │   ├── ServerError              4  retryable (other 5xx)
    │   ├── BadRequestError          4  the provider refuses the request (400, 422)
    │   │   ├── ContextOverflowError 4  too many tokens: a matter of capacity, not of retrying
    │   │   └── ContentFilterError   4  refused for its content
    │   ├── StreamCutError           4  retryable: the reply stopped before its end
    │   └── MalformedReplyError      4  retryable: the reply cannot be read
    ├── StoreError                   1
    │   ├── SessionNotFoundError     2
    │   ├── SessionLockedError       2  another process writes this session
    │   ├── SchemaTooNewError        2  written by a newer ralex
    │   ├── UnreadableEventError     1  a stored event that this ralex cannot read
    │   └── StoreUnreadableError     1  damaged, locked, full or read-only
    ├── ToolError                    1  told to the model, which may try again
    │   └── EditError                1
    ├── UndoError                    1  a turn is running, or its records cannot be used
    ├── StepLimitError               5  too many steps
    ├── LoopError                    5  the model repeats itself
    └── InterruptedTurnError       130  the user stopped it

The number is the exit code of the command line. A message says what happened, with names and
numbers; ``hint`` says what the user can do. Secrets never enter either.
"""

from typing import ClassVar


class RalexError(Exception):
    """Base of every deliberate error.

    Attributes:
        message: What happened, in one line.
        hint: What the user can do about it, or an empty string.
        retry_after_s: Seconds the other side asked us to wait, if it did.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after_s = retry_after_s


class UsageError(RalexError):
    """The command line or a call's arguments are wrong."""

    exit_code = 2
    code = "usage"


class ConfigError(RalexError):
    """A configuration file, key or environment variable is unusable."""

    exit_code = 2
    code = "config"


class MissingKeyError(ConfigError):
    """No provider key was found and none was asked for by name."""

    code = "missing_key"
    exit_code = 4


class UnknownModelError(ConfigError):
    """Neither a provider nor the catalogue knows the model."""

    code = "unknown_model"


class ResourceError(ConfigError):
    """A folder that ships with ralex is missing."""

    code = "resource"


class BudgetError(RalexError):
    """Money decides that a call is not made."""

    exit_code = 3
    code = "budget"


class BudgetExceededError(BudgetError):
    """The call's worst case does not fit into what is left of a limit."""

    code = "budget_exceeded"


class UnknownPriceError(BudgetError):
    """A budget is set and the model has no known price."""

    code = "unknown_price"


class ClockLeapError(BudgetError):
    """The clock was set forward by more than a day; the user has to confirm the date."""

    code = "clock_leap"


class LedgerUnavailableError(BudgetError):
    """The ledger cannot be read or written, so no paid call is made."""

    code = "ledger_unavailable"


class ProviderError(RalexError):
    """The provider, or the way to it, failed.

    Attributes:
        status: The HTTP status, or None where the failure came without one.
        partial: What had come of the answer when it broke off, or an empty string.
    """

    exit_code = 4
    code = "provider"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after_s=retry_after_s)
        self.status = status
        self.partial = ""


class ConnectError(ProviderError):
    """Nothing answers at the provider's address."""

    retryable = True
    code = "connect"


class ProviderTimeoutError(ProviderError):
    """The provider took longer than the limit for connecting, first byte or silence."""

    retryable = True
    code = "timeout"


class AuthenticationError(ProviderError):
    """The provider does not accept the key."""

    code = "auth"


class PermissionDeniedError(ProviderError):
    """The key is valid but may not do this."""

    code = "permission"


class BillingError(ProviderError):
    """The account has no credit or its quota is used up; waiting does not help."""

    code = "billing"


class ModelNotFoundError(ProviderError):
    """The provider does not know the model or the path."""

    code = "not_found"


class RateLimitedError(ProviderError):
    """Too many requests or tokens in the provider's window."""

    retryable = True
    code = "rate_limit"


class OverloadedError(ProviderError):
    """The provider is overloaded or down for now."""

    retryable = True
    code = "overloaded"


class ServerError(ProviderError):
    """The provider failed on its side."""

    retryable = True
    code = "server"


class BadRequestError(ProviderError):
    """The provider refuses the request as it is."""

    code = "bad_request"


class ContextOverflowError(BadRequestError):
    """The request holds more tokens than the model takes."""

    code = "context_overflow"


class ContentFilterError(BadRequestError):
    """The provider refuses the content."""

    code = "content_filter"


class StreamCutError(ProviderError):
    """The reply stopped without a finish reason or ``[DONE]``: never an answer."""

    retryable = True
    code = "stream_cut"


class MalformedReplyError(ProviderError):
    """The reply is not what the dialect says."""

    retryable = True
    code = "malformed_reply"


class StoreError(RalexError):
    """Sessions, ledger or cache on disk."""

    code = "store"


class SessionNotFoundError(StoreError):
    """No session has this id."""

    exit_code = 2
    code = "session_not_found"


class SessionLockedError(StoreError):
    """Another living process writes this session."""

    exit_code = 2
    code = "session_locked"


class SchemaTooNewError(StoreError):
    """A newer ralex wrote this database."""

    exit_code = 2
    code = "schema_too_new"


class StoreUnreadableError(StoreError):
    """The database is damaged, locked, full or not writable."""

    code = "store_unreadable"


class UnreadableEventError(StoreError):
    """A stored event is of an unknown type, or a field of it is not what its type says."""

    code = "unreadable_event"


class ToolError(RalexError):
    """A tool refused or failed; the text goes to the model, which may try again."""

    code = "tool"


class EditError(ToolError):
    """An edit was refused and the file left as it was."""

    code = "edit"


class UndoError(RalexError):
    """Changes cannot be taken back or brought again."""

    code = "undo"


class StepLimitError(RalexError):
    """The turn used all the steps it may take."""

    exit_code = 5
    code = "step_limit"


class LoopError(RalexError):
    """The model repeats the same call."""

    exit_code = 5
    code = "loop"


class StructuredAnswerError(RalexError):
    """An answer does not have the form that was asked for, also when asked again."""

    code = "structured_answer_invalid"


class InterruptedTurnError(RalexError):
    """The user interrupted the turn."""

    exit_code = 130
    code = "interrupted"
