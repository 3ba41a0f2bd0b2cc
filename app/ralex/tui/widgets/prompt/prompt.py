"""Where the user writes: many lines, history, and pastes that do not flood the screen."""

import re
from dataclasses import dataclass
from typing import Final

from textual import events
from textual.message import Message
from textual.widgets import TextArea
from typing_extensions import override

from ralex.core.terminal_text import clean
from ralex.tui.widgets.prompt.history import History

LARGE_PASTE: Final = 4_000
"""Characters from which a paste becomes a chip; a text area gets slow with much text."""

_CHIP = re.compile(r"\[paste (\d+): [^\]\n]*\]")


class Prompt(TextArea):
    """The input. Enter sends; Shift+Enter, Ctrl+J or a backslash before Enter starts a new line."""

    @dataclass
    class Submitted(Message):
        """The user sent something.

        Attributes:
            text: What to send, pastes in full.
            shown: The same as the user saw it.
        """

        prompt: "Prompt"
        text: str
        shown: str

        @property
        def control(self) -> "Prompt":
            """The prompt it came from."""
            return self.prompt

    @dataclass
    class KeyWanted(Message):
        """A key that means something to the completion list, which never has the focus."""

        key: str

    class Edited(Message):
        """The text or the cursor changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            soft_wrap=True,
            compact=True,
            highlight_cursor_line=False,
            placeholder="Ask, or / for commands",
            id=id,
        )
        self.cursor_blink = False
        self.is_completing = False
        self._sent = History()
        self._pastes: list[str] = []

    def submit(self) -> None:
        """Send what is written, if anything is."""
        shown = self.text.strip()
        if not shown:
            return
        text = _CHIP.sub(self._unfold, shown)
        self._sent.add(shown)
        self.text = ""
        self.post_message(self.Submitted(self, text, shown))

    def put(self, text: str) -> None:
        """Replace the text and go to its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def put_back(self, text: str) -> None:
        """Bring back what could not be sent, before what is written now."""
        self.put(f"{text}\n{self.text}" if self.text.strip() else text)

    def before_cursor(self) -> str:
        """Give the text of the cursor's line up to the cursor."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def replace_before_cursor(self, length: int, text: str) -> None:
        """Replace the characters just before the cursor."""
        row, column = self.cursor_location
        self.replace(text, (row, column - length), (row, column))

    @override
    async def _on_key(self, event: events.Key) -> None:
        if self._take(event):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)

    @override
    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = clean(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        if len(text) > LARGE_PASTE:
            self._pastes.append(text)
            size = f"{len(text.encode('utf-8', 'replace')) / 1_000:,.0f} kB"
            text = f"[paste {len(self._pastes)}: {size}]"
        start, end = self.selection
        self.replace(text, start, end)
        self.focus()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Say in our own words that the text changed."""
        event.stop()
        self.post_message(self.Edited())

    def _take(self, event: events.Key) -> bool:
        """Do what a key means here; tell whether it meant something."""
        key = event.key
        if self.is_completing and key in {"up", "down", "tab", "enter", "escape"}:
            self.post_message(self.KeyWanted(key))
            return True
        match key:
            case "enter" if self.before_cursor().endswith("\\"):
                self.replace_before_cursor(1, "\n")
            case "enter":
                self.submit()
            case "shift+enter" | "ctrl+j" | "alt+enter":
                self.insert("\n")
            case "up" if self._is_at_edge(-1):
                self._recall(self._sent.older(self.text))
            case "down" if self._is_at_edge(1):
                self._recall(self._sent.newer())
            case _:
                return False
        return True

    def _is_at_edge(self, direction: int) -> bool:
        """Tell whether the cursor is in the first (-1) or last (1) visual row."""
        if not self.selection.is_empty:
            return False
        row = self.wrapped_document.location_to_offset(self.cursor_location).y
        return row <= 0 if direction < 0 else row >= self.wrapped_document.height - 1

    def _recall(self, text: str | None) -> None:
        if text is not None:
            self.put(text)

    def _unfold(self, chip: re.Match[str]) -> str:
        number = int(chip[1])
        return self._pastes[number - 1] if 0 < number <= len(self._pastes) else chip[0]
