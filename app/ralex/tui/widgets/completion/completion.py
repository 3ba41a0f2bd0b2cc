"""What the prompt could become: one list above it that never takes the focus."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean_line

_GAP: Final = 2
_FRAME: Final = 4
"""Cells beside the choices: the bar, the padding, the scroll bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One thing the prompt could become.

    Attributes:
        replaces: Characters before the cursor that it replaces.
        text: What comes in their place.
        label: What is shown.
        short: Shown in the label's place where the hints would be cut.
        hint: Shown after it, quieter.
        is_final: Enter sends it at once.
    """

    replaces: int
    text: str
    label: str
    short: str = ""
    hint: str = ""
    is_final: bool = False


class Completion(OptionList, can_focus=False):
    """The list; hidden while it is empty."""

    @dataclass
    class Picked(Message):
        """The user clicked a choice."""

        choice: Choice

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False, compact=True)
        self._choices: list[Choice] = []
        self.display = False

    @property
    def is_open(self) -> bool:
        """Tell whether it is shown."""
        return bool(self.display)

    @property
    def choice(self) -> Choice | None:
        """The choice under the cursor."""
        at = self.highlighted
        return self._choices[at] if at is not None and at < len(self._choices) else None

    def offer(self, choices: Sequence[Choice]) -> None:
        """Show choices, the first one marked; none hides the list."""
        if list(choices) == self._choices and self.is_open == bool(choices):
            return
        self._choices = list(choices)
        self.clear_options()
        if choices:
            self.add_options([Option(line) for line in self._drawn_choices()])
            self.highlighted = 0
        self.display = bool(choices)

    def fit(self) -> None:
        """Draw the choices for the room there is now."""
        if self.is_open and self._choices:
            for at, line in enumerate(self._drawn_choices()):
                self.replace_option_prompt_at_index(at, line)

    def _drawn_choices(self) -> list[Content]:
        labels = [choice.label for choice in self._choices]
        hints = max(cell_len(choice.hint) for choice in self._choices)
        if max(map(cell_len, labels)) + _GAP + hints > self.screen.size.width - _FRAME:
            labels = [choice.short or choice.label for choice in self._choices]
        labels = [clean_line(label) for label in labels]
        wide = max(map(cell_len, labels))
        return [
            _line(label, choice.hint, wide)
            for label, choice in zip(labels, self._choices, strict=True)
        ]

    def move(self, step: int) -> None:
        """Mark the next choice, around the ends."""
        if self._choices:
            self.highlighted = ((self.highlighted or 0) + step) % len(self._choices)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Tell which choice was clicked."""
        event.stop()
        self.post_message(self.Picked(self._choices[event.option_index]))


def _line(label: str, hint: str, wide: int) -> Content:
    if not hint:
        return Content(label)
    pad = " " * (wide - cell_len(label) + _GAP)
    return Content.assemble(label, (f"{pad}{clean_line(hint)}", "$text-muted"))
