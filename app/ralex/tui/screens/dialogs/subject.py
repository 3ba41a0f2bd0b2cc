"""What a call would do, from its arguments alone: the command, the change, or its values.

The dialog that asks for the user's word shows this. Nothing is read from the disk, so a change is
shown as what is taken and what is put, without line numbers.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from textual.content import Content

from ralex.tui import formats
from ralex.tui.widgets.transcript.items import tool_arguments

_OLD: Final = ("old", "old_string", "old_str", "old_text", "search", "find")
_NEW: Final = ("new", "new_string", "new_str", "new_text", "replace", "replacement")
_WHOLE: Final = ("content", "contents", "text", "file_text", "data", "body", "new_content", "code")
_MOST_LINES: Final = 400
_ADDED: Final = "$diff-added on $diff-added-background"
_REMOVED: Final = "$diff-removed on $diff-removed-background"

_Part = str | tuple[str, str]


def subject(name: str, arguments_json: str) -> Content:
    """Write out what a call would do; empty if its arguments say nothing."""
    arguments = tool_arguments(arguments_json)
    old, new, whole = (_first(arguments, names) for names in (_OLD, _NEW, _WHOLE))
    if command := arguments.get("command", ""):
        lines = _command(command)
    elif old is not None and new is not None:
        lines = _change(old, new)
    elif name == "write" and whole is not None:
        lines = ((f"+ {line}", _ADDED) for line in whole.removesuffix("\n").split("\n"))
    else:
        lines = _values(arguments)
    parts: list[_Part] = []
    left_out = 0
    for number, (text, style) in enumerate(lines):
        if number >= _MOST_LINES:
            left_out += 1
            continue
        parts += ["\n" if number else "", (text, style)]
    if left_out:
        parts.append((f"\n… {formats.count(left_out, 'more line')}", "$text-muted"))
    return Content.assemble(*parts)


def _first(arguments: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((arguments[name] for name in names if name in arguments), None)


def _command(command: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(command.split("\n")):
        yield f"{'$' if number == 0 else ' '} {line}", "$foreground"


def _change(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Give the lines that differ, with two around them."""
    before, after = (text.removesuffix("\n").split("\n") for text in (old, new))
    compared = difflib.unified_diff(before, after, n=2, lineterm="")
    for line in compared:
        if line.startswith(("--- ", "+++ ")):
            continue
        if line.startswith("@@"):
            continue
        style = {"+": _ADDED, "-": _REMOVED}.get(line[:1], "$text-muted")
        yield f"{line[:1]} {line[1:]}", style


def _values(arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in arguments.items():
        for number, line in enumerate(value.split("\n")):
            yield f"{key if number == 0 else ' ' * len(key)}  {line}", "$foreground"
