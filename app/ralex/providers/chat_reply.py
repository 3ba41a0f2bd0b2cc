"""Read a reply in OpenAI's chat dialect, with every deviation that servers of it are known for."""

from ralex.core.stream import FinishReason, StreamPart
from ralex.errors import ProviderError
from ralex.providers.chat_usage import read_cost, read_usage
from ralex.providers.draft import ReplyDraft
from ralex.providers.faults import Origin, cut_stream, error_in_reply, malformed
from ralex.providers.opaque import keep_state
from ralex.providers.shapes import (
    JsonObject,
    as_list,
    as_object,
    as_text,
    decode,
    encode,
    object_in,
    objects_in,
)
from ralex.providers.sse import SseEvent
from ralex.providers.text import ThinkSplitter
from ralex.providers.tool_pieces import ToolPieces

_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "complete": FinishReason.STOP,
    "": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "max_output_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "safety": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.CONTENT_FILTER,
}
_REASONING_KEYS = frozenset(
    {"reasoning_content", "reasoning", "reasoning_text", "reasoning_details"}
)
_BROKEN_REASONS = {
    "error": "the provider reports an error and no cause",
    "network_error": "the provider lost the model",
    "insufficient_system_resource": "the provider is out of resources",
}
"""Finish reasons that say the answer is not one; OpenRouter, Z.ai and DeepSeek have them."""


