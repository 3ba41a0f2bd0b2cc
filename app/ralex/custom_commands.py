"""Slash commands of the user's own: Markdown files whose text becomes the prompt.

They are found where people keep them: ``.ralex/commands``, ``.claude/commands`` and
``.opencode/commands`` in the project (up to its git root), then the same in the user's home. They
are text for the model and nothing else: ``!`` lines that other programs would run are not run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean_line
from ralex.slash import COMMANDS, Command

_FOLDERS: Final = (
    (".ralex", "commands"),
    (".claude", "commands"),
    (".opencode", "commands"),
    (".opencode", "command"),
)
_HOME_FOLDERS: Final = (
    (".claude", "commands"),
    (".config", "opencode", "commands"),
    (".config", "opencode", "command"),
)
_MOST_FILES: Final = 500
_MOST_BYTES: Final = 64 * 1024
_NAME = re.compile(r"[a-z][a-z0-9:_-]{0,60}\Z")
_HEAD = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z_-]+):[ \t]*(.*)")
_PLACE = re.compile(r"\$(ARGUMENTS|[1-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCommand:
    """One file.

    Attributes:
        name: Without the slash; folders become ``folder:name``.
        body: The prompt, with ``$ARGUMENTS`` and ``$1`` to ``$9`` where words go.
    """

    name: str
    argument: str
    help: str
    body: str
    path: Path

    def prompt(self, argument: str) -> str:
        """Give the prompt for what was typed after the name.

        Words go where the text wants them; without such a place they stand at its end.
        """
        if _PLACE.search(self.body) is None:
            return f"{self.body}\n\n{argument}".strip()
        words = argument.split()

        def put(found: re.Match[str]) -> str:
            if found[1] == "ARGUMENTS":
                return argument
            place = int(found[1]) - 1
            return words[place] if place < len(words) else ""

        return _PLACE.sub(put, self.body).strip()

    def entry(self) -> Command:
        """Give the command as it stands in lists."""
        return Command(name=self.name, argument=self.argument, help=self.help)


def find_commands(project: Path, home: Path, user: Path | None) -> Mapping[str, CustomCommand]:
    """Read all commands, by name; the nearest file wins, and none hides a command of ralex.

    Args:
        home: Ralex's own folder.
        user: The user's home folder, or None.
    """
    taken = {command.name for command in COMMANDS}
    found: dict[str, CustomCommand] = {}
    for folder in _places(project, home, user):
        for command in _in_folder(folder):
            if command.name not in taken:
                found.setdefault(command.name, command)
            if len(found) >= _MOST_FILES:
                return found
    return found


def matching_commands(typed: str, commands: Mapping[str, CustomCommand]) -> Sequence[Command]:
    """List commands of the user's own for what was typed after the slash."""
    wanted = typed.lower()
    names = sorted(commands, key=lambda name: (not name.startswith(wanted), name))
    return [commands[name].entry() for name in names if wanted in name]


def _places(project: Path, home: Path, user: Path | None) -> Iterator[Path]:
    chain = [project, *project.parents]
    root = next((at for at, one in enumerate(chain) if (one / ".git").exists()), 0)
    for folder in chain[: root + 1]:
        for parts in _FOLDERS:
            yield folder.joinpath(*parts)
    yield home / "commands"
    if user is not None:
        for parts in _HOME_FOLDERS:
            yield user.joinpath(*parts)


def _in_folder(folder: Path) -> Iterator[CustomCommand]:
    try:
        real = folder.resolve()
        paths = sorted(folder.rglob("*.md"))[:_MOST_FILES] if folder.is_dir() else []
    except OSError:
        return
    for path in paths:
        name = ":".join(path.relative_to(folder).with_suffix("").parts).lower()
        try:
            # A link out of the folder could carry any file of the user's into a prompt.
            is_inside = path.resolve().is_relative_to(real)
            if not is_inside or not _NAME.match(name) or path.stat().st_size > _MOST_BYTES:
                continue
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        yield _read(name, text.replace("\r\n", "\n"), path)


def _read(name: str, text: str, path: Path) -> CustomCommand:
    head = _HEAD.match(text)
    fields: dict[str, str] = {}
    if head is not None:
        text = text[head.end() :]
        for line in head[1].split("\n"):
            if found := _FIELD.match(line):
                fields[found[1].lower()] = found[2].strip().strip("\"'")
    first = next((line for line in text.split("\n") if line.strip()), "")
    about = fields.get("description") or first.lstrip("# ")
    hint = fields.get("argument-hint") or ("[words]" if _PLACE.search(text) else "")
    return CustomCommand(
        name=name,
        argument=clean_line(hint)[:40],
        help=clean_line(about)[:120],
        body=text.strip(),
        path=path,
    )
