"""Where the user writes: many lines, history, and pastes that do not flood the screen."""

from collections.abc import Mapping
from typing import Final

from textual import events
from textual.message import Message
from textual.widgets import TextArea
from typing_extensions import override

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean
from ralex.tui.widgets.prompt.chips import LARGE_PASTE, Chips
from ralex.tui.widgets.prompt.history import History
from ralex.tui.widgets.prompt.images import image_mentions

_COMPLETION_KEYS: Final = frozenset({"up", "down", "tab", "enter", "escape"})
_PLACEHOLDER: Final = "Ask, or / for commands"
_PLACEHOLDER_WAITING: Final = "Say more, or ↑ to change what is queued"
_FOR_THE_SCREEN: Final = frozenset({"history", "editor", "paste"})


class Prompt(TextArea):
    """The input.

    Args:
        keys: For each key with a meaning here the name of its action, see ``core.keys``.

    Attributes:
        sent: What was sent before.
        project: The folder that mentioned files are relative to.
        is_completing: The completion list is open, and some keys are for it.
    """

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

    @dataclass
    class Wanted(Message):
        """The user wants an action that takes more than the prompt itself.

        Attributes:
            action: ``history``, ``editor``, ``paste``, or ``recall`` for what waits to be sent.
        """

        action: str

    class Edited(Message):
        """The text or the cursor changed."""

    def __init__(self, *, keys: Mapping[str, str], id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            soft_wrap=True,
            highlight_cursor_line=False,
            placeholder=_PLACEHOLDER,
            id=id,
        )
        self.cursor_blink = False
        self.is_completing = False
        self._has_waiting = False
        self.project = ""
        self.sent = History()
        self._keys = keys
        self._chips = Chips()
        self._offered = ""

    @property
    def whole_text(self) -> str:
        """What is written, pastes in full."""
        return self._chips.unfolded(self.text)

    def offer(self, text: str) -> None:
        """Let Enter in the empty prompt send a text, until something is sent."""
        self._offered = text
        self._say_what_keys_do()

    @property
    def has_waiting(self) -> bool:
        """Tell whether prompts wait to be sent, and can be taken back."""
        return self._has_waiting

    @has_waiting.setter
    def has_waiting(self, has_waiting: bool) -> None:
        self._has_waiting = has_waiting
        self._say_what_keys_do()

    def _say_what_keys_do(self) -> None:
        """Tell in the empty prompt what can be done there."""
        placeholder = _PLACEHOLDER_WAITING if self._has_waiting else _PLACEHOLDER
        self.placeholder = f"Enter: {self._offered}" if self._offered else placeholder

    def submit(self) -> None:
        """Send what is written, or what is offered if nothing is."""
        shown = self.text.strip() or self._offered
        self.offer("")
        if not shown:
            return
        text = self._chips.unfolded(shown)
        self.sent.add(shown)
        self.text = ""
        self.post_message(self.Submitted(self, text, shown))

    def put(self, text: str) -> None:
        """Replace the text and go to its end."""
        self.text = text
        self.move_cursor(self.document.end)

    def put_whole(self, text: str) -> None:
        """Replace the text by one that may be large; what is too large for here is folded."""
        self.put(self._chips.folded(text) if len(text) > LARGE_PASTE else text)

    def put_back(self, text: str) -> None:
        """Bring back what could not be sent, before what is written now."""
        own = self.text
        self.put_whole(text)
        if own.strip():
            self.put(f"{self.text}\n{own}")

    def insert_text(self, text: str) -> None:
        """Insert at the cursor, in the place of what is selected."""
        start, end = self.selection
        self.replace(text, start, end)
        self.focus()

    def insert_pasted(self, text: str) -> None:
        """Insert a pasted text; one too large for here is folded into a chip."""
        self.insert_text(self._chips.folded(text) if len(text) > LARGE_PASTE else text)

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
        # Not as bindings with priority: those run before keys that were typed earlier and are
        # still on their way here, so a quick Enter would send half a prompt.
        if await self._take(event.key):
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)

    @override
    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = clean(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        self.insert_pasted(image_mentions(text, self.project) or text)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Say in our own words that the text changed."""
        event.stop()
        self.post_message(self.Edited())

    async def _take(self, key: str) -> bool:
        """Do what a key means here; tell whether it meant something."""
        if self.is_completing and key in _COMPLETION_KEYS:
            self.post_message(self.KeyWanted(key))
            return True
        match self._keys.get(key):
            case "send" if self.before_cursor().endswith("\\"):
                self.replace_before_cursor(1, "\n")
            case "send":
                self.submit()
            case "newline":
                self.insert("\n")
            case "older" if not self.text and self.has_waiting:
                self.post_message(self.Wanted("recall"))
            case "older" if self._is_at_edge(-1):
                self._recall(await self.sent.older(self.text))
            case "newer" if self._is_at_edge(1):
                self._recall(self.sent.newer())
            case "unfold":
                self._unfold_at_cursor()
            case "undo_typing":
                self.action_undo()
            case str(action) if action in _FOR_THE_SCREEN:
                self.post_message(self.Wanted(action))
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

    def _unfold_at_cursor(self) -> None:
        """Show the paste whose chip the cursor is on or behind, or the last one of the line."""
        row, column = self.cursor_location
        found = self._chips.at(self.document.get_line(row), column)
        if found is not None:
            start, end, text = found
            self.replace(text, (row, start), (row, end))
