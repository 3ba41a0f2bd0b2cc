"""Past turns of all sessions, read from their events without the texts of answers and tools."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from decimal import Decimal, InvalidOperation
from typing import cast

from ralex.core.checks import is_check
from ralex.core.escalation import EvidenceKind
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.records import dataclass
from ralex.core.tiers import TIERS, Tier
from ralex.core.turn_log import Mark, MarkKind, PastCall, PastRoute, PastTurn
from ralex.core.usage import Usage

_QUERY = """
SELECT e.session_id, e.created_s, e.type, CASE e.type
  WHEN 'turn_started' THEN json_extract(e.payload, '$.turn_id', '$.prompt')
  WHEN 'route_decided' THEN json_extract(e.payload, '$.route.router', '$.route.tier',
    '$.route.model', '$.route.reason', '$.route.continues_task', '$.route.override')
  WHEN 'capacity_decided' THEN json_extract(e.payload, '$.capacity.request_tokens', '$.type')
  WHEN 'evidence_noted' THEN json_extract(e.payload, '$.kind', '$.type')
  WHEN 'step_finished' THEN
    json_extract(e.payload, '$.model', '$.tier', '$.usage', '$.cost_usd')
  WHEN 'tool_call_started' THEN CASE json_extract(e.payload, '$.name')
    WHEN 'bash' THEN json_extract(e.payload, '$.call_id', '$.arguments_json') ELSE '[]' END
  WHEN 'tool_call_finished' THEN json_extract(e.payload, '$.call_id', '$.exit_code',
    '$.files_changed[0]')
  WHEN 'changes_undone' THEN json_extract(e.payload, '$.turn_id', '$.is_redo')
  WHEN 'turn_finished' THEN json_extract(e.payload, '$.stop_reason', '$.cost_usd')
  WHEN 'turn_failed' THEN json_extract(e.payload, '$.code', '$.cost_usd')
  ELSE '[]' END
FROM event e JOIN session s ON s.id = e.session_id
WHERE s.updated_s >= ? AND json_valid(e.payload) AND e.type IN (
  'turn_started', 'route_decided', 'capacity_decided', 'evidence_noted', 'advice_given',
  'step_finished', 'tool_call_started', 'tool_call_finished', 'changes_undone', 'turn_finished',
  'turn_failed')
"""
_ORDER = "ORDER BY s.created_s, e.session_id, e.seq"
_TROUBLED = """
AND e.session_id IN (
  SELECT session_id FROM outcome WHERE evidence <> ''
  GROUP BY session_id ORDER BY max(id) DESC LIMIT 100)
