"""How a turn ends for those who watch it: always with exactly one last event."""

import asyncio
from collections.abc import AsyncGenerator
from decimal import Decimal

from ralex.agent.turn import Turn
from ralex.core.events import AgentEvent, TurnFailed, TurnFinished
from ralex.core.ids import TurnId
from ralex.core.usage import Usage
from ralex.errors import RalexError


def failure_of(turn: Turn | None, turn_id: TurnId, error: RalexError) -> TurnFailed:
    """Describe the end of a turn that failed, also of one that never began."""
    if turn is not None:
        return turn.failed(error)
    return TurnFailed(
        turn_id=turn_id,
        code=error.code,
        message=error.message,
        hint=error.hint,
        exit_code=error.exit_code,
        text="",
        model=None,
        tier=None,
        steps=0,
        usage=Usage(),
        cost_usd=Decimal(0),
        saved_usd=None,
        budget=None,
        files_changed=(),
    )


async def drain(queue: "asyncio.Queue[AgentEvent | None]") -> AsyncGenerator[AgentEvent, None]:
    """Give a turn's events up to and including its last one."""
    while (event := await queue.get()) is not None:
        yield event
        if isinstance(event, TurnFinished | TurnFailed):
            return
