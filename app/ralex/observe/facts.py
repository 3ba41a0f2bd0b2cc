"""What happened, as flat records that hold no prompt, no answer and no path beyond the project's.

Amounts are decimal strings in USD, because a float is not a sum of money.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from ralex.core.budget import BookedCharge
from ralex.core.events import AgentEvent, RetryScheduled, RouteDecided, TurnFailed, TurnFinished
from ralex.core.routing import RouteDecision
from ralex.core.terminal_text import clean_line, mask_secrets
from ralex.core.usage import Usage
from ralex.errors import RalexError

Fact: TypeAlias = Mapping[str, str | int | None]
"""One record; ``event`` says what: ``charge``, ``route``, ``failure``, ``turn`` or ``limit``."""

_LONGEST_MESSAGE = 500


def charge_fact(booked: BookedCharge) -> Fact:
    """Describe a charge the ledger has booked."""
    charge = booked.charge
    return {
        "event": "charge",
        "session": booked.session_id,
        "project": booked.project,
        "model": booked.model,
        "provider": booked.provider,
        "tier": booked.tier,
        "router": booked.router,
        "purpose": booked.purpose,
        "tag": booked.tag,
        "cost_usd": f"{charge.cost_usd:f}",
        "cost_source": charge.source,
        **_tokens(charge.usage),
        "day": booked.day,
        "id": booked.id,
    }


def route_fact(session: str, route: RouteDecision) -> Fact:
    """Describe a routing decision; its reasons may quote the ask, so they stay out."""
    return {
        "event": "route",
        "session": session,
        "router": route.router,
        "tier": route.tier,
        "model": route.model,
        "reason": route.reason,
        "rule": route.rule,
        "estimated_usd": None if route.estimated_usd is None else f"{route.estimated_usd:f}",
    }


def limit_fact(name: str, usd: Decimal | None) -> Fact:
    """Describe a limit the user changed; None is no limit."""
    return {"event": "limit", "limit": name, "usd": None if usd is None else f"{usd:f}"}


def failure_fact(session: str, code: str, message: str, *, model: str | None = None) -> Fact:
    """Describe what failed, in the words the user sees, with keys masked."""
    return {
        "event": "failure",
        "session": session,
        "code": code,
        "message": mask_secrets(clean_line(message))[:_LONGEST_MESSAGE],
        "model": model,
    }


def error_fact(error: RalexError, *, model: str) -> Fact:
    """Describe an error that ended a call outside of any session."""
    return failure_fact("", error.code, error.message, model=model)


def event_facts(session: str, events: Sequence[AgentEvent]) -> Iterator[Fact]:
    """Describe those of a session's events that are worth a line."""
    for event in events:
        match event:
            case RouteDecided():
                yield route_fact(session, event.route)
            case RetryScheduled():
                yield failure_fact(session, "retry", event.error, model=event.next_model)
            case TurnFinished():
                yield _turn_fact(session, event, event.stop_reason)
            case TurnFailed():
                yield failure_fact(session, event.code, event.message, model=event.model)
                yield _turn_fact(session, event, event.code)
            case _:
                pass


def _turn_fact(session: str, end: TurnFinished | TurnFailed, result: str) -> Fact:
    return {
        "event": "turn",
        "session": session,
        "turn": end.turn_id,
        "result": result,
        "model": end.model,
        "tier": end.tier,
        "steps": end.steps,
        "cost_usd": f"{end.cost_usd:f}",
        "saved_usd": None if end.saved_usd is None else f"{end.saved_usd:f}",
        **_tokens(end.usage),
        "files_changed": len(end.files_changed),
        "escalations": end.escalations,
    }


def _tokens(usage: Usage | None) -> dict[str, int | None]:
    return {
        "input_tokens": usage.input_tokens if usage else None,
        "cache_read_tokens": usage.cache_read_tokens if usage else None,
        "cache_write_tokens": usage.cache_write_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else None,
    }