"""


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A turn while its events are read."""

    session_id: SessionId
    turn_id: TurnId
    started_s: float
    ask: str
    route: PastRoute | None = None
    request_tokens: int = 0
    calls: list[PastCall] = field(default_factory=list[PastCall])
    marks: list[Mark] = field(default_factory=list[Mark])
    checks: set[str] = field(default_factory=set[str])
    result: str = ""
    cost_usd: Decimal = Decimal(0)
    is_undone: bool = False

    def take(self, kind: str, cells: Sequence[object], at_s: float) -> None:
        """Add an event of the turn."""
        match kind, cells:
            case "route_decided", [router, tier, model, reason, continues, override]:
                self._take_route(router, tier, model, reason, override, continues=bool(continues))
            case "capacity_decided", [tokens, _]:
                self.request_tokens = self.request_tokens or _whole(tokens)
            case "evidence_noted", [name, _] if name in set(EvidenceKind):
                found = EvidenceKind(str(name))
                self.marks.append(Mark(kind=MarkKind.EVIDENCE, evidence=found))
            case "advice_given", _:
                self.marks.append(Mark(kind=MarkKind.ADVICE))
            case "step_finished", [model, tier, usage, cost]:
                self.calls.append(
                    PastCall(
                        model=ModelId(str(model)),
                        tier=_tier(tier),
                        usage=_usage(usage),
                        cost_usd=_usd(cost),
                        at_s=at_s,
                    )
                )
            case "tool_call_started", [call_id, arguments] if is_check(_command(arguments)):
                self.checks.add(str(call_id))
            case "tool_call_finished", [call_id, exit_code, changed]:
                if changed is not None:
                    self.marks.append(Mark(kind=MarkKind.CHANGE))
                if exit_code == 0 and str(call_id) in self.checks:
                    self.marks.append(Mark(kind=MarkKind.CHECK_PASSED))
            case (("turn_finished" | "turn_failed"), [result, cost]):
                self.result, self.cost_usd = str(result), _usd(cost)
            case _:
                pass

    def _take_route(
        self,
        router: object,
        tier: object,
        model: object,
        reason: object,
        override: object,
        *,
        continues: bool,
    ) -> None:
        if self.route is not None:
            self.marks.append(Mark(kind=MarkKind.STEP_UP))
            return
        self.route = PastRoute(
            router=str(router),
            tier=_tier(tier),
            model=ModelId(str(model)),
            reason=str(reason),
            continues_task=continues,
            override=str(override or ""),
        )

    def done(self) -> PastTurn:
        """Give the turn as it is now."""
        spent = sum((call.cost_usd for call in self.calls), Decimal(0))
        return PastTurn(
            session_id=self.session_id,
            turn_id=self.turn_id,
            started_s=self.started_s,
            ask=self.ask,
            route=self.route,
            request_tokens=self.request_tokens,
            calls=tuple(self.calls),
            marks=tuple(self.marks),
            result=self.result,
            cost_usd=max(self.cost_usd, spent),
            is_undone=self.is_undone,
        )


def past_turns(
    connection: sqlite3.Connection, *, since_s: float, only_troubled: bool = False
) -> list[PastTurn]:
    """Read the turns that began since a moment: session after session, each in its order.

    What a copied session has from its original counts once.

    Args:
        only_troubled: Of the newest hundred sessions in which something spoke against a model.
    """
    query = f"{_QUERY}{_TROUBLED if only_troubled else ''}{_ORDER}"
    rows: Iterable[tuple[str, float, str, str | None]] = connection.execute(query, (since_s,))
    drafts: dict[TurnId, _Draft] = {}
    now: _Draft | None = None
    for session_id, at_s, kind, text in rows:
        cells = _cells(text)
        if kind == "turn_started" and len(cells) == 2:
            turn_id = TurnId(str(cells[0]))
            now = None
            if turn_id not in drafts and at_s >= since_s:
                now = drafts[turn_id] = _Draft(
                    session_id=SessionId(session_id),
                    turn_id=turn_id,
                    started_s=at_s,
                    ask=str(cells[1]),
                )
        elif kind == "changes_undone" and len(cells) == 2:
            undone = drafts.get(TurnId(str(cells[0])))
            if undone is not None:
                undone.is_undone = not cells[1]
        elif now is not None and now.session_id == session_id:
            now.take(kind, cells, at_s)
    return list(_done(drafts.values()))


def _done(drafts: Iterable[_Draft]) -> Iterator[PastTurn]:
    for draft in drafts:
        yield draft.done()


def _cells(text: str | None) -> list[object]:
    parsed: object = json.loads(text or "[]")
    return cast("list[object]", parsed) if isinstance(parsed, list) else []


def _command(arguments: object) -> str:
    """Find the shell command: the first text among the arguments, whatever the model called it."""
    try:
        parsed: object = json.loads(str(arguments))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(parsed, dict):
        return ""
    values = cast("dict[str, object]", parsed).values()
    return next((value for value in values if isinstance(value, str)), "")


def _tier(value: object) -> Tier | None:
    return Tier(str(value)) if value in TIERS else None


def _usage(value: object) -> Usage:
    counts = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    return Usage(
        input_tokens=_whole(counts.get("input_tokens")),
        cache_read_tokens=_whole(counts.get("cache_read_tokens")),
        cache_write_tokens=_whole(counts.get("cache_write_tokens")),
        output_tokens=_whole(counts.get("output_tokens")),
        reasoning_tokens=_whole(counts.get("reasoning_tokens")),
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _usd(value: object) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return found if found.is_finite() else Decimal(0)
