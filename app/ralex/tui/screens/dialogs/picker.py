"""Choose one of many by typing a part of its name."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean
from ralex.slash import ranked
from ralex.tui.formats import shortened
from ralex.tui.rows import shown_line

_WIDEST_LABEL = 44
_NARROWEST_LABEL = 20
_WIDEST_DIALOG = 92
_FRAME = 6
"""Cells of border and padding, as in the style sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to choose.

    Attributes:
        hint: Shown beside it.
        label: Shown in the place of the value, if that says nothing to people.
    """

    value: str
    hint: str = ""
    label: str = ""

    @property
    def sought(self) -> str:
        """What the filter looks at."""
        return f"{self.label} {self.value}" if self.label else self.value


class PickerScreen(ModalScreen[str | None]):
    """A list with a filter above it.

    Args:
        current: The value that is marked at first.
        preview: Called with each value that comes under the cursor.
        head: Names the columns of the hints.
        about: Tells more of the value under the cursor, a line each.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (20, "-short"), (30, "-tall")]  # noqa: RUF012 - an instance variable to Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "give_up", "Close", show=False, priority=True),
        Binding("up", "move(-1)", "Up", show=False, priority=True),
        Binding("down", "move(1)", "Down", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        entries: Sequence[Entry],
        *,
        current: str = "",
        preview: Callable[[str], None] | None = None,
        head: str = "",
        about: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self._head = head
        self._about = about
        self._title = title
        self._entries = {entry.value: entry for entry in entries}
        self._current = current
        self._preview = preview
        self._shown: list[str] = []

    @override
    def compose(self) -> ComposeResult:
        """Filter above, entries below."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = Content(shown_line(self._title) or " ")  # markup if it were a str
            dialog.border_subtitle = "type to filter · Enter chooses · Esc closes"
            entry = Input(placeholder="filter", compact=True)
            entry.cursor_blink = False
            yield entry
            if self._head:
                yield Static("", id="head", markup=False)
            yield OptionList(markup=False, compact=True)
            if self._about is not None:
                yield Static("", id="about", markup=False)

    def on_mount(self) -> None:
        """Show everything, the current value marked."""
        self.query_one(OptionList).can_focus = False
        self._fill("")
        if self._current in self._shown:
            self.query_one(OptionList).highlighted = self._shown.index(self._current)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    @on(Input.Submitted)
    def _choose(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._shown):
            self.dismiss(self._shown[at])

    @on(OptionList.OptionSelected)
    def _click(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._shown[event.option_index])

    @on(OptionList.OptionHighlighted)
    def _look(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        if event.option_index >= len(self._shown):
            return
        value = self._shown[event.option_index]
        if self._preview is not None:
            self._preview(value)
        if self._about is not None:
            lines = (clean(line).replace("\n", " ") for line in self._about(value))
            self.query_one("#about", Static).update("\n".join(lines))

    def action_move(self, step: int) -> None:
        """Mark the next entry."""
        options = self.query_one(OptionList)
        if self._shown:
            options.highlighted = ((options.highlighted or 0) + step) % len(self._shown)

    def action_give_up(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

    def _fill(self, query: str) -> None:
        options = self.query_one(OptionList)
        found = {entry.sought: value for value, entry in self._entries.items()}
        self._shown = [found[text] for text in ranked(query, found, most=200)]
        labels = [shown_line(self._entries[value].label or value) for value in self._shown]
        hints = [_aligned(self._entries[value].hint) for value in self._shown]
        room = min(_WIDEST_DIALOG, self.size.width * 9 // 10) - _FRAME
        room -= max(map(cell_len, hints), default=0) + 2
        wide = max(map(cell_len, labels), default=0)
        wide = min(wide, _WIDEST_LABEL, max(_NARROWEST_LABEL, room))
        if self._head:
            column = Content.assemble(" " * wide, (f"  {_aligned(self._head)}", "$text-muted"))
            self.query_one("#head", Static).update(column)
        options.clear_options()
        options.add_options(
            [Option(_line(label, hint, wide)) for label, hint in zip(labels, hints, strict=True)]
        )
        if self._shown:
            options.highlighted = 0
        elif self._about is not None:
            self.query_one("#about", Static).update("nothing fits")


def _line(label: str, hint: str, wide: int) -> Content:
    name = set_cell_size(shortened(label, wide), wide)
    return Content.assemble(name, (f"  {hint}", "$text-muted"))


def _aligned(text: str) -> str:
    """Clean a line without joining its blanks, which align columns."""
    return clean(text).replace("\n", " ")
