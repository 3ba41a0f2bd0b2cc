"""What a session is told about where it works: environment, file names and instruction files.

It goes into the first user message, not into the system prompt, so that the start of every request
stays the same for as long as the session lives.
"""

import asyncio
import os
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path

from ralex.core.events import ContextAdded
from ralex.tools.base import ToolContext
from ralex.tools.skills import find_skills, listed

INSTRUCTION_LIMIT_BYTES = 8_192
LISTED_ENTRIES = 60
_INSTRUCTION_NAMES = ("AGENTS.md", "CLAUDE.md")


def git_root(folder: Path) -> Path | None:
    """Find the top of the git checkout that holds a folder, without running git."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return place
    return None


def git_branch(folder: Path) -> str:
    """Read the checked-out branch, or an empty string; a detached head gives the short commit."""
    root = git_root(folder)
    if root is None:
        return ""
    marker = root / ".git"
    try:
        if marker.is_file():  # a linked worktree or a submodule names its folder here
            named = marker.read_text(encoding="utf-8").strip().removeprefix("gitdir:").strip()
            marker = (root / named).resolve()
        head = (marker / "HEAD").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    if head.startswith("ref:"):
        return head.removeprefix("ref:").strip().removeprefix("refs/heads/")
    return head[:9]


def environment_block(cwd: Path, now: datetime, extra_roots: Collection[Path] = ()) -> ContextAdded:
    """Describe the place: folder, system, date, branch and the names at the top of the project.

    Args:
        extra_roots: Folders besides ``cwd`` that may be read and changed.
    """
    system = os.uname()
    lines = [
        f"Working directory: {cwd}",
        *(f"Additional directory: {root}" for root in extra_roots),
        f"System: {system.sysname} {system.machine}",
        f"Date: {now:%Y-%m-%d}",
    ]
    if branch := git_branch(cwd):
        lines.append(f"Git branch at start: {branch}")
    names = _names(cwd)
    lines.append("Files here: " + (", ".join(names) if names else "none"))
    body = "\n".join(lines)
    return ContextAdded(label="environment", text=f"<environment>\n{body}\n</environment>")


def answer_block(schema_json: str) -> ContextAdded:
    """Tell what form the final answer must have."""
    text = (
        "<answer_format>\nWork as usual. Your final answer must be one JSON value alone, without "
        "a code fence or other words, and follow this JSON Schema:\n"
        f"{schema_json}\n</answer_format>"
    )
    return ContextAdded(label="answer format", text=text, is_standing=False)


def instruction_blocks(cwd: Path) -> list[ContextAdded]:
    """Read AGENTS.md, or CLAUDE.md where there is none, from the project's top down to ``cwd``.

    The nearest comes last, so that it has the last word. A file is cut at 8 KiB.
    """
    root = git_root(cwd) or cwd
    folders = [place for place in (cwd, *cwd.parents) if place == root or root in place.parents]
    blocks: list[ContextAdded] = []
    for folder in reversed(folders):
        block = _instructions_of(folder, root)
        if block is not None:
            blocks.append(block)
    return blocks


async def skill_blocks(context: ToolContext) -> list[ContextAdded]:
    """Name the skills there are; nothing where there are none."""
    skills = await asyncio.to_thread(find_skills, context.cwd, context.environment)
    text = listed(skills)
    return [ContextAdded(label="skills", text=text)] if text else []


class NestedInstructions:
    """Instruction files below the working directory, told when files beside them are touched."""

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd.resolve()
        self._root = git_root(self._cwd) or self._cwd
        self._visited: set[Path] = set()
        self._files: set[Path] = set()

    def near(self, paths: Iterable[Path], *, known: Collection[str]) -> list[ContextAdded]:
        """Read the instructions of the folders of files, outer ones first.

        Args:
            known: Labels of what the conversation holds already.
        """
        found: list[ContextAdded] = []
        for path in paths:
            if path in self._files:
                continue
            self._files.add(path)
            inside = [one for one in path.parents if self._cwd in one.parents]
            for folder in reversed(inside):
                if folder in self._visited:
                    continue
                self._visited.add(folder)
                block = _instructions_of(folder, self._root)
                if block is not None and block.label not in known:
                    found.append(block)
        return found


def _instructions_of(folder: Path, root: Path) -> ContextAdded | None:
    """Read the first instruction file of a folder that says anything."""
    for name in _INSTRUCTION_NAMES:
        text = _instructions_in(folder / name, root)
        if text:
            path = folder / name
            label = str(path.relative_to(root)) if root in path.parents else path.name
            text = f'<instructions file="{label}">\n{text}\n</instructions>'
            return ContextAdded(label=label, text=text)
    return None


def _instructions_in(path: Path, root: Path) -> str:
    """Give a file's text; empty if there is none, or what is there is no text.

    A link out of the project is not followed: a repository must not choose which of the user's
    files goes to a provider.
    """
    try:
        if not path.is_file():
            return ""
        if not path.resolve().is_relative_to(root.resolve()):
            return f"[not read: {path.name} is a link that leads out of the project]"
        with path.open("rb") as file:
            data = file.read(INSTRUCTION_LIMIT_BYTES + 1)
    except (OSError, RuntimeError):
        return ""
    if b"\0" in data:
        return ""
    text = data[:INSTRUCTION_LIMIT_BYTES].decode("utf-8-sig", errors="replace").strip()
    if len(data) > INSTRUCTION_LIMIT_BYTES:
        text += f"\n[cut at {INSTRUCTION_LIMIT_BYTES} bytes; read {path.name} for the rest]"
    return text


def _names(cwd: Path) -> list[str]:
    names: list[str] = []
    try:
        for entry in sorted(cwd.iterdir(), key=_by_name):
            if entry.name == ".git":
                continue
            names.append(entry.name + "/" if entry.is_dir() else entry.name)
            if len(names) > LISTED_ENTRIES:
                return [*names[:LISTED_ENTRIES], "…"]
    except OSError:
        return []
    return names


def _by_name(path: Path) -> str:
    return path.name
