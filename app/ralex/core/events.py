"""The one stream of typed events that the screen, headless mode and the recorder all read.

Order within a turn: TurnStarted, RouteDecided, then for each step CapacityDecided, StepStarted,
deltas, AssistantMessageCompleted, StepFinished, and for each tool call ToolCallStarted before
ToolCallFinished, ToolOutputGrew between them; the last event is always exactly one of TurnFinished
or TurnFailed. Notices may come anywhere between; what changes the conversation itself
(ContextMasked, ContextCompacted, SteeringDelivered, AdviceGiven) comes between two steps. Deltas
are for showing; the completed events hold everything again and are what is stored.
"""

from dataclasses import field
from decimal import Decimal
from typing import TypeAlias

from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityDecision
from ralex.core.ids import CallId, ModelId, SessionId, TurnId
from ralex.core.messages import AssistantMessage, Image
from ralex.core.records import dataclass
from ralex.core.routing import RouteDecision
from ralex.core.stream import FinishReason, ReasoningDelta, TextDelta, ToolCallDelta
from ralex.core.tiers import Tier
from ralex.core.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnStarted:
    """The user's prompt was accepted and stored; always the first event of a turn."""

    session_id: SessionId
    turn_id: TurnId
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextAdded:
    """Text for the model that nobody typed: environment, instruction files, mentioned files.

    At the beginning of a turn it goes before the prompt; between two steps it is a message of its
    own.

    Attributes:
        label: Where it is from, for showing.
        is_standing: It outlives a compaction verbatim.
        images: Pictures for a model that sees.
    """

    label: str
    text: str
    is_standing: bool = True
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextMasked:
    """Old tool output and long arguments were left out of the conversation, a line for each.

    Attributes:
        before: What stood in front of this place of the message list, as it was then.
        freed_tokens: Estimate of what that gained.
        calls: Calls whose arguments were shortened.
    """

    before: int
    results: int
    freed_tokens: int
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextCompacted:
    """A summary took the place of the conversation, but for its newest messages.

    Attributes:
        text: The user message that stands for everything before the tail.
        summary: The part of it that was written for the occasion, for showing.
        kept_messages: Length of the tail that stays as it was.
        focus: What the user asked to keep in mind, or empty.
        model: Who wrote the summary; None if it was put together without a model.
        tokens_before: Estimated input of the next request without this.
        tokens_after: The same with it.
    """

    text: str
    summary: str
    kept_messages: int
    tokens_before: int
    tokens_after: int
    focus: str = ""
    model: ModelId | None = None
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringQueued:
    """The user said something while a turn ran; it waits for the end of the tool batch."""

    steering_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringDelivered:
    """What the user said meanwhile is part of the conversation now."""

    steering_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringWithdrawn:
    """The user took back what waited; the model never hears of it."""

    steering_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellRan:
    """The user ran a command of their own; comes between turns.

    Attributes:
        output: What it printed, as far as it is kept.
        exit_code: None if it was stopped.
        files_changed: Paths relative to the working directory.
        is_shared: It is part of the conversation; otherwise only the user sees it.
    """

    command: str
    output: str
    exit_code: int | None
    elapsed_ms: int
    files_changed: tuple[str, ...] = ()
    is_shared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceNoted:
    """Something speaks against the present model; see ``core.escalation``.

    Attributes:
        kind: A value of ``EvidenceKind``.
        detail: The command, path or error.
    """

    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceGiven:
    """A better model looked at the trouble; its words are part of the conversation.

    Attributes:
        reason: The evidence that led to it, in one sentence.
    """

    model: ModelId
    tier: Tier | None
    text: str
    reason: str
    usage: Usage
    cost_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDecided:
    """The router chose; once per turn, and again when a task escalates."""

    route: RouteDecision


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityDecided:
    """The size of the next request was judged; once per step.

    Attributes:
        turn_id: Empty, like a step of 0, in sessions of earlier versions.
    """

    capacity: CapacityDecision
    turn_id: TurnId = TurnId("")
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A model call begins; its worst case is reserved.

    Attributes:
        step: From 1 within the turn.
        context_tokens: Estimated input of this call.
        reserved_usd: The most this call can cost.
        deployment: Why this one of several deployments of the model; empty where there is one.
    """

    step: int
    model: ModelId
    context_tokens: int
    window: int | None
    reserved_usd: Decimal
    deployment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled:
    """A model call failed, or has to wait for a limit, and is tried again, here or elsewhere.

    Attributes:
        attempt: Which attempt at ``next_model`` comes next, from 1.
        wait_s: Seconds until the next attempt.
        next_model: Where it goes next.
        error: What failed, in one line.
    """

    attempt: int
    wait_s: float
    next_model: ModelId
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantMessageCompleted:
    """A model reply is whole and stored; comes after all its deltas.

    Attributes:
        is_partial: The reply was interrupted; what came is kept, its tool calls are not run.
    """

    step: int
    model: ModelId
    message: AssistantMessage
    finish_reason: FinishReason
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A model call is paid for.

    Attributes:
        cost_source: ``provider``, ``computed``, ``estimated``, or ``cached`` for an answer from the
            cache of answers.
        context_tokens: Tokens the session now holds, reply included.
        budget: The day's money after this call.
    """

    step: int
    model: ModelId
    usage: Usage
    cost_usd: Decimal
    cost_source: str
    context_tokens: int
    window: int | None
    budget: BudgetState
    tier: Tier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStarted:
    """A tool call is stored and about to run.

    Attributes:
        title: One line for the card, such as ``pytest -q`` or ``src/app.py``.
    """

    call_id: CallId
    name: str
    arguments_json: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """A file as the model last saw it, so that a resumed session knows whether it has changed.

    Attributes:
        path: Absolute.
        size: In bytes.
        digest: SHA-256 of its bytes; empty for huge files.
    """

    path: str
    mtime_ns: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallFinished:
    """A tool call has its one result.

    Attributes:
        output: The text that goes to the model.
        summary: One line for the closed card, such as ``exit 1 · 0.4 s``.
        diff: A unified diff of what changed, or empty.
        exit_code: Of a shell command, else None.
        files_changed: Paths relative to the working directory.
        refusal: Why the call did not run: ``malformed``, ``unknown_tool``, ``repeated``,
            ``truncated`` or ``denied``; empty if it ran.
        images: Pictures for a model that sees.
        seen: Files that the model has read or written by now and that were not told before.
    """

    call_id: CallId
    name: str
    output: str
    is_error: bool
    summary: str
    elapsed_ms: int
    diff: str = ""
    exit_code: int | None = None
    files_changed: tuple[str, ...] = ()
    refusal: str = ""
    images: tuple[Image, ...] = ()
    seen: tuple[FileSeen, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutputGrew:
    """A command printed something; comes between the start and the end of its call, never stored.

    At most five a second for each call, and none for a call that ends at once.

    Attributes:
        tail: The end of all it has printed so far, 2 KiB at most; takes the place of the last one.
        is_cut: Something was printed before it.
        total_bytes: All it has printed so far.
    """

    call_id: CallId
    tail: str
    is_cut: bool
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgressed:
    """A sub-agent went on; comes between the start and the end of its tool call.

    Attributes:
        call_id: Of the call that started it.
        steps: Model calls so far.
        doing: What it does now, in one line.
        cost_usd: What it has cost so far.
    """

    call_id: CallId
    model: ModelId | None
    steps: int
    doing: str
    cost_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """The mode or a rule wants the user's word before a call runs; ``session.answer`` gives it.

    Attributes:
        choices: ``deny``, ``allow`` and, where it can be said safely what it would allow,
            ``always``; the first is the harmless one.
        pattern: What ``always`` will allow, such as ``bash(git commit *)``; empty without it.
        reason: Why it is asked: the mode, or the rule and where it stands.
        arguments_json: The call's arguments as the model sent them, for showing what it would do.
    """

    request_id: str
    call_id: CallId
    name: str
    title: str
    choices: tuple[str, ...]
    pattern: str = ""
    reason: str = ""
    arguments_json: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """The model has a question for the user; ``session.answer`` takes an option or free text.

    Attributes:
        options: Answers to choose from; may be empty, and the user may always say something else.
    """

    request_id: str
    call_id: CallId
    question: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesUndone:
    """The user took back what a turn did to files, or brought it again; comes between turns.

    Attributes:
        turn_id: The turn whose changes these were.
        paths: What was put back, relative to the working directory.
        conflicts: Paths left alone because they changed since, or could not be kept.
    """

    turn_id: TurnId
    paths: tuple[str, ...]
    conflicts: tuple[str, ...] = ()
    is_redo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user should know that does not end the turn.

    Attributes:
        level: ``info``, ``warning`` or ``error``.
    """

    level: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished:
    """The turn is done; always the last event if it is not TurnFailed.

    Attributes:
        text: The final answer.
        stop_reason: ``done``, ``length`` if the model's output cap cut the answer, or
            ``content_filter`` if the provider's filter did.
        saved_usd: Estimate against the router's top tier; None where that price is unknown.
        evidence: Kinds of what spoke against the model in this turn, in order.
        escalations: Steps up taken in this turn.
    """

    turn_id: TurnId
    text: str
    stop_reason: str
    model: ModelId
    tier: Tier | None
    steps: int
    usage: Usage
    cost_usd: Decimal
    saved_usd: Decimal | None
    budget: BudgetState
    files_changed: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    escalations: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFailed:
    """The turn ended without an answer; always the last event if it is not TurnFinished.

    Attributes:
        code: The error's code, such as ``budget_exceeded`` or ``interrupted``.
        exit_code: What the command line exits with.
        text: What the model had said so far, or empty.
        evidence: Kinds of what spoke against the model in this turn, in order.
        escalations: Steps up taken in this turn.
    """

    turn_id: TurnId
    code: str
    message: str
    hint: str
    exit_code: int
    text: str
    model: ModelId | None
    tier: Tier | None
    steps: int
    usage: Usage
    cost_usd: Decimal
    saved_usd: Decimal | None
    budget: BudgetState | None
    files_changed: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    escalations: int = 0


AgentEvent: TypeAlias = (
    TurnStarted
    | ContextAdded
    | ContextMasked
    | ContextCompacted
    | SteeringQueued
    | SteeringDelivered
    | SteeringWithdrawn
    | ShellRan
    | EvidenceNoted
    | AdviceGiven
    | RouteDecided
    | CapacityDecided
    | StepStarted
    | RetryScheduled
    | TextDelta
    | ReasoningDelta
    | ToolCallDelta
    | AssistantMessageCompleted
    | StepFinished
    | ToolCallStarted
    | ToolCallFinished
    | ToolOutputGrew
    | TaskProgressed
    | ApprovalRequested
    | QuestionAsked
    | ChangesUndone
    | Notice
    | TurnFinished
    | TurnFailed
)
