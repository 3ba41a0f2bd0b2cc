"""The route receipt in words: one line while folded, the whole story when opened."""

from collections.abc import Iterator
from decimal import Decimal

from ralex.core.complexity import Complexity
from ralex.core.route_receipt import would_have_cost
from ralex.core.routing import Alternative, RouteDecision, RouteReason
from ralex.core.usage import Usage
from ralex.tui import formats
from ralex.tui.palette import BOLD, Palette
from ralex.tui.rows import Line, fit, shown_line
from ralex.tui.widgets.transcript.items import Receipt, RouteItem


def why(route: RouteDecision) -> str:
    """Say in a few words what decided."""
    match route.reason:
        case RouteReason.SCORE if route.complexity is not None:
            return f"score {route.complexity.score:.2f}"
        case RouteReason.RULE if route.rule:
            return f"rule {shown_line(route.rule)}"
        case RouteReason.OVERRIDE if route.override:
            return shown_line(route.override)
        case reason:
            return formats.REASON_WORDS[reason]


def receipt_summary(receipt: Receipt, room: int) -> str:
    """Say what a turn used and cost: ``12.4k tokens, 80 % cached · $0.0031 · 8.2 s``.

    Args:
        room: Cells there are. Where they are too few, the time is left out first, then the share
            from the cache, then the tokens; the money stays.
    """
    used = f"{formats.tokens(receipt.usage.total_tokens)} tokens"
    share = cached_share(receipt.usage)
    cached = f"{used}, {share} % cached" if share else used
    cost = formats.usd(receipt.cost_usd)
    took = "" if receipt.elapsed_s is None else f" · {formats.seconds(receipt.elapsed_s)}"
    forms = (f"{cached} · {cost}{took}", f"{cached} · {cost}", f"{used} · {cost}", cost)
    return next((form for form in forms if len(form) <= room), cost)


def cached_share(usage: Usage) -> int:
    """Give the part of the input that came from the provider's cache, in whole percent."""
    total = usage.total_input_tokens
    return 100 * usage.cache_read_tokens // total if total else 0


def receipt_lines(item: RouteItem, palette: Palette, width: int) -> list[Line]:
    """Tell the whole story of a decision, one line of text each."""
    route = item.route
    lines: list[Line] = [[(shown_line(reason), palette.text)] for reason in route.reasons]
    if route.complexity is not None:
        lines += [[], *_score(route.complexity, palette, width)]
    if route.alternatives:
        lines += [[], *_alternatives(route, item.receipt, palette)]
    money = list(_money(item, palette))
    return [*lines, [], *money] if money else lines


def _score(complexity: Complexity, palette: Palette, width: int) -> Iterator[Line]:
    tier = complexity.tier
    yield [
        (f"Score {complexity.score:.3f} → ", palette.muted),
        (tier.value, palette.tier(tier) + BOLD),
        (f"   {complexity.scorer} scorer", palette.faint),
    ]
    names = max((len(term.name) for term in complexity.dimensions), default=0)
    largest = max((abs(term.contribution) for term in complexity.dimensions), default=0.0) or 1.0
    bar = 12 if width >= 70 else 0
    for term in complexity.dimensions:
        full, _ = formats.meter(abs(term.contribution) / largest, bar)
        style = palette.success if term.contribution < 0 else palette.primary
        line: Line = [
            (f"{shown_line(term.name):<{names}} ", palette.muted),
            (f"{term.raw:5.2f} × {term.weight:.2f} = ", palette.faint),
            (f"{term.contribution:6.3f}  ", palette.text),
        ]
        if bar:
            line.append((f"{full:<{bar}}  ", style))
        line.append((shown_line(", ".join(term.matched)), palette.faint))
        yield fit(line, width - 2)


def _alternatives(
    route: RouteDecision, receipt: Receipt | None, palette: Palette
) -> Iterator[Line]:
    what = "for the first step" if receipt is None else "for the whole turn"
    yield [("Not taken", palette.muted), (f", with the price {what}", palette.faint)]
    models = max(len(other.model) for other in route.alternatives)
    for other in route.alternatives:
        tier = other.tier
        yield [
            (f"{tier.value if tier else '':<9} ", palette.tier(tier)),
            (f"{shown_line(other.model):<{models}} ", palette.text),
            (f"{_price(other, route, receipt):>9}  ", palette.muted),
            (shown_line(other.why_not), palette.faint),
        ]


def _price(other: Alternative, route: RouteDecision, receipt: Receipt | None) -> str:
    a_step = "unknown" if other.estimated_usd is None else f"~{formats.usd(other.estimated_usd)}"
    if receipt is None or other.estimated_usd is None:
        return a_step
    whole = would_have_cost(other, route, receipt.cost_usd, receipt.saved_usd)
    return f"{a_step} a step" if whole is None else f"~{formats.usd(whole)}"


def _money(item: RouteItem, palette: Palette) -> Iterator[Line]:
    if item.route.estimated_usd is not None and item.receipt is None:
        estimate = f"~{formats.usd(item.route.estimated_usd)} expected for the first step"
        yield [(estimate, palette.muted)]
    if item.receipt is None:
        return
    usage = item.receipt.usage
    yield [
        (f"{'tokens':<8}", palette.muted),
        (f"{usage.input_tokens:,} fresh + {usage.cache_read_tokens:,} cached", palette.text),
        (f" + {usage.cache_write_tokens:,} cache written", palette.text)
        if usage.cache_write_tokens
        else ("", palette.text),
        (f" → {usage.output_tokens:,} written", palette.text),
        (f", {usage.reasoning_tokens:,} of them reasoning", palette.muted)
        if usage.reasoning_tokens
        else ("", palette.text),
    ]
    saved = item.receipt.saved_usd
    line: Line = [
        (f"{'cost':<8}", palette.muted),
        (formats.usd(item.receipt.cost_usd), palette.text),
    ]
    if saved is not None and saved > Decimal(0):
        line.append((f"   ~{formats.usd(saved)} less than on the top tier", palette.success))
    yield line
