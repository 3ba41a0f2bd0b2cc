"""Every slash command, once: completion, help and dispatch of all front ends read this list."""

import re
from collections.abc import Iterable
from typing import Final

from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of the prompt.

    Attributes:
        name: Without the slash; each front end has a table of what it runs.
        argument: Hint of what may follow, in brackets where it is optional.
        help: What it does, in one line.
    """

    name: str
    argument: str = ""
    help: str

    @property
    def usage(self) -> str:
        """Name and argument, as typed."""
        return f"/{self.name} {self.argument}".rstrip()


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:_-]*")

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        name="model",
        argument="[id][!|task]",
        help="Choose a model, for a turn or task too",
    ),
    Command(
        name="tier",
        argument="[name][!|task]",
        help="Choose a tier, the same way",
    ),
    Command(name="router", argument="[name]", help="Route with another router"),
    Command(name="auto", help="Let the router choose again"),
    Command(name="why", help="Tell why the last turn went to its model"),
    Command(name="budget", help="Show where today's money went"),
    Command(name="cost", help="Say what the session and today cost"),
    Command(name="mode", argument="[name]", help="Act freely, ask first, or only plan"),
    Command(name="new", help="Start a fresh session here"),
    Command(name="sessions", help="Search, open, copy, rename or delete"),
    Command(name="resume", argument="[id]", help="Go on with a stored session"),
    Command(name="fork", argument="[id]", help="Go on in a copy of the session"),
    Command(name="rename", argument="title", help="Give the session another title"),
    Command(
        name="export",
        argument="[form] [file]",
        help="Write it to a file: md, json or html",
    ),
    Command(name="undo", help="Take back the last turn's changes to files"),
    Command(name="redo", help="Bring back what /undo took"),
    Command(name="diff", argument="[session]", help="Show what changed, file by file"),
    Command(name="compact", argument="[focus]", help="Put a summary in place of old messages"),
    Command(name="context", help="Show what fills the context window"),
    Command(name="jobs", argument="[kill number]", help="Show what runs in the background"),
    Command(name="standards", help="Show which instruction files are in force"),
    Command(name="commands", help="List commands of your own"),
    Command(name="theme", argument="[name]", help="Choose the colours"),
    Command(name="find", argument="[text]", help="Search the transcript"),
    Command(name="copy", help="Copy the last code block or answer"),
    Command(name="clear", help="Empty the screen, not the session"),
    Command(name="help", help="Show all commands and keys"),
    Command(name="quit", help="Leave ralex"),
)


PREFIXES: Final[tuple[tuple[str, str], ...]] = (
    ("/", "A command; it completes as you type"),
    ("@", "A file's name, completed; the file goes along"),
    ("!", "Run a command of yours; the model sees what it printed"),
    ("!!", "Run one that the model does not see"),
    ("\\", "At the end of a line, then Enter: a new line"),
)
"""Signs that mean something where the user writes, and what."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as the user typed it."""

    name: str
    argument: str


def read_command(text: str) -> Typed | None:
    """Read a prompt as a command, or return None if it is none.

    A path such as ``/usr/bin is missing`` is no command: names hold no second slash.
    """
    if not text.startswith("/") or "\n" in text:
        return None
    name, _, argument = text[1:].partition(" ")
    return Typed(name, argument.strip()) if _NAME.fullmatch(name) else None


def read_shell(text: str) -> tuple[str, bool] | None:
    """Read a prompt as a command for the shell, or return None if it is none.

    Returns:
        The command, and whether the model is to read of it: not after ``!!``.
    """
    if not text.startswith("!"):
        return None
    is_private = text.startswith("!!")
    return text[2 if is_private else 1 :].strip(), not is_private


def read_length(typed: str) -> tuple[str, bool, bool]:
    """Read a name with ``!`` (for one turn) or ``task`` (for a task) behind it.

    Returns:
        The name, whether it holds once, and whether for the task.
    """
    text = typed.strip()
    if text.endswith("!"):
        return text.removesuffix("!").strip(), True, False
    if text.lower().endswith(" task"):
        return text[:-5].strip(), False, True
    return text, False, False


def find_command(name: str) -> Command | None:
    """Find a command by its full name."""
    return next((command for command in COMMANDS if command.name == name), None)


def nearest_name(name: str, others: Iterable[str] = ()) -> str:
    """Name the command that was probably meant, or give an empty string."""
    names = [*(command.name for command in COMMANDS), *others]
    letters = sorted(name.lower())
    for known in names:
        if sorted(known) == letters:  # two letters changed places: the commonest slip
            return known
    import difflib  # noqa: PLC0415 - only for a message

    return next(iter(difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)), "")


def matching(prefix: str) -> list[Command]:
    """Commands for what was typed after the slash: those that begin with it, then containing it."""
    wanted = prefix.lower()
    begin = [command for command in COMMANDS if command.name.startswith(wanted)]
    contain = [command for command in COMMANDS if wanted in command.name]
    return [*begin, *(command for command in contain if command not in begin)]


def ranked(query: str, candidates: Iterable[str], *, most: int = 50) -> list[str]:
    """Order candidates by how well they fit: substring first, then letters in order.

    Args:
        query: Empty keeps the order of the candidates.
    """
    wanted = query.lower()
    close: list[tuple[int, int, str]] = []
    loose: list[str] = []
    for place, candidate in enumerate(candidates):
        at = candidate.lower().find(wanted)
        if at >= 0:
            close.append((at if query else 0, place, candidate))
        elif _holds_in_order(wanted, candidate.lower()):
            loose.append(candidate)
    return [candidate for *_, candidate in sorted(close)][:most] + loose[
        : max(0, most - len(close))
    ]


def _holds_in_order(wanted: str, text: str) -> bool:
    at = -1
    return all((at := text.find(letter, at + 1)) >= 0 for letter in wanted)
