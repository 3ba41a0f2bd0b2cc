"""The status bar: which model, how full, how much money. What is estimated says so with ``~``."""

from __future__ import annotations  # the first frame does without the types of money and routes

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Final, TypeAlias

from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from typing_extensions import override

from ralex.core.records import dataclass
from ralex.core.terminal_text import clean_line
from ralex.core.tiers import Tier
from ralex.tui import formats

if TYPE_CHECKING:
    from ralex.core.budget import BudgetState
    from ralex.core.routing import RouteReason

_Part: TypeAlias = list[tuple[str, str]]
_METER: Final = 6
_SHORTEST: Final = 8
"""Cells that a model's name keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How much the bar says; ``between`` are the cells between its parts."""

    meter: int = 0
    has_saved: bool = False
    has_window: bool = True
    has_consequence: bool = True
    between: int = 2
    model_cells: int = 200


_FORMS: Final = (
    _Form(meter=_METER, has_saved=True, between=3),
    _Form(meter=_METER, between=3),
    _Form(has_saved=True),
    _Form(),
    _Form(has_window=False),
    _Form(has_window=False, has_consequence=False),
)
"""From the fullest to the barest. Tokens and money are what the bar is for: names are cut first."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NextPrice:
    """What the prompt that is being written would cost.

    Attributes:
        usd: Of its first step, an estimate; None if the price is unknown.
    """

    tier: Tier | None
    model: str
    usd: Decimal | None


class StatusBar(Widget):
    """One line at the bottom; narrow, meters go, then what explains the figures, then names."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"status--meter"}

    status: reactive[Status] = reactive(Status(), layout=False)
    price: reactive[NextPrice | None] = reactive(None, layout=False)

    @dataclass
    class Wanted(Message):
        """The user clicked a part of the bar.

        Attributes:
            part: ``mode``, ``route``, ``context`` or ``money``.
        """

        part: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._zones: list[tuple[int, str]] = []

    def on_click(self, event: Click) -> None:
        """Tell which part was clicked; the space behind one belongs to it."""
        event.stop()
        at = event.get_content_offset_capture(self).x
        parts = [name for start, name in self._zones if start <= at]
        self.post_message(self.Wanted(parts[-1] if parts else "money"))

    def watch_status(self, status: Status) -> None:
        """Let the style sheet colour the money when it runs short."""
        budget = status.budget
        self.set_class(budget is not None and budget.is_near_limit, "-near-limit")
        self.set_class(budget is not None and budget.left_usd == 0, "-at-limit")

    @override
    def render(self) -> Content:
        """Join as many parts as fit."""
        width = self.content_size.width
        parts, between = self._fitting(width)
        spans: _Part = []
        self._zones, at = [], 0
        for name, part in parts:
            if spans:
                spans.append((" " * between, ""))
                at += between
            self._zones.append((at, name))
            spans += part
            at += _cells([part], 0)
        return Content.assemble(*spans)

    def _fitting(self, width: int) -> tuple[list[tuple[str, _Part]], int]:
        """Choose the fullest form that fits, and the cells between its parts."""
        over = 0
        for form in _FORMS:
            parts = self._parts(form)
            over = _cells([part for _, part in parts], form.between) - width
            if over <= 0:
                return parts, form.between
        form = replace(_FORMS[-1], model_cells=max(_SHORTEST, self._model_cells - over))
        parts = self._parts(form)
        while len(parts) > 1 and _cells([part for _, part in parts], form.between) > width:
            parts.pop(0)  # the money is the last to go
        return parts, form.between

    @property
    def _model_cells(self) -> int:
        model = self.price.model if self.price is not None else self.status.model
        return Content(clean_line(formats.short_model(model))).cell_length

    def _parts(self, form: _Form) -> list[tuple[str, _Part]]:
        status = self.status
        parts: list[tuple[str, _Part]] = []
        if status.mode:
            style = "$accent" if status.mode == "yolo" else "$secondary"
            parts.append(("mode", [(status.mode, style)]))
        if self.price is not None:
            parts.append(("route", _next(self.price, form.model_cells)))
        elif status.model:
            parts.append(("route", self._route(status, form.model_cells)))
        if status.context_tokens or status.window:
            parts.append(("context", self._fill(status, form)))
        if status.budget is not None:
            parts.append(("money", self._money(status.budget, form)))
            if form.has_saved and status.budget.saved_usd >= Decimal("0.005"):
                saved = formats.about_cents(status.budget.saved_usd)
                parts.append(("saved", [(f"saved {saved}", "$success")]))
        return parts

    def _route(self, status: Status, model_cells: int) -> _Part:
        part: _Part = []
        if status.tier is not None:
            part += [
                (status.tier.value, f"bold $tiers-{status.tier.value.lower()}"),
                (" → ", "$text-disabled"),
            ]
        part.append((_model(status.model, model_cells), "$foreground"))
        if status.reason is not None:
            part.append((f" {formats.REASON_GLYPHS[status.reason]}", "$accent"))
        return part

    def _fill(self, status: Status, form: _Form) -> _Part:
        about = "~" if status.is_estimate else ""
        text = f"{about}{formats.tokens(status.context_tokens)}"
        if not status.window:
            return [(f"{text} tokens", "$text-muted")]
        share = status.context_tokens / status.window
        full, empty = formats.meter(share, form.meter)
        colour = "$error" if share > 0.9 else "$warning" if share > 0.7 else "$primary"
        of = f" / {formats.tokens(status.window)}" if form.has_window else ""
        return [
            (f"{text}{of}", "$text-muted"),
            (f" {full}" if form.meter else "", colour),
            (empty, "$text-disabled"),
        ]

    def _money(self, budget: BudgetState, form: _Form) -> _Part:
        spent = formats.usd_cents(budget.spent_usd)
        if budget.limit_usd is None:
            return [(f"{spent} today", "$text-muted")]
        full, empty = formats.meter(budget.share_used, form.meter)
        colour = self._meter_colour()
        return [
            (f"{spent} / {formats.usd_cents(budget.limit_usd)}", colour or "$text-muted"),
            (f" {full}" if form.meter else "", colour or "$success"),
            (empty, "$text-disabled"),
            (_consequence(budget) if form.has_consequence else "", colour),
        ]

    def _meter_colour(self) -> str:
        if not (self.has_class("-near-limit") or self.has_class("-at-limit")):
            return ""
        return self.get_component_styles("status--meter").color.hex


