"""Tool calls as they stream in, keyed the way servers really key them."""

import os
from dataclasses import field

from ralex.core.ids import CallId
from ralex.core.messages import ToolCall
from ralex.core.records import dataclass
from ralex.core.stream import ToolCallDelta
from ralex.providers.shapes import JsonObject, as_object, as_text, decode, encode, object_in


@dataclass(slots=True, kw_only=True)
class CallPieces:
    """One call under way.

    Attributes:
        place: Its ordinal in this reply.
        key: The server's index, or None where it sends none.
        extra: What came beside the function and must go back with it (Gemini's signature).
    """

    place: int
    key: int | None
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])
    is_announced: bool = False
    extra: JsonObject | None = None

    @property
    def arguments_json(self) -> str:
        """All arguments so far."""
        return "".join(self.arguments)


def made_up_id() -> str:
    """Make an id for a call that the server gave none."""
    return f"call_{os.urandom(9).hex()}"


def normal_arguments(text: str) -> str:
    """Give the arguments of a call; a call without arguments comes as nothing, null or {}."""
    return "{}" if text.strip() in ("", "null", "{}") else text


class ToolPieces:
    """Collects the tool calls of one reply from their deltas."""

    def __init__(self) -> None:
        self._calls: list[CallPieces] = []

    def __bool__(self) -> bool:
        """Tell whether any call came."""
        return any(call.name or call.arguments for call in self._calls)

    def add(self, item: JsonObject) -> ToolCallDelta | None:
        """Take one entry of ``tool_calls``, whole or in part; None while it lacks its name."""
        function = as_object(item.get("function")) or object_in(item, "custom")
        raw_index = item.get("index")
        index = raw_index if isinstance(raw_index, int) else None
        call_id = as_text(item.get("id"))
        name = as_text(function.get("name"))
        call = self._find(index, call_id, name)
        call.id = call.id or call_id
        call.name = call.name or name
        call.extra = as_object(item.get("extra_content")) or call.extra
        return self._grow(call, _arguments(function))

    def begin(self, key: int, call_id: str, name: str) -> ToolCallDelta | None:
        """Begin a call in a dialect that numbers its pieces properly."""
        call = self._find(key, call_id, name)
        call.id, call.name = call_id, name
        return self._grow(call, "")

    def extend(self, key: int, arguments_json: str) -> ToolCallDelta | None:
        """Take more arguments of a call that was begun."""
        return self._grow(self._find(key, "", ""), arguments_json)

    def arguments_of(self, key: int) -> str:
        """Give the arguments of a call so far."""
        return next((call.arguments_json for call in self._calls if call.key == key), "")

    def add_legacy(self, function: JsonObject) -> ToolCallDelta | None:
        """Take a ``function_call``, OpenAI's older spelling of the only call."""
        if not as_text(function.get("name")) and not self._calls:
            return None  # Snowflake sends an empty one with every answer
        call = self._calls[0] if self._calls else self._new(None)
        call.name = call.name or as_text(function.get("name"))
        return self._grow(call, _arguments(function))

    def finished(self) -> tuple[ToolCall, ...]:
        """Give the calls in the order in which they began, leaving out empty shells."""
        return tuple(
            ToolCall(
                id=CallId(call.id),
                name=call.name,
                arguments_json=normal_arguments(call.arguments_json),
            )
            for call in self._finished()
        )

    def extras(self) -> dict[str, JsonObject]:
        """Give what must go back beside calls, by call id."""
        return {call.id: call.extra for call in self._finished() if call.extra}

    def _finished(self) -> list[CallPieces]:
        calls = [call for call in self._calls if call.name or call.arguments]
        taken: set[str] = set()
        for call in calls:
            # Some servers repeat an id within a reply; each call needs an answer of its own.
            if not call.id or call.id in taken:
                call.id = made_up_id()
            taken.add(call.id)
        return calls

    def _grow(self, call: CallPieces, arguments: str) -> ToolCallDelta | None:
        if arguments:
            call.arguments.append(arguments)
        if call.is_announced:
            if not arguments:
                return None
            return ToolCallDelta(index=call.place, arguments_json=arguments)
        if not call.name:
            return None
        call.is_announced = True
        call.id = call.id or made_up_id()
        return ToolCallDelta(
            index=call.place,
            call_id=call.id,
            name=call.name,
            arguments_json=call.arguments_json,
        )

    def _find(self, index: int | None, call_id: str, name: str) -> CallPieces:
        """Find the call an entry belongs to, or begin one.

        The index decides where there is one, except that another id together with a name is another
        call: some servers number all parallel calls 0. Without an index the id decides, then the
        name; an entry with neither continues the last call.
        """
        if index is not None:
            same = [call for call in self._calls if call.key == index]
            for call in reversed(same):
                if not (call_id and name and call.id and call.id != call_id):
                    return call
                if any(one.id == call_id for one in same):
                    return next(one for one in same if one.id == call_id)
            return self._new(index)
        if call_id:
            for call in self._calls:
                if call.id == call_id:
                    return call
            last = self._calls[-1] if self._calls else None
            return last if last is not None and not last.id and not name else self._new(None)
        last = self._calls[-1] if self._calls else None
        if last is None or (name and last.name and (name != last.name or _is_whole(last))):
            return self._new(None)
        return last

    def _new(self, index: int | None) -> CallPieces:
        call = CallPieces(place=len(self._calls), key=index)
        self._calls.append(call)
        return call


def _arguments(function: JsonObject) -> str:
    value = function.get("arguments", function.get("input"))
    if value is None:
        return ""
    return value if isinstance(value, str) else encode(value)


def _is_whole(call: CallPieces) -> bool:
    try:
        return as_object(decode(normal_arguments(call.arguments_json))) is not None
    except ValueError:
        return False
