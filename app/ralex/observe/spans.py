"""OpenTelemetry spans for each paid call, tool call and turn; needs the extra ``otel``.

Names follow the semantic conventions for generative AI (opentelemetry.io/docs/specs/semconv/gen-ai,
read 2026-11-20): ``chat {model}`` with ``gen_ai.usage.*`` and ``execute_tool {name}``, inside
``invoke_agent ralex``. What was asked, answered and run is not part of them. Where spans go is the
business of the SDK that the user configures; without one the API does nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import Protocol, cast

from ralex.core.budget import BookedCharge
from ralex.core.events import (
    AgentEvent,
    ToolCallFinished,
    TurnFailed,
    TurnFinished,
    TurnStarted,
)
from ralex.core.usage import Usage
from ralex.version import __version__

_NANO = 1_000_000_000


class Span(Protocol):
    """What is used of OpenTelemetry's span."""

    def set_attribute(self, key: str, value: str | float) -> None:
        """Note a fact."""
        ...

    def end(self, end_time: int | None = None) -> None:
        """Close it, at nanoseconds since the epoch."""
        ...


class Tracer(Protocol):
    """What is used of OpenTelemetry's tracer."""

    def start_span(
        self,
        name: str,
        context: object = None,
        *,
        kind: object = None,
        attributes: Mapping[str, str | float] | None = None,
        start_time: int | None = None,
    ) -> Span:
        """Open a span, at nanoseconds since the epoch."""
        ...


class _TraceModule(Protocol):
    def get_tracer(self, name: str, version: str) -> Tracer: ...

    def set_span_in_context(self, span: Span) -> object: ...


class _SpanKinds(Protocol):
    @property
    def CLIENT(self) -> object: ...  # noqa: N802 - OpenTelemetry's name

    @property
    def INTERNAL(self) -> object: ...  # noqa: N802


class Spans:
    """Makes spans out of what the ledger booked and a session stored.

    Args:
        trace: The module ``opentelemetry.trace``.
        now_s: Seconds since the epoch.
    """

    def __init__(self, trace: object, *, now_s: Callable[[], float] = time.time) -> None:
        self._trace = cast("_TraceModule", trace)
        self._kinds = cast("_SpanKinds", getattr(trace, "SpanKind"))  # noqa: B009 - of any module
        self._now_s = now_s
        self._tracer = self._trace.get_tracer("ralex", __version__)
        self._turns: dict[str, Span] = {}

    def charge(self, booked: BookedCharge) -> None:
        """Add the span of one call, from its first byte to its bill."""
        turn = self._turns.get(booked.session_id)
        span = self._tracer.start_span(
            f"chat {booked.model}",
            self._within(turn),
            kind=self._kinds.CLIENT,
            start_time=_nanoseconds(booked.sent_at or booked.booked_at),
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": booked.provider,
                "gen_ai.request.model": booked.model.partition("/")[2] or booked.model,
                "gen_ai.conversation.id": booked.session_id,
                **_usage(booked.charge.usage),
                "ralex.tier": booked.tier,
                "ralex.purpose": booked.purpose,
                "ralex.tag": booked.tag,
                "ralex.cost_usd": float(booked.charge.cost_usd),
            },
        )
        span.end(_nanoseconds(booked.booked_at))

    def events(self, session: str, events: Sequence[AgentEvent]) -> None:
        """Open and close the spans of turns, and add those of tool calls."""
        for event in events:
            match event:
                case TurnStarted():
                    self._turns[session] = self._tracer.start_span(
                        "invoke_agent ralex",
                        kind=self._kinds.INTERNAL,
                        attributes={
                            "gen_ai.operation.name": "invoke_agent",
                            "gen_ai.agent.name": "ralex",
                            "gen_ai.conversation.id": session,
                        },
                    )
                case ToolCallFinished():
                    self._tool(session, event)
                case TurnFinished() | TurnFailed():
                    self._end(session, event)
                case _:
                    pass

    def _tool(self, session: str, call: ToolCallFinished) -> None:
        ended = int(self._now_s() * _NANO)
        attributes: dict[str, str | float] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.name,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.call_id,
            "gen_ai.conversation.id": session,
        }
        if call.is_error:
            attributes["error.type"] = call.refusal or "tool_error"
        if call.exit_code is not None:
            attributes["ralex.exit_code"] = call.exit_code
        span = self._tracer.start_span(
            f"execute_tool {call.name}",
            self._within(self._turns.get(session)),
            kind=self._kinds.INTERNAL,
            start_time=ended - call.elapsed_ms * 1_000_000,
            attributes=attributes,
        )
        span.end(ended)

    def _within(self, turn: Span | None) -> object:
        return None if turn is None else self._trace.set_span_in_context(turn)

    def _end(self, session: str, end: TurnFinished | TurnFailed) -> None:
        span = self._turns.pop(session, None)
        if span is None:
            return
        for name, value in _usage(end.usage).items():
            span.set_attribute(name, value)
        span.set_attribute("ralex.cost_usd", float(end.cost_usd))
        if isinstance(end, TurnFailed):
            span.set_attribute("error.type", end.code)
        span.end()


def find_spans() -> Spans | None:
    """Make spans if the extra is installed; None if it is not."""
    try:
        return Spans(import_module("opentelemetry.trace"))
    except ImportError:
        return None


def _usage(usage: Usage | None) -> dict[str, int]:
    if usage is None:
        return {}
    return {
        "gen_ai.usage.input_tokens": usage.total_input_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
    }


def _nanoseconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp() * _NANO)
