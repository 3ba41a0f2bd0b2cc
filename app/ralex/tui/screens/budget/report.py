"""The budget panel's text: today against the limit, where it went, and the last days."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from textual.content import Content

from ralex.core.budget import BudgetState, SpendRow
from ralex.core.forecast import DayForecast
from ralex.core.records import dataclass
from ralex.core.terminal_text import clean_line
from ralex.tui import formats
from ralex.tui.formats import shortened

_Part = str | tuple[str, str]
_DAYS: Final = 30
_CHART_ROWS: Final = 5
_WIDE: Final = 64
"""Cells from which a row has room for tokens beside the money."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What the panel shows; ``groups`` are today's spend by a dimension, ``days`` the last ones."""

    budget: BudgetState
    forecast: DayForecast | None = None
    groups: Mapping[str, Sequence[SpendRow]] = field(default_factory=dict[str, Sequence[SpendRow]])
    days: Sequence[SpendRow] = ()


def today(money: Money, width: int) -> Content:
    """Write the day's figures for a width in cells."""
    parts = _today(money.budget, width)
    if money.forecast is not None:
        parts += _pace(money.forecast, money.budget, width)
    return Content.assemble(*parts).rstrip()


def report(money: Money, width: int) -> Content:
    """Write where the money went, for a width in cells."""
    named = {name: [_named(name, row) for row in _top(rows)] for name, rows in money.groups.items()}
    keys = [clean_line(row.key) for rows in named.values() for row in rows]
    label = max([8, *(Content(key).cell_length for key in keys)])
    label = min(label, max(8, width - _beside(width)))
    parts: list[_Part] = []
    if not any(named.values()):
        parts += [("Today by model, tier, provider\n", "bold $primary")]
        parts.append(("nothing yet\n", "$text-disabled"))
        named = {}
    for name, rows in named.items():
        parts += ["\n" if parts else "", *_group(name, rows, width, label)]
    parts += ["\n" if parts else "", *chart(money, width)]
    return Content.assemble(*parts).rstrip()


_BETWEEN = 4
"""Cells between two figures of a row."""


def _named(by: str, row: SpendRow) -> SpendRow:
    """Name a project by its folder alone; the whole path is in ``ralex spend``."""
    if by != "project":
        return row
    return replace(row, key=row.key.rstrip("/").rpartition("/")[2] or row.key)


def _today(budget: BudgetState, width: int) -> list[_Part]:
    parts: list[_Part] = [("Today", "bold $primary"), (f"  {budget.day}\n", "$text-disabled")]
    if budget.limit_usd:
        parts += _bar(budget, budget.limit_usd, width)
    figures = [("spent", formats.usd_cents(budget.spent_usd), "$foreground")]
    figures.append(("held", formats.usd_cents(budget.held_usd), "$text-muted"))
    if budget.left_usd is not None and budget.limit_usd is not None:
        colour = (
            "$error" if budget.left_usd == 0 else "$warning" if budget.is_near_limit else "$success"
        )
        figures.append(("left", formats.usd_cents(budget.left_usd), colour))
        raised = f" (+{formats.usd_cents(budget.raised_usd)})" if budget.raised_usd else ""
        limit = f"{formats.usd_cents(budget.limit_usd)}{raised}"
        figures.append(("limit", limit, "$foreground"))
    if budget.alert_usd is not None:
        figures.append(("alert at", formats.usd_cents(budget.alert_usd), "$text-muted"))
    figures.append(("saved", formats.about_cents(budget.saved_usd), "$success"))
    parts += _row(figures, width)
    if budget.limit_usd is None:
        parts.append(("No daily limit is set.\n", "$warning"))
    return parts


def _pace(forecast: DayForecast, budget: BudgetState, width: int) -> list[_Part]:
    """Tell how fast money goes and where that leads; estimates."""
    limit = budget.limit_usd
    is_over = limit is not None and forecast.end_of_day_usd > limit
    figures = [("last hour", formats.usd_cents(forecast.last_hour_usd), "$foreground")]
    colour = "$warning" if is_over else "$foreground"
    figures.append(("end of day", formats.about_cents(forecast.end_of_day_usd), colour))
    if forecast.hours_to_limit is not None:
        hours = forecast.hours_to_limit
        left = f"{hours:.1f} h" if hours >= 1 else f"{round(hours * 60)} min"
        figures.append(("limit reached in", f"~{left}", "$warning"))
    return _row(figures, width)


