"""Read a shell command as far as permission rules need it: which programs does it start, and how?

This is no shell. It splits a script into its simple commands, through lists, pipes, groups,
substitutions and quotes, and marks what only the running shell will know. Where it is not sure it
says so, and the rules then ask instead of guessing.
"""

from dataclasses import field

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.core.shell_starts import expanded_texts, scripts_in
from ralex.core.shell_words import ANY, Script, SimpleCommand, Word

_BLANKS = " \t"
_ENDS = frozenset(";&|\n()")
_WORD_ENDS = _ENDS | frozenset(" \t\r<>")
_OPENERS = frozenset(
    ["if", "then", "else", "elif", "do", "while", "until", "!", "{", "}", "fi", "done", "esac"]
)
_UNREAD = frozenset({"case", "select", "function"})
_HARMLESS_TARGETS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})
_REDIRECTION = lazy_pattern(r"&>>|&>|<<<|<<-|<<|<>|<&|<|>>|>\||>&|>")
_NO_SETS: tuple[list[str], ...] = ([], ["!"], ["^"])
"""What does not end at the next ``]``: ``[]a]`` is one of two characters."""

_DESCRIPTOR = lazy_pattern(r"\{\w+\}")
_COPY = lazy_pattern(r"\d*-?")
_MOST_DEPTH = 8
_MOST_LEVELS = 40
"""Of expansions within expansions."""
_MOST_NESTED_CHARS = 300_000
"""Of scripts within scripts in all; a command that holds more is made to be read by nobody."""
_NESTED_COST_CHARS = 100


def read_script(text: str) -> Script:
    """Split a command line into the simple commands that it may run, nested ones included."""
    reader = _Reader(text)
    reader.run()
    return Script(commands=tuple(reader.commands), is_opaque=reader.is_opaque)


@dataclass(slots=True)
class _Draft:
    """A simple command in the making."""

    words: list[Word] = field(default_factory=list[Word])
    assignments: list[Word] = field(default_factory=list[Word])
    writes: bool = False
    is_loop_head: bool = False


@dataclass(slots=True)
class _Letters:
    """A word in the making.

    Attributes:
        bracket: Where a ``[`` stands that may begin a set of characters, or -1.
    """

    pieces: list[str] = field(default_factory=list[str])
    bracket: int = -1
    is_loose: bool = False
    has_quotes: bool = False
    has_braces: bool = False

    def add(self, char: str) -> None:
        """Add an unquoted character; what stands for any file's name is not known."""
        if char in "*?":
            self.pieces.append(ANY)
        elif char == "]" and self.bracket >= 0 and self.pieces[self.bracket + 1 :] not in _NO_SETS:
            self.pieces[self.bracket :] = [ANY]
            self.bracket = -1
        else:
            if char == "[" and self.bracket < 0:
                self.bracket = len(self.pieces)
            self.has_braces = self.has_braces or char == "{"
            self.pieces.append(char)

    def word(self) -> Word:
        """Give the word."""
        text = "".join(self.pieces)
        if self.has_braces and ("," in text or ".." in text):
            return Word(text=ANY, may_split=True)
        is_bare = self.is_loose and not self.has_quotes
        return Word(text=text, may_split=is_bare and not text.strip(ANY))


