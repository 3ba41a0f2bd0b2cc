"""One ear for the whole process: what is booked and stored goes to the log and to the spans."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Self

from ralex.core.budget import BookedCharge
from ralex.core.events import AgentEvent
from ralex.core.routing import RouteDecision
from ralex.errors import RalexError
from ralex.observe.facts import charge_fact, error_fact, event_facts, limit_fact, route_fact
from ralex.observe.log import EventLog
from ralex.observe.spans import Spans, find_spans

_LOG = logging.getLogger(__name__)


class Observer:
    """Passes facts on; whoever listens badly never disturbs a call.

    Args:
        log: None writes no log.
        spans: None makes no spans.
    """

    def __init__(self, log: EventLog | None, spans: Spans | None) -> None:
        self._event_log = log
        self._spans = spans

    @classmethod
    def make(
        cls,
        folder: Path,
        *,
        logs: bool,
        traces: bool,
        now: Callable[[], datetime],
        secrets: Sequence[str],
    ) -> Self:
        """Make what the configuration asks for.

        Args:
            folder: Where logs are kept.
            secrets: Texts that must never be written.
        """
        spans = find_spans() if traces else None
        if traces and spans is None:
            _LOG.warning("log.otel is on, but opentelemetry is missing: pip install 'ralex[otel]'")
        return cls(EventLog(folder, now=now, secrets=secrets) if logs else None, spans)

    def charged(self, booked: BookedCharge) -> None:
        """Hear of a charge once it is booked."""
        try:
            if self._event_log is not None:
                self._event_log.add(charge_fact(booked))
            if self._spans is not None:
                self._spans.charge(booked)
        except Exception:  # noqa: BLE001 - a listener's fault is logged, the call is paid
            _LOG.exception("a charge could not be reported")

    def stored(self, session: str, events: Sequence[AgentEvent]) -> None:
        """Hear of a session's events once they are committed."""
        try:
            if self._event_log is not None:
                for fact in event_facts(session, events):
                    self._event_log.add(fact)
            if self._spans is not None:
                self._spans.events(session, events)
        except Exception:  # noqa: BLE001 - a listener's fault is logged, the call is paid
            _LOG.exception("an event could not be reported")

    def routed(self, route: RouteDecision) -> None:
        """Hear of a routing decision outside of any session."""
        if self._event_log is not None:
            self._event_log.add(route_fact("", route))

    def failed(self, error: RalexError, *, model: str) -> None:
        """Hear of a call outside of any session that failed."""
        if self._event_log is not None:
            self._event_log.add(error_fact(error, model=model))

    def limited(self, name: str, usd: Decimal | None) -> None:
        """Hear of a limit the user changed; ``today`` is what they allowed on top of today's."""
        if self._event_log is not None:
            self._event_log.add(limit_fact(name, usd))

    def close(self) -> None:
        """Write what is waiting; takes a moment."""
        if self._event_log is not None:
            self._event_log.close()
