"""What the status bar and the activity line make of a session and its events; pure functions."""

from dataclasses import replace

from ralex.core.events import (
    AgentEvent,
    ApprovalRequested,
    QuestionAsked,
    RetryScheduled,
    RouteDecided,
    StepFinished,
    StepStarted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFailed,
    TurnFinished,
)
from ralex.core.routing import RouteReason
from ralex.core.stream import ReasoningDelta, TextDelta, ToolCallDelta
from ralex.tui import formats
from ralex.tui.ports import ChatSession
from ralex.tui.widgets.status.status import Status


def status_of(session: ChatSession, before: Status) -> Status:
    """Read the bar's numbers from a session; the money stays as it was read last."""
    totals = session.totals
    status = replace(
        before,
        mode=session.mode,
        context_tokens=totals.context_tokens,
        is_estimate=totals.is_estimate,
        window=totals.window,
    )
    override, route = session.override, session.last_route
    if override is not None:
        chain = session.router.tiers.get(override.tier, ()) if override.tier else ()
        model = override.model or (chain[0] if chain else "")
        return replace(status, tier=override.tier, model=model, reason=RouteReason.OVERRIDE)
    if route is None:
        return replace(status, tier=None, model=f"router {session.router.name}", reason=None)
    return replace(status, tier=route.tier, model=route.model, reason=route.reason)


def status_after(status: Status, event: AgentEvent) -> Status:
    """Give the bar after an event."""
    match event:
        case RouteDecided():
            route = event.route
            return replace(status, tier=route.tier, model=route.model, reason=route.reason)
        case StepStarted():
            return replace(
                status,
                model=event.model,
                context_tokens=event.context_tokens,
                window=event.window,
                is_estimate=True,
            )
        case StepFinished():
            return replace(
                status,
                context_tokens=event.context_tokens,
                window=event.window,
                is_estimate=False,
                budget=event.budget,
            )
        case TurnFinished() | TurnFailed() if event.budget is not None:
            return replace(status, budget=event.budget)
        case _:
            return status


def activity_after(event: AgentEvent) -> str | None:
    """Say what runs after an event, or None if that is still the same."""
    match event:
        case RouteDecided():
            return f"asking {formats.short_model(event.route.model)}"
        case StepStarted():
            return f"waiting for {formats.short_model(event.model)}"
        case RetryScheduled():
            return f"trying {formats.short_model(event.next_model)} again"
        case ToolCallStarted():
            return f"{event.name} {event.title}"
        case ToolCallFinished():
            return f"{event.name} done"
        case ApprovalRequested() | QuestionAsked():
            return "waiting for your word"
        case _:
            return None


def writing(event: AgentEvent) -> tuple[str, int] | None:
    """Name what the model writes with an event and how many characters came, or return None."""
    match event:
        case TextDelta():
            return "writing", len(event.text)
        case ReasoningDelta():
            return "thinking", len(event.text)
        case ToolCallDelta():
            return "preparing a call", len(event.arguments_json)
        case _:
            return None
