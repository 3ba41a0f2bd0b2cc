"""From stored events to the message list that goes to a model; always valid, whatever was cut off.

Nothing but the events decides, so a resumed session sends the same bytes as one that never stopped.
"""

from collections.abc import Iterable

from ralex.core.compaction import masked
from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    AssistantMessageCompleted,
    ContextAdded,
    ContextCompacted,
    ContextMasked,
    RetryScheduled,
    ShellRan,
    SteeringDelivered,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Image,
    Message,
    SystemMessage,
    ToolResultMessage,
    UserMessage,
)
from ralex.core.stream import TextDelta

UNKNOWN_OUTCOME = (
    "Interrupted: this call was started but its outcome is unknown. "
    "Look at the present state before you repeat it."
)
NEVER_RAN = "Interrupted: this call was not run."


class History:
    """The conversation, fed with events one by one.

    Args:
        system: The standing instructions.

    Attributes:
        rewrites: How often what was there before changed: by masking or compaction.
        standing: Context blocks that outlive a compaction.
        labels: Of all context blocks so far.
        delivered: Ids of the steering messages that are part of the conversation.
        summary: The summary that stands for the earlier conversation, or empty.
    """

    def __init__(self, system: str) -> None:
        self._messages: list[Message] = [SystemMessage(text=system)]
        self._open: dict[CallId, ToolResultMessage | None] = {}
        self._names: dict[CallId, str] = {}
        self._started: set[CallId] = set()
        self._known_calls: set[CallId] = set()
        self._partial: list[str] = []
        self._blocks: list[str] = []
        self._images: tuple[Image, ...] = ()
        self._prompt = ""
        self._is_prompt_open = False
        self._asks: list[tuple[int, str]] = []
        self._past_asks: list[str] = []
        self.rewrites = 0
        self.standing: list[str] = []
        self.labels: set[str] = set()
        self.delivered: set[str] = set()
        self.summary = ""

    def feed(self, event: AgentEvent) -> None:  # noqa: C901, PLR0912 - one case for each event
        """Take the next event, in order."""
        match event:
            case TurnStarted():
                self.settle()
                self._blocks, self._images, self._prompt = [], (), event.prompt
                self._say(event.prompt)
                self._is_prompt_open = True
            case ContextAdded():
                self._add_context(event)
            case SteeringDelivered():
                self.delivered.add(event.steering_id)
                if self._is_prompt_open:
                    self._past_asks.append(event.text)
                    self._prepend(event.text)
                else:
                    self._say(event.text)
            case ShellRan() if event.is_shared:
                self._close_calls()
                self._append(UserMessage(text=shell_text(event)))
            case AdviceGiven():
                self._close_calls()
                self._append(UserMessage(text=advice_text(event)))
            case ContextMasked():
                self.settle()
                self._messages = masked(self._messages, event.before)
                self.rewrites += 1
            case ContextCompacted():
                self._compact(event)
            case StepStarted() | RetryScheduled():
                self._partial.clear()
            case TextDelta():
                self._partial.append(event.text)
            case AssistantMessageCompleted():
                self._partial.clear()
                self._add_reply(event)
            case ToolCallStarted():
                self._started.add(event.call_id)
            case ToolCallFinished() if event.call_id in self._open:
                self._add_result(event)
            case TurnFinished() | TurnFailed():
                self.settle()
            case _:
                pass

    def feed_all(self, events: Iterable[AgentEvent]) -> None:
        """Take many events, in order."""
        for event in events:
            self.feed(event)

    def settle(self) -> None:
        """Close what an interruption left open, as the next prompt would."""
        self._close_calls()
        if text := "".join(self._partial):
            self._append(AssistantMessage(text=text))
        self._partial.clear()

    def has_call(self, call_id: CallId) -> bool:
        """Tell whether a call of this id was made, in this conversation or in what it replaced."""
        return call_id in self._known_calls

    @property
    def messages(self) -> tuple[Message, ...]:
        """The message list so far; only extended, unless ``rewrites`` says otherwise."""
        return tuple(self._messages)

    def asks_before(self, place: int) -> list[str]:
        """Give what the user said in front of a place of the message list, and before it began."""
        return self._past_asks + [text for at, text in self._asks if at < place]

    @property
    def last_ask(self) -> tuple[int, str]:
        """Give the newest prompt that is a message of its own and its place; -1 if none is left."""
        return (
            self._asks[-1] if self._asks else (-1, self._past_asks[-1] if self._past_asks else "")
        )

    def _say(self, text: str) -> None:
        self._close_calls()
        self._append(UserMessage(text=text))
        self._asks.append((len(self._messages) - 1, text))

    def _append(self, message: Message) -> None:
        self._messages.append(message)
        self._is_prompt_open = False

    def _add_context(self, event: ContextAdded) -> None:
        self.labels.add(event.label)
        if event.is_standing:
            self.standing.append(event.text)
        if self._is_prompt_open:
            self._images += event.images
            self._prepend(event.text)
        else:
            self._close_calls()
            self._append(UserMessage(text=event.text, images=event.images))

    def _prepend(self, text: str) -> None:
        """Put a block before the prompt, after the blocks that are there already."""
        self._blocks.append(text)
        text = "\n\n".join([*self._blocks, self._prompt])
        self._messages[-1] = UserMessage(text=text, images=self._images)

    def _compact(self, event: ContextCompacted) -> None:
        self.settle()
        start = len(self._messages) - event.kept_messages
        tail = self._messages[start:]
        self._past_asks = self.asks_before(start)
        self._asks = [(at - start + 2, text) for at, text in self._asks if at >= start]
        self._messages = [self._messages[0], UserMessage(text=event.text), *tail]
        self._is_prompt_open = False
        self.summary = event.summary
        self.rewrites += 1

    def _add_reply(self, event: AssistantMessageCompleted) -> None:
        self._close_calls()
        message = event.message
        if event.is_partial:
            message = AssistantMessage(text=message.text)
        if not message.text and not message.tool_calls:
            return
        self._append(message)
        self._open = {call.id: None for call in message.tool_calls}
        self._names = {call.id: call.name for call in message.tool_calls}
        self._known_calls.update(self._names)

    def _add_result(self, event: ToolCallFinished) -> None:
        self._open[event.call_id] = ToolResultMessage(
            call_id=event.call_id,
            name=self._names[event.call_id],  # as called; the tool that ran may lie behind it
            text=event.output,
            is_error=event.is_error,
            images=event.images,
        )
        if all(self._open.values()):
            self._close_calls()

    def _close_calls(self) -> None:
        """Answer every call of the last reply exactly once, in the order it made them."""
        for call_id, result in self._open.items():
            text = UNKNOWN_OUTCOME if call_id in self._started else NEVER_RAN
            self._append(
                result
                or ToolResultMessage(
                    call_id=call_id, name=self._names[call_id], text=text, is_error=True
                )
            )
        self._open = {}
        self._started.clear()


def shell_text(event: ShellRan) -> str:
    """Word a command of the user's as the model reads it."""
    ending = "stopped by the user" if event.exit_code is None else f"exit code {event.exit_code}"
    return (
        "<user_shell>\nThe user ran this command; it is no request to you by itself.\n"
        f"$ {event.command}\n{event.output or '(no output)'}\n[{ending}]\n</user_shell>"
    )


def advice_text(advice: AdviceGiven) -> str:
    """Word advice as the model reads it."""
    return (
        f"<advice>\nA more capable model looked at this because {advice.reason}. Weigh its advice "
        f"against what you see, then go on with the task.\n\n{advice.text.strip()}\n</advice>"
    )
