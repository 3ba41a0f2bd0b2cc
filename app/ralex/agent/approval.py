"""Questions to the user: asked as an event, answered by id, never by a future inside the event."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from ralex.core.events import AgentEvent, ApprovalRequested, QuestionAsked
from ralex.core.ids import CallId
from ralex.core.messages import ToolCall
from ralex.core.records import dataclass

Emit = Callable[[AgentEvent], Awaitable[None]]

DENY = "deny"
ALLOW = "allow"
ALWAYS = "always"
NOBODY = ""
"""The choice of a front end that has nobody to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the user said.

    Attributes:
        choice: One of those offered, or free text; empty if nobody is there to ask.
        message: For the model, or empty.
    """

    choice: str
    message: str = ""


class Approvals:
    """The open questions of one session."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._open: dict[str, asyncio.Future[Answer]] = {}

    async def ask(
        self, call: ToolCall, title: str, emit: Emit, *, pattern: str = "", reason: str = ""
    ) -> Answer:
        """Ask whether a call may run and wait for the answer.

        Args:
            pattern: What ``always`` would allow; empty offers no such choice.
        """
        return await self._put(
            emit,
            lambda request_id: ApprovalRequested(
                request_id=request_id,
                call_id=call.id,
                name=call.name,
                title=title,
                choices=(DENY, ALLOW, ALWAYS) if pattern else (DENY, ALLOW),
                pattern=pattern,
                reason=reason,
                arguments_json=call.arguments_json,
            ),
        )

    async def question(
        self, call_id: CallId, question: str, options: tuple[str, ...], emit: Emit
    ) -> Answer:
        """Ask what the model wants to know and wait for the answer."""
        return await self._put(
            emit,
            lambda request_id: QuestionAsked(
                request_id=request_id, call_id=call_id, question=question, options=options
            ),
        )

    def answer(self, request_id: str, choice: str, message: str = "") -> None:
        """Give the user's answer; one that comes too late is ignored."""
        waiting = self._open.get(request_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(choice=choice, message=message))

    async def _put(self, emit: Emit, make: Callable[[str], AgentEvent]) -> Answer:
        request_id = f"request-{next(self._ids)}"
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._open[request_id] = answer
        try:
            await emit(make(request_id))
            return await answer
        finally:
            del self._open[request_id]
