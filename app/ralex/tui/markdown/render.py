"""Markdown to rows: small, quick, and without a widget per block.

HTML is shown as it is written and images are never fetched. A link shows its whole target, because
the reader decides whether to follow it. Text that would take the parser long stays plain.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.style import Style

from ralex.core.records import dataclass
from ralex.tui.markdown.code import code_lines
from ralex.tui.markdown.tables import table_rows
from ralex.tui.palette import BOLD, ITALIC, STRIKE, Palette
from ralex.tui.rows import Line, Row, Span, blank, cells, wrap

_LONGEST_PARSED: Final = 150_000
_LONGEST_LINE: Final = 20_000
_MOST_BRACKETS: Final = 2_000

LINK_META: Final = "link_to"
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\|]{1,2000}[^\s<>\"'`\\|.,;:!?)\]}]")


def link_to(target: str) -> Style:
    """Give a style that remembers where a link leads; only the web's own schemes are followed."""
    is_web = target.startswith(("http://", "https://")) and target.isprintable()
    return Style.from_meta({LINK_META: target}) if is_web else Style.null()


_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse(text: str) -> list[Token] | None:
    """Parse Markdown, or return None for text that is better shown as it is."""
    is_hostile = (
        len(text) > _LONGEST_PARSED
        or text.count("[") > _MOST_BRACKETS
        or text.count("`") > 4 * _MOST_BRACKETS
        or max(map(len, text.split("\n"))) > _LONGEST_LINE
    )
    return None if is_hostile else _PARSER.parse(text)


@dataclass(slots=True)
class Frame:
    """Where a block is drawn: its width and what stands to its left.

    Attributes:
        width: Cells for text, decoration included.
        total: Cells of a whole row.
        first: Decoration before the block's very first row, once; then ``rest``.
        base: Characters of every row that are never copied.
    """

    width: int
    total: int
    first: Line = field(default_factory=list[Span])
    rest: Line = field(default_factory=list[Span])
    base: int = 0

    def take(self) -> Line:
        """Give the decoration of the next row."""
        lead, self.first = self.first, self.rest
        return lead

    def inside(self, first: Line, rest: Line) -> "Frame":
        """Make the frame of a block within this one."""
        return Frame(self.width, self.total, [*self.take(), *first], [*self.rest, *rest], self.base)


