"""Read a shell command as far as permission rules need it: which programs does it start, and how?

This is no shell. It splits a script into its simple commands, through lists, pipes, groups,
substitutions and quotes, and marks what only the running shell will know. Where it is not sure it
says so, and the rules then ask instead of guessing.
"""

from collections.abc import Iterator
from dataclasses import field
from itertools import pairwise

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

ANY = "\0"
"""Stands for text that only the running shell knows; no command may hold a NUL character."""

_BLANKS = " \t"
_ENDS = frozenset(";&|\n()")
_OPENERS = frozenset(
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "fi", "done", "esac"]
)
_UNREAD = frozenset({"case", "select", "function"})
_SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh", "fish", "su"})
_PREFIXES = frozenset(
    [
        "sudo",
        "doas",
        "env",
        "nohup",
        "time",
        "nice",
        "ionice",
        "command",
        "exec",
        "builtin",
        "xargs",
        "timeout",
        "stdbuf",
        "setsid",
        "busybox",
        "watch",
        "chroot",
        "unshare",
        "strace",
        "ltrace",
        "flock",
        "parallel",
        "caffeinate",
        "coproc",
    ]
)
_RUNNERS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
_HARMLESS_TARGETS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_REDIRECTION = lazy_pattern(r"&>>|&>|<<<|<<-|<<|<>|<&|<|>>|>\||>&|>")
_BRACKETS = lazy_pattern(r"\[[^\s;|&<>()]+\]")
_COPY = lazy_pattern(r"\d*-?")
_MOST_DEPTH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a command, quotes taken off; ``ANY`` where only the shell knows.

    Attributes:
        may_split: Unquoted and unknown, so that it may be several words or none.
    """

    text: str
    may_split: bool = False


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


def read_script(text: str) -> Script:
    """Split a command line into the simple commands that it may run, nested ones included."""
    reader = _Reader(text)
    reader.run()
    return Script(commands=tuple(reader.commands), is_opaque=reader.is_opaque)


def possible_texts(command: SimpleCommand) -> Iterator[str]:
    """Give the texts under which a forbidden command may hide in this one.

    Paths of programs, options in front of a sub-command, and programs that start others are looked
    through: ``sudo /usr/bin/git -C x push`` is ``git push`` as well.
    """
    yield _joined((*command.assignments, *command.words))
    words = command.words
    for start, word in enumerate(words):
        if start and _base(words[0]) not in _PREFIXES:
            break
        tail = words[start:]
        bare = Word(text=_base(word), may_split=word.may_split)
        yield _joined(tail)
        yield _joined((bare, *tail[1:]))
        yield from _without_options(bare, tail)


def runs_unseen(command: SimpleCommand) -> bool:
    """Tell whether a command is a shell that takes its program from where it cannot be read."""
    for start, word in enumerate(command.words):
        if start and _base(command.words[0]) not in _PREFIXES:
            return False
        rest = [one.text for one in command.words[start + 1 :]]
        if _base(word) in _SHELLS and all(one.startswith("-") for one in rest):
            return not {"--version", "--help"} & set(rest)
    return False


def _base(word: Word) -> str:
    return word.text.rsplit("/", 1)[-1]


def _without_options(program: Word, words: tuple[Word, ...]) -> Iterator[str]:
    """Leave out options in front of a sub-command, with their values and without."""
    for place in range(2, min(len(words), 12) + 1):
        if not words[1].text.startswith(("-", ANY)):
            return
        if place == len(words):
            break
        yield _joined((program, *words[place:]))


def _joined(words: tuple[Word, ...]) -> str:
    """Write words with single blanks; where a word may vanish, so may the blanks around it."""
    if not words:
        return ""
    pieces = [words[0].text]
    for before, word in pairwise(words):
        is_loose = before.may_split or word.may_split
        pieces.append(word.text if is_loose else f" {word.text}")
    return "".join(pieces)


@dataclass(slots=True)
class _Draft:
    """A simple command in the making."""

    words: list[Word] = field(default_factory=list[Word])
    assignments: list[Word] = field(default_factory=list[Word])
    writes: bool = False
    is_loop_head: bool = False


class _Reader:
    """Reads one script; nested ones add to the same list of commands."""

    def __init__(self, text: str, *, depth: int = 0, is_quoted: bool = False) -> None:
        self._text = text
        self._at = 0
        self._depth = depth
        self._is_quoted = is_quoted
        self._documents: list[str] = []
        self._draft = _Draft()
        self.commands: list[SimpleCommand] = []
        self.is_opaque = depth > _MOST_DEPTH

    def run(self, *, until: str = "") -> None:
        """Read to the end, or to an unquoted closing mark, which is consumed."""
        level = 0
        while not self.is_opaque and self._at < len(self._text):
            char = self._text[self._at]
            if char in _BLANKS or char == "\r":
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
            elif char == until and level == 0:
                self._at += 1
                self._end_command()
                self.is_opaque = self.is_opaque or bool(self._documents)
                return
            elif char in "<>" or self._text.startswith("&>", self._at):
                self._read_redirection()
            elif char == "#":
                self._skip_comment()
            elif char in _ENDS:
                level += {"(": 1, ")": -1}.get(char, 0)
                self._end_at(char)
            else:
                self._take_word(self._read_word())
        self._end_command()
        if until or self._documents:
            self.is_opaque = True  # something that was opened is never closed

    def _end_at(self, char: str) -> None:
        self._end_command()
        if self._text.startswith("((", self._at):
            self.is_opaque = True  # arithmetic has rules of its own
        self._at += 1
        if char == "\n":
            self._skip_documents()

    def _take_word(self, word: Word) -> None:
        draft = self._draft
        if draft.words or draft.is_loop_head:
            draft.words.append(word)
        elif word.text in _UNREAD:
            self.is_opaque = True
        elif word.text == "for":
            draft.is_loop_head = True
        elif word.text in _OPENERS:
            return
        elif _is_assignment(word.text):
            draft.assignments.append(word)
        else:
            draft.words.append(word)

    def _end_command(self) -> None:
        draft, self._draft = self._draft, _Draft()
        if draft.is_loop_head or not (draft.words or draft.assignments or draft.writes):
            return
        command = SimpleCommand(
            words=tuple(draft.words),
            assignments=tuple(draft.assignments),
            writes=draft.writes,
            is_quoted=self._is_quoted,
        )
        self.commands.append(command)
        for script in _scripts_in(command):
            self._nest(script)

    def _nest(self, text: str, *, is_quoted: bool = False) -> None:
        inner = _Reader(text, depth=self._depth + 1, is_quoted=is_quoted or self._is_quoted)
        inner.run()
        self.commands += inner.commands
        self.is_opaque = self.is_opaque or (inner.is_opaque and not is_quoted)

    def _read_word(self) -> Word:
        """Read one word; the caller has seen that one begins here."""
        pieces: list[str] = []
        is_loose = has_quotes = has_braces = False
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in _BLANKS or char in _ENDS or char in "<>\r":
                if char in "<>" and self._text.startswith("(", self._at + 1):
                    self._at += 2
                    self._substitute(")")
                    pieces.append(ANY)
                    continue
                break
            if char == "'":
                pieces.append(self._until_quote())
                has_quotes = True
            elif char == '"':
                self._at += 1
                pieces.append(self._double_quoted())
                has_quotes = True
            elif char == "\\":
                pieces.append(self._text[self._at + 1 : self._at + 2].replace("\n", ""))
                self._at += 2
            elif char in "$`":
                pieces.append(self._expansion())
                is_loose = True
            elif char in "*?" or _BRACKETS.match(self._text, self._at):
                pieces.append(ANY)
                self._at += 1
            else:
                has_braces = has_braces or char == "{"
                pieces.append(char)
                self._at += 1
        text = "".join(pieces)
        if has_braces and ("," in text or ".." in text):
            return Word(text=ANY, may_split=True)
        return Word(text=text, may_split=is_loose and not has_quotes and not text.strip(ANY))

    def _until_quote(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self.is_opaque = True
            end = len(self._text)
        text = self._text[self._at + 1 : end]
        self._at = end + 1
        return text

    def _double_quoted(self) -> str:
        pieces: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == '"':
                self._at += 1
                return "".join(pieces)
            if char == "\\":
                following = self._text[self._at + 1 : self._at + 2]
                is_joined = following == "\n"
                known = following if following in '$`"\\' else char + following
                pieces.append("" if is_joined else known)
                self._at += 2
            elif char in "$`":
                pieces.append(self._expansion())
            else:
                pieces.append(char)
                self._at += 1
        self.is_opaque = True
        return "".join(pieces)

    def _expansion(self) -> str:
        """Read what begins with ``$`` or a backtick; its value is not known."""
        text = self._text
        if text[self._at] == "`":
            return self._backticks()
        following = text[self._at + 1 : self._at + 2]
        if text.startswith("$((", self._at):
            self.is_opaque = True
            self._at += 3
        elif following == "(":
            self._at += 2
            self._substitute(")")
        elif following == "{":
            self._at += 2
            self._braced()
        elif following == "'":
            self._at += 1
            inside = self._until_quote()
            self.is_opaque = self.is_opaque or inside.endswith("\\")
            return ANY if "\\" in inside else inside
        elif following == '"':
            self._at += 2
            return self._double_quoted()
        elif following.isalnum() or following in ("_", "@", "*", "#", "?", "-", "$", "!"):
            self._at += 2
            while self._at < len(text) and (text[self._at].isalnum() or text[self._at] == "_"):
                self._at += 1
        else:
            self._at += 1
            return "$"
        return ANY

    def _substitute(self, until: str) -> None:
        inner = _Reader(self._text, depth=self._depth + 1, is_quoted=self._is_quoted)
        inner._at = self._at
        inner.run(until=until)
        self._at = inner._at
        self.commands += inner.commands
        self.is_opaque = self.is_opaque or inner.is_opaque

    def _backticks(self) -> str:
        end = self._at + 1
        while end < len(self._text) and self._text[end] != "`":
            end += 2 if self._text[end] == "\\" else 1
        if end >= len(self._text):
            self.is_opaque = True
        inside = self._text[self._at + 1 : end]
        self._at = end + 1
        self._nest(inside.replace("\\`", "`").replace("\\\\", "\\").replace("\\$", "$"))
        return ANY

    def _braced(self) -> None:
        """Read ``${…}``; commands inside it count."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "}":
                self._at += 1
                return
            if char in "$`":
                self._expansion()
            elif char == '"':
                self._at += 1
                self._double_quoted()
            elif char == "'":
                self._until_quote()
            else:
                self._at += 2 if char == "\\" else 1
        self.is_opaque = True

    def _read_redirection(self) -> None:
        text = self._text
        if text[self._at] in "<>" and text.startswith("(", self._at + 1):
            self._take_word(self._read_word())
            return
        if self._at and text[self._at - 1].isdigit() and self._draft.words:
            last = self._draft.words[-1]
            if last.text.isdigit():
                self._draft.words.pop()  # it names a descriptor
        found = _REDIRECTION.match(text, self._at)
        sign = found[0] if found else text[self._at]
        self._at += len(sign)
        while text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1
        target = self._read_word().text
        if sign in ("<<", "<<-"):
            self._documents.append(target)
        elif ">" in sign:
            is_copy = sign == ">&" and _COPY.fullmatch(target) is not None
            self._draft.writes |= not is_copy and target not in _HARMLESS_TARGETS

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _skip_documents(self) -> None:
        """Pass over here-documents; what stands in them may be run by what reads them."""
        for delimiter in self._documents:
            lines: list[str] = []
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = end + 1
                if line.lstrip("\t") == delimiter:
                    break
                lines.append(line)
            else:
                self.is_opaque = True
            body = "\n".join(lines)
            self._nest(body, is_quoted=True)
            self._read_expansions(body)
        self._documents.clear()

    def _read_expansions(self, text: str) -> None:
        """Read the substitutions of a text that the shell expands."""
        inner = _Reader(text, depth=self._depth + 1)
        while inner._at < len(text):
            if text[inner._at] in "$`":
                inner._expansion()
            else:
                inner._at += 2 if text[inner._at] == "\\" else 1
        self.commands += inner.commands
        self.is_opaque = self.is_opaque or inner.is_opaque


def _is_assignment(text: str) -> bool:
    name, sign, _ = text.partition("=")
    name = name.removesuffix("+")
    return bool(sign) and name.replace("_", "a").isalnum() and not name[0].isdigit()


def _scripts_in(command: SimpleCommand) -> Iterator[str]:
    """Give the scripts that a command hands to a shell as an argument."""
    words = command.words
    for place, word in enumerate(words):
        base = _base(word)
        rest = [one.text for one in words[place + 1 :]]
        if base in _SHELLS:
            for flag, script in pairwise(rest):
                if flag.startswith("-") and not flag.startswith("--") and "c" in flag:
                    yield script
                    break
        elif base == "eval" and place == 0:
            yield " ".join(rest)
        elif base == "trap" and place == 0 and rest:
            yield rest[0]
        elif word.text in _RUNNERS:
            yield from _quoted_again(rest)


def _quoted_again(words: list[str]) -> Iterator[str]:
    """Write the words after ``-exec`` as a script of their own."""
    ends = [place for place, word in enumerate(words) if word in (";", "+")]
    kept = words[: ends[0]] if ends else words
    if kept:
        yield " ".join(
            ANY if ANY in word else "'" + word.replace("'", "'\\''") + "'" for word in kept
        )
