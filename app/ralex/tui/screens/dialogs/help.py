"""All commands and keys, read from the commands and bindings themselves."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from typing_extensions import override

from ralex.slash import COMMANDS

_LEFT = 21
_TYPED_KEYS = (
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "close", "Close", show=False, priority=True)
    ]

    def __init__(self, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._keys = keys

    @override
    def compose(self) -> ComposeResult:
        """Commands, then keys."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "PgDn reads on · Esc closes"
            yield Static(self._text(), markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _text(self) -> Content:
        commands = [(command.usage, command.help) for command in COMMANDS]
        parts = [
            *_table("Commands", commands),
            "\n",
            *_table("Keys", [*self._keys, *_TYPED_KEYS]),
        ]
        return Content.assemble(*parts)


def _table(title: str, rows: Sequence[tuple[str, str]]) -> list[str | Content | tuple[str, str]]:
    parts: list[str | Content | tuple[str, str]] = [(f"{title}\n", "bold $primary")]
    for left, right in rows:
        parts += [(f"{left:<{_LEFT}} ", "$foreground"), (f"{right}\n", "$text-muted")]
    return parts
