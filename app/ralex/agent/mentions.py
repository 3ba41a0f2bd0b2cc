"""Files that a prompt names with ``@``, read for the model before it is asked."""

import re
from collections.abc import Mapping
from pathlib import Path

from ralex.core.events import ContextAdded
from ralex.errors import ToolError
from ralex.tools.base import Tool, ToolContext

MOST_FILES = 8
MOST_CHARS = 60_000
_MENTION = re.compile(r"(?<![\w@/.])@(?:\"([^\"\n]+)\"|([^\s@\"]+))")
_TRAILING = ".,;:!?)]}>'\""


def mentioned_files(prompt: str, cwd: Path) -> list[str]:
    """Find the existing files of the workspace that a prompt names, each once, in order."""
    root = cwd.resolve()
    found: dict[str, None] = {}
    for match in _MENTION.finditer(prompt):
        for name in dict.fromkeys((match[1] or match[2], (match[2] or "").rstrip(_TRAILING))):
            if name and _is_inside(root, name):
                found[name] = None
                break
    return list(found)[:MOST_FILES]


async def mention_blocks(prompt: str, *, reader: Tool, context: ToolContext) -> list[ContextAdded]:
    """Read the files a prompt names, as the read tool does, so that they may be edited at once.

    Args:
        reader: The read tool; its refusals and bounds hold here as well.
    """
    blocks: list[ContextAdded] = []
    room = MOST_CHARS
    for name in mentioned_files(prompt, context.cwd):
        text = await _read(name, reader, context)
        if len(text) > room:
            text = text[:room] + "\n[cut; read the file for the rest]"
        room = max(0, room - len(text))
        blocks.append(
            ContextAdded(
                label=f"@{name}",
                text=f'<file path="{name}">\n{text}\n</file>',
                is_standing=False,
            )
        )
        if not room:
            break
    return blocks


async def _read(name: str, reader: Tool, context: ToolContext) -> str:
    arguments: Mapping[str, object] = {"path": name}
    try:
        outcome = await reader.run(arguments, context)
    except ToolError as error:
        return f"[not read: {error.message}]"
    except OSError as error:
        return f"[not read: {error.strerror or error}]"
    return outcome.text


def _is_inside(root: Path, name: str) -> bool:
    try:
        path = (root / name).resolve()
        return path.is_file() and root in path.parents
    except (OSError, ValueError, RuntimeError):
        return False
