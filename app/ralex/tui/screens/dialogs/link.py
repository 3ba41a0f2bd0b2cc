"""Show where a link leads before anything opens it."""

from typing import ClassVar, Final, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.tui.rows import shown_line
from ralex.tui.sizes import HEIGHTS, WIDTHS

LinkChoice: TypeAlias = Literal["open", "copy"]
_CHOICES: Final[tuple[tuple[str, LinkChoice | None], ...]] = (
    ("Leave it", None),
    ("Copy the address", "copy"),
    ("Open it in the browser", "open"),
)


class LinkScreen(ModalScreen[LinkChoice | None]):
    """The whole address, and what can be done with it; the harmless choice first."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave it", show=False, priority=True)
    ]

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    @override
    def compose(self) -> ComposeResult:
        """The address above, the choices below."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "A link of the model's"
            dialog.border_subtitle = "Enter chooses · Esc leaves it"
            with VerticalScroll(classes="subject", can_focus=False):
                yield Static(Content(shown_line(self._address)), markup=False)
            yield OptionList(
                *(Option(Content(words)) for words, _ in _CHOICES), markup=False, compact=True
            )

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(_CHOICES[event.option_index][1])

    def action_leave(self) -> None:
        """Do nothing with it."""
        self.dismiss(None)
