"""Questions to the user: asked as an event, answered by id, never by a future inside the event."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from ralex.core.events import AgentEvent, ApprovalRequested
from ralex.core.messages import ToolCall


class Approvals:
    """The open questions of one session."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self._open: dict[str, asyncio.Future[str]] = {}

    async def ask(
        self, call: ToolCall, title: str, emit: Callable[[AgentEvent], Awaitable[None]]
    ) -> str:
        """Emit the question and wait for the answer."""
        request_id = f"approval-{next(self._ids)}"
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._open[request_id] = answer
        try:
            await emit(
                ApprovalRequested(
                    request_id=request_id,
                    call_id=call.id,
                    name=call.name,
                    title=title,
                    choices=("deny", "allow"),
                )
            )
            return await answer
        finally:
            del self._open[request_id]

    def answer(self, request_id: str, choice: str) -> None:
        """Give the user's answer; one that comes too late is ignored."""
        waiting = self._open.get(request_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(choice)
