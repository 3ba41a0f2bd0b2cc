"""What the readers of all dialects with numbered blocks share: events in, an ordered answer out."""

from abc import ABC, abstractmethod

from ralex.core.stream import FinishReason, StreamPart
from ralex.errors import ProviderError
from ralex.providers.draft import ReplyDraft
from ralex.providers.faults import Origin, cut_stream, malformed
from ralex.providers.layout import Layout
from ralex.providers.opaque import keep_state
from ralex.providers.shapes import JsonObject, as_object, decode
from ralex.providers.sse import SseEvent
from ralex.providers.tool_pieces import ToolPieces


class LaidOutReply(ABC):
    """One reply; fits ``exchange.ReplyReader``.

    Args:
        model: As asked for; the reply may name another.

    Attributes:
        failure: An error found in the reply.
        is_complete: The reply said why it ended.
        has_ended: The dialect's last event has come.
    """

    def __init__(self, *, model: str, origin: Origin) -> None:
        self.failure: ProviderError | None = None
        self.is_complete = False
        self.has_ended = False
        self._draft = ReplyDraft(model)
        self._asked_model = model
        self._origin = origin
        self._calls = ToolPieces()
        self._layout = Layout()

    def take_event(self, event: SseEvent) -> list[StreamPart]:
        """Read one event of the stream."""
        data = event.data
        if not data or data.isspace() or data.startswith("[DONE]"):
            return []
        try:
            document = decode(data)
        except ValueError as error:
            if not event.is_whole:
                return []  # the end of the stream cut it; finish() judges what came before
            raise malformed(f"an event is not JSON, {error}", self._origin) from error
        parts: list[StreamPart] = []
        self._take(document, event.name, parts)
        return parts

    @abstractmethod
    def take_document(self, document: object) -> list[StreamPart]:
        """Read a reply that came as one JSON document."""

    def finish(self) -> list[StreamPart]:
        """End the reply with StreamFinished."""
        if not self.is_complete:
            raise cut_stream(self._origin)
        calls = self._calls.finished()
        reason = self._reason()
        if reason is FinishReason.STOP and calls:
            reason = FinishReason.TOOL_CALLS
        opaque = keep_state(self._state(), provider=self._origin.provider, model=self._asked_model)
        return [self._draft.finished(reason, tool_calls=calls, opaque_json=opaque)]

    @abstractmethod
    def _take(self, document: object, name: str, parts: list[StreamPart]) -> None:
        """Read what one event holds; ``name`` is the event's own."""

    @abstractmethod
    def _reason(self) -> FinishReason:
        """Tell why the reply ended, calls left aside."""

    def _state(self) -> dict[str, object]:
        """Give what must go back with the answer."""
        return self._layout.state()

    def _object(self, document: object) -> JsonObject:
        body = as_object(document)
        if body is None:
            raise malformed("an event is not an object", self._origin)
        return body

    def _add_text(self, text: str, parts: list[StreamPart]) -> None:
        self._layout.add_text(self._draft.add_text(text, parts))

    def _begin_call(self, key: int, call_id: str, name: str, parts: list[StreamPart]) -> None:
        begun = self._calls.begin(key, call_id, name)
        if begun is not None:
            self._layout.add_call(begun.call_id)
            parts.append(begun)

    def _extend_call(self, key: int, piece: str, parts: list[StreamPart]) -> None:
        grown = self._calls.extend(key, piece)
        if grown is not None:
            parts.append(grown)
