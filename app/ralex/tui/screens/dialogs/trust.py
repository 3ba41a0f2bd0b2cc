"""Ask whether a project's settings may do more than make a run safer or cheaper."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.config.model import UntrustedFile
from ralex.config.trust import Trust
from ralex.tui.rows import shown_line
from ralex.tui.sizes import HEIGHTS, WIDTHS

_CHOICES = (
    ("Not now", "and ask again at the next start", None),
    ("Ignore them", "and ask when the file changes", Trust.IGNORED),
    ("Trust this file", "as long as it stays as it is now", Trust.TRUSTED),
)


class TrustScreen(ModalScreen[Trust | None]):
    """Shows what a file asks for; leaving it changes nothing."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "decline", "Not now", show=False),
        Binding("pageup", "scroll_asks(-1)", "Scroll up", show=False),
        Binding("pagedown", "scroll_asks(1)", "Scroll down", show=False),
    ]

    def __init__(self, file: UntrustedFile) -> None:
        super().__init__()
        self._file = file

    @override
    def compose(self) -> ComposeResult:
        """Why, what, and the choices; the harmless one first."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Trust this project's settings?"
            dialog.border_subtitle = "Enter chooses · Esc: not now"
            yield Static(self._question(), classes="question", markup=False)
            with VerticalScroll(classes="subject", can_focus=False):
                yield Static(self._asks(), markup=False)
            yield OptionList(
                *(
                    Option(Content.assemble(f"{name:<18}", (about, "$text-muted")))
                    for name, about, _ in _CHOICES
                ),
                markup=False,
                compact=True,
            )

    def _question(self) -> Content:
        return Content.assemble(
            (shown_line(str(self._file.path)), "$primary"),
            "\nasks for what only you may decide: where prompts and keys are sent, what runs "
            "without a question, what may be spent. Trust it only if you know who wrote it.",
        )

    def _asks(self) -> Content:
        return Content("\n".join(shown_line(line) for line in self._file.asks))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the answer."""
        event.stop()
        self.dismiss(_CHOICES[event.option_index][2])

    def action_scroll_asks(self, step: int) -> None:
        """Read on in a long list."""
        box = self.query_one(VerticalScroll)
        box.scroll_to(y=box.scroll_y + step * max(1, box.size.height - 1), animate=False)

    def action_decline(self) -> None:
        """Go on without."""
        self.dismiss(None)
