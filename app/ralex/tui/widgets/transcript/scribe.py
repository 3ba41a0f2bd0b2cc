"""Events to transcript items: the same for a turn that runs and for a session read again."""

from collections.abc import Callable, Iterable
from typing import Protocol, assert_never

from ralex.core.capacity import CapacityAction, CapacityDecision
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    ApprovalRequested,
    AssistantMessageCompleted,
    CapacityDecided,
    ChangesUndone,
    ContextAdded,
    ContextCompacted,
    ContextMasked,
    EvidenceNoted,
    Notice,
    QuestionAsked,
    RetryScheduled,
    RouteDecided,
    ShellRan,
    SteeringDelivered,
    SteeringQueued,
    SteeringWithdrawn,
    StepFinished,
    StepStarted,
    TaskProgressed,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutputGrew,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.partials import with_partials
from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta
from ralex.core.terminal_text import mask_secrets
from ralex.tui import formats
from ralex.tui.markdown.feed import split_source
from ralex.tui.rows import shown, shown_line
from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    AnyItem,
    ErrorItem,
    FoldItem,
    NoticeItem,
    Receipt,
    RouteItem,
    ToolItem,
    ToolState,
    UserItem,
    tool_arguments,
)
from ralex.tui.widgets.transcript.running import RunningCards

_MOST_PATHS = 20


class Page(Protocol):
    """Where items go."""

    def append(self, item: AnyItem) -> None:
        """Add an item at the end."""
        ...

    def update_item(self, item: AnyItem) -> None:
        """Draw an item again."""
        ...


class Pen(Protocol):
    """Where pieces of text go while they arrive."""

    @property
    def item(self) -> AnswerItem | FoldItem | None:
        """What is arriving."""
        ...

    def add_answer(self, text: str) -> None:
        """Take a piece of the answer."""
        ...

    def add_reasoning(self, text: str) -> None:
        """Take a piece of the reasoning."""
        ...

    def finish(self, *, text: str | None = None) -> None:
        """End what is arriving."""
        ...