def _model(model: str, cells: int) -> str:
    return formats.shortened(clean_line(formats.short_model(model)), cells)


def _next(price: NextPrice, model_cells: int) -> _Part:
    """Show where the prompt that is being written would go, and for how much."""
    part: _Part = [("next ", "$text-muted")]
    if price.tier is not None:
        style = f"bold $tiers-{price.tier.value.lower()}"
        part += [(price.tier.value, style), (" → ", "$text-disabled")]
    part.append((_model(price.model, model_cells), "$foreground"))
    part.append((f" {price_text(price.usd)}", "$accent"))
    return part


def price_text(usd: Decimal | None) -> str:
    """Show an estimate of a price: ``~$0.0004``, ``free``, or ``~$?`` for an unknown one."""
    return "~$?" if usd is None else f"~{formats.usd(usd)}" if usd else "free"


def _consequence(budget: BudgetState) -> str:
    """Say what the day's money changes from here on; empty while it changes nothing."""
    from ralex.core.routing import BUDGET_BIAS_SHARE  # noqa: PLC0415 - not for the first frame

    if budget.left_usd == 0 and budget.has_cutoff:
        return " paid calls stop"
    return " cheaper tiers" if budget.share_used >= BUDGET_BIAS_SHARE else ""


def _cells(parts: list[_Part], between: int) -> int:
    texts = sum(Content(text).cell_length for part in parts for text, _ in part)
    return texts + between * max(0, len(parts) - 1)