class MarkdownRenderer:
    """Draws parsed Markdown in one theme."""

    def __init__(self, palette: Palette) -> None:
        self._palette = palette

    def text(self, text: str, frame: Frame) -> list[Row]:
        """Draw clean Markdown text, or the text itself where parsing it could take long."""
        tokens = parse(text)
        if tokens is None:
            return self.plain(text, frame)
        return self.blocks(tokens, frame)

    def plain(self, text: str, frame: Frame, style: Style | None = None) -> list[Row]:
        """Draw text line by line, as it is."""
        rows: list[Row] = []
        for line in text.split("\n"):
            rows += self._line([(line, style or self._palette.text)], frame)
        return rows

    def blocks(self, tokens: Sequence[Token], frame: Frame, *, is_tight: bool = False) -> list[Row]:
        """Draw a sequence of blocks, a blank row between them unless the list is tight."""
        rows: list[Row] = []
        for index, (token, inner) in enumerate(top_blocks(tokens)):
            if index and not is_tight:
                rows += self._gap(frame)
            rows += self._block(token, inner, frame)
        return rows

    def fence_head(self, language: str, frame: Frame) -> list[Row]:
        """Draw the row above code that names its language; none without a language."""
        if not language:
            return []
        style = self._palette.code + self._palette.faint
        return self._code_line([(language, style)], frame)

    def fence_lines(self, code: str, language: str, frame: Frame) -> list[Row]:
        """Draw lines of code."""
        rows: list[Row] = []
        for line in code_lines(code, language, self._palette, self._palette.code):
            rows += self._code_line(line, frame)
        return rows

    def _block(self, token: Token, inner: Sequence[Token], frame: Frame) -> list[Row]:
        palette = self._palette
        match token.type:
            case "paragraph_open":
                return self._inline(inner[0], palette.text, frame)
            case "heading_open":
                return self._inline(inner[0], palette.heading, frame)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(inner, frame)
            case "blockquote_open":
                bar: Line = [("▏ ", palette.faint)]
                return self.blocks(inner, frame.inside(bar, bar))
            case "fence" | "code_block":
                return self._fence(token, frame)
            case "hr":
                room = frame.width - cells(frame.rest)
                return self._line([("─" * max(1, min(room, 40)), palette.faint)], frame)
            case "table_open":
                return self._table(inner, frame)
            case _:
                return self.plain(token.content.removesuffix("\n"), frame)

    def _fence(self, token: Token, frame: Frame) -> list[Row]:
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        code = token.content.removesuffix("\n")
        head = self.fence_head(language, frame)
        return head + self.fence_lines(code, language.lower(), frame)

    def _list(self, tokens: Sequence[Token], frame: Frame) -> list[Row]:
        items = list(top_blocks(tokens))
        own = tokens[0].level + 1 if tokens else 0
        is_tight = all(
            token.hidden
            for token in tokens
            if token.type == "paragraph_open" and token.level == own
        )
        marks = [f"{token.info}{token.markup}" if token.info else "•" for token, _ in items]
        wide = max((len(mark) for mark in marks), default=1)
        rows: list[Row] = []
        for index, ((_, inner), mark) in enumerate(zip(items, marks, strict=True)):
            if index and not is_tight:
                rows += self._gap(frame)
            lead: Line = [(f"{mark:>{wide}} ", self._palette.accent)]
            inside = frame.inside(lead, [(" " * (wide + 1), Style.null())])
            rows += self.blocks(inner, inside, is_tight=is_tight) or self._line([], inside)
        return rows

    def _table(self, tokens: Sequence[Token], frame: Frame) -> list[Row]:
        lines: list[list[Line]] = []
        aligns: list[str] = []
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            if token.type == "tr_open":
                lines.append([])
            elif token.type in {"th_open", "td_open"} and following is not None:
                style = self._palette.text + BOLD if token.type == "th_open" else self._palette.text
                split = _lines(self._spans(following.children or [], style))
                lines[-1].append([span for line in split for span in line])
                if len(lines) == 1:
                    aligns.append(str(token.attrGet("style") or "").removeprefix("text-align:"))
        room = frame.width - cells(frame.rest)
        rows: list[Row] = []
        for line in table_rows(lines, aligns, room, self._palette.faint):
            rows += self._line(line, frame)
        return rows

    def _inline(self, token: Token, style: Style, frame: Frame) -> list[Row]:
        rows: list[Row] = []
        for line in _lines(self._spans(token.children or [], style)):
            rows += self._line(line, frame)
        return rows

    def _spans(self, tokens: Sequence[Token], style: Style) -> Iterator[Span]:
        palette = self._palette
        turns = {"strong": BOLD, "em": ITALIC, "s": STRIKE, "link": palette.link}
        stack = [style]
        targets: list[tuple[str, bool]] = []
        for token in tokens:
            name = token.type.rpartition("_")[0]
            if name in turns and token.nesting > 0:
                style = stack[-1] + turns[name]
                if name == "link":
                    target = str(token.attrGet("href") or "")
                    targets.append((target, token.info == "auto"))
                    style += link_to(target)
                stack.append(style)
            elif name in turns:
                stack.pop()
                if name == "link":
                    target, is_bare = targets.pop()
                    if target and not is_bare:
                        yield f" ({target})", palette.muted + link_to(target)
            elif token.type == "code_inline":
                yield token.content, stack[-1] + palette.inline_code
            elif token.type == "softbreak":
                yield " ", stack[-1]
            elif token.type == "hardbreak":
                yield "\n", stack[-1]
            elif token.type == "image":
                target = str(token.attrGet("src") or "")
                yield f"{token.content or 'picture'} ({target})", palette.muted
            elif token.type == "text" and not targets and "://" in token.content:
                yield from self._with_addresses(token.content, stack[-1])
            else:
                yield token.content, stack[-1]

    def _with_addresses(self, text: str, style: Style) -> Iterator[Span]:
        """Make addresses that stand in a text links, without a word more than they are."""
        at = 0
        for found in _ADDRESS.finditer(text):
            yield text[at : found.start()], style
            yield found[0], style + self._palette.link + link_to(found[0])
            at = found.end()
        yield text[at:], style

    def _line(self, line: Sequence[Span], frame: Frame) -> list[Row]:
        lead = frame.take()
        room = frame.width - max(cells(lead), cells(frame.rest))
        return wrap(line, room, first=lead, rest=frame.rest, total=frame.total, hidden=frame.base)

    def _code_line(self, line: Sequence[Span], frame: Frame) -> list[Row]:
        code = self._palette.code
        pad: Span = (" ", code)
        lead, rest = [*frame.take(), pad], [*frame.rest, pad]
        room = frame.width - cells(rest)
        return wrap(line, room, first=lead, rest=rest, total=frame.total, fill=code, is_code=True)

    def _gap(self, frame: Frame) -> list[Row]:
        if not any(text.strip() for text, _ in frame.rest):
            return [blank(frame.total)]
        return wrap([], 1, first=frame.rest, total=frame.total)


def top_blocks(tokens: Sequence[Token]) -> Iterator[tuple[Token, Sequence[Token]]]:
    """Give each block at this level with the tokens inside it."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.nesting != 1:
            yield token, ()
            at += 1
            continue
        depth, end = 1, at + 1
        while depth:
            depth += tokens[end].nesting
            end += 1
        yield token, tokens[at + 1 : end - 1]
        at = end


def _lines(spans: Iterator[Span]) -> list[Line]:
    lines: list[Line] = [[]]
    for text, style in spans:
        head, *others = text.split("\n")
        lines[-1].append((head, style))
        lines.extend([(part, style)] for part in others)
    return lines
