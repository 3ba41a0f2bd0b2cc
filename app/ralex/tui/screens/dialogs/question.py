"""Put a question of the model to the user: options to choose from, and words of one's own."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.events import QuestionAsked
from ralex.tui.rows import shown, shown_line
from ralex.tui.sizes import HEIGHTS, WIDTHS


class QuestionScreen(ModalScreen[str]):
    """Gives the answer; leaving it gives none, and the model decides for itself.

    The line has the focus, so that what is being typed when the question comes is not a choice; up
    and down move to the options.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "Input"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "No answer", show=False, priority=True),
        Binding("up", "move(-1)", "Option above", show=False, priority=True),
        Binding("down", "move(1)", "Option below", show=False, priority=True),
        Binding("pageup", "page(-1)", "Scroll up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Scroll down", show=False, priority=True),
    ]

    def __init__(self, request: QuestionAsked) -> None:
        super().__init__()
        self._request = request

    @override
    def compose(self) -> ComposeResult:
        """Question above, then the options, then a line to type in."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "The model asks"
            dialog.border_subtitle = "Enter answers · Esc gives no answer"
            with VerticalScroll(classes="subject -plain", can_focus=False):
                yield Static(Content(shown(self._request.question)), markup=False)
            options = OptionList(markup=False, compact=True)
            options.can_focus = False
            options.display = bool(self._request.options)
            yield options
            answer = Input(placeholder="or an answer of your own", compact=True)
            answer.cursor_blink = False
            yield answer

    def on_mount(self) -> None:
        """List the options, none of them chosen."""
        options = self.query_one(OptionList)
        options.add_options(Option(Content(shown_line(one))) for one in self._request.options)
        options.highlighted = None

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._request.options[event.option_index])

    @on(Input.Changed)
    def _write(self, event: Input.Changed) -> None:
        """Take the mark from the options: words of one's own are the answer now."""
        event.stop()
        if event.value:
            self.query_one(OptionList).highlighted = None

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        event.stop()
        at = self.query_one(OptionList).highlighted
        if event.value.strip():
            self.dismiss(event.value.strip())
        elif at is not None:
            self.dismiss(self._request.options[at])

    def action_move(self, step: int) -> None:
        """Mark another option."""
        options = self.query_one(OptionList)
        if not self._request.options:
            return
        at = options.highlighted
        start = (-1 if step > 0 else 0) if at is None else at
        options.highlighted = (start + step) % len(self._request.options)
        self.query_one(Input).value = ""

    def action_page(self, step: int) -> None:
        """Read on in a long question."""
        box = self.query_one(VerticalScroll)
        box.scroll_to(y=box.scroll_y + step * max(1, box.size.height - 1), animate=False)

    def action_leave(self) -> None:
        """Give no answer."""
        self.dismiss("")
