"""Helps the prompt: completion above it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ralex.tui.files import FileIndex, project_files
from ralex.tui.screens.chat.suggest import suggestions
from ralex.tui.widgets.completion.completion import Choice, Completion

if TYPE_CHECKING:
    from ralex.tui.screens.chat.runner import CommandRunner
    from ralex.tui.screens.chat.screen import ChatScreen


_OLD_AFTER_S: Final = 10.0
"""Files come and go while a turn runs; what is listed meanwhile is the list of before."""


class Assistant:
    """Steers the completion list for a screen."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self._commands: CommandRunner | None = None
        self._files = FileIndex()
        self._root: Path | None = None
        self._read_at = 0.0
        self._is_reading_files = False
        self._closed_for = ""
        self._offered_for = ""

    @property
    def commands(self) -> "CommandRunner":
        """What runs slash commands; made when the first one is typed."""
        if self._commands is None:
            from ralex.tui.screens.chat.runner import CommandRunner  # noqa: PLC0415

            self._commands = CommandRunner(self._screen)
        return self._commands

    @property
    def _list(self) -> Completion:
        """The list; made when it is first wanted."""
        found = self._screen.query(Completion)
        if found:
            return found.first()
        made = Completion(id="completion")
        self._screen.mount(made)
        return made

    def complete(self) -> None:
        """Offer what the text before the cursor could become."""
        prompt = self._screen.prompt
        before = self._offered_for = prompt.before_cursor()
        if before == self._closed_for and before:
            return
        self._closed_for = ""
        if "@" in before:
            self._want_files()
        has_argument = before.startswith("/") and " " in before
        choices = suggestions(
            before,
            is_first_line=prompt.cursor_location[0] == 0,
            arguments=self.commands.arguments() if has_argument else {},
            files=self._files,
            own=self.commands.own if before.startswith("/") else None,
        )
        if before == "/":
            self._screen.run_worker(
                self.commands.refresh(), group="commands", exclusive=True, exit_on_error=False
            )
        if len(choices) == 1 and before.endswith(choices[0].text):
            choices = []
        self._offer(choices)

    def steer(self, key: str) -> None:
        """Do what a key means while the list is open."""
        if self._screen.prompt.before_cursor() != self._offered_for:
            self.complete()  # keys that came at once: the list is about what stood there before
        match key:
            case "up":
                self._list.move(-1)
            case "down":
                self._list.move(1)
            case "escape":
                self.close()
            case _ if (choice := self._list.choice) is not None:
                is_typed = self._screen.prompt.before_cursor().endswith(choice.text.rstrip())
                self.take(choice, sends=key == "enter" and (choice.is_final or is_typed))
            case "enter":
                self.close()
                self._screen.prompt.submit()
            case _:
                self.close()

    def take(self, choice: Choice, *, sends: bool = False) -> None:
        """Put a choice into the prompt, and send it if it is whole."""
        prompt = self._screen.prompt
        prompt.replace_before_cursor(choice.replaces, choice.text)
        self.close()
        if sends:
            prompt.submit()

    def close(self) -> None:
        """Hide the list until something else is typed."""
        self._closed_for = self._screen.prompt.before_cursor()
        self._offer([])

    def _offer(self, choices: list[Choice]) -> None:
        if not choices and not self._screen.query(Completion):
            return
        completion = self._list
        completion.offer(choices)
        self._screen.prompt.is_completing = bool(choices)
        self.place()
        if choices:
            self._screen.call_after_refresh(self.place)

    def place(self) -> None:
        """Put the list above the prompt, whose height is known only once it was laid out."""
        if not (found := self._screen.query(Completion)):
            return
        completion = found.first()
        completion.fit()
        foot = self._screen.query_one("#foot").outer_size.height
        completion.styles.margin = (0, 0, self._screen.prompt.outer_size.height + 1, 0)
        completion.styles.max_height = max(3, min(10, self._screen.size.height - foot - 4))

    def _want_files(self) -> None:
        """Read the project's files behind the keys: the first time, and when the list is old."""
        session = self._screen.session
        if session is None or self._is_reading_files:
            return
        root = Path(session.project)
        is_old = self._screen.seconds() - self._read_at > _OLD_AFTER_S
        if root != self._root or is_old:
            self._is_reading_files = True
            self._screen.run_worker(self._read_files(root), group="files", exit_on_error=False)

    async def _read_files(self, root: Path) -> None:
        try:
            self._files = await asyncio.to_thread(lambda: FileIndex(project_files(root)))
            self._root, self._read_at = root, self._screen.seconds()
        finally:
            self._is_reading_files = False
        self.complete()