class _Reader:
    """Reads one script; nested ones add to the same list of commands."""

    def __init__(
        self,
        text: str,
        *,
        depth: int = 0,
        is_quoted: bool = False,
        room: list[int] | None = None,
    ) -> None:
        self._room = room or [_MOST_NESTED_CHARS]
        self._level = 0
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
        if draft.is_loop_head and word.text == "do":
            self._end_command()  # for x do …
        elif draft.words or draft.is_loop_head:
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
        if draft.is_loop_head:
            for word in draft.words:
                self._read_expansions(word.text)
            return
        if not (draft.words or draft.assignments or draft.writes):
            return
        command = SimpleCommand(
            words=tuple(draft.words),
            assignments=tuple(draft.assignments),
            writes=draft.writes,
            is_quoted=self._is_quoted,
        )
        self.commands.append(command)
        for script in scripts_in(command):
            if self.is_opaque:
                break
            self._nest(script)
        for text in expanded_texts(command):
            self._read_expansions(text)

    def _nest(self, text: str, *, is_quoted: bool = False) -> None:
        self._room[0] -= len(text) + _NESTED_COST_CHARS
        if self._room[0] < 0:
            self.is_opaque = True
            return
        quoted = is_quoted or self._is_quoted
        inner = _Reader(text, depth=self._depth + 1, is_quoted=quoted, room=self._room)
        inner.run()
        self.commands += inner.commands
        self.is_opaque = self.is_opaque or (inner.is_opaque and not is_quoted)

    def _read_word(self) -> Word:
        """Read one word; the caller has seen that one begins here."""
        letters = _Letters()
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in "<>" and self._text.startswith("(", self._at + 1):
                self._at += 2
                self._substitute(")")
                letters.pieces.append(ANY)
            elif char in _WORD_ENDS:
                if char == "(" and letters.pieces and self._text[self._at - 1] in "@+!?*":
                    self.is_opaque = True  # a pattern of a kind of its own: @(git|x)
                break
            else:
                self._read_piece(char, letters)
        return letters.word()

    def _read_piece(self, char: str, letters: "_Letters") -> None:
        """Read a quoted part, an expansion or a letter."""
        if char == "'":
            letters.pieces.append(self._until_quote())
            letters.has_quotes = True
        elif char == '"':
            self._at += 1
            letters.pieces.append(self._double_quoted())
            letters.has_quotes = True
        elif char == "\\":
            letters.pieces.append(self._text[self._at + 1 : self._at + 2].replace("\n", ""))
            self._at += 2
        elif char in "$`":
            letters.pieces.append(self._expansion())
            letters.is_loose = True
        else:
            letters.add(char)
            self._at += 1

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
        if self._level >= _MOST_LEVELS:
            self.is_opaque = True
            self._at = len(self._text)
            return ANY
        self._level += 1
        try:
            return self._expanded()
        finally:
            self._level -= 1

    def _expanded(self) -> str:
        text = self._text
        if text[self._at] == "`":
            return self._backticks()
        following = text[self._at + 1 : self._at + 2]
        if text.startswith("$((", self._at):
            self._arithmetic()
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

    def _arithmetic(self) -> None:
        """Read ``$((…))``; commands inside it count, what looks like no sum is opaque."""
        self._at += 3
        level = 2
        while self._at < len(self._text) and not self.is_opaque:
            char = self._text[self._at]
            if char in "$`":
                self._expansion()
                continue
            level += {"(": 1, ")": -1}.get(char, 0)
            self._at += 1
            if level == 1 and not self._text.startswith(")", self._at):
                break
            if level == 0:
                return
            if char in "'\"\\;\n":
                break
        self.is_opaque = True

    def _substitute(self, until: str) -> None:
        inner = _Reader(
            self._text, depth=self._depth + 1, is_quoted=self._is_quoted, room=self._room
        )
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
        start = self._at
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "}":
                # ${x@P} runs what stands in the variable
                self.is_opaque = self.is_opaque or self._text[start : self._at].endswith("@P")
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
        is_close = self._at > 0 and text[self._at - 1] == "}" and bool(self._draft.words)
        if is_close and _DESCRIPTOR.fullmatch(self._draft.words[-1].text):
            self._draft.words.pop()  # {name}> as well
        found = _REDIRECTION.match(text, self._at)
        sign = found[0] if found else text[self._at]
        self._at += len(sign)
        while text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1
        target = self._read_word().text
        if sign in ("<<", "<<-"):
            self._documents.append(target)
        elif sign == "<<<":
            self._read_expansions(target)  # what reads it may do arithmetic with it
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
        inner = _Reader(text, depth=self._depth + 1, room=self._room)
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