def _row(figures: Sequence[tuple[str, str, str]], width: int) -> list[_Part]:
    """Write figures beside each other, on as many rows as they need, about as many on each."""
    count = _rows_needed(figures, width)
    most = -(-len(figures) // count)
    parts: list[_Part] = []
    used = on_row = 0
    for name, value, colour in figures:
        size = len(name) + len(value) + 1
        if used and (used + size + _BETWEEN > width or on_row == most):
            parts.append("\n")
            used = on_row = 0
        gap = " " * _BETWEEN if used else ""
        parts += [gap, (f"{name} ", "$text-disabled"), (value, colour)]
        used += size + len(gap)
        on_row += 1
    return [*parts, "\n"]


def _rows_needed(figures: Sequence[tuple[str, str, str]], width: int) -> int:
    count, used = 1, 0
    for name, value, _ in figures:
        size = len(name) + len(value) + 1
        if used and used + size + _BETWEEN > width:
            count, used = count + 1, 0
        used += size + (_BETWEEN if used else 0)
    return count


def _bar(budget: BudgetState, limit: Decimal, width: int) -> list[_Part]:
    """Draw spent and held against the limit, with a mark where the alert is."""
    cells = max(10, width)
    spent = min(cells, round(cells * min(1.0, float(budget.spent_usd / limit))))
    if budget.spent_usd > 0:
        spent = max(1, spent)
    held = min(cells - spent, round(cells * min(1.0, float(budget.held_usd / limit))))
    if budget.held_usd > 0 and spent < cells:
        held = max(1, held)
    colour = (
        "$error" if budget.left_usd == 0 else "$warning" if budget.is_near_limit else "$success"
    )
    row = [("━", colour)] * spent + [("╍", "$warning")] * held
    row += [("─", "$text-disabled")] * (cells - len(row))
    if budget.alert_usd is not None and budget.alert_usd < limit:
        mark = min(cells - 1, round(cells * float(budget.alert_usd / limit)))
        row[mark] = ("┃", "$warning")
    parts: list[_Part] = []
    start = 0
    for at in range(1, cells + 1):
        if at == cells or row[at] != row[start]:
            parts.append((row[start][0] * (at - start), row[start][1]))
            start = at
    return [*parts, "\n"]


def _top(rows: Sequence[SpendRow]) -> list[SpendRow]:
    return sorted(rows, key=lambda row: row.cost_usd, reverse=True)[:6]


def _group(name: str, rows: Sequence[SpendRow], width: int, label: int) -> list[_Part]:
    parts: list[_Part] = [(f"Today by {name}\n", "bold $primary")]
    if not rows:
        return [*parts, ("nothing yet\n", "$text-disabled")]
    largest = max(row.cost_usd for row in rows) or Decimal(1)
    is_wide = width >= _WIDE
    bar = max(0, min(24, width - label - _beside(width)))
    for row in rows:
        full, _ = formats.meter(float(row.cost_usd / largest), bar)
        key = shortened(clean_line(row.key) or "—", label)
        parts += [
            Content(key).pad_right(max(0, label - Content(key).cell_length)).plain,
            (f" {formats.usd(row.cost_usd):>9} ", "$foreground"),
            (f" {full:<{bar}} ", _tier_colour(row.key)),
        ]
        if is_wide:
            parts.append((f" {formats.tokens(row.usage.total_tokens):>6} tokens", "$text-muted"))
        parts.append((f" {formats.count(row.calls, 'call'):>10}\n", "$text-muted"))
    return parts


def chart(money: Money, width: int) -> list[_Part]:
    """Draw the last thirty days as bars, today at the right, the day's limit as a line."""
    days = _last_days(money.budget.day)
    spent = {row.key: row for row in money.days}
    costs = [spent[day].cost_usd if day in spent else Decimal(0) for day in days]
    step = 2 if width >= 2 * _DAYS + 10 else 1
    limit = money.budget.limit_usd
    top = max([*costs, limit or Decimal(0)]) or Decimal(1)
    line = (
        None
        if not limit
        else _CHART_ROWS - 1 - min(_CHART_ROWS - 1, int(_CHART_ROWS * float(limit / top) - 0.001))
    )
    parts: list[_Part] = [("Last 30 days\n", "bold $primary")]
    if not any(costs):
        return [*parts, ("nothing yet\n", "$text-disabled")]
    for row in range(_CHART_ROWS):
        floor = _CHART_ROWS - 1 - row
        for cost in costs:
            cell = _bar_cell(float(cost / top) * _CHART_ROWS - floor)
            is_line = cell == " " and row == line
            colour = "$text-disabled" if is_line else _cost_colour(cost, money.budget)
            parts.append(
                (("┄" if is_line else cell) + ("┄" if row == line else " ") * (step - 1), colour)
            )
        mark = formats.usd_cents(limit) if row == line and limit else ""
        parts.append((f" {mark}\n", "$text-disabled"))
    first, last = _short_day(days[0]), _short_day(days[-1])
    gap = max(1, _DAYS * step - (step - 1) - len(first) - len(last))
    parts.append((f"{first}{' ' * gap}{last}\n", "$text-muted"))
    total = sum(costs, Decimal(0))
    saved = sum((row.saved_usd for row in money.days), Decimal(0))
    dearest = max(range(len(days)), key=lambda at: costs[at])
    figures = [("together", formats.usd_cents(total), "$foreground")]
    if costs[dearest]:
        most = f"{formats.usd_cents(costs[dearest])} on {_short_day(days[dearest])}"
        figures.append(("most", most, "$foreground"))
    figures.append(("saved", formats.about_cents(saved), "$success"))
    return [*parts, *_row(figures, width)]


def _beside(width: int) -> int:
    """Count the cells of a row beside its name and bar."""
    return 42 if width >= _WIDE else 26


def _bar_cell(height: float) -> str:
    """Give the part of a bar in one cell; a day that cost anything shows at least a line."""
    if height >= 1:
        return "█"
    return " ▁▂▃▄▅▆▇█"[min(8, max(0, math.ceil(height * 8)))]


def _cost_colour(cost: Decimal, budget: BudgetState) -> str:
    if budget.limit_usd is not None and cost >= budget.limit_usd:
        return "$error"
    is_high = budget.alert_usd is not None and cost >= budget.alert_usd
    return "$warning" if is_high else "$primary"


def _last_days(today: str) -> list[str]:
    end = date.fromisoformat(today)
    return [(end - timedelta(days=back)).isoformat() for back in range(_DAYS - 1, -1, -1)]


def _short_day(day: str) -> str:
    return f"{date.fromisoformat(day):%b} {int(day[-2:])}"


def _tier_colour(key: str) -> str:
    known = {"SIMPLE", "MEDIUM", "COMPLEX", "REASONING"}
    return f"$tiers-{key.lower()}" if key in known else "$primary"
