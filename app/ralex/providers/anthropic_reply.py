"""Read a reply in Anthropic's Messages dialect, from Anthropic and from those who imitate it."""

from decimal import Decimal

from typing_extensions import override

from ralex.core.stream import FinishReason, StreamPart
from ralex.core.usage import Usage
from ralex.providers.faults import Origin, error_in_reply, malformed
from ralex.providers.laid_out_reply import LaidOutReply
from ralex.providers.shapes import (
    JsonObject,
    as_count,
    as_object,
    as_text,
    as_usd,
    encode,
    object_in,
    objects_in,
)

_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "stop": FinishReason.STOP,
    "tool_use": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.CONTENT_FILTER,
}


class AnthropicReply(LaidOutReply):
    """One reply of this dialect."""

    def __init__(self, *, model: str, origin: Origin) -> None:
        super().__init__(model=model, origin=origin)
        self._thinking: dict[int, dict[str, object]] = {}
        self._call_blocks: set[int] = set()
        self._finish = ""
        self._usage_raw: dict[str, object] = {}

    @override
    def take_document(self, document: object) -> list[StreamPart]:
        """Read a reply that came as one JSON document."""
        body = as_object(document)
        if body is None or "content" not in body:
            self.failure = error_in_reply(document, self._origin)
            if self.failure is None:
                raise malformed("there is no answer in it", self._origin)
            return []
        parts: list[StreamPart] = []
        for index, block in enumerate(objects_in(body.get("content"))):
            self._begin_block(index, block, parts)
            if index in self._call_blocks:
                self._take_whole_input(index, block, parts)
        self._take_stop(body)
        self.is_complete = self.has_ended = True
        self._take_message(body, parts)
        return parts

    @override
    def _reason(self) -> FinishReason:
        return _REASONS.get(self._finish, FinishReason.OTHER)

    @override
    def _take(self, document: object, name: str, parts: list[StreamPart]) -> None:
        body = self._object(document)
        match as_text(body.get("type")) or name:
            case "content_block_delta":
                self._take_delta(_index(body), object_in(body, "delta"), parts)
            case "content_block_start":
                self._begin_block(_index(body), object_in(body, "content_block"), parts)
            case "message_start":
                self.is_complete = self.has_ended = False
                self._take_message(object_in(body, "message"), parts)
            case "message_delta":
                self._take_stop(object_in(body, "delta"))
                self._take_usage(object_in(body, "usage"), body, parts)
            case "message_stop":
                self.is_complete = self.has_ended = True
                self._take_usage({}, body, parts)
            case "error":
                self.failure = error_in_reply(body, self._origin, is_error=True)
            case "content_block_stop":
                pass
            case _:  # ping, with OpenCode Zen's price in it, and whatever comes to be added
                self.failure = error_in_reply(body, self._origin) if "error" in body else None
                self._take_usage({}, body, parts)

    def _begin_block(self, index: int, block: JsonObject, parts: list[StreamPart]) -> None:
        match block.get("type"):
            case "text":
                self._add_text(as_text(block.get("text")), parts)
            case "thinking" | "redacted_thinking":
                thinking = dict(block)
                self._thinking[index] = thinking
                self._layout.add_block(thinking)
                self._draft.add_reasoning(as_text(block.get("thinking")), parts)
            case "tool_use":
                self._call_blocks.add(index)
                call_id, name = as_text(block.get("id")), as_text(block.get("name"))
                self._begin_call(index, call_id, name, parts)
            case _:
                pass  # tools that the server runs itself; ralex asks for none

    def _take_whole_input(self, index: int, block: JsonObject, parts: list[StreamPart]) -> None:
        value = block.get("input")
        self._extend_call(index, encode(value) if value else "", parts)

    def _take_delta(self, index: int, delta: JsonObject, parts: list[StreamPart]) -> None:
        match delta.get("type"):
            case "text_delta":
                self._add_text(as_text(delta.get("text")), parts)
            case "thinking_delta":
                text = as_text(delta.get("thinking"))
                self._draft.add_reasoning(text, parts)
                self._extend_thinking(index, "thinking", text)
            case "signature_delta":
                self._extend_thinking(index, "signature", as_text(delta.get("signature")))
            case "input_json_delta" if index in self._call_blocks:
                self._extend_call(index, as_text(delta.get("partial_json")), parts)
            case _:
                pass

    def _extend_thinking(self, index: int, key: str, text: str) -> None:
        block = self._thinking.get(index)
        if block is not None:
            block[key] = as_text(block.get(key)) + text

    def _take_message(self, message: JsonObject, parts: list[StreamPart]) -> None:
        self._draft.model = as_text(message.get("model")) or self._draft.model
        self._take_usage(object_in(message, "usage"), message, parts)

    def _take_stop(self, holder: JsonObject) -> None:
        reason = as_text(holder.get("stop_reason"))
        if reason:
            self._finish = reason
            self.is_complete = True

    def _take_usage(self, raw: JsonObject, body: JsonObject, parts: list[StreamPart]) -> None:
        """Merge counts that are cumulative, never added.

        Servers that imitate the dialect put real numbers into only one of the two events, so
        nothing and null keep the earlier value, and so does a 0 after a count.
        """
        for key, value in raw.items():
            if value or key not in self._usage_raw:
                self._usage_raw[key] = value
        cost = _cost(body)
        # The first event's counts lack the answer: told at once, they would be the bill of a reply
        # that breaks off.
        if self.is_complete and (raw or cost is not None):
            self._draft.report(read_usage(self._usage_raw), cost, parts)


def read_usage(raw: JsonObject) -> Usage | None:
    """Convert a ``usage`` object, whose input excludes the cache; None if it says nothing."""
    fresh, output = raw.get("input_tokens"), raw.get("output_tokens")
    if fresh is None and output is None:
        return None
    counts = [as_count(value or 0) for value in (fresh, output)]
    if None in counts:
        return None
    details = object_in(raw, "output_tokens_details")
    return Usage(
        input_tokens=counts[0] or 0,
        cache_read_tokens=as_count(raw.get("cache_read_input_tokens")) or 0,
        cache_write_tokens=as_count(raw.get("cache_creation_input_tokens")) or 0,
        output_tokens=counts[1] or 0,
        reasoning_tokens=as_count(details.get("thinking_tokens")) or 0,
    )


def _cost(body: JsonObject) -> Decimal | None:
    cost = as_usd(body.get("cost"))
    return as_usd(object_in(body, "usage").get("cost")) if cost is None else cost


def _index(body: JsonObject) -> int:
    index = body.get("index")
    return index if isinstance(index, int) else 0
