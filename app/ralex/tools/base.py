"""What a tool is: a schema for the model, a title for the card, a coroutine that does the work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ralex.core.messages import Image, ToolSpec
from ralex.core.records import dataclass

if TYPE_CHECKING:
    from ralex.tools.jobs import Jobs


REACHES_OUT = frozenset({"web_fetch"})
"""Tools that change nothing but send something out; the mode ``ask`` asks about them as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """A file as the model last saw it.

    Attributes:
        mtime_ns: Its time of change.
        size: In bytes.
        digest: SHA-256 of its bytes.
    """

    mtime_ns: int
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TodoItem:
    """One entry of the session's plan.

    Attributes:
        status: ``pending``, ``in_progress`` or ``done``.
    """

    text: str
    status: str = "pending"


@dataclass(slots=True, kw_only=True)
class ToolContext:
    """What tools of one session share.

    Attributes:
        cwd: The working directory; relative paths start here.
        output_dir: Where long outputs are kept whole, so that the model can grep them.
        environment: The environment of shell commands; never holds provider keys.
        seen: Files the model has read or written, as they were then.
        extra_roots: Folders besides ``cwd`` that may be read and changed.
        readable_roots: Further files and folders that may be read: those of loaded skills, and
            what the user names by its full path.
        todos: The plan as the model last wrote it; survives compaction verbatim.
        jobs: Runs commands in the background; None where nothing may outlive a call.
        hides: Given a search tool's name, gives what tells of an absolute path whether the tool
            may not show what lies there; None where there are no rules.
    """

    cwd: Path
    output_dir: Path
    environment: Mapping[str, str]
    seen: dict[Path, FileStamp] = field(default_factory=dict[Path, FileStamp])
    extra_roots: tuple[Path, ...] = ()
    readable_roots: tuple[Path, ...] = ()
    todos: tuple[TodoItem, ...] = ()
    jobs: "Jobs | None" = None
    hides: Callable[[str], Callable[[str], bool]] | None = None

    def hidden_from(self, tool: str) -> Callable[[str], bool]:
        """Give what tells whether a search may not show what it found at an absolute path."""
        return self.hides(tool) if self.hides is not None else _is_open


def _is_open(path: str) -> bool:
    del path
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What a tool call came to.

    Attributes:
        text: For the model.
        summary: One line for the closed card.
        diff: Unified diff of what changed, or empty.
        exit_code: Of a shell command, else None.
        files_changed: Paths relative to the working directory where they lie inside it.
        images: Pictures for a model that sees.
    """

    text: str
    summary: str
    is_error: bool = False
    diff: str = ""
    exit_code: int | None = None
    files_changed: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()


@runtime_checkable
class LiveTool(Protocol):
    """A tool that can tell what it prints while it still runs."""

    async def run_told(
        self,
        arguments: Mapping[str, object],
        context: ToolContext,
        tell: Callable[[str, int], Awaitable[None]] | None,
    ) -> ToolOutcome:
        """Do as ``Tool.run`` does.

        Args:
            tell: See ``tools.growth.Tell``.
        """
        ...


class Tool(Protocol):
    """One thing the model may call."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        ...

    @property
    def is_mutating(self) -> bool:
        """Tell whether a call may change anything; read-only calls run in parallel."""
        ...

    def title(self, arguments: Mapping[str, object]) -> str:
        """Say in one line what the call is about."""
        ...

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Do it.

        Args:
            arguments: Decoded JSON as the model sent it; names may be aliases, types may be off.

        Raises:
            ToolError: With a text that tells the model what to do instead.
        """
        ...
