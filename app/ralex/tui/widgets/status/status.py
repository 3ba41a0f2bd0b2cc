"""The status bar: which model, how full, how much money. What is estimated says so with ``~``."""

from __future__ import annotations  # the first frame does without the types of money and routes

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from typing_extensions import override

from ralex.core.terminal_text import clean_line
from ralex.core.tiers import Tier
from ralex.tui import formats

if TYPE_CHECKING:
    from ralex.core.budget import BudgetState
    from ralex.core.routing import RouteReason

_Part: TypeAlias = list[tuple[str, str]]
_METER = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the bar shows.

    Attributes:
        model: What answers now, or what the user chose for the next turn.
        reason: None before the first turn.
        is_chosen: The user's choice holds for what comes.
    """

    mode: str = ""
    tier: Tier | None = None
    model: str = ""
    reason: RouteReason | None = None
    context_tokens: int = 0
    is_estimate: bool = False
    window: int | None = None
    budget: BudgetState | None = None


class StatusBar(Widget):
    """One line at the bottom; narrow, meters go, then parts from the right."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--meter"}

    status: reactive[Status] = reactive(Status(), layout=False)
    queued: reactive[int] = reactive(0, layout=False)

    class BudgetWanted(Message):
        """The user clicked the bar to see the money."""

    def on_click(self) -> None:
        """Open the budget panel."""
        self.post_message(self.BudgetWanted())

    def watch_status(self, status: Status) -> None:
        """Let the style sheet colour the money when it runs short."""
        budget = status.budget
        self.set_class(budget is not None and budget.is_near_limit, "-near-limit")
        self.set_class(budget is not None and budget.left_usd == 0, "-at-limit")

    @override
    def render(self) -> Content:
        """Join as many parts as fit."""
        width = self.content_size.width
        parts, between = self._parts(has_meters=True), 3
        if _cells(parts[:4], between) > width:
            parts, between = self._parts(has_meters=False), 2
        while len(parts) > 1 and _cells(parts, between) > width:
            parts.pop()
        spans: _Part = []
        for part in parts:
            spans += [(" " * between, ""), *part] if spans else part
        return Content.assemble(*spans)

    def _parts(self, *, has_meters: bool) -> list[_Part]:
        meter = _METER if has_meters else 0
        status = self.status
        parts: list[_Part] = []
        if status.mode:
            style = "$accent" if status.mode == "yolo" else "$secondary"
            parts.append([(status.mode, style)])
        if status.model:
            parts.append(self._route(status))
        if status.context_tokens or status.window:
            parts.append(self._fill(status, meter))
        if status.budget is not None:
            parts.append(self._money(status.budget, meter))
            if status.budget.saved_usd >= Decimal("0.005"):
                saved = formats.usd_cents(status.budget.saved_usd)
                parts.append([(f"saved ~{saved}", "$success")])
        return parts

    def _route(self, status: Status) -> _Part:
        part: _Part = []
        if status.tier is not None:
            part += [
                (status.tier.value, f"bold $tiers-{status.tier.value.lower()}"),
                (" → ", "$text-disabled"),
            ]
        part.append((clean_line(formats.short_model(status.model)), "$foreground"))
        if status.reason is not None:
            part.append((f" {formats.REASON_GLYPHS[status.reason]}", "$accent"))
        return part

    def _fill(self, status: Status, width: int) -> _Part:
        about = "~" if status.is_estimate else ""
        text = f"{about}{formats.tokens(status.context_tokens)}"
        if not status.window:
            return [(f"{text} tokens", "$text-muted")]
        share = status.context_tokens / status.window
        full, empty = formats.meter(share, width)
        colour = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$primary"
        return [
            (f"{text} / {formats.tokens(status.window)}", "$text-muted"),
            (f" {full}" if width else "", colour),
            (empty, "$text-disabled"),
        ]

    def _money(self, budget: BudgetState, width: int) -> _Part:
        spent = formats.usd_cents(budget.spent_usd)
        if budget.limit_usd is None:
            return [(f"{spent} today", "$text-muted")]
        full, empty = formats.meter(budget.share_used, width)
        colour = self._meter_colour()
        return [
            (f"{spent} / {formats.usd_cents(budget.limit_usd)}", colour or "$text-muted"),
            (f" {full}" if width else "", colour or "$success"),
            (empty, "$text-disabled"),
        ]

    def _meter_colour(self) -> str:
        if not (self.has_class("-near-limit") or self.has_class("-at-limit")):
            return ""
        return self.get_component_styles("status--meter").color.hex


def _cells(parts: list[_Part], between: int) -> int:
    texts = sum(Content(text).cell_length for part in parts for text, _ in part)
    return texts + between * max(0, len(parts) - 1)
