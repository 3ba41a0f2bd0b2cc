"""What the prompt could become, from the text before the cursor; no widgets here."""

import re
from collections.abc import Callable, Mapping, Sequence

from ralex.core.patterns import lazy_pattern
from ralex.slash import Command, matching, ranked
from ralex.tui.files import FileIndex
from ralex.tui.widgets.completion.completion import Choice

_COMMAND = lazy_pattern(r"/([a-z0-9:_-]*)\Z", re.IGNORECASE)
_ARGUMENT = lazy_pattern(r"/([a-z0-9:_-]+) +(\S*)\Z", re.IGNORECASE)
_FILE = lazy_pattern(r"(?:^|\s)@(\S*)\Z")
MOST = 50


def suggestions(
    before: str,
    *,
    is_first_line: bool,
    arguments: Mapping[str, Mapping[str, str]],
    files: FileIndex,
    own: Callable[[str], Sequence[Command]] | None = None,
) -> list[Choice]:
    """List what the text before the cursor could become.

    Args:
        before: The cursor's line up to the cursor.
        arguments: For a command's name, its possible arguments with a hint for each.
        files: Those of the project.
        own: Lists the user's own commands for what was typed after the slash.
    """
    if is_first_line and (found := _COMMAND.match(before)):
        return _commands(found[1], [*matching(found[1]), *(own(found[1]) if own else ())])
    if is_first_line and (found := _ARGUMENT.match(before)):
        return _arguments(found[2], arguments.get(found[1].lower(), {}))
    if found := _FILE.search(before):
        return _files(found[1], files)
    return []


def _commands(typed: str, commands: Sequence[Command]) -> list[Choice]:
    return [
        Choice(
            replaces=len(typed) + 1,
            text=f"/{command.name}" + (" " if command.argument else ""),
            label=command.usage,
            short=f"/{command.name}",
            hint=command.help,
            is_final=not command.argument or command.argument.startswith("["),
        )
        for command in commands
    ]


def _arguments(typed: str, known: Mapping[str, str]) -> list[Choice]:
    return [
        Choice(replaces=len(typed), text=value, label=value, hint=known[value], is_final=True)
        for value in ranked(typed, known, most=MOST)
    ]


def _files(typed: str, files: FileIndex) -> list[Choice]:
    typed_path = typed.removeprefix('"')
    return [
        Choice(
            replaces=len(typed) + 1,
            text=f'@"{path}" ' if re.search(r"\s", path) else f"@{path} ",
            label=path,
        )
        for path in files.search(typed_path, most=MOST)
    ]
