"""The parts of a shell command as permission rules see them: words, simple commands, scripts."""

from itertools import pairwise

from ralex.core.records import dataclass

ANY = "\0"
"""Stands for text that only the running shell knows; no command may hold a NUL character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a command, quotes taken off; ``ANY`` where only the shell knows.

    Attributes:
        may_split: Unquoted and unknown, so that it may be several words or none.
    """

    text: str
    may_split: bool = False

    @property
    def base(self) -> str:
        """The word without folders in front: ``git`` for ``/usr/bin/git``."""
        return self.text.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleCommand:
    """One program with its arguments.

    Attributes:
        assignments: ``NAME=value`` words in front of it.
        writes: Its output goes into a file.
        is_quoted: It stands in text that may never run, such as a here-document.
    """

    words: tuple[Word, ...]
    assignments: tuple[Word, ...] = ()
    writes: bool = False
    is_quoted: bool = False

    @property
    def text(self) -> str:
        """The command with single blanks, assignments first."""
        return " ".join(word.text for word in (*self.assignments, *self.words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a command line starts.

    Attributes:
        is_opaque: Part of it could not be read; there may be more than ``commands`` says.
    """

    commands: tuple[SimpleCommand, ...]
    is_opaque: bool = False


def joined(words: tuple[Word, ...]) -> str:
    """Write words with single blanks; where a word may vanish, so may the blanks around it."""
    if not words:
        return ""
    pieces = [words[0].text]
    for before, word in pairwise(words):
        is_loose = before.may_split or word.may_split
        pieces.append(word.text if is_loose else f" {word.text}")
    return "".join(pieces)