class Scribe:
    """Writes the events of one session down.

    Args:
        page: The transcript, or a list for a session that is read again.
        pen: For text as it arrives; None ignores deltas, because completed events hold it all.
        elapsed: Seconds since the turn began, where that is known.

    Attributes:
        running: The cards of what runs now.
    """

    def __init__(
        self, page: Page, *, pen: Pen | None = None, elapsed: Callable[[], float] | None = None
    ) -> None:
        self._page = page
        self._pen = pen
        self._elapsed = elapsed
        self.running = RunningCards(page, elapsed)
        self._tools: dict[str, ToolItem] = {}
        self._route: RouteItem | None = None
        self._announced: str | None = None
        self._step_text = False
        self._step_reasoning = False
        self._step = 0
        self._model = ""
        self._is_opening = False
        self._added: list[FoldItem] = []

    def announce(self, prompt: str, *, seen: str) -> None:
        """Write a prompt down at once, before its turn has started.

        Args:
            seen: The prompt as the user saw it, large pastes as chips.
        """
        self._announced = prompt
        self._page.append(UserItem(text=shown(seen)))

    def write(self, event: AgentEvent) -> None:  # noqa: C901, PLR0912, PLR0915 - a case each
        """Write one event down."""
        match event:
            case TurnStarted():
                self._start_turn(event)
            case ContextAdded():
                head = f"context · {shown_line(event.label)}"
                item = FoldItem(head=head, text=shown(event.text), gap=0)
                if self._is_opening:
                    self._added.append(item)
                else:
                    self._page.append(item)
            case RouteDecided():
                receipt = RouteItem(route=event.route, gap=0 if self._route is None else 1)
                self._route = self._route or receipt
                self._page.append(receipt)
                self._begin()
            case CapacityDecided():
                self._tell_capacity(event.capacity)
            case StepStarted():
                self._step_text = self._step_reasoning = False
                self._step, self._model = event.step, event.model
                self._note_deployment(event)
            case RetryScheduled():
                self._tell_retry(event)
            case TextDelta() if self._pen is not None:
                self._step_text = True
                self._pen.add_answer(event.text)
            case ReasoningDelta() if self._pen is not None:
                self._step_reasoning = True
                self._pen.add_reasoning(event.text)
            case AssistantMessageCompleted():
                self._complete(event)
            case ToolCallStarted():
                self._start_tool(event)
            case ToolCallFinished():
                self._finish_tool(event)
            case Notice():
                self._page.append(NoticeItem(level=event.level, text=_foreign(event.text)))
            case ChangesUndone():
                self._page.append(NoticeItem(level="info", text=undone_text(event)))
            case TurnFinished():
                self._finish_turn(event)
            case TurnFailed():
                self._fail_turn(event)
            case ContextMasked() | ContextCompacted() | EvidenceNoted() | AdviceGiven():
                self._tell_change(event)
            case ShellRan():
                self._page.append(shell_item(event))
            case SteeringDelivered():
                self._deliver(event)
            case TextDelta() | ReasoningDelta() | ToolCallDelta() | StepFinished():
                pass
            case TaskProgressed():
                if (card := self._tools.get(event.call_id)) is not None:
                    self.running.progress(card, event)
            case ToolOutputGrew():
                if (card := self._tools.get(event.call_id)) is not None:
                    self.running.grow(card, event)
            case QuestionAsked():
                self._page.append(NoticeItem(level="info", text=question_text(event)))
            case ApprovalRequested() | SteeringQueued() | SteeringWithdrawn():
                pass
            case _:
                assert_never(event)

    def interrupt(self) -> None:
        """Write down that the turn was stopped by the user."""
        self._end(ToolState.UNKNOWN, "stopped")
        self._page.append(NoticeItem(level="warning", text="Stopped. What was done stays."))

    def break_off(self) -> None:
        """Leave the cards of a turn whose end nobody wrote down: its ralex was killed."""
        self._leave_cards(ToolState.UNKNOWN, "no result")

    def fail(self, message: str, hint: str) -> None:
        """Write an error down."""
        self._end(ToolState.UNKNOWN)
        self._page.append(ErrorItem(message=_foreign(message), hint=_foreign(hint)))

    def _start_turn(self, event: TurnStarted) -> None:
        self._route = None
        self.break_off()
        self._tools.clear()
        self._step, self._model = 0, ""
        self._is_opening = True
        if self._announced is None:
            self._page.append(UserItem(text=shown(event.prompt)))
        self._announced = None

    def _begin(self) -> None:
        """Write down what was added to a prompt: after the receipt, which belongs to the prompt."""
        added, self._added, self._is_opening = self._added, [], False
        for item in added:
            self._page.append(item)

    def _deliver(self, event: SteeringDelivered) -> None:
        """Write down what the user said meanwhile, and who hears it when."""
        if self._pen is not None:
            self._pen.finish()
        self._page.append(UserItem(text=shown(event.text)))
        who = shown_line(formats.short_model(self._model)) or "the model"
        text = f"said meanwhile · {who} hears it with step {self._step + 1}"
        self._page.append(NoticeItem(level="info", text=text, gap=0))

    def _complete(self, event: AssistantMessageCompleted) -> None:
        reasoning = shown(event.message.reasoning)
        text = shown(event.message.text)
        if self._pen is not None:
            is_answer = isinstance(self._pen.item, AnswerItem)
            self._pen.finish(text=text if is_answer else reasoning)
        if reasoning.strip() and not self._step_reasoning:
            self._page.append(FoldItem(head="Thought", text=reasoning))
        if text.strip() and not self._step_text:
            for number, part in enumerate(split_source(text)):
                self._page.append(AnswerItem(text=part, gap=0 if number else 1))
        if event.is_partial:
            self._page.append(NoticeItem(level="warning", text="This reply was cut short."))
        self._step_text = self._step_reasoning = False

    def _start_tool(self, event: ToolCallStarted) -> None:
        if self._pen is not None:
            self._pen.finish()
        item = ToolItem(
            call_id=event.call_id,
            name=shown_line(event.name),
            title=shown_line(event.title),
            arguments=tool_arguments(event.arguments_json),
            gap=0 if self._is_after_card() else 1,
        )
        self._tools[event.call_id] = item
        self.running.begin(item)
        self._page.append(item)

    def _finish_tool(self, event: ToolCallFinished) -> None:
        item = self._tools.get(event.call_id)
        if item is None:
            return
        self.running.end(item)
        item.state = ToolState.FAILED if event.is_error else ToolState.DONE
        item.summary = shown_line(event.summary)
        item.output = shown(event.output)
        item.diff = shown(event.diff)
        item.exit_code = event.exit_code
        item.elapsed_ms = event.elapsed_ms
        self._page.update_item(item)

    def _is_after_card(self) -> bool:
        items: list[AnyItem] = getattr(self._page, "items", [])
        return bool(items) and isinstance(items[-1], ToolItem)

    def _finish_turn(self, event: TurnFinished) -> None:
        self._end(ToolState.UNKNOWN)
        self._receipt(event)
        if event.stop_reason == "length":
            text = "The answer was cut at the model's output limit; ask it to continue."
            self._page.append(NoticeItem(level="warning", text=text))

    def _fail_turn(self, event: TurnFailed) -> None:
        if event.steps or event.cost_usd:
            self._receipt(event)
        if event.code == "interrupted":
            self.interrupt()
        else:
            self.fail(event.message, event.hint)

    def _receipt(self, event: TurnFinished | TurnFailed) -> None:
        if self._route is None:
            return
        self._route.receipt = Receipt(
            usage=event.usage,
            cost_usd=event.cost_usd,
            saved_usd=event.saved_usd,
            elapsed_s=self._elapsed() if self._elapsed else None,
        )
        self._page.update_item(self._route)

    def _end(self, state: ToolState, summary: str = "no result") -> None:
        """Leave nothing behind that looks as if it still ran."""
        self._begin()
        if self._pen is not None:
            self._pen.finish()
        self._leave_cards(state, summary)
        self._announced = None

    def _leave_cards(self, state: ToolState, summary: str) -> None:
        for item in self._tools.values():
            if item.state is ToolState.RUNNING:
                self.running.end(item)
                item.state = state
                item.summary = summary
                self._page.update_item(item)

    def _tell_capacity(self, capacity: CapacityDecision) -> None:
        words = {
            CapacityAction.UPSIZE: f"moved to {capacity.upsize_model} for its larger window",
            CapacityAction.COMPACT: "the conversation is summarised to fit",
            CapacityAction.REFUSE: "the request does not fit",
        }.get(capacity.action)
        if words is not None:
            text = _foreign(f"Context: {words} ({capacity.arithmetic})")
            self._page.append(NoticeItem(level="info", text=text))

    def _tell_change(
        self, event: ContextMasked | ContextCompacted | EvidenceNoted | AdviceGiven
    ) -> None:
        """Tell what became of the conversation, or what speaks against the model."""
        if self._pen is not None:
            self._pen.finish()
        match event:
            case ContextMasked():
                calls = f" and {formats.count(event.calls, 'long call')}" if event.calls else ""
                results = formats.count(event.results, "old tool result")
                text = (
                    f"Left {results}{calls} out of the context, "
                    f"~{formats.tokens(event.freed_tokens)} tokens"
                )
                self._page.append(NoticeItem(level="info", text=text))
            case ContextCompacted():
                sizes = (formats.tokens(event.tokens_before), formats.tokens(event.tokens_after))
                head = f"conversation summarised · ~{sizes[0]} → ~{sizes[1]} tokens"
                self._page.append(FoldItem(head=head, text=shown(event.summary)))
            case EvidenceNoted():
                detail = f" · {shown_line(event.detail)}" if event.detail else ""
                text = f"evidence: {shown_line(event.kind).replace('_', ' ')}{detail}"
                self._page.append(NoticeItem(level="info", text=mask_secrets(text)))
            case AdviceGiven():
                head = f"advice from {shown_line(event.model)} · {formats.usd(event.cost_usd)}"
                text = shown(f"{event.reason}\n\n{event.text}")
                self._page.append(FoldItem(head=head, text=text))

    def _note_deployment(self, event: StepStarted) -> None:
        if self._route is not None and event.deployment:
            self._route.route = self._route.route.served_by(event.model, event.deployment)
            self._page.update_item(self._route)

    def _tell_retry(self, event: RetryScheduled) -> None:
        if self._pen is not None:
            self._pen.finish()
        wait = f" in {formats.seconds(event.wait_s)}" if event.wait_s >= 0.1 else ""
        text = f"{event.error} — trying {event.next_model}{wait} (attempt {event.attempt})"
        self._page.append(NoticeItem(level="warning", text=_foreign(text)))


