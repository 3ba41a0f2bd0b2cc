"""Search in the transcript: a line above the prompt while it is open."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static
from typing_extensions import override

from ralex.core.records import dataclass

_HINT_FROM = 70


class Search(Horizontal):
    """The text to look for and where one is; Enter goes up to older matches, Down to newer ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "seek(-1)", "Older match", show=False),
        Binding("down,shift+enter", "seek(1)", "Newer match", show=False),
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
        super().__init__(id=id)
        self.display = False

    @override
    def compose(self) -> ComposeResult:
        """The line to write in, and the place beside it."""
        entry = Input(placeholder="search the transcript", compact=True, id="sought")
        entry.cursor_blink = False
        yield entry
        yield Static("", id="place", markup=False)

    @property
    def entry(self) -> Input:
        """Where the text is written."""
        return self.query_one(Input)

    def open(self, text: str = "") -> None:
        """Show the line; what was looked for last is marked, to write over or to go on with."""
        self.display = True
        self.screen.set_focus(self.entry)  # at once: what is typed next is meant for it
        if text:
            self.entry.value = text
        elif self.entry.value:
            self.post_message(self.Sought(self.entry.value, 0))

    def tell(self, number: int, count: int) -> None:
        """Say at which match of how many the user is.

        Args:
            number: From 1; 0 if there is none.
        """
        text = f"{number:,}/{count:,}" if number else "no match" if self.entry.value else ""
        is_wide = self.screen.size.width >= _HINT_FROM
        hint = "  Enter ↑ older · ↓ newer · Esc" if number and is_wide else ""
        place = self.query_one("#place", Static)
        place.set_class(not number, "-none")
        place.update(text + hint)

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
        self.post_message(self.Sought(self.entry.value, step))

    def action_close(self) -> None:
        """Hide the line."""
        self.display = False
        self.post_message(self.Closed())
