"""Ask for the user's word before a call runs."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.events import ApprovalRequested
from ralex.tui.rows import shown


class ApprovalScreen(ModalScreen[str]):
    """Shows a call and the choices; leaving it takes the first, which is the harmless one."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "decline", "Decline", show=False)]

    def __init__(self, request: ApprovalRequested) -> None:
        super().__init__()
        self._request = request

    @override
    def compose(self) -> ComposeResult:
        """Question above, choices below."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Allow this?"
            dialog.border_subtitle = "Enter chooses · Esc declines"
            call = Content.assemble(
                (f"{shown(self._request.name)}  ", "$text-muted"),
                (shown(self._request.title), "$foreground"),
            )
            yield Static(call, classes="question", markup=False)
            options = [Option(Content(self._label(choice))) for choice in self._request.choices]
            yield OptionList(*options, markup=False, compact=True)

    def _label(self, choice: str) -> str:
        pattern = self._request.pattern
        return shown(f"{choice}: {pattern}" if choice == "always" and pattern else choice)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the choice back."""
        event.stop()
        self.dismiss(self._request.choices[event.option_index])

    def action_decline(self) -> None:
        """Take the harmless choice."""
        self.dismiss(self._request.choices[0] if self._request.choices else "")
