"""Tools that need the turn they run in: they ask the user, or call models of their own."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from ralex.agent.approval import Approvals
from ralex.agent.totals import TurnTotals
from ralex.core.events import AgentEvent
from ralex.core.ids import CallId
from ralex.core.messages import ToolSpec
from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.params import Param, Params
from ralex.tools.titles import title_from

_MOST_OPTIONS = 8
_MOST_CHARS = 2_000
_OPTION_NAMES = ("label", "text", "title", "option", "answer", "value", "name", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnScope:
    """What a call is told of the turn around it.

    Attributes:
        emit: Tells the turn's watchers something.
        totals: The turn's bill, for calls that a tool pays for.
    """

    call_id: CallId
    emit: Callable[[AgentEvent], Awaitable[None]]
    totals: TurnTotals


class TurnTool(ABC):
    """A tool that runs inside a turn; otherwise like ``tools.base.Tool``."""

    @property
    @abstractmethod
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""

    @property
    def is_mutating(self) -> bool:
        """Tell whether a call may change anything; read-only calls run in parallel."""
        return False

    @abstractmethod
    def title(self, arguments: Mapping[str, object]) -> str:
        """Say in one line what the call is about."""

    @abstractmethod
    async def run_in(self, scope: TurnScope, arguments: Mapping[str, object]) -> ToolOutcome:
        """Do it.

        Raises:
            ToolError: With a text that tells the model what to do instead.
        """

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Refuse: there is no turn.

        Raises:
            ToolError: Always.
        """
        del arguments, context
        raise ToolError(f"{self.spec.name} works only within a turn")


_QUESTION = Params(
    Param(name="question", required=True, aliases=("text", "prompt", "message", "query")),
    Param(name="options", kind="array", aliases=("choices", "answers", "suggestions")),
)

NOBODY = (
    "No user is here to answer. Decide yourself what is most sensible and least risky, go on, and "
    "say in your final answer what you assumed."
)


def _option(value: object) -> str:
    """Read one of the answers to choose from; other agents' models send objects with a label."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        value = next((fields[name] for name in _OPTION_NAMES if fields.get(name)), "")
    return str(value).strip() if isinstance(value, str | int | float) else ""


class AskUserTool(TurnTool):
    """Puts a question to the user and waits for the answer."""

    def __init__(self, approvals: Approvals) -> None:
        self._approvals = approvals

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="ask_user",
            description=(
                "Ask the user one question, only when you cannot find out or decide yourself."
            ),
            schema_json=_QUESTION.schema_json,
        )

    def title(self, arguments: Mapping[str, object]) -> str:
        """Give the question."""
        return title_from(arguments, ("question", "text", "prompt"), "question")

    async def run_in(self, scope: TurnScope, arguments: Mapping[str, object]) -> ToolOutcome:
        """Ask and give the answer.

        Raises:
            ToolError: If there is no question.
        """
        values = _QUESTION.coerce(arguments)
        question = values.text("question").strip()[:_MOST_CHARS]
        if not question:
            raise ToolError('argument "question" is blank')
        options = [_option(one) for one in values.items("options")]
        answer = await self._approvals.question(
            scope.call_id,
            question,
            tuple(dict.fromkeys(one[:200] for one in options if one))[:_MOST_OPTIONS],
            scope.emit,
        )
        said = "\n".join(filter(None, (answer.choice.strip(), answer.message.strip())))
        if not said:
            return ToolOutcome(text=NOBODY, summary="no answer")
        return ToolOutcome(text=f"The user answered: {said}", summary=said.split("\n", 1)[0][:80])
