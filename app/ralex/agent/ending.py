"""How a turn ends for those who watch it: always with exactly one last event."""

import asyncio
from collections.abc import AsyncGenerator

from ralex.agent.totals import TurnTotals
from ralex.core.events import AgentEvent, TurnFailed, TurnFinished
from ralex.core.ids import TurnId
from ralex.core.routing import RouteDecision
from ralex.core.stream import FinishReason
from ralex.core.tiers import Tier
from ralex.dispatch.calls import CallResult
from ralex.errors import ProviderError, RalexError

_STOPS = {FinishReason.LENGTH: "length", FinishReason.CONTENT_FILTER: "content_filter"}


def failed(
    turn_id: TurnId, error: RalexError, totals: TurnTotals, route: RouteDecision | None
) -> TurnFailed:
    """Describe the end of a turn that failed.

    Args:
        route: None if it failed before it had one.
    """
    partial = error.partial if isinstance(error, ProviderError) else ""
    hint = f"{error.hint}; or send 'continue': what came is kept" if partial else error.hint
    return TurnFailed(
        turn_id=turn_id,
        code=error.code,
        message=error.message,
        hint=hint,
        exit_code=error.exit_code,
        text=partial or totals.text,
        model=totals.model or (route.model if route is not None else None),
        tier=route.tier if route is not None else None,
        steps=totals.steps,
        usage=totals.usage,
        cost_usd=totals.cost_usd,
        saved_usd=totals.saved_usd,
        budget=totals.budget,
        files_changed=tuple(totals.files_changed),
        evidence=tuple(totals.evidence),
        escalations=totals.escalations,
    )


def finished(
    turn_id: TurnId, result: CallResult, totals: TurnTotals, tier: Tier | None
) -> TurnFinished:
    """Describe the end of a turn whose last call brought the answer."""
    return TurnFinished(
        turn_id=turn_id,
        text=result.reply.message.text,
        stop_reason=_STOPS.get(result.reply.finish_reason, "done"),
        model=result.model.id,
        tier=tier,
        steps=totals.steps,
        usage=totals.usage,
        cost_usd=totals.cost_usd,
        saved_usd=totals.saved_usd,
        budget=result.budget,
        files_changed=tuple(totals.files_changed),
        evidence=tuple(totals.evidence),
        escalations=totals.escalations,
    )


async def drain(queue: "asyncio.Queue[AgentEvent | None]") -> AsyncGenerator[AgentEvent, None]:
    """Give a turn's events up to and including its last one."""
    while (event := await queue.get()) is not None:
        yield event
        if isinstance(event, TurnFinished | TurnFailed):
            return
