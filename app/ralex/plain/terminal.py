"""Reads lines from the user: edited and remembered by readline where there is a terminal."""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from ralex.config.paths import ensure_folder
from ralex.core.terminal_text import clean

_MOST_REMEMBERED = 1_000


class Terminal:
    """The place where lines are asked for and printed.

    Args:
        home: Folder of ralex's files; earlier prompts are kept there.
        completions: Gives the words that may follow what was typed, for the Tab key.
    """

    def __init__(self, home: Path, completions: Callable[[str], Sequence[str]]) -> None:
        self._history = home / "plain-history"
        self._completions = completions
        self._is_typed = sys.stdin.isatty()
        self._readline = _readline() if self._is_typed and sys.stdout.isatty() else None

    def open(self) -> None:
        """Read what was asked before; a home that cannot be read costs the history only."""
        editor = self._readline
        if editor is None:
            return
        editor.set_auto_history(False)  # answers to questions are no prompts
        editor.set_history_length(_MOST_REMEMBERED)
        editor.set_completer_delims(" ")
        editor.set_completer(self._complete)
        editor.parse_and_bind("tab: complete")
        with suppress(OSError):
            editor.read_history_file(self._history)

    def close(self) -> None:
        """Keep what was asked, for the owner's eyes only."""
        if self._readline is None:
            return
        with suppress(OSError):
            ensure_folder(self._history.parent)
            self._history.touch(mode=0o600)
            self._readline.write_history_file(self._history)

    def ask(self, question: str) -> str:
        """Ask for one line.

        Raises:
            EOFError: If there will be none: Ctrl+D, or the end of a pipe.
            KeyboardInterrupt: On Ctrl+C.
        """
        if self._is_typed:
            return input(question)
        answer = input()
        self.say(f"{question}{answer}")  # nobody's keyboard shows it
        return answer

    def prompt(self) -> str:
        """Ask for a prompt: a line, and more of them while they end in a backslash.

        Raises:
            EOFError: If there will be none.
            KeyboardInterrupt: On Ctrl+C.
        """
        lines = [self.ask("You: ")]
        while lines[-1].endswith("\\"):
            lines[-1] = lines[-1][:-1]
            lines.append(self.ask("More: "))
        text = _readable("\n".join(lines))
        if self._readline is not None and text.strip():
            self._readline.add_history(text.replace("\n", " "))
        return text

    @property
    def typed(self) -> str:
        """What stands in the line that was being edited."""
        return self._readline.get_line_buffer() if self._readline is not None else ""

    def say(self, line: str = "") -> None:
        """Print a line; nothing in it commands the terminal."""
        sys.stdout.write(clean(line) + "\n")
        sys.stdout.flush()

    def _complete(self, word: str, state: int) -> str | None:
        typed = self.typed
        found = self._completions(typed) if typed.startswith("/") else ()
        if " " in typed:
            found = [each.rpartition(" ")[2] for each in found]
        matching = [each for each in found if each.startswith(word)]
        return matching[state] if state < len(matching) else None


def _readline() -> ModuleType | None:
    """Load the line editor; without it the terminal's own editing remains."""
    if os.environ.get("TERM", "dumb") == "dumb":
        return None  # whoever is behind such a terminal edits the line itself, as an editor does
    try:
        import readline  # noqa: PLC0415
    except ImportError:
        return None
    return readline


def _readable(text: str) -> str:
    """Replace bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
