"""What a running call prints, told on the way: without keys, and never more than is useful."""

from collections.abc import Awaitable, Callable, Mapping

from ralex.core.events import AgentEvent, ToolOutputGrew
from ralex.core.ids import CallId
from ralex.core.messages import ToolSpec
from ralex.core.records import dataclass
from ralex.tools.base import LiveTool, Tool, ToolContext, ToolOutcome
from ralex.tools.growth import LOOK_BACK_BYTES, last_part

_LEAST_OF_KEY = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A tool for one call whose output is told while it comes; otherwise like the tool itself.

    Attributes:
        blotted: Takes keys out of a text.
        secrets: The keys, to hold back the beginning of one whose rest has not come yet.
    """

    tool: Tool
    call_id: CallId
    emit: Callable[[AgentEvent], Awaitable[None]]
    blotted: Callable[[str], str]
    secrets: tuple[str, ...] = ()

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return self.tool.spec

    @property
    def is_mutating(self) -> bool:
        """Tell whether a call may change anything."""
        return self.tool.is_mutating

    def title(self, arguments: Mapping[str, object]) -> str:
        """Say in one line what the call is about."""
        return self.tool.title(arguments)

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Do it, and tell what it prints where the tool can."""
        if isinstance(self.tool, LiveTool):
            return await self.tool.run_told(arguments, context, self._tell)
        return await self.tool.run(arguments, context)

    async def _tell(self, tail: str, total_bytes: int) -> None:
        await self.emit(
            grown(self.call_id, tail, total_bytes, blotted=self.blotted, secrets=self.secrets)
        )


def grown(
    call_id: CallId,
    tail: str,
    total_bytes: int,
    *,
    blotted: Callable[[str], str],
    secrets: tuple[str, ...],
) -> ToolOutputGrew:
    """Say what of an output's end may be told: no key, nor the beginning of one at its edge.

    Args:
        tail: Its last 4 KiB, plain.
    """
    text = blotted(tail)
    for secret in secrets:
        begun = range(len(secret) - 1, _LEAST_OF_KEY - 1, -1)
        if size := next((size for size in begun if text.endswith(secret[:size])), 0):
            text = text[:-size]
    part = last_part(text)
    is_cut = len(part) < len(text) or total_bytes > LOOK_BACK_BYTES
    return ToolOutputGrew(call_id=call_id, tail=part, is_cut=is_cut, total_bytes=total_bytes)
