"""Does a changed file of a language with brackets still parse? tree-sitter tells.

Its grammars are behind their languages: macros, templates and new syntax look like faults to them.
So a fault is believed only where the change has put brackets out of their pairs, or where the
grammar takes all of its language and took the file as it was before.

A grammar is loaded by the first change of a file of its kind. Where one is missing, because there
is no wheel for a platform, its files are not checked.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.tools.diffs import change_between

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

MAX_CHARACTERS = 100_000
BUDGET_S = 0.15
"""Of processor time for one change: a busy machine is no reason to say nothing."""

_MAX_SHELL_CHARACTERS = 30_000
"""Quotes that are never closed take bash's grammar a time that grows with their square."""

_NODES_BETWEEN_LOOKS = 1000
_MAX_SHOWN = 80
_OPEN, _CLOSE = "([{", ")]}"
_TEMPLATE = lazy_pattern(r"^[ \t]*\{[%#][-+ ]|^[ \t]*<%", 8)  # 8: re.MULTILINE
"""Lines of templates, which are a program only once they are filled in."""

_STYLE_TEMPLATE = lazy_pattern(r"\{\{|\{%|<%|<\?")
_ODD_IN_NEW = lazy_pattern(r"\\\r?\n|\{\{ ?[\w.&-]+ ?\}\}")
"""Macros of several lines and fields to fill in; a new file with them is not judged."""

_FLOW = lazy_pattern(r"@flow\b|^(?:import|export) type(?:of)?\b", 8)
"""A language of its own, which is written into files of JavaScript."""

_OTHER_SHELL = lazy_pattern(r"#!.*\b(?:zsh|fish|t?csh|python\S*|perl|node|awk|expect)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grammar:
    """How a grammar is loaded, and how far it is believed.

    Attributes:
        is_complete: It takes, as far as thousands of files show, all that its language has.
        has_brackets: They come in pairs, also as the grammar sees them in what it does not know.
    """

    module: str
    function: str = "language"
    is_complete: bool = True
    has_brackets: bool = True


_JAVASCRIPT = (_Grammar(module="tree_sitter_javascript", has_brackets=False),)
_TYPESCRIPT = (
    _Grammar(module="tree_sitter_typescript", function="language_typescript", is_complete=False),
)
_TSX = (_Grammar(module="tree_sitter_typescript", function="language_tsx", is_complete=False),)
_C = _Grammar(module="tree_sitter_c", is_complete=False)
_CPP = _Grammar(module="tree_sitter_cpp", is_complete=False)
_BASH = (_Grammar(module="tree_sitter_bash", is_complete=False, has_brackets=False),)
_RUBY = (_Grammar(module="tree_sitter_ruby"),)
_GRAMMARS: Mapping[str, tuple[_Grammar, ...]] = {
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), _JAVASCRIPT),
    **dict.fromkeys((".ts", ".mts", ".cts"), _TYPESCRIPT),
    ".tsx": _TSX,
    ".go": (_Grammar(module="tree_sitter_go"),),
    ".rs": (_Grammar(module="tree_sitter_rust"),),
    ".java": (_Grammar(module="tree_sitter_java"),),
    ".c": (_C,),
    ".h": (_C, _CPP),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), (_CPP,)),
    **dict.fromkeys((".sh", ".bash"), _BASH),
    **dict.fromkeys((".rb", ".rake", ".gemspec"), _RUBY),
    ".php": (_Grammar(module="tree_sitter_php", function="language_php"),),
    ".cs": (_Grammar(module="tree_sitter_c_sharp"),),
    ".css": (_Grammar(module="tree_sitter_css"),),
}
"""For each kind of file what may be in it; it is right if one of them takes it."""


def fault_in(name: str, before: str | None, after: str, budget_s: float = BUDGET_S) -> str:
    """Say where a text stopped to parse by a change.

    Args:
        name: The file's name; its suffix tells the language.
        before: The text before, or None for a new file.
        budget_s: Seconds of this thread's processor time after which nothing is said.

    Returns:
        The line and what stands there, or nothing: also where it cannot be told.
    """
    suffix = PurePath(name).suffix.casefold()
    grammars = _GRAMMARS.get(suffix, ())
    if not grammars or not _is_plain(suffix, after):
        return ""
    if before is not None and len(before) > MAX_CHARACTERS:
        return ""
    ends = time.thread_time() + budget_s
    try:
        return _new_fault(grammars, before, after, ends)
    except _CannotTellError:
        return ""