class ListPage:
    """A page that is only a list, for a session that is read again."""

    def __init__(self) -> None:
        self.items: list[AnyItem] = []

    def append(self, item: AnyItem) -> None:
        """Add an item at the end."""
        self.items.append(item)

    def update_item(self, item: AnyItem) -> None:
        """Do nothing: nothing is drawn yet."""


def items_of(events: Iterable[AgentEvent]) -> list[AnyItem]:
    """Write a stored session down."""
    page = ListPage()
    scribe = Scribe(page)
    for event in with_partials(events):
        scribe.write(event)
    scribe.break_off()
    return page.items


def question_text(event: QuestionAsked) -> str:
    """Write down what the model wants to know, and the answers it offers."""
    lines = [f"Question: {shown(event.question)}"]
    lines += [f"{number}. {shown_line(one)}" for number, one in enumerate(event.options, 1)]
    return "\n".join(lines)


def shell_item(event: ShellRan) -> ToolItem:
    """Make an open card of a command that the user ran."""
    ending = "stopped" if event.exit_code is None else f"exit {event.exit_code}"
    aside = "" if event.is_shared else " · not for the model"
    return ToolItem(
        call_id="",
        name="!" if event.is_shared else "!!",
        title=shown_line(event.command),
        arguments={"command": shown(event.command)},
        state=ToolState.DONE if event.exit_code == 0 else ToolState.FAILED,
        summary=f"{ending} · {formats.seconds(event.elapsed_ms / 1_000)}{aside}",
        output=shown(event.output),
        exit_code=event.exit_code,
        elapsed_ms=event.elapsed_ms,
        is_open=True,
    )


def undone_text(event: ChangesUndone) -> str:
    """Tell what an undo or redo did to files, and which it left alone."""
    files = formats.count(len(event.paths), "file")
    lines = [f"{'Redone' if event.is_redo else 'Undone'} in {files}:"]
    lines += [shown_line(path) for path in event.paths[:_MOST_PATHS]]
    if len(event.paths) > _MOST_PATHS:
        lines.append(f"… {len(event.paths) - _MOST_PATHS:,} more")
    lines += [f"left alone: {shown_line(path)}" for path in event.conflicts]
    return "\n".join(lines)


def _foreign(text: str) -> str:
    return shown(mask_secrets(text))
