"""Items to rows; the only place that knows what an entry of the transcript looks like.

Everything hangs on one left edge, two cells in. What ralex adds (receipts, cards, notices) is
quieter than what people and models say. Imported after the first frame, with the Markdown parser.
"""

from collections.abc import Sequence
from typing import Final, assert_never

from rich.style import Style

from ralex.tui import formats
from ralex.tui.markdown.feed import Fence, LiveMarkdown
from ralex.tui.markdown.render import Frame, MarkdownRenderer
from ralex.tui.palette import BOLD, ITALIC, Palette
from ralex.tui.rows import Line, Row, Span, blank, cells, fit, row, wrap
from ralex.tui.widgets.transcript.diffs import DiffRenderer, diff_counts
from ralex.tui.widgets.transcript.items import (
    MOST_OUTPUT_LINES,
    SHOW_ALL_META,
    AnswerItem,
    AnyItem,
    ErrorItem,
    FoldItem,
    NoticeItem,
    ReportItem,
    RouteItem,
    ToolItem,
    ToolState,
    UserItem,
)
from ralex.tui.widgets.transcript.receipts import receipt_lines, receipt_summary, why

INDENT: Final = 2
WIDEST_TEXT: Final = 118
WIDEST_CARD: Final = 200
"""Cards hold output and diffs, which gain by room; beyond it a title is too far from its end."""

_FOLDED_USER_ROWS: Final = 14
_NAME_WIDTH: Final = 5
_SUMMARY_WIDTH: Final = 40
_LEAST_COLUMN: Final = 24


