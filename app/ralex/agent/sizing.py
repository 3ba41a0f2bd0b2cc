"""How many tokens a request holds: an estimate for showing and deciding, a bound for reserving.

What a provider reported for an earlier request of the same session is exact, so only what was added
since is estimated. The bound counts bytes: a token of byte-level encodings is at least one byte.
"""

from collections.abc import Sequence

from ralex.core.ids import ModelId
from ralex.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.models import ModelInfo
from ralex.core.pictures import images_of, picture_bound, picture_tokens
from ralex.core.tokens import estimate_long_text, estimate_tokens, factor_for, max_tokens_bound
from ralex.core.usage import Usage

MESSAGE_OVERHEAD_TOKENS = 8
"""Role markers and separators; chat templates in use stay below it."""


def message_text(message: Message) -> str:
    """Give all text of a message that a model is billed for."""
    match message:
        case SystemMessage() | UserMessage() | ToolResultMessage():
            return message.text
        case AssistantMessage():
            calls = "".join(
                f"{call.id}{call.name}{call.arguments_json}" for call in message.tool_calls
            )
            return message.text + message.reasoning + message.opaque_json + calls


def tools_text(tools: Sequence[ToolSpec]) -> str:
    """Give all text of tool definitions."""
    return "".join(tool.name + tool.description + tool.schema_json for tool in tools)


class RequestSizer:
    """Sizes the requests of one session.

    Args:
        schema: Form of the answer that goes with each request, or empty.
    """

    def __init__(self, tools: Sequence[ToolSpec], *, schema: str = "") -> None:
        text = tools_text(tools) + schema
        parts = len(tools) + bool(schema)
        self._tools_tokens = estimate_tokens(text) + 16 * parts
        self._tools_bytes = max_tokens_bound(text) + 64 * parts
        self._tokens: list[int] = []
        self._bytes: list[int] = []
        self._measured: list[Message] = []
        self._former: dict[int, tuple[Message, int, int]] = {}
        self._exact_model: ModelId | None = None
        self._exact_messages = 0
        self._exact_tokens = 0
        self._calibration = 1.0
        self._seen_rewrites = 0

    def observe(self, model: ModelId, usage: Usage, *, messages: int) -> None:
        """Take what a provider counted.

        Args:
            messages: Length of the message list it answered; its reply is the next message.
        """
        if usage.total_input_tokens <= 0:
            return
        self._exact_model = model
        self._exact_messages = messages + 1
        self._exact_tokens = usage.total_tokens

    def follow(self, rewrites: int) -> None:
        """Forget the sizes of messages if the conversation was rewritten since the last time.

        How far the estimate was off before stays known.

        Args:
            rewrites: ``History.rewrites``.
        """
        if rewrites == self._seen_rewrites:
            return
        self._seen_rewrites = rewrites
        guessed = self._tools_tokens + sum(self._tokens[: self._exact_messages])
        if self._exact_model is not None and self._exact_messages <= len(self._tokens):
            ratio = self._exact_tokens / guessed if guessed else 1.0
            self._calibration = min(max(ratio, 0.7), 1.6)
        self._exact_model = None
        rows = zip(self._measured, self._tokens, self._bytes, strict=True)
        self._former = {id(row[0]): row for row in rows}
        self._measured.clear()
        self._tokens.clear()
        self._bytes.clear()

    def sizes(self, messages: Sequence[Message]) -> list[int]:
        """Estimate the tokens of each message, for an average tokenizer."""
        self._measure(messages)
        return list(self._tokens)

    @property
    def tools_tokens(self) -> int:
        """Estimate of the tool definitions."""
        return self._tools_tokens

    def estimate(self, messages: Sequence[Message], model: ModelInfo) -> int:
        """Estimate the tokens of a request to this model."""
        self._measure(messages)
        factor = max(factor_for(model.provider, model.name), self._calibration)
        if self._exact_model is not None and self._exact_messages <= len(messages):
            added = sum(self._tokens[self._exact_messages :])
            return self._exact_tokens + int(added * factor)
        return int((self._tools_tokens + sum(self._tokens)) * factor)

    def rough(self, messages: Sequence[Message]) -> int:
        """Estimate the tokens of a request before any model is chosen."""
        self._measure(messages)
        return self._tools_tokens + sum(self._tokens)

    def bound(self, messages: Sequence[Message], model: ModelInfo) -> int:
        """Bound the tokens of a request to this model from above."""
        self._measure(messages)
        if self._exact_model == model.id and self._exact_messages <= len(messages):
            return self._exact_tokens + sum(self._bytes[self._exact_messages :])
        return self._tools_bytes + sum(self._bytes)

    def _measure(self, messages: Sequence[Message]) -> None:
        """Size messages not seen yet; the list only ever grows at its end.

        Of a list that was rewritten, most messages are the very same as before.
        """
        for message in messages[len(self._tokens) :]:
            self._measured.append(message)
            former = self._former.get(id(message))
            if former is not None and former[0] is message:
                self._tokens.append(former[1])
                self._bytes.append(former[2])
                continue
            text = message_text(message)
            images = images_of(message)
            extra = MESSAGE_OVERHEAD_TOKENS + sum(map(picture_tokens, images))
            self._tokens.append(estimate_long_text(text) + extra)
            most = MESSAGE_OVERHEAD_TOKENS + sum(map(picture_bound, images))
            self._bytes.append(max_tokens_bound(text) + most)
        self._former.clear()
