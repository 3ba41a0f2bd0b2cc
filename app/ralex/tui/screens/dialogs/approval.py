"""Ask for the user's word before a call runs."""

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.events import ApprovalRequested
from ralex.core.records import dataclass
from ralex.tui.rows import shown_line
from ralex.tui.screens.dialogs.subject import subject
from ralex.tui.sizes import HEIGHTS, WIDTHS
from ralex.tui.widgets.transcript.items import tool_arguments

_DENY: Final = "deny"
_WITH_MESSAGE: Final = "deny with a message"
_CHOOSING: Final = "Enter chooses · Esc denies"
_WRITING: Final = "Enter denies · Esc goes back"
_WORDS: Final = {
    "deny": "Deny",
    "allow": "Allow once",
    "always": "Allow always in this project",
    _WITH_MESSAGE: "Deny, and say why",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The user's word; ``message`` is told to the model with a denial."""

    choice: str
    message: str = ""


class ApprovalScreen(ModalScreen[Verdict]):
    """Shows a call and the choices; leaving it takes the first, which is the harmless one.

    No letter chooses anything: the dialog may come up while someone is typing.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "decline", "Decline", show=False, priority=True),
        Binding("pageup", "page(-1)", "Scroll up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Scroll down", show=False, priority=True),
    ]

    def __init__(self, request: ApprovalRequested) -> None:
        super().__init__()
        self._request = request
        self._choices = list(request.choices)
        if _DENY in self._choices:
            self._choices.append(_WITH_MESSAGE)

    @override
    def compose(self) -> ComposeResult:
        """What it is and why it is asked, what it would do, the choices."""
        request = self._request
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Allow this?"
            dialog.border_subtitle = _CHOOSING
            yield Static(self._question(), classes="question", markup=False)
            what = subject(request.name, request.arguments_json)
            with VerticalScroll(classes="subject", can_focus=False) as box:
                box.display = bool(what.plain.strip())
                yield Static(what, markup=False)
            options = [Option(self._label(choice)) for choice in self._choices]
            yield OptionList(*options, markup=False, compact=True)
            reason = Input(placeholder="what to do instead; Enter denies", compact=True)
            reason.cursor_blink = False
            reason.display = False
            yield reason

    def _question(self) -> Content:
        """Name the call and the reason; a command is not named, it is shown whole right below."""
        request = self._request
        reason = shown_line(request.reason)
        reason = f"asked because of {reason}" if reason else ""
        if tool_arguments(request.arguments_json).get("command"):
            return Content.assemble(
                (shown_line(request.name), "$foreground"),
                (f"  {reason}" if reason else "", "$text-muted"),
            )
        return Content.assemble(
            (f"{shown_line(request.name)}  ", "$text-muted"),
            (shown_line(request.title), "$foreground"),
            (f"\n{reason}" if reason else "", "$text-muted"),
        )

    def _label(self, choice: str) -> Content:
        words = _WORDS.get(choice, shown_line(choice))
        if choice != "always" or not self._request.pattern:
            return Content(words)
        return Content.assemble(words, "  ", (shown_line(self._request.pattern), "$warning"))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        choice = self._choices[event.option_index]
        if choice == _WITH_MESSAGE:
            self._write_reason(is_wanted=True)
        else:
            self.dismiss(Verdict(choice=choice))

    @on(Input.Submitted)
    def _deny(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(Verdict(choice=_DENY, message=event.value.strip()))

    def action_decline(self) -> None:
        """Take the harmless choice; from the message, go back to the choices."""
        if self.query_one(Input).display:
            self._write_reason(is_wanted=False)
        else:
            self.dismiss(Verdict(choice=self._request.choices[0] if self._request.choices else ""))

    def _write_reason(self, *, is_wanted: bool) -> None:
        reason = self.query_one(Input)
        reason.display = is_wanted
        self.query_one(".dialog").border_subtitle = _WRITING if is_wanted else _CHOOSING
        self.set_focus(reason if is_wanted else self.query_one(OptionList))

    def action_page(self, step: int) -> None:
        """Read on in a long command or change."""
        box = self.query_one(VerticalScroll)
        box.scroll_to(y=box.scroll_y + step * max(1, box.size.height - 1), animate=False)
