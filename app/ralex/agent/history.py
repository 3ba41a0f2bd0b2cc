"""From stored events to the message list that goes to a model; always valid, whatever was cut off.

Nothing but the events decides, so a resumed session sends the same bytes as one that never stopped.
"""

from collections.abc import Iterable

from ralex.core.events import (
    AgentEvent,
    AssistantMessageCompleted,
    ContextAdded,
    RetryScheduled,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    TurnStarted,
)
from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
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
    """

    def __init__(self, system: str) -> None:
        self._messages: list[Message] = [SystemMessage(text=system)]
        self._open: dict[CallId, ToolResultMessage | None] = {}
        self._names: dict[CallId, str] = {}
        self._started: set[CallId] = set()
        self._partial: list[str] = []
        self._blocks: list[str] = []
        self._prompt = ""

    def feed(self, event: AgentEvent) -> None:
        """Take the next event, in order."""
        match event:
            case TurnStarted():
                self._close_open_ends()
                self._blocks, self._prompt = [], event.prompt
                self._messages.append(UserMessage(text=event.prompt))
            case ContextAdded() if isinstance(self._messages[-1], UserMessage):
                self._prepend(event.text)
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
                self._open[event.call_id] = ToolResultMessage(
                    call_id=event.call_id,
                    name=event.name,
                    text=event.output,
                    is_error=event.is_error,
                )
                if all(self._open.values()):
                    self._close_calls()
            case _:
                pass

    def feed_all(self, events: Iterable[AgentEvent]) -> None:
        """Take many events, in order."""
        for event in events:
            self.feed(event)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The message list so far; only ever extended, never changed before its end."""
        return tuple(self._messages)

    def _prepend(self, text: str) -> None:
        """Put a block before the prompt, after the blocks that are there already."""
        self._blocks.append(text)
        self._messages[-1] = UserMessage(text="\n\n".join([*self._blocks, self._prompt]))

    def _add_reply(self, event: AssistantMessageCompleted) -> None:
        self._close_calls()
        message = event.message
        if event.is_partial:
            message = AssistantMessage(text=message.text)
        if not message.text and not message.tool_calls:
            return
        self._messages.append(message)
        self._open = {call.id: None for call in message.tool_calls}
        self._names = {call.id: call.name for call in message.tool_calls}

    def _close_calls(self) -> None:
        """Answer every call of the last reply exactly once, in the order it made them."""
        for call_id, result in self._open.items():
            text = UNKNOWN_OUTCOME if call_id in self._started else NEVER_RAN
            self._messages.append(
                result
                or ToolResultMessage(
                    call_id=call_id, name=self._names[call_id], text=text, is_error=True
                )
            )
        self._open = {}
        self._started.clear()

    def _close_open_ends(self) -> None:
        self._close_calls()
        if text := "".join(self._partial):
            self._messages.append(AssistantMessage(text=text))
        self._partial.clear()
