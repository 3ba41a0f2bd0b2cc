"""The reply under way: what readers of every dialect collect."""

from decimal import Decimal

from ralex.core.messages import AssistantMessage, ToolCall
from ralex.core.stream import (
    FinishReason,
    ReasoningDelta,
    StreamFinished,
    StreamPart,
    TextDelta,
    UsageReport,
)
from ralex.core.usage import Usage
from ralex.providers.text import TextPieces

_MOST_CALL_USD = 100_000
"""No call costs as much; whoever says so has not counted."""


class ReplyDraft:
    """Collects a reply and tells each new piece of it as a part.

    Args:
        model: As asked for; readers replace it by what the reply names.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.cost_usd: Decimal | None = None
        self._usage: Usage | None = None
        self._text = TextPieces()
        self._reasoning = TextPieces()
        self._refusal = TextPieces()

    @property
    def usage(self) -> Usage | None:
        """The last usage reported."""
        return self._usage

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._text.text

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return self._reasoning.text

    def add_text(self, text: str, parts: list[StreamPart]) -> int:
        """Take a piece of the answer and tell how many characters of it are shown."""
        if text and (shown := self._text.add(text)):
            parts.append(TextDelta(text=shown))
            return len(shown)
        return 0

    def add_reasoning(self, text: str, parts: list[StreamPart]) -> None:
        """Take a piece of visible reasoning."""
        if text and (shown := self._reasoning.add(text)):
            parts.append(ReasoningDelta(text=shown))

    def add_refusal(self, text: str, parts: list[StreamPart]) -> None:
        """Take a piece of a refusal, which is shown like an answer."""
        self.add_text(self._refusal.add(text), parts)

    def report(
        self, usage: Usage | None, cost_usd: Decimal | None, parts: list[StreamPart]
    ) -> None:
        """Take the account so far; a price once told stays, and only news are reported."""
        if cost_usd is None or cost_usd > _MOST_CALL_USD:
            cost_usd = self.cost_usd
        if (usage, cost_usd) == (self._usage, self.cost_usd):
            return
        self._usage, self.cost_usd = usage, cost_usd
        if usage is not None:
            parts.append(UsageReport(usage=usage, cost_usd=cost_usd))

    def finished(
        self, reason: FinishReason, *, tool_calls: tuple[ToolCall, ...], opaque_json: str
    ) -> StreamFinished:
        """Put the whole reply together."""
        usage = self._usage
        if usage is not None and (self._text or tool_calls):
            # An answer has tokens, and so has what it answers: a half that is 0 was not counted.
            usage = usage if usage.output_tokens and usage.total_input_tokens else None
        return StreamFinished(
            message=AssistantMessage(
                text=self._text.text,
                tool_calls=tool_calls,
                reasoning=self._reasoning.text,
                opaque_json=opaque_json,
            ),
            finish_reason=reason,
            usage=usage,
            cost_usd=self.cost_usd,
            model=self.model,
            refusal=self._refusal.text,
        )
