"""Where opaque blocks stood in an answer, so that it goes back in the order in which it came.

A layout is a list: a number is so many characters of the text, a string is the call of that id, an
object is a block that goes back unchanged.
"""

from collections.abc import Sequence
from typing import TypeAlias

from ralex.core.messages import AssistantMessage, ToolCall
from ralex.providers.shapes import JsonObject, as_object

Piece: TypeAlias = str | ToolCall | JsonObject
"""Text, a call, or an opaque block."""


class Layout:
    """Notes the order of an answer while it comes."""

    def __init__(self) -> None:
        self._items: list[object] = []
        self._has_blocks = False

    def add_text(self, length: int) -> None:
        """Note more characters of text."""
        last = self._items[-1] if self._items else None
        if isinstance(last, int):
            self._items[-1] = last + length
        elif length:
            self._items.append(length)

    def add_call(self, call_id: str) -> None:
        """Note that a call begins."""
        self._items.append(call_id)

    def add_block(self, block: dict[str, object]) -> None:
        """Note an opaque block; it may still grow."""
        self._items.append(block)
        self._has_blocks = True

    def state(self) -> dict[str, object]:
        """Give what is worth keeping: nothing, if there are no opaque blocks."""
        return {"layout": self._items} if self._has_blocks else {}


def arranged(message: AssistantMessage, layout: Sequence[object]) -> list[Piece]:
    """Give the pieces of an answer in their order; a layout that does not fit it is ignored."""
    calls = {str(call.id): call for call in message.tool_calls}
    total = sum(item for item in layout if isinstance(item, int))
    named = [item for item in layout if isinstance(item, str)]
    if not layout or total != len(message.text) or named != [*calls]:
        return [message.text, *message.tool_calls]
    pieces: list[Piece] = []
    start = 0
    for item in layout:
        if isinstance(item, int):
            pieces.append(message.text[start : start + item])
            start += item
        elif isinstance(item, str):
            pieces.append(calls[item])
        elif (block := as_object(item)) is not None:
            pieces.append(block)
    return pieces
