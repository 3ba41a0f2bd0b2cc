"""All commands and keys, read from the commands and bindings themselves."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static
from typing_extensions import override

from ralex.core.keys import key_names
from ralex.slash import COMMANDS, PREFIXES
from ralex.tui.hanging import beside
from ralex.tui.sizes import HEIGHTS, WIDTHS, dialog_cells
from ralex.tui.widgets.transcript.view import Transcript

_Rows: TypeAlias = Sequence[tuple[str, str]]
_VAST: Final = 150
"""Cells of a screen from which commands and keys have room beside each other."""
_BESIDE: Final = 67
_ALONE: Final = 72
_TYPED_KEYS: Final = (
    ("Tab", "Take the completion, else to the transcript"),
    ("Shift+mouse", "The terminal's own selection"),
)


class HelpScreen(ModalScreen[None]):
    """A page to look something up.

    Args:
        keys: What each key does on the screen below.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "VerticalScroll"
    HORIZONTAL_BREAKPOINTS = [*WIDTHS, (_VAST, "-vast")]  # noqa: RUF012 - an instance variable to Textual
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "close", "Close", show=False, priority=True)
    ]

    def __init__(self, keys: _Rows) -> None:
        super().__init__()
        self._keys = keys

    @override
    def compose(self) -> ComposeResult:
        """Commands, then keys; beside each other where there is room."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "PgDn reads on · Esc closes"
            with Horizontal():
                yield Static("", id="commands", markup=False)
                yield Static("", id="keys", markup=False)

    def on_resize(self, _event: Resize) -> None:
        """Write everything for the width there is."""
        room = dialog_cells(self.size.width) - 1
        width = _BESIDE if self.size.width >= _VAST else min(room, _ALONE)
        commands = [("Commands", [(each.usage, each.help) for each in COMMANDS])]
        keys = [
            ("In the prompt", [*PREFIXES]),
            ("Keys", [*self._keys, *_TYPED_KEYS]),
            ("In the transcript, once Tab went there", transcript_keys()),
        ]
        self.query_one("#commands", Static).update(_tables(commands, width))
        self.query_one("#keys", Static).update(_tables(keys, width))

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)


def transcript_keys() -> list[tuple[str, str]]:
    """Give the keys that only the transcript knows, from its own bindings."""
    bindings = (each for each in Transcript.BINDINGS if isinstance(each, Binding))
    return [
        (", ".join(key if len(key) == 1 else key_names([key]) for key in keys), about)
        for keys, about in ((each.key.split(","), each.description) for each in bindings)
    ]


def _tables(tables: Iterable[tuple[str, _Rows]], width: int) -> Content:
    parts: list[Content | str] = []
    for title, rows in tables:
        first = max(len(name) for name, _ in rows) + 2
        parts += ["\n\n" if parts else "", Content.styled(title, "bold $primary")]
        for name, about in rows:
            line = beside(name, about, name_width=min(first, width // 2), width=width)
            parts += ["\n", line]
    return Content.assemble(*parts)
