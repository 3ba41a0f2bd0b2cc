"""Files and folders that a prompt names with ``@``, read for the model before it is asked."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ralex.core.events import ContextAdded, Notice
from ralex.core.ids import ModelId
from ralex.core.patterns import lazy_pattern
from ralex.errors import ToolError
from ralex.tools.base import Tool, ToolContext, ToolOutcome

MOST_FILES = 8
MOST_CHARS = 60_000
_MENTION = lazy_pattern(r"(?<![\w@/.])@(?:\"([^\"\n]+)\"|([^\s@\"]+))")
_PLACE = lazy_pattern(r"(?<![\w@.~/:\\-])(?:~/|/|\.\./)[^\s\"'`<>|*?,;:()\[\]{}]+")
_MOST_SEARCHED = 20_000
_SECRET = frozenset(
    """
    .ssh .gnupg .aws .azure .kube .docker .netrc .git-credentials .pypirc .npmrc .password-store
    gcloud gh keyrings ralex .ralex id_rsa id_ed25519 shadow sudoers
    """.split()  # noqa: SIM905 - one name to a line would fill a screen
)
_SYSTEM = (("proc",), ("sys",), ("dev",), ("run",))
_TRAILING = ".,;:!?)]}>'\"…”’`"
_PLACE_IN_FILE = lazy_pattern(r"(?::\d+(?:[-:]\d+)?|#L\d+(?:-L?\d+)?)\Z")


def mentioned(prompt: str, cwd: Path) -> list[str]:
    """Find what exists of the workspace's files and folders that a prompt names, once, in order."""
    root = cwd.resolve()
    found: dict[str, None] = {}
    for match in _MENTION.finditer(prompt):
        for name in _readings(match[1], match[2] or ""):
            if name and _is_inside(root, name):
                found[name] = None
                break
    return list(found)[:MOST_FILES]


async def mention_blocks(
    prompt: str,
    *,
    reader: Tool,
    lister: Tool | None,
    context: ToolContext,
    forbids: Callable[[Tool, Mapping[str, object], ToolContext], str],
) -> list[ContextAdded]:
    """Read the files a prompt names, as the read tool does, so that they may be edited at once.

    Folders are listed, where there is a tool for that.

    Args:
        reader: The read tool; its refusals and bounds hold here as well, like those of the lister.
        forbids: Says why a call must not run, or nothing.
    """
    blocks: list[ContextAdded] = []
    room = MOST_CHARS
    for name in mentioned(prompt, context.cwd):
        is_folder = (context.cwd / name).is_dir()
        tool = lister if is_folder else reader
        if tool is None:
            continue
        reason = forbids(tool, {"path": name}, context)
        outcome = _not_read(reason) if reason else await _read(name, tool, context)
        text = outcome.text
        if len(text) > room:
            text = text[:room] + "\n[cut; read the file for the rest]"
        room = max(0, room - len(text))
        kind = "folder" if is_folder else "file"
        blocks.append(
            ContextAdded(
                label=f"@{name}",
                text=f'<{kind} path="{name}">\n{text}\n</{kind}>',
                is_standing=False,
                images=outcome.images,
            )
        )
        if not room:
            break
    return blocks


def named_places(prompt: str, cwd: Path, home: Path) -> tuple[Path, ...]:
    """Find the files and folders outside the workspace that the user names by their full path.

    What a user names may be read. Places that hold the whole workspace or the whole home are too
    wide to be meant, and those of keys and of the running system are never opened this way.
    """
    root, home = cwd.resolve(), home.resolve()
    found: dict[Path, None] = {}
    for match in _PLACE.finditer(prompt[:_MOST_SEARCHED]):
        try:
            path = (root / Path(match[0].rstrip(_TRAILING)).expanduser()).resolve()
            is_wide = root.is_relative_to(path) or home.is_relative_to(path)
            is_closed = _SECRET.intersection(path.parts) or path.parts[1:2] in _SYSTEM
            if path.is_relative_to(root) or is_wide or is_closed or not path.exists():
                continue
        except (OSError, RuntimeError, ValueError):
            continue
        found[path] = None
    return tuple(found)[:MOST_FILES]


def unseen_notice(model: ModelId) -> Notice:
    """Say that the chosen model will not see what the prompt shows it."""
    text = f"{model} does not see pictures and gets a note in their place"
    hint = "choose a model that does with /model, or set vision = true for it if it does"
    return Notice(level="warning", text=f"{text}; {hint}")


async def _read(name: str, tool: Tool, context: ToolContext) -> ToolOutcome:
    arguments: Mapping[str, object] = {"path": name}
    try:
        return await tool.run(arguments, context)
    except ToolError as error:
        reason = error.message
    except OSError as error:
        reason = error.strerror or str(error)
    return _not_read(reason)


def _not_read(reason: str) -> ToolOutcome:
    return ToolOutcome(text=f"[not read: {reason}]", summary="not read", is_error=True)


def _readings(quoted: str | None, bare: str) -> Iterator[str]:
    """Give the names that may be meant, the most literal first: what follows may be no part."""
    if quoted is not None:
        yield quoted
        return
    yield bare
    yield (bare := bare.rstrip(_TRAILING))
    yield _PLACE_IN_FILE.sub("", bare)
    yield bare.removesuffix("'s").removesuffix("’s")


def _is_inside(root: Path, name: str) -> bool:
    try:
        path = (root / name).resolve()
        return (path.is_file() or path.is_dir()) and root in path.parents
    except (OSError, ValueError, RuntimeError):
        return False
