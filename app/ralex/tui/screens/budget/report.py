"""The budget panel's text: today against the limit, where it went, and the last days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from textual.content import Content

from ralex.core.budget import BudgetState, DayForecast, SpendRow
from ralex.core.terminal_text import clean_line
from ralex.tui import formats
from ralex.tui.formats import shortened

_Part = str | tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What the panel shows; ``groups`` are today's spend by a dimension, ``days`` the last ones."""

    budget: BudgetState
    forecast: DayForecast | None = None
    groups: Mapping[str, Sequence[SpendRow]] = field(default_factory=dict[str, Sequence[SpendRow]])
    days: Sequence[SpendRow] = ()


def report(money: Money, width: int) -> Content:
    """Write the panel for a width in cells."""
    parts = _today(money.budget, width)
    if money.forecast is not None:
        parts += _pace(money.forecast, money.budget, width)
    keys = [clean_line(row.key) for rows in money.groups.values() for row in _top(rows)]
    label = max([8, *(Content(key).cell_length for key in keys)])
    for name, rows in money.groups.items():
        parts += ["\n", *_group(name, _top(rows), width, min(label, max(8, width - 42)))]
    if money.days:
        parts += ["\n", *_days(money, width)]
    return Content.assemble(*parts)


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
        figures.append(("limit", formats.usd_cents(budget.limit_usd), "$foreground"))
    if budget.alert_usd is not None:
        figures.append(("alert at", formats.usd_cents(budget.alert_usd), "$text-muted"))
    figures.append(("saved", f"~{formats.usd_cents(budget.saved_usd)}", "$success"))
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
    figures.append(("end of day", f"~{formats.usd_cents(forecast.end_of_day_usd)}", colour))
    if forecast.hours_to_limit is not None:
        hours = forecast.hours_to_limit
        left = f"{hours:.1f} h" if hours >= 1 else f"{round(hours * 60)} min"
        figures.append(("limit reached in", f"~{left}", "$warning"))
    return _row(figures, width)


def _row(figures: Sequence[tuple[str, str, str]], width: int) -> list[_Part]:
    """Write figures beside each other, on as many rows as they need."""
    parts: list[_Part] = []
    used = 0
    for name, value, colour in figures:
        size = len(name) + len(value) + 1
        if used and used + size + 4 > width:
            parts.append("\n")
            used = 0
        parts += [" " * 4 if used else "", (f"{name} ", "$text-disabled"), (value, colour)]
        used += size + (4 if used else 0)
    return [*parts, "\n"]


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
    parts: list[_Part] = [(f"By {name}\n", "bold $primary")]
    if not rows:
        return [*parts, ("nothing yet today\n", "$text-disabled")]
    largest = max(row.cost_usd for row in rows) or Decimal(1)
    bar = max(0, min(24, width - label - 40))
    for row in rows:
        full, _ = formats.meter(float(row.cost_usd / largest), bar)
        key = shortened(clean_line(row.key) or "—", label)
        parts += [
            Content(key).pad_right(max(0, label - Content(key).cell_length)).plain,
            (f" {formats.usd(row.cost_usd):>9} ", "$foreground"),
            (f" {full:<{bar}} ", _tier_colour(row.key)),
            (f" {formats.tokens(row.usage.total_tokens):>6} tokens", "$text-muted"),
            (f" {formats.count(row.calls, 'call'):>10}\n", "$text-disabled"),
        ]
    return parts


def _days(money: Money, width: int) -> list[_Part]:
    rows = sorted(money.days, key=lambda row: row.key, reverse=True)[:14]
    top = max([*(row.cost_usd for row in rows), money.budget.limit_usd or Decimal(0)]) or Decimal(1)
    parts: list[_Part] = [("Last days\n", "bold $primary")]
    bar = max(8, width - 32)
    for row in rows:
        full, empty = formats.meter(float(row.cost_usd / top), bar)
        parts += [
            (f"{clean_line(row.key)[-5:]:<6}", "$text-muted"),
            (full, "$primary"),
            " " * len(empty),
            (f" {formats.usd_cents(row.cost_usd):>9}", "$foreground"),
            (f"  ~{formats.usd_cents(row.saved_usd)} saved\n", "$text-disabled"),
        ]
    return parts


def _tier_colour(key: str) -> str:
    known = {"SIMPLE", "MEDIUM", "COMPLEX", "REASONING"}
    return f"$tiers-{key.lower()}" if key in known else "$primary"
