"""One tool through which rarely needed ones are called, so that they cost a line and no schema.

The list of tools stands at the front of every request. A tool that was added to it later would make
the provider read the whole conversation anew; this one never changes, and what lies behind it is
told where it is needed: ``job`` with the first job, ``skill`` with the list of skills.
"""

import json
from collections.abc import Callable, Mapping
from typing import cast

from ralex.core.messages import ToolSpec
from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools.base import Tool, ToolContext, ToolOutcome
from ralex.tools.params import Param, Params
from ralex.tools.titles import title_from

_NAMES = ("tool", "name", "tool_name", "command")
_INPUTS = ("input", "arguments", "args", "parameters", "params", "value")
_PARAMS = Params(
    Param(name="tool", required=True, aliases=_NAMES),
    Param(name="input", aliases=_INPUTS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDemand:
    """A tool behind ``more``.

    Attributes:
        usage: How it is called, in one line, such as ``web_fetch URL: text of a page``.
        is_listed: It stands in the description of ``more``; others are told when they matter.
        read: Turns the input's text into arguments.
    """

    tool: Tool
    usage: str
    read: Callable[[str], Mapping[str, object]]
    is_listed: bool = False


class MoreTool:
    """Passes a call on to a tool that has no schema of its own in the request."""

    def __init__(self, *tools: OnDemand) -> None:
        self._tools = {one.tool.spec.name: one for one in tools}
        listed = "; ".join(one.usage for one in tools if one.is_listed)
        self._description = (
            f"Call a further tool by name with its input as text. {listed}. Others are named to "
            "you when there is use for them."
        )

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(name="more", description=self._description, schema_json=_PARAMS.schema_json)

    @property
    def is_mutating(self) -> bool:
        """Only passes on; the tool behind it says what it does."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Name the tool behind."""
        return title_from(arguments, _NAMES, "more")

    @property
    def names(self) -> tuple[str, ...]:
        """The tools behind it."""
        return tuple(self._tools)

    def behind(self, name: str) -> Tool | None:
        """Find a tool that a model calls by its own name, as it was told it."""
        found = self._tools.get(name)
        return found.tool if found is not None else None

    def choose(self, arguments: Mapping[str, object]) -> tuple[Tool, Mapping[str, object]]:
        """Read which tool is meant and with what arguments.

        Text, an object and flat arguments beside the name are all understood.

        Raises:
            ToolError: If there is no such tool.
        """
        name = next((arguments[key] for key in _NAMES if key in arguments), None)
        found = self._tools.get(name.strip().casefold()) if isinstance(name, str) else None
        if found is None:
            usages = "; ".join(one.usage for one in self._tools.values())
            raise ToolError(f"there is no tool {name!r} behind more. There are: {usages}")
        given = next((arguments[key] for key in _INPUTS if key in arguments), None)
        if isinstance(given, dict):
            return found.tool, cast("dict[str, object]", given)
        if given is None or given == "":
            taken = (*_NAMES, *_INPUTS)
            flat = {key: value for key, value in arguments.items() if key not in taken}
            return found.tool, flat or found.read("")
        text = given if isinstance(given, str) else json.dumps(given)
        return found.tool, _object(text) or found.read(text.strip())

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Run the tool behind.

        Raises:
            ToolError: If there is none, or as that tool does.
        """
        tool, inner = self.choose(arguments)
        return await tool.run(inner, context)


def _object(text: str) -> Mapping[str, object] | None:
    """Read a JSON object that was sent as text; None if it is no such thing."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", found) if isinstance(found, dict) else None
