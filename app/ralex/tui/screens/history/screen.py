"""Search earlier prompts: the newest is nearest to the line that is typed into."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from rich.cells import chop_cells
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

from ralex.core.terminal_text import clean
from ralex.tui.formats import shortened

_MOST: Final = 200
_MOST_ROWS: Final = 12
_PREVIEW_ROWS: Final = 5
_TALL: Final = 20
_FRAME: Final = 6
"""Cells of border and padding, as in the style sheet."""


class HistoryScreen(ModalScreen[str | None]):
    """A list of prompts that grows upwards, filtered by all words that are typed.

    Args:
        prompts: The newest first.
        sought: Typed already.
    """

    CSS_PATH = Path(__file__).parent / "history.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g,ctrl+c", "give_up", "Close", show=False, priority=True),
        Binding("up,ctrl+r,ctrl+p", "move(-1)", "Older", show=False, priority=True),
        Binding("down,ctrl+s,ctrl+n", "move(1)", "Newer", show=False, priority=True),
        Binding("pageup", "move(-8)", "Older", show=False, priority=True),
        Binding("pagedown", "move(8)", "Newer", show=False, priority=True),
        Binding("tab", "take", "Take", show=False, priority=True),
    ]

    def __init__(self, prompts: Sequence[str], *, sought: str = "") -> None:
        super().__init__()
        self._prompts = [clean(text) for text in prompts]
        self._folded = [text.casefold() for text in self._prompts]
        self._sought = " ".join(sought.split())
        self._found: list[str] = []

    @override
    def compose(self) -> ComposeResult:
        """List above, the whole of what is marked below it, the search line at the bottom."""
        with Vertical(classes="frame") as dialog:
            dialog.border_title = "Earlier prompts"
            dialog.border_subtitle = "Enter takes · Ctrl+R older · Esc closes"
            yield OptionList(markup=False, compact=True)
            yield Static("", id="whole", markup=False)
            entry = Input(self._sought, placeholder="search", compact=True, select_on_focus=False)
            entry.cursor_blink = False
            yield entry

    def on_mount(self) -> None:
        """Show what fits what is written, or everything."""
        self.query_one(OptionList).can_focus = False
        self._fill(self._sought)
        if not self._found and self._sought:
            self.query_one(Input).value = ""

    def on_resize(self, _event: Resize) -> None:
        """Cut the lines anew, and leave room for what is below the list."""
        below = _PREVIEW_ROWS + 1 if self.size.height >= _TALL else 0
        most = self.size.height - below - 7
        self.query_one(OptionList).styles.max_height = max(3, min(_MOST_ROWS, most))
        self._fill(self.query_one(Input).value)

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self._fill(event.value)

    @on(Input.Submitted)
    def _choose(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_take()

    @on(OptionList.OptionSelected)
    def _click(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._found[event.option_index])

    @on(OptionList.OptionHighlighted)
    def _look(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show_whole(event.option_index)

    def action_take(self) -> None:
        """Give back what is marked."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._found):
            self.dismiss(self._found[at])

    def action_move(self, step: int) -> None:
        """Mark another prompt; the ends hold."""
        options = self.query_one(OptionList)
        if self._found:
            at = (options.highlighted or 0) + step
            options.highlighted = max(0, min(len(self._found) - 1, at))

    def action_give_up(self) -> None:
        """Close without a choice."""
        self.dismiss(None)

    def _fill(self, query: str) -> None:
        words = query.casefold().split()
        matching = (
            text
            for text, folded in zip(self._prompts, self._folded, strict=True)
            if all(word in folded for word in words)
        )
        newest_first = [text for text, _ in zip(matching, range(_MOST), strict=False)]
        self._found = newest_first[::-1]
        width = max(10, min(self.size.width * 9 // 10, 100) - _FRAME)
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            [Option(Content(shortened(_line(text), width))) for text in self._found]
        )
        if self._found:
            options.highlighted = len(self._found) - 1
        else:
            self._show_whole(-1)

    def _show_whole(self, at: int) -> None:
        """Show a prompt of several lines as it is; one that fits its row needs no second one."""
        whole = self.query_one("#whole", Static)
        text = self._found[at] if 0 <= at < len(self._found) else ""
        width = max(10, min(self.size.width * 9 // 10, 100) - _FRAME)
        rows = [row for line in text[:4_000].split("\n") for row in chop_cells(line, width) or [""]]
        if not self._found:
            rows = (
                ["", "no earlier prompt holds these words"]
                if self._prompts
                else ["", "no earlier prompts"]
            )
        # Where there is little room the list and the search line need it all.
        whole.display = len(rows) > 1 and (self.size.height >= _TALL or not self._found)
        if len(rows) > _PREVIEW_ROWS:
            left = f"… {len(rows) - _PREVIEW_ROWS + 1} more rows"
            rows = [*rows[: _PREVIEW_ROWS - 1], left]
        whole.update(Content("\n".join(rows)))


def _line(text: str) -> str:
    return " ⏎ ".join(" ".join(line.split()) for line in text[:2_000].split("\n") if line.strip())