class ChatReply:
    """One reply; fits ``exchange.ReplyReader``.

    Args:
        model: As asked for; the reply may name another.
        splits_thinking: Take ``<think>…</think>`` at the start of an answer as reasoning.
    """

    def __init__(self, *, model: str, origin: Origin, splits_thinking: bool = True) -> None:
        self.failure: ProviderError | None = None
        self.is_complete = False
        self.has_ended = False
        self._draft = ReplyDraft(model)
        self._asked_model = model
        self._origin = origin
        self._splitter = ThinkSplitter() if splits_thinking else None
        self._calls = ToolPieces()
        self._details: list[dict[str, object]] = []
        self._finish: str | None = None
        self._answer_keys = ("delta", "message")  # Perplexity sends both
        self._usage_raw: dict[str, object] = {}

    def take_event(self, event: SseEvent) -> list[StreamPart]:
        """Read one event of the stream."""
        data = event.data
        if data.startswith("[DONE]"):
            self.is_complete = self.has_ended = True
            return []
        if not data or data.isspace():
            return []
        try:
            document = decode(data)
        except ValueError as error:
            if not event.is_whole:
                return []  # the end of the stream cut it; finish() judges what came before
            if event.name == "error":
                document = data
            else:
                raise malformed(f"an event is not JSON, {error}", self._origin) from error
        return self._take(document, is_error=event.name == "error")

    def take_document(self, document: object) -> list[StreamPart]:
        """Read a reply that came as one JSON document."""
        self._answer_keys = ("message", "delta")
        parts = self._take(document, is_error=False)
        body = as_object(document)
        if self.failure is None:
            if body is None or not objects_in(body.get("choices")):
                raise malformed("there is no answer in it", self._origin)
            self.is_complete = self.has_ended = True
        return parts

    def finish(self) -> list[StreamPart]:
        """End the reply: what was held back, then StreamFinished."""
        if not self.is_complete:
            raise cut_stream(self._origin)
        parts: list[StreamPart] = []
        if self._splitter is not None:
            reasoning, text = self._splitter.finish()
            self._draft.add_reasoning(reasoning, parts)
            self._draft.add_text(text, parts)
        calls = self._calls.finished()
        reason = self._finish_reason(has_calls=bool(calls))
        parts.append(
            self._draft.finished(reason, tool_calls=calls, opaque_json=self._opaque_json())
        )
        return parts

    def _take(self, document: object, *, is_error: bool) -> list[StreamPart]:
        parts: list[StreamPart] = []
        body = as_object(document)
        if body is None or is_error or "error" in body or "choices" not in body:
            self.failure = error_in_reply(document, self._origin, is_error=is_error)
            if body is None:
                if self.failure is None:
                    raise malformed("an event is not an object", self._origin)
                return parts
        if self.failure is None:
            choices = body.get("choices")
            if choices and isinstance(choices, list):
                choice = as_object(choices[0])  # pyright: ignore[reportUnknownArgumentType]  # read as unknown
                if choice is not None:
                    self._take_choice(choice, parts)
        self._take_account(body, parts)
        return parts

    def _take_choice(self, choice: JsonObject, parts: list[StreamPart]) -> None:
        first, second = self._answer_keys
        delta = as_object(choice.get(first)) or object_in(choice, second)
        if delta:
            self._take_delta(delta, parts)
        if choice.get("error"):
            self.failure = error_in_reply(choice, self._origin)
            return
        reason = choice.get("finish_reason")
        if isinstance(reason, str):
            if reason in _BROKEN_REASONS:
                self.failure = error_in_reply(
                    {"error": {"message": _BROKEN_REASONS[reason], "code": 503}}, self._origin
                )
            elif reason or "message" in choice:
                self._finish = reason
                self.is_complete = True

    def _take_delta(self, delta: JsonObject, parts: list[StreamPart]) -> None:
        if not _REASONING_KEYS.isdisjoint(delta):
            self._take_reasoning(delta, parts)
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                self._take_content(content, parts)
        elif content is not None:
            self._take_typed_content(content, parts)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._draft.add_refusal(refusal, parts)
        calls = delta.get("tool_calls")
        if calls:
            for item in objects_in(calls):
                call = self._calls.add(item)
                if call is not None:
                    parts.append(call)
        function = delta.get("function_call")
        if function and (legacy := as_object(function)) is not None:
            call = self._calls.add_legacy(legacy)
            if call is not None:
                parts.append(call)

    def _take_reasoning(self, delta: JsonObject, parts: list[StreamPart]) -> None:
        """Take the reasoning under whichever name it has; gateways repeat it under a second one."""
        details = delta.get("reasoning_details")
        if details:
            for detail in objects_in(details):
                _merge_detail(self._details, detail)
        for key in ("reasoning_content", "reasoning", "reasoning_text"):
            text = delta.get(key)
            if text and isinstance(text, str):
                self._draft.add_reasoning(text, parts)
                return
        if details:
            for detail in objects_in(details):
                text = as_text(detail.get("text")) or as_text(detail.get("summary"))
                self._draft.add_reasoning(text, parts)

    def _take_content(self, content: str, parts: list[StreamPart]) -> None:
        if self._splitter is None:
            self._draft.add_text(content, parts)
            return
        reasoning, text = self._splitter.split(content)
        if self._splitter.is_done:
            self._splitter = None
        self._draft.add_reasoning(reasoning, parts)
        self._draft.add_text(text, parts)

    def _take_typed_content(self, content: object, parts: list[StreamPart]) -> None:
        """Take content that is no string: Mistral's and Databricks' typed parts, or an object.

        Cloudflare answers a request for JSON with the object itself.
        """
        if (answer := as_object(content)) is not None:
            self._draft.add_text(encode(answer), parts)
            return
        for item in as_list(content):
            part = as_object(item)
            if part is None:
                self._draft.add_text(as_text(item), parts)
                continue
            match part.get("type"):
                case "thinking" | "reasoning":
                    self._draft.add_reasoning(_joined_text(part), parts)
                case _:
                    self._draft.add_text(as_text(part.get("text")), parts)

    def _take_account(self, body: JsonObject, parts: list[StreamPart]) -> None:
        """Read model, usage and price, which may come with any chunk; the last word counts."""
        model = body.get("model")
        if model and isinstance(model, str):
            self._draft.model = model
        raw = body.get("usage")
        if raw is None and "x_groq" in body:
            raw = object_in(body, "x_groq").get("usage")
        if raw is None and "cost" not in body:
            return
        for key, value in (as_object(raw) or {}).items():
            if value is not None:
                self._usage_raw[key] = value
        cost = read_cost(self._usage_raw, body)
        self._draft.report(read_usage(self._usage_raw), cost, parts)

    def _finish_reason(self, *, has_calls: bool) -> FinishReason:
        reason = self._finish or ""
        known = _REASONS.get(reason)
        if known is FinishReason.LENGTH or known is FinishReason.CONTENT_FILTER:
            return known
        if has_calls:
            return FinishReason.TOOL_CALLS
        return known or FinishReason.OTHER

    def _opaque_json(self) -> str:
        state: dict[str, object] = {}
        if self._details:
            state["reasoning_details"] = self._details
        if extras := self._calls.extras():
            state["extra_content"] = extras
        return keep_state(state, provider=self._origin.provider, model=self._asked_model)


def _joined_text(part: JsonObject) -> str:
    texts = [as_text(part.get("text"))]
    for key in ("thinking", "summary", "content"):
        value = part.get(key)
        texts.append(as_text(value))
        texts += [as_text(item.get("text")) for item in objects_in(value)]
    return "".join(texts)


def _merge_detail(details: list[dict[str, object]], piece: JsonObject) -> None:
    """Join a piece of ``reasoning_details`` to the detail it continues."""
    for detail in reversed(details):
        if detail.get("type") != piece.get("type") or detail.get("index") != piece.get("index"):
            continue
        ids = {detail.get("id"), piece.get("id")} - {None}
        if len(ids) > 1 or piece.get("type") == "reasoning.encrypted":
            break
        for key, value in piece.items():
            if key in ("text", "summary") and isinstance(value, str):
                detail[key] = as_text(detail.get(key)) + value
            elif value is not None or key not in detail:
                detail[key] = value
        return
    details.append(dict(piece))
