"""Search in the transcript: a line above the prompt while it is open."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from ralex.core.records import dataclass


class Search(Input):
    """The text to look for; Enter goes up to older entries, Down to newer ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,shift+enter", "seek(-1)", "Older match", show=False),
        Binding("down", "seek(1)", "Newer match", show=False),
        Binding("escape", "close", "Close the search", show=False),
    ]

    @dataclass
    class Sought(Message):
        """The user wants the next match before (-1) or after (1) the last one; 0 is a new text."""

        text: str
        step: int

    class Closed(Message):
        """The search is over."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder="search the transcript", compact=True, id=id)
        self.cursor_blink = False
        self.display = False

    def open(self, text: str = "") -> None:
        """Show the line."""
        self.display = True
        self.focus()
        if text:
            self.value = text

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is typed."""
        event.stop()
        if self.display:
            self.post_message(self.Sought(event.value, 0))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to an older match."""
        event.stop()
        self.post_message(self.Sought(event.value, -1))

    def action_seek(self, step: int) -> None:
        """Go to another match."""
        self.post_message(self.Sought(self.value, step))

    def action_close(self) -> None:
        """Hide the line."""
        self.display = False
        self.post_message(self.Closed())
