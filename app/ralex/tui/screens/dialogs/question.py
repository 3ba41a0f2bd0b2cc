"""Put a question of the model to the user: options to choose from, and words of one's own."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.events import QuestionAsked
from ralex.tui.rows import shown


class QuestionScreen(ModalScreen[str]):
    """Gives the answer; leaving it gives none, and the model decides for itself."""

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "No answer", show=False)]

    def __init__(self, request: QuestionAsked) -> None:
        super().__init__()
        self._request = request

    @override
    def compose(self) -> ComposeResult:
        """Question above, then the options, then a line to type in."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "The model asks"
            dialog.border_subtitle = "Enter answers · Tab to the options · Esc gives no answer"
            yield Static(Content(shown(self._request.question)), classes="question", markup=False)
            if self._request.options:
                options = [Option(Content(shown(one))) for one in self._request.options]
                yield OptionList(*options, markup=False, compact=True)
            yield Input(placeholder="your answer")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Give the option back."""
        event.stop()
        self.dismiss(self._request.options[event.option_index])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the user's own words back."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())

    def action_leave(self) -> None:
        """Give no answer."""
        self.dismiss("")
