"""All commands and keys, read from the commands and bindings themselves."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from typing_extensions import override

from ralex.slash import COMMANDS

_LEFT = 21
_TYPED_KEYS = (
    ("Enter", "Send"),
    ("Shift+Enter", "New line; also Ctrl+J, or \\ before Enter"),
    ("Up, Down", "Earlier prompts, from first or last row"),
    ("Tab", "Take the completion"),
    ("Shift+Tab", "To the transcript: Enter opens, c copies"),
    ("Shift+mouse", "The terminal's own selection"),
)


class HelpScreen(ModalScreen[None]):
    """A page to look something up.

    Args:
        bindings: Those of the screen below.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1,q", "close", "Close", show=False, priority=True)
    ]

    def __init__(self, bindings: Sequence[Binding]) -> None:
        super().__init__()
        self._keys = bindings

    @override
    def compose(self) -> ComposeResult:
        """Commands, then keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "Esc closes"
            with VerticalScroll():
                yield Static(self._text(), markup=False)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def _text(self) -> Content:
        commands = [(command.usage, command.help) for command in COMMANDS]
        bound = [(key_names(binding.key), binding.description) for binding in self._keys]
        parts = [
            *_table("Commands", commands),
            "\n",
            *_table("Keys", [*_TYPED_KEYS, *(row for row in bound if row[1])]),
        ]
        return Content.assemble(*parts)


def key_names(keys: str) -> str:
    """Write keys as people do: ``ctrl+q`` is ``Ctrl+Q``."""
    names = {"pageup": "PageUp", "pagedown": "PageDown", "escape": "Esc"}
    written: list[str] = []
    for key in keys.split(","):
        parts = [names.get(part, part.capitalize()) for part in key.strip().split("+")]
        written.append("+".join(parts))
    return ", ".join(written)


def _table(title: str, rows: Sequence[tuple[str, str]]) -> list[str | Content | tuple[str, str]]:
    parts: list[str | Content | tuple[str, str]] = [(f"{title}\n", "bold $primary")]
    for left, right in rows:
        parts += [(f"{left:<{_LEFT}} ", "$foreground"), (f"{right}\n", "$text-muted")]
    return parts
