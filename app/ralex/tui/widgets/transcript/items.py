"""What the transcript holds: plain objects, one for each thing that was said or done.

Texts are clean from the start: constructors are called with the result of ``shown`` or
``shown_line`` (ralex.tui.rows), so that drawing, searching and copying all see the same text.
"""

from __future__ import annotations  # items are known at the first frame, what they hold is not

import json
import re
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias, cast

from typing_extensions import override

from ralex.core.records import dataclass
from ralex.tui.rows import shown, shown_line

if TYPE_CHECKING:
    from decimal import Decimal

    from ralex.core.routing import RouteDecision
    from ralex.core.usage import Usage
    from ralex.tui.markdown.source import LiveText


class ToolState(StrEnum):
    """How far a tool call is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


MOST_OUTPUT_LINES: Final = 40
"""Lines that an open card shows at first."""

SHOW_ALL_META: Final = "show_all"
"""Marks the row that says how many lines are left out; a click on it shows them."""

_EXIT_NOTE: Final = re.compile(r"\[exit code -?\d+, [\d.]+ s\]\s*\Z")


@dataclass(slots=True, kw_only=True)
class Item:
    """One entry of the transcript.

    Attributes:
        gap: Blank rows above it.
        is_open: Whether what can be folded is shown.
    """

    gap: int = 1
    is_open: bool = False

    can_open: ClassVar[bool] = False

    @property
    def source(self) -> str:
        """Its whole text, for searching and copying."""
        return ""

    def toggle(self) -> None:
        """Open it, or close it."""
        self.is_open = not self.is_open


@dataclass(slots=True, kw_only=True)
class UserItem(Item):
    """What the user asked."""

    text: str

    can_open: ClassVar[bool] = True

    @property
    def source(self) -> str:
        """The prompt."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a turn came to."""

    usage: Usage
    cost_usd: Decimal
    saved_usd: Decimal | None
    elapsed_s: float | None
    is_estimate: bool = False


@dataclass(slots=True, kw_only=True)
class RouteItem(Item):
    """Which model answers, why, and in the end what it cost."""

    route: RouteDecision
    receipt: Receipt | None = None

    can_open: ClassVar[bool] = True

    @property
    def source(self) -> str:
        """Model and reasons."""
        return shown("\n".join([self.route.model, *self.route.reasons]))


@dataclass(slots=True, kw_only=True)
class FoldItem(Item):
    """A text that is folded away: the model's reasoning, or added context.

    Attributes:
        head: What it is, in a few words.
        live: The text while it still grows.
    """

    head: str
    text: str = ""
    live: LiveText | None = None

    can_open: ClassVar[bool] = True

    @property
    def source(self) -> str:
        """The folded text."""
        return self.live.source if self.live else self.text


@dataclass(slots=True, kw_only=True)
class AnswerItem(Item):
    """Markdown the model wrote, or a part of it.

    Attributes:
        live: The text while it still grows.
    """

    text: str = ""
    live: LiveText | None = None

    @property
    def source(self) -> str:
        """The Markdown source."""
        return self.live.source if self.live else self.text


@dataclass(slots=True, kw_only=True)
class ToolItem(Item):
    """A tool call as a card.

    Attributes:
        output: What it printed; while it runs, the end of that.
        is_cut: Something was printed before that.
        is_whole: An open card shows all lines, and not only the first or last of them.
        doing: Where it is, in a few words, while it runs.
        begun_s: When it began, in seconds since the turn did.
        running_s: Whole seconds it has run.
    """

    call_id: str
    name: str
    title: str
    arguments: dict[str, str] = field(default_factory=dict[str, str])
    state: ToolState = ToolState.RUNNING
    summary: str = ""
    output: str = ""
    diff: str = ""
    exit_code: int | None = None
    elapsed_ms: int = 0
    is_cut: bool = False
    is_whole: bool = False
    doing: str = ""
    begun_s: float = 0.0
    running_s: int = 0

    can_open: ClassVar[bool] = True

    @property
    def source(self) -> str:
        """What was called and what came back."""
        return "\n".join(
            part for part in (f"{self.name} {self.title}", self.diff or self.output) if part
        )

    @property
    def printed(self) -> list[str]:
        """The lines of the output; how a command ended stands on the card's first line already."""
        text = _EXIT_NOTE.sub("", self.output) if "command" in self.arguments else self.output
        return text.strip("\n").split("\n") if text.strip() else []

    @property
    def is_long(self) -> bool:
        """Tell whether an open card leaves lines out unless all are asked for."""
        return not self.diff and len(self.printed) > MOST_OUTPUT_LINES

    @override
    def toggle(self) -> None:
        """Open it; if that left lines out, show them too; then close it."""
        if self.is_open and self.is_long and not self.is_whole:
            self.is_whole = True
        else:
            self.is_open, self.is_whole = not self.is_open, False


@dataclass(slots=True, kw_only=True)
class NoticeItem(Item):
    """A line the user should see; ``level`` is ``info``, ``warning`` or ``error``."""

    level: str
    text: str

    @property
    def source(self) -> str:
        """The notice."""
        return self.text


@dataclass(slots=True, kw_only=True)
class ErrorItem(Item):
    """What went wrong and what can be done about it."""

    message: str
    hint: str = ""

    @property
    def source(self) -> str:
        """Message and hint."""
        return f"{self.message}\n{self.hint}".rstrip()


@dataclass(slots=True, kw_only=True)
class ReportItem(Item):
    """A small table that a command printed; the first column is a label."""

    title: str
    lines: tuple[tuple[str, ...], ...]

    @property
    def source(self) -> str:
        """The table, tab-separated."""
        return "\n".join([self.title, *("\t".join(line) for line in self.lines)])


AnyItem: TypeAlias = (
    UserItem | RouteItem | FoldItem | AnswerItem | ToolItem | NoticeItem | ErrorItem | ReportItem
)


def is_growing(item: AnyItem) -> bool:
    """Tell whether an item goes on at its end."""
    is_live = isinstance(item, AnswerItem | FoldItem) and item.live is not None
    return is_live or (isinstance(item, ToolItem) and item.state is ToolState.RUNNING)


def tool_arguments(arguments_json: str) -> dict[str, str]:
    """Read a call's arguments for showing; what is not a JSON object is shown as it is."""
    try:
        data: object = json.loads(arguments_json or "{}")
    except ValueError:
        return {"arguments": shown(arguments_json)}
    if not isinstance(data, dict):
        return {"arguments": shown(arguments_json)}
    return {
        shown_line(str(key)): shown(
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        )
        for key, value in cast(dict[object, object], data).items()
    }