class ItemRenderer:
    """Draws items in one theme; make a new one when the theme changes."""

    def __init__(self, palette: Palette) -> None:
        self._palette = palette
        self._markdown = MarkdownRenderer(palette)

    def render(self, item: AnyItem, total: int) -> list[Row]:
        """Draw an item, its blank rows above included.

        Args:
            total: Cells of a row.
        """
        return [blank(total)] * item.gap + self._body(item, total)

    def live(self, total: int, fence: Fence | None = None) -> LiveMarkdown:
        """Start the rows of an answer that is still arriving."""
        return LiveMarkdown(self._markdown, self._frame(total), fence=fence)

    def live_plain(self, total: int) -> "LivePlain":
        """Start the rows of a plain text that is still arriving."""
        return LivePlain(self, total)

    def plain(self, text: str, total: int) -> list[Row]:
        """Draw folded text, quiet and behind a bar."""
        palette = self._palette
        bar: Line = [("  ", Style.null()), ("│ ", palette.faint)]
        room = _text_width(total) - INDENT
        rows: list[Row] = []
        for line in text.split("\n"):
            style = palette.muted + ITALIC
            rows += wrap([(line, style)], room, first=bar, rest=bar, total=total)
        return rows

    def _body(self, item: AnyItem, total: int) -> list[Row]:
        match item:
            case UserItem():
                return self._user(item, total)
            case RouteItem():
                return self._route(item, total)
            case FoldItem():
                return self._fold(item, total)
            case AnswerItem():
                return item.live.rows if item.live else self._answer(item.text, total)
            case ToolItem():
                return self._tool(item, total)
            case NoticeItem():
                return self._notice(item, total)
            case ErrorItem():
                return self._error(item, total)
            case ReportItem():
                return self._report(item, total)
            case _:
                assert_never(item)

    def _answer(self, text: str, total: int) -> list[Row]:
        return self._markdown.text(text.strip("\n"), self._frame(total))

    def _frame(self, total: int) -> Frame:
        lead: Line = [(" " * INDENT, Style.null())]
        return Frame(_text_width(total) + INDENT, total, lead, lead, INDENT)

    def _user(self, item: UserItem, total: int) -> list[Row]:
        palette = self._palette
        bar: Line = [("▌", palette.raised + palette.primary), (" ", palette.raised)]
        rows: list[Row] = []
        for line in item.text.split("\n"):
            rows += wrap(
                [(line, palette.raised)],
                _text_width(total),
                first=bar,
                rest=bar,
                total=total,
                fill=palette.raised,
            )
        if item.is_open or len(rows) <= _FOLDED_USER_ROWS:
            return rows
        kept = rows[: _FOLDED_USER_ROWS - 2]
        more = f"… {len(rows) - len(kept):,} more lines"
        return [
            *kept,
            *wrap(
                [(more, palette.raised + palette.muted)],
                _text_width(total),
                first=bar,
                total=total,
                fill=palette.raised,
            ),
        ]

    def _route(self, item: RouteItem, total: int) -> list[Row]:
        palette, width = self._palette, _text_width(total) + INDENT
        route = item.route
        line: Line = [("  ", Style.null())]
        if route.tier is not None:
            line += [(route.tier.value, palette.tier(route.tier) + BOLD), (" → ", palette.faint)]
        line.append((formats.short_model(route.model), palette.text))
        line.append((f"  {formats.REASON_GLYPHS[route.reason]} ", palette.accent))
        line.append((why(item.route), palette.muted))
        if item.receipt is not None:
            room = width - cells(line) - 3
            line.append((f" · {receipt_summary(item.receipt, room)}", palette.muted))
        rows = [row(fit(line, width), total=total, gutter=INDENT)]
        if item.is_open:
            width = _text_width(total)
            rows += self._behind_bar(receipt_lines(item, palette, width), total, width)
        return rows

    def _fold(self, item: FoldItem, total: int) -> list[Row]:
        palette = self._palette
        text = item.source
        words = len(text.split())
        size = f" · {formats.count(words, 'word')}" if words else ""
        mark = "▾" if item.is_open else "▸"
        line: Line = [("  ", Style.null()), (f"{mark} ", palette.faint)]
        line.append((f"{item.head}{size}", palette.muted))
        rows = [row(line, total=total, gutter=INDENT)]
        if item.is_open and text:
            rows += item.live.rows if item.live else self.plain(text.strip("\n"), total)
        return rows

    def _tool(self, item: ToolItem, total: int) -> list[Row]:
        palette = self._palette
        mark, style = {
            ToolState.RUNNING: ("●", palette.accent),
            ToolState.DONE: ("✓", palette.success),
            ToolState.FAILED: ("✗", palette.error),
            ToolState.UNKNOWN: ("?", palette.warning),
        }[item.state]
        width = _card_width(total)
        left: Line = [
            ("  ", Style.null()),
            (f"{mark} ", style),
            (f"{item.name:<{_NAME_WIDTH}} ", palette.muted),
        ]
        # What was called comes first: its end may take half of the room, and what is left over.
        room = width - cells(left) - 2
        needed = cells([(item.title, palette.text)])
        most = room if item.state is ToolState.RUNNING else _SUMMARY_WIDTH
        room_right = max(room // 2, min(most, room - needed))
        right = fit(self._tool_summary(item, room_right), room_right)
        room = max(8, room - cells(right))
        left += fit([(item.title, palette.text)], room)
        free = max(2, width - cells(left) - cells(right))
        rows = [row([*left, (" " * free, Style.null()), *right], total=total, gutter=INDENT)]
        if item.is_open:
            rows += self._tool_body(item, total)
        return rows

    def _tool_summary(self, item: ToolItem, room: int) -> Line:
        palette = self._palette
        if item.state is ToolState.RUNNING:
            took = formats.seconds(float(item.running_s)) if item.running_s >= 10 else ""
            took = took or (f"{item.running_s} s" if item.running_s else "running")
            doing = ""
            for place, part in enumerate(item.doing.split(" · ") if item.doing else ()):
                longer = f"{doing} · {part}"
                # What it does may be cut, but nothing after that: half a number misleads.
                if place > 1 and cells([(took + longer, palette.faint)]) > room:
                    break
                doing = longer
            return [(took, palette.accent), (doing, palette.faint)]
        if item.diff and item.state is ToolState.DONE:
            added, removed = diff_counts(item.diff)
            return [(f"+{added}", palette.added_sign), (f" −{removed}", palette.removed_sign)]
        style = palette.error if item.state is ToolState.FAILED else palette.faint
        return [(item.summary, style)]

    def _tool_body(self, item: ToolItem, total: int) -> list[Row]:
        palette = self._palette
        if item.diff:
            lead: Line = [("  ", Style.null()), ("│ ", palette.faint)]
            width = _card_width(total)
            return DiffRenderer(palette, lead=lead, width=width, total=total).rows(item.diff)
        lines: list[Line] = []
        command = item.arguments.get("command", "")
        if command:
            for number, part in enumerate(command.split("\n")):
                sign = "$ " if number == 0 else "  "
                lines.append([(sign, palette.accent), (part, palette.text)])
        else:
            for name, value in item.arguments.items():
                if value != item.title:
                    lines.append(_argument(name, value, palette))
        if item.is_cut:
            lines.append([("… earlier output", palette.faint)])
        lines += _output(item, palette, is_tail=bool(command))
        shown = lines or [[("nothing to show", palette.faint)]]
        return self._behind_bar(shown, total, _card_width(total) - INDENT)

    def _behind_bar(self, lines: Sequence[Line], total: int, width: int) -> list[Row]:
        bar: Line = [("  ", Style.null()), ("│ ", self._palette.faint)]
        rows: list[Row] = []
        for line in lines:
            rows += wrap(line, width - 2, first=bar, rest=bar, total=total)
        return rows

    def _notice(self, item: NoticeItem, total: int) -> list[Row]:
        palette = self._palette
        mark, style = {
            "warning": ("!", palette.warning),
            "error": ("✗", palette.error),
        }.get(item.level, ("·", palette.muted))
        lead: Line = [("  ", Style.null()), (f"{mark} ", style)]
        rows: list[Row] = []
        for line in item.text.split("\n"):
            rows += wrap([(line, style)], _text_width(total) - 2, first=lead, total=total)
            lead = [("    ", Style.null())]
        return rows

    def _error(self, item: ErrorItem, total: int) -> list[Row]:
        palette = self._palette
        bar: Line = [("▌", palette.error), (" ", Style.null())]
        rows: list[Row] = []
        parts: list[tuple[str, Style]] = [(item.message, palette.error)]
        if item.hint:
            parts.append((item.hint, palette.muted))
        for text, style in parts:
            for line in text.split("\n"):
                room = _text_width(total)
                rows += wrap([(line, style)], room, first=bar, rest=bar, total=total)
        return rows

    def _report(self, item: ReportItem, total: int) -> list[Row]:
        palette = self._palette
        lines: list[Line] = [[(item.title, palette.heading)]]
        columns = max((len(line) for line in item.lines), default=0)
        widths = [
            max(
                (cells([(line[at], palette.text)]) for line in item.lines if at < len(line)),
                default=0,
            )
            for at in range(columns)
        ]
        for line in item.lines:
            spans: list[Span] = []
            for at, text in enumerate(line):
                pad = " " * (widths[at] - cells([(text, palette.text)]) + 2)
                last = at == len(line) - 1
                style = palette.muted if at == 0 else palette.text
                spans.append((text if last else text + pad, style))
            lines.append(spans)
        rows: list[Row] = []
        width = _text_width(total)
        for spans in lines:
            # What does not fit goes on in its own column, or below the labels if that is narrow.
            head = spans[:-1]
            if width - cells(head) < min(width // 3, _LEAST_COLUMN):
                head = spans[:1]
            lead: Line = [("  ", Style.null()), *head]
            hang: Line = [(" " * cells(lead), Style.null())]
            room = width - cells(head)
            body = spans[len(head) :]
            rows += wrap(body, room, first=lead, rest=hang, total=total, hidden=INDENT)
        return rows


class LivePlain:
    """Rows of a growing plain text, without parsing it."""

    def __init__(self, renderer: ItemRenderer, total: int) -> None:
        self.rows: list[Row] = []
        self._renderer = renderer
        self._total = total
        self._parts: list[str] = []
        self._partial = ""
        self._partial_rows = 0

    @property
    def source(self) -> str:
        """Everything so far."""
        return "".join(self._parts) + self._partial

    def feed(self, text: str) -> None:
        """Add clean text; only the last line is drawn again."""
        if self._partial_rows:
            del self.rows[-self._partial_rows :]
        *lines, self._partial = (self._partial + text).split("\n")
        if lines:
            done = "\n".join(lines)
            self._parts.append(done + "\n")
            self.rows += self._renderer.plain(done, self._total)
        rows = self._renderer.plain(self._partial, self._total) if self._partial else []
        self._partial_rows = len(rows)
        self.rows += rows


def _text_width(total: int) -> int:
    """Cells for text: readable lines, and one cell of air at the right."""
    return max(8, min(WIDEST_TEXT, total - INDENT - 1))


def _card_width(total: int) -> int:
    """Cells of a card, its indent included."""
    return max(8 + INDENT, min(WIDEST_CARD, total - 1))


def _argument(name: str, value: str, palette: Palette) -> Line:
    lines = value.split("\n")
    rest = f" … {len(lines) - 1:,} more lines" if len(lines) > 1 else ""
    return [(f"{name} ", palette.faint), (lines[0][:400], palette.text), (rest, palette.faint)]


def _output(item: ToolItem, palette: Palette, *, is_tail: bool) -> list[Line]:
    printed = item.printed
    more = 0 if item.is_whole else max(0, len(printed) - MOST_OUTPUT_LINES)
    kept = printed[more:] if is_tail else printed[: len(printed) - more]
    lines: list[Line] = [[(line, palette.muted)] for line in kept]
    if more:
        which = "earlier" if is_tail else "more"
        style = palette.faint + Style.from_meta({SHOW_ALL_META: True})
        note = f"… {formats.count(more, f'{which} line')} · open again to see all"
        lines.insert(0 if is_tail else len(lines), [(note, style)])
    return lines
