"""Read a reply in Google's Gemini dialect."""

from typing_extensions import override

from ralex.core.stream import FinishReason, StreamPart
from ralex.core.usage import Usage
from ralex.providers.faults import Origin, error_in_reply, malformed
from ralex.providers.laid_out_reply import LaidOutReply
from ralex.providers.shapes import (
    JsonObject,
    as_count,
    as_list,
    as_object,
    as_text,
    as_usd,
    encode,
    object_in,
    objects_in,
)

_REASONS = {
    "STOP": FinishReason.STOP,
    "MAX_TOKENS": FinishReason.LENGTH,
    "SAFETY": FinishReason.CONTENT_FILTER,
    "RECITATION": FinishReason.CONTENT_FILTER,
    "BLOCKLIST": FinishReason.CONTENT_FILTER,
    "PROHIBITED_CONTENT": FinishReason.CONTENT_FILTER,
    "SPII": FinishReason.CONTENT_FILTER,
    "IMAGE_SAFETY": FinishReason.CONTENT_FILTER,
    "MODEL_ARMOR": FinishReason.CONTENT_FILTER,
}
_NUMBERED = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION"}
"""Enums come as numbers where ``$alt=json;enum-encoding=int`` was asked for."""

_BROKEN = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})


class GeminiReply(LaidOutReply):
    """One reply of this dialect."""

    def __init__(self, *, model: str, origin: Origin) -> None:
        super().__init__(model=model, origin=origin)
        self._call_count = 0
        self._given_ids: list[str] = []
        self._finish = FinishReason.OTHER
        self._usage_raw: dict[str, object] = {}

    @override
    def take_document(self, document: object) -> list[StreamPart]:
        """Read a reply that came as one JSON document: an answer, or an array of pieces."""
        parts: list[StreamPart] = []
        for piece in as_list(document) or [document]:
            self._take(piece, "", parts)
        if not self.is_complete and self.failure is None:
            raise malformed("there is no answer in it", self._origin)
        return parts

    @override
    def _reason(self) -> FinishReason:
        return self._finish

    @override
    def _state(self) -> dict[str, object]:
        given = {"given_ids": self._given_ids} if self._given_ids else {}
        return {**self._layout.state(), **given}

    @override
    def _take(self, document: object, name: str, parts: list[StreamPart]) -> None:
        is_error = name == "error"
        body = as_object(document)
        if body is None or is_error or "error" in body:
            self.failure = error_in_reply(document, self._origin, is_error=is_error)
            if body is None:
                if self.failure is None:
                    raise malformed("an event is not an object", self._origin)
                return
        self._draft.model = as_text(body.get("modelVersion")) or self._draft.model
        for candidate in objects_in(body.get("candidates"))[:1]:
            for part in objects_in(object_in(candidate, "content").get("parts")):
                self._take_part(part, parts)
            self._take_reason(candidate)
        if object_in(body, "promptFeedback").get("blockReason"):
            self._finish = FinishReason.CONTENT_FILTER
            self.is_complete = True
        self._take_usage(body, parts)

    def _take_part(self, part: JsonObject, parts: list[StreamPart]) -> None:
        call = as_object(part.get("functionCall"))
        text = as_text(part.get("text"))
        if call is not None:
            self._take_call(call, parts)
        elif part.get("thought") is True:
            self._draft.add_reasoning(text, parts)
        elif text:
            self._add_text(text, parts)
        signature = as_text(part.get("thoughtSignature"))
        if signature:
            # It belongs to the part it came with; one that showed nothing goes back as it is.
            is_own_part = call is None and (not text or part.get("thought") is True)
            own = {"text": ""} if is_own_part else {}
            self._layout.add_block({**own, "thoughtSignature": signature})

    def _take_call(self, call: JsonObject, parts: list[StreamPart]) -> None:
        """Take a call, which comes whole; older models give it no id."""
        if "partialArgs" in call or "willContinue" in call:
            raise malformed("arguments in pieces, which were not asked for", self._origin)
        place, self._call_count = self._call_count, self._call_count + 1
        call_id = as_text(call.get("id"))
        if call_id:
            self._given_ids.append(call_id)
        name = as_text(call.get("name"))
        if not name:
            return
        self._begin_call(place, call_id, name, parts)
        self._extend_call(place, encode(as_object(call.get("args")) or {}), parts)

    def _take_reason(self, candidate: JsonObject) -> None:
        raw = candidate.get("finishReason")
        reason = _NUMBERED.get(raw, "OTHER") if isinstance(raw, int) and raw else as_text(raw)
        if not reason or reason == "FINISH_REASON_UNSPECIFIED":
            return
        self.is_complete = True
        self._finish = _REASONS.get(reason, FinishReason.OTHER)
        if reason in _BROKEN:
            said = as_text(candidate.get("finishMessage"))
            self.failure = malformed(f"{reason}: {said}", self._origin)

    def _take_usage(self, body: JsonObject, parts: list[StreamPart]) -> None:
        """Read the counts, which come with every piece; only the last hold the whole answer."""
        for key, value in object_in(body, "usageMetadata").items():
            if value is not None:
                self._usage_raw[key] = value
        if self.is_complete:
            self._draft.report(read_usage(self._usage_raw), as_usd(body.get("cost")), parts)


def read_usage(raw: JsonObject) -> Usage | None:
    """Convert ``usageMetadata``, whose candidates exclude thoughts; None if it says nothing."""
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    if not any(name in raw for name in names):
        return None
    counts = [as_count(raw.get(name, 0)) for name in names]
    if None in counts:
        return None
    prompt, candidates, thoughts = (count or 0 for count in counts)
    prompt += as_count(raw.get("toolUsePromptTokenCount")) or 0
    cached = min(as_count(raw.get("cachedContentTokenCount")) or 0, prompt)
    return Usage(
        input_tokens=prompt - cached,
        cache_read_tokens=cached,
        output_tokens=candidates + thoughts,
        reasoning_tokens=thoughts,
    )
