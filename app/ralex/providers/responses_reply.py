"""Read a reply in OpenAI's Responses dialect, from OpenAI, Azure, xAI, OpenRouter and others."""

from typing_extensions import override

from ralex.core.stream import FinishReason, StreamPart
from ralex.core.usage import Usage
from ralex.providers.chat_usage import read_cost
from ralex.providers.faults import Origin, error_in_reply, malformed
from ralex.providers.laid_out_reply import LaidOutReply
from ralex.providers.shapes import (
    JsonObject,
    as_count,
    as_object,
    as_text,
    encode,
    object_in,
    objects_in,
)


class ResponsesReply(LaidOutReply):
    """One reply of this dialect.

    Items are read from their own events, because some servers leave the last event's ``output``
    empty; what came in deltas is not read again when the item is done.
    """

    def __init__(self, *, model: str, origin: Origin) -> None:
        super().__init__(model=model, origin=origin)
        self._told: set[tuple[int, str]] = set()
        self._done: set[int] = set()
        self._finish = FinishReason.STOP

    @override
    def take_document(self, document: object) -> list[StreamPart]:
        """Read a reply that came as one JSON document."""
        body = as_object(document)
        if body is None or "output" not in body:
            self.failure = error_in_reply(document, self._origin)
            if self.failure is None:
                raise malformed("there is no answer in it", self._origin)
            return []
        parts: list[StreamPart] = []
        self._end(body, parts)
        return parts

    @override
    def _reason(self) -> FinishReason:
        return self._finish

    @override
    def _take(self, document: object, name: str, parts: list[StreamPart]) -> None:
        body = self._object(document)
        index = body.get("output_index")
        place = index if isinstance(index, int) else 0
        match as_text(body.get("type")) or name:
            case "response.output_text.delta":
                self._tell_text(place, as_text(body.get("delta")), parts)
            case "response.refusal.delta":
                self._told.add((place, "text"))
                self._draft.add_refusal(as_text(body.get("delta")), parts)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                self._told.add((place, "reasoning"))
                self._draft.add_reasoning(as_text(body.get("delta")), parts)
            case "response.reasoning_summary_part.added" if self._draft.reasoning:
                self._draft.add_reasoning("\n\n", parts)
            case "response.function_call_arguments.delta":
                if (place, "call") in self._told:
                    self._extend_call(place, as_text(body.get("delta")), parts)
            case "response.output_item.added":
                self._begin_item(place, object_in(body, "item"), parts)
            case "response.output_item.done":
                self._end_item(place, object_in(body, "item"), parts)
            case "response.completed" | "response.incomplete" | "response.failed":
                self._end(object_in(body, "response"), parts)
            case "error":
                self.failure = error_in_reply(body, self._origin, is_error=True)
            case _:  # OpenCode Zen's price comes in a ping after the last event
                self.failure = error_in_reply(body, self._origin) if "error" in body else None
                self._report(body, object_in(body, "response"), parts)

    def _tell_text(self, place: int, text: str, parts: list[StreamPart]) -> None:
        self._told.add((place, "text"))
        self._add_text(text, parts)

    def _begin_item(self, place: int, item: JsonObject, parts: list[StreamPart]) -> None:
        if item.get("type") != "function_call" or (place, "call") in self._told:
            return
        self._told.add((place, "call"))
        # Answers go to call_id; the item's own id is of no use to anyone.
        self._begin_call(place, as_text(item.get("call_id")), as_text(item.get("name")), parts)

    def _end_item(self, place: int, item: JsonObject, parts: list[StreamPart]) -> None:
        """Take of a finished item what its deltas did not tell."""
        if place in self._done:
            return
        self._done.add(place)
        kind = item.get("type")
        if kind == "function_call":
            self._begin_item(place, item, parts)
            whole = item.get("arguments")
            if whole and not self._calls.arguments_of(place):
                text = whole if isinstance(whole, str) else encode(whole)
                self._extend_call(place, text, parts)
        elif kind == "message" and (place, "text") not in self._told:
            for content in objects_in(item.get("content")):
                if content.get("type") == "refusal":
                    self._draft.add_refusal(as_text(content.get("refusal")), parts)
                else:
                    self._tell_text(place, as_text(content.get("text")), parts)
        elif kind == "reasoning":
            if (place, "reasoning") not in self._told:
                texts = objects_in(item.get("summary")) or objects_in(item.get("content"))
                joined = "\n\n".join(as_text(one.get("text")) for one in texts)
                self._draft.add_reasoning(joined, parts)
            self._keep_reasoning(item)

    def _keep_reasoning(self, item: JsonObject) -> None:
        """Keep encrypted reasoning; without its content the server would not know it again."""
        if item.get("encrypted_content"):
            kept = ("type", "id", "summary", "encrypted_content")
            self._layout.add_block({key: item[key] for key in kept if key in item})

    def _end(self, response: JsonObject, parts: list[StreamPart]) -> None:
        if response.get("error") or response.get("status") == "failed":
            told = {"error": response.get("error") or {"message": "the response failed"}}
            self.failure = error_in_reply(told, self._origin)
        for place, item in enumerate(objects_in(response.get("output"))):
            self._end_item(place, item, parts)
        self._draft.model = as_text(response.get("model")) or self._draft.model
        self._report(response, response, parts)
        reason = as_text(object_in(response, "incomplete_details").get("reason"))
        if response.get("status") == "incomplete" or reason:
            filtered = reason == "content_filter"
            self._finish = FinishReason.CONTENT_FILTER if filtered else FinishReason.LENGTH
        self.is_complete = self.has_ended = True

    def _report(self, body: JsonObject, response: JsonObject, parts: list[StreamPart]) -> None:
        raw = object_in(response, "usage")
        cost = read_cost(raw, body)
        if raw or cost is not None:
            self._draft.report(read_usage(raw) or self._draft.usage, cost, parts)


def read_usage(raw: JsonObject) -> Usage | None:
    """Convert a ``usage`` object, whose totals include cache and reasoning; None if it is none."""
    total, output = as_count(raw.get("input_tokens")), as_count(raw.get("output_tokens"))
    if total is None or output is None:
        return None
    details = object_in(raw, "input_tokens_details")
    cached = as_count(details.get("cached_tokens")) or 0
    total = total + cached if cached > total else total
    written = min(as_count(details.get("cache_write_tokens")) or 0, total - cached)
    reasoning = as_count(object_in(raw, "output_tokens_details").get("reasoning_tokens")) or 0
    return Usage(
        input_tokens=total - cached - written,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=reasoning,
    )
