"""What waits to be sent, a line each: a click takes one back into the prompt, or away."""

from collections.abc import Sequence
from typing import Final

from rich.cells import set_cell_size
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean_line
from ralex.tui.formats import shortened

_MOST: Final = 4
_LABEL: Final = "queued  "
_DROP: Final = "  ✕"


class Queue(Static):
    """The list; hidden while nothing waits."""

    @dataclass
    class Picked(Message):
        """The user clicked a line.

        Attributes:
            index: Of what waits, the oldest first.
            is_dropped: It is to be forgotten, not taken back into the prompt.
        """

        index: int
        is_dropped: bool

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._waiting: list[str] = []
        self.display = False

    def show(self, waiting: Sequence[str]) -> None:
        """Show what waits, the oldest first; of many the newest, and how many there are."""
        self._waiting = list(waiting)
        self.display = bool(waiting)
        width = max(16, self.screen.size.width - 4 - len(_LABEL) - len(_DROP))
        lines: list[Content] = []
        if self._hidden:
            lines.append(Content.styled(f"{_LABEL}… {self._hidden} more", "$text-disabled"))
        for text in self._waiting[self._hidden :]:
            line = shortened(clean_line(text), width)
            lines.append(
                Content.assemble(
                    (_LABEL, "$text-disabled"),
                    (set_cell_size(line, width), "$text-muted"),
                    (_DROP, "$text-disabled"),
                )
            )
        self.update(Content("\n").join(lines))

    @property
    def _hidden(self) -> int:
        count = len(self._waiting)
        return count - _MOST + 1 if count > _MOST else 0

    def on_click(self, event: Click) -> None:
        """Tell which line was meant."""
        event.stop()
        at = event.get_content_offset_capture(self)
        first = 1 if self._hidden else 0
        index = self._hidden + at.y - first
        if at.y >= first and index < len(self._waiting):
            is_dropped = at.x >= self.content_size.width - len(_DROP)
            self.post_message(self.Picked(index, is_dropped))