def _is_plain(suffix: str, text: str) -> bool:
    """Tell whether a text is of a size and kind that its grammars can judge."""
    if len(text) > MAX_CHARACTERS or "\0" in text or _TEMPLATE.search(text):
        return False
    if suffix == ".css":
        return not _STYLE_TEMPLATE.search(text)
    if _GRAMMARS[suffix] is _JAVASCRIPT:
        return not _FLOW.search(text)
    if _GRAMMARS[suffix] is _BASH:
        return len(text) <= _MAX_SHELL_CHARACTERS and not _OTHER_SHELL.match(text)
    return True


def _new_fault(grammars: tuple[_Grammar, ...], before: str | None, after: str, ends: float) -> str:
    now: list[_Parsed] = []
    for grammar in grammars:
        now.append(_Parsed(grammar, after, ends))
        if not now[-1].is_broken:
            return ""
    if before is None:
        is_fault = not _ODD_IN_NEW.search(after) and _is_fault_of_change(None, now[-1])
        return now[-1].fault(0, after) if is_fault else ""
    changed = change_between(before, after, 0).skipped
    for broken in now:
        was = _Parsed(broken.grammar, before, ends)
        if not was.is_broken or broken is now[-1]:
            return broken.fault(changed, after) if _is_fault_of_change(was, broken) else ""
    return ""


def _is_fault_of_change(was: "_Parsed | None", broken: "_Parsed") -> bool:
    is_known = was is None or not was.is_broken
    if broken.grammar.is_complete and is_known:
        return True
    if not broken.grammar.has_brackets:
        return was is not None and is_known
    return broken.is_unpaired() and (was is None or not was.is_unpaired())


class _CannotTellError(Exception):
    """A grammar is missing or too new, or the time is up."""


class _Parsed:
    """A text as one grammar understands it."""

    def __init__(self, grammar: _Grammar, text: str, ends: float) -> None:
        self.grammar = grammar
        self._ends = ends
        self._tree = _parse(grammar, text.encode("utf-8", "replace"), ends)
        self.is_broken = self._tree.root_node.has_error

    def is_unpaired(self) -> bool:
        """Tell whether the brackets outside of texts and comments do not come in pairs."""
        return any(self._depths())

    def fault(self, row: int, text: str) -> str:
        """Describe the fault that a change at a row most likely made."""
        faults = (
            node for node in self._nodes(only_faulty=True) if node.is_error or node.is_missing
        )
        chosen = next((node for node in faults if node.start_point.row >= row), None)
        missing = f"{chosen.type} is missing: " if chosen and chosen.is_missing else ""
        lines = text.split("\n")
        at = chosen.start_point.row if chosen else row
        while at > 0 and not lines[at].strip():
            at -= 1
        line = " ".join(lines[at].split())
        shown = line if len(line) <= _MAX_SHOWN else f"{line[:_MAX_SHOWN]}…"
        return f"it does not parse (line {at + 1}: {missing}{shown})"

    def _depths(self) -> list[int]:
        depths = [0] * len(_OPEN)
        for node in self._nodes(only_faulty=False):
            for char in node.type if not (node.is_named or node.is_missing) else "":
                if char in _OPEN:
                    depths[_OPEN.index(char)] += 1
                elif char in _CLOSE:
                    depths[_CLOSE.index(char)] -= 1
        return depths

    def _nodes(self, *, only_faulty: bool) -> "Iterator[Node]":
        """Give the nodes from the first to the last, a parent before its children.

        Queries would do, but take longer, and one that is given up can end the whole process.
        """
        cursor = self._tree.walk()
        count = 0
        while True:
            count += 1
            if count % _NODES_BETWEEN_LOOKS == 0 and time.thread_time() > self._ends:
                raise _CannotTellError
            node = cast("Node", cursor.node)
            yield node
            if (not only_faulty or node.has_error) and cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return


def _parse(grammar: _Grammar, data: bytes, ends: float) -> "Tree":
    given: list[bytearray] = []

    def rest(at: int, _: object) -> bytearray:
        given.append(bytearray(data[at:]))
        return given[-1]

    try:
        from tree_sitter import Language, Parser  # noqa: PLC0415 - see the module's text

        make = getattr(import_module(grammar.module), grammar.function)
        language = Language(cast("Callable[[], object]", make)())
        return Parser(language).parse(
            rest, progress_callback=lambda _, __: time.thread_time() > ends
        )
    except (ImportError, AttributeError, ValueError) as error:
        raise _CannotTellError from error
    finally:
        # The binding (0.26) never lets go of what it was given, but does not look at it again.
        for piece in given:
            piece.clear()
