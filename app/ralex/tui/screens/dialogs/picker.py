"""Choose one of many by typing a part of its name."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean
from ralex.slash import ranked
from ralex.tui.formats import shortened_left
from ralex.tui.hanging import beside
from ralex.tui.rows import shown_line
from ralex.tui.sizes import HEIGHTS, WIDTHS, dialog_cells, list_rows

_WIDEST_LABEL: Final = 44
_NARROWEST_LABEL: Final = 16
_ABOUT_ROWS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing to choose.

    Attributes:
        hint: Shown beside it.
        short: Columns that are shown where those of the hint would cut the value.
        label: Shown in the place of the value, if that says nothing to people.
    """

    value: str
    hint: str = ""
    short: str = ""
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
        head: Names the columns of the hints; without it they are prose.
        short_head: Names the columns of the short ones.
        about: Tells more of the value under the cursor, a line each.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
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
        short_head: str = "",
        about: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self._head, self._short_head = head, short_head
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

    def on_resize(self, _event: Resize) -> None:
        """Lay out the entries anew, with as many rows as there is room for."""
        options = self.query_one(OptionList)
        is_tiny = self.size.height < HEIGHTS[1][0]
        about = 0 if self._about is None else 1 if is_tiny else _ABOUT_ROWS
        options.styles.max_height = list_rows(self.size.height, 2 + bool(self._head) + about)
        at = options.highlighted
        options.clear_options()
        options.add_options([Option(line) for line in self._lines()])
        options.highlighted = at

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
        options.clear_options()
        options.add_options([Option(line) for line in self._lines()])
        if self._shown:
            options.highlighted = 0
        elif self._about is not None:
            self.query_one("#about", Static).update("nothing fits")

    def _lines(self) -> list[Content]:
        """Lay out what is shown: columns as wide as they are, prose wrapped beside its name."""
        room = dialog_cells(self.size.width) - 1
        entries = [self._entries[value] for value in self._shown]
        labels = [shown_line(entry.label or entry.value) for entry in entries]
        widest = max(map(cell_len, labels), default=0)
        if not self._head:
            wide = min(widest, _WIDEST_LABEL, max(_NARROWEST_LABEL, room * 3 // 5))
            hints = [_aligned(entry.hint) for entry in entries]
            return [
                beside(shortened_left(label, wide), hint, name_width=wide + 2, width=room)
                for label, hint in zip(labels, hints, strict=True)
            ]
        hints, head = [_aligned(entry.hint) for entry in entries], _aligned(self._head)
        # Of all entries, so that the columns stay where they are while someone filters.
        every = max(cell_len(each.label or each.value) for each in self._entries.values())
        full = max(cell_len(_aligned(each.hint)) for each in self._entries.values())
        if self._short_head and every + 2 + max(full, cell_len(head)) > room:
            hints, head = [_aligned(entry.short) for entry in entries], self._short_head
        beyond = max(cell_len(head), *map(cell_len, hints)) if hints else cell_len(head)
        wide = min(widest, max(_NARROWEST_LABEL, room - 2 - beyond))
        column = Content.assemble(" " * wide, (f"  {head}", "$text-muted"))
        self.query_one("#head", Static).update(column)
        return [
            Content.assemble(
                set_cell_size(shortened_left(label, wide), wide), (f"  {hint}", "$text-muted")
            )
            for label, hint in zip(labels, hints, strict=True)
        ]


def _aligned(text: str) -> str:
    """Clean a line without joining its blanks, which align columns."""
    return clean(text).replace("\n", " ")
