"""A Markdown answer while it arrives: only what is new is parsed and coloured.

Finished blocks are frozen. Outside a fence the unfinished tail is parsed again with each feed;
inside one every complete line is final and only new lines are coloured, each by itself. A long
list is frozen item by item, and of a long paragraph the beginning. What that gets wrong (a string
over several lines, a fence in a list) is put right when the finished answer is drawn once as a
whole.
"""

import re
from collections.abc import Iterator
from typing import Final

from markdown_it.token import Token

from ralex.core.records import dataclass
from ralex.tui.markdown.render import Frame, MarkdownRenderer, parse, top_blocks
from ralex.tui.rows import Row, blank

_LONG_LIST: Final = 1_024
"""Characters of a list from which on its items are frozen as they are finished."""

_LONG_PARAGRAPH: Final = 4_096
_OPEN_END: Final = 600
"""Characters at the end of a long paragraph that stay open: markup may still close there."""

PART_SIZE: Final = 24_000
"""Characters after which a finished part of an answer becomes an item of its own."""
_PART_ROWS: Final = 800

_FENCE_OPEN = re.compile(r" {0,3}(`{3,}|~{3,})([^`\n]*)$")


@dataclass(frozen=True, slots=True)
class Fence:
    """An open fence: what closes it, and its language."""

    mark: str
    info: str

    @property
    def language(self) -> str:
        """The first word after the marks."""
        return self.info.split(maxsplit=1)[0].lower() if self.info.strip() else ""

    def is_closed_by(self, line: str) -> bool:
        """Tell whether a line ends the fence."""
        bare = line.strip()
        return len(bare) >= len(self.mark) and not bare.strip(self.mark[0]) and line[:4] != "    "


def fence_of(line: str) -> Fence | None:
    """Read a line that opens a fence."""
    found = _FENCE_OPEN.match(line)
    return Fence(found[1], found[2].strip()) if found else None


class LiveMarkdown:
    """Rows of an answer that grows.

    Attributes:
        rows: All rows so far, in one list that only changes at its end.
    """

    def __init__(
        self, renderer: MarkdownRenderer, frame: Frame, *, fence: Fence | None = None
    ) -> None:
        self.rows: list[Row] = []
        self._renderer = renderer
        self._frame = frame
        self._frozen_rows = 0
        self._frozen = f"{fence.mark}{fence.info}\n" if fence else ""
        self._tail = ""
        self._fence = fence
        self._has_gap = False
        self._is_in_list = False

    @property
    def source(self) -> str:
        """Everything fed so far."""
        return self._frozen + self._tail

    def feed(self, text: str) -> None:
        """Add clean text without tabs."""
        self._tail += text
        del self.rows[self._frozen_rows :]
        while self._feed_fence(self._fence) if self._fence else self._feed_blocks():
            pass

    def split(self) -> tuple[str, "Fence | None"] | None:
        """Give up the frozen part once it is long.

        Returns:
            Its source, and the fence that is open at its end; None while it is short. Its rows
            are ``frozen_rows``. Feed ``tail`` to a new object to go on.
        """
        if len(self._frozen) < PART_SIZE and self._frozen_rows < _PART_ROWS:
            return None
        closing = f"{self._fence.mark}\n" if self._fence else ""
        return self._frozen + closing, self._fence

    @property
    def frozen_rows(self) -> list[Row]:
        """Rows that change no more."""
        return self.rows[: self._frozen_rows]

    @property
    def has_gap(self) -> bool:
        """Tell whether what comes next is a block of its own."""
        return self._has_gap

    @property
    def tail(self) -> str:
        """What is not frozen yet."""
        return self._tail

    def _feed_fence(self, fence: Fence) -> bool:
        """Take the complete lines of an open fence; tell whether it closed."""
        *lines, partial = self._tail.split("\n")
        end = next((at for at, line in enumerate(lines) if fence.is_closed_by(line)), None)
        code = lines if end is None else lines[:end]
        if code:
            rows = self._renderer.fence_lines("\n".join(code), fence.language, self._frame)
            self._freeze(rows, "\n".join([*code, ""]), has_gap_after=False)
        if end is not None:
            self._freeze([], f"{lines[end]}\n", has_gap_after=True)
            self._tail = "\n".join([*lines[end + 1 :], partial])
            self._fence = None
            return True
        self._tail = partial
        if partial:
            self.rows += self._renderer.fence_lines(partial, "", self._frame)
        return False

    def _feed_blocks(self) -> bool:
        """Parse the tail and freeze its finished blocks; tell whether a fence opened at its end."""
        tokens = parse(self._tail)
        if tokens is None:
            self._show(self._renderer.plain(self._tail, self._frame))
            return False
        blocks = list(top_blocks(tokens))
        if not blocks:
            return False
        last, inner = blocks[-1]
        start = last.map[0] if last.map else 0
        lines = self._tail.split("\n")
        if len(blocks) > 1:
            finished = tokens[: len(tokens) - len(inner) - (2 if last.nesting else 1)]
            rows = self._renderer.blocks(finished, self._frame)
            self._freeze(rows, "\n".join([*lines[:start], ""]))
            self._is_in_list = False
            lines = lines[start:]
            self._tail = "\n".join(lines)
            tokens = tokens[len(finished) :]
        if last.type == "fence" and (fence := _open_fence(lines)) is not None:
            head = self._renderer.fence_head(fence.language, self._frame)
            self._freeze(head, f"{lines[0]}\n", has_gap_after=False)
            self._tail = "\n".join(lines[1:])
            self._fence = fence
            return True
        self._is_in_list &= last.type.endswith("list_open")
        if last.type.endswith("list_open") and (self._is_in_list or len(self._tail) > _LONG_LIST):
            tokens = self._freeze_list(tokens, lines)
        if last.type == "paragraph_open" and len(self._tail) > _LONG_PARAGRAPH:
            tokens = self._freeze_paragraph(tokens)
        self._show(self._renderer.blocks(tokens, self._frame))
        return False

    def _freeze_paragraph(self, tokens: list[Token]) -> list[Token]:
        """Freeze the beginning of a long paragraph; give the tokens of what is left."""
        rows = self._renderer.blocks(tokens, self._frame)
        kept, end = _plain_rows(rows, self._tail[:-_OPEN_END])
        if not kept:
            end = _balanced_end(self._tail[:-_OPEN_END])
            kept = self._renderer.blocks(parse(self._tail[:end]) or [], self._frame) if end else []
        if not kept:
            return tokens
        self._freeze(kept, self._tail[:end], has_gap_after=False)
        self._tail = self._tail[end:]
        return parse(self._tail) or []

    def _freeze_list(self, tokens: list[Token], lines: list[str]) -> list[Token]:
        """Freeze all items of a long list but the last; give the tokens of what is left.

        Args:
            tokens: Of the list, which ``lines`` begin with.
        """
        starts = [
            at
            for at, token in enumerate(tokens)
            if token.type == "list_item_open" and token.level == 1 and token.map
        ]
        whole, last = tokens[0].map, tokens[starts[-1]].map if starts else None
        if len(starts) < 2 or whole is None or last is None:
            return tokens
        line = last[0] - whole[0]
        head = "\n".join([*lines[:line], ""])
        rows = self._renderer.blocks([*tokens[: starts[-1]], tokens[-1]], self._frame)
        self._freeze(rows, head, has_gap_after=head.endswith("\n\n"))
        self._tail = "\n".join(lines[line:])
        self._is_in_list = True
        return [tokens[0], *tokens[starts[-1] :]]

    def _freeze(self, rows: list[Row], source: str, *, has_gap_after: bool = True) -> None:
        self._show(rows)
        self._frozen_rows = len(self.rows)
        self._frozen += source
        self._has_gap = has_gap_after

    def _show(self, rows: list[Row]) -> None:
        """Append rows, after a blank one where a new block begins."""
        if self.rows and self._has_gap:
            self.rows.append(blank(self._frame.total))
        self.rows += rows


def _plain_rows(rows: list[Row], source: str) -> tuple[list[Row], int]:
    """Find the rows that show a paragraph's source as it is, and where in it they end.

    They end where the rest begins with a letter: anything else could begin another block there.
    """
    at = best = count = 0
    for number, row in enumerate(rows):
        at += number > 0 and row.join == " "
        text = row.text
        if source[at : at + len(text)].replace("\n", " ") != text:
            break
        if number and source[at : at + 1].isalpha():
            best, count = at, number
        at += len(text)
    return rows[:count], best


def _balanced_end(source: str) -> int:
    """Find the last end of a sentence in front of which no markup is open; 0 if there is none."""
    end = len(source)
    while (end := source.rfind(". ", 0, end)) > 0:
        head = source[: end + 1]
        is_closed = not any(head.count(mark) % 2 for mark in "`*_~")
        if is_closed and head.count("[") == head.count("]") and source[end + 2 : end + 3].isalpha():
            return end + 2
    return 0


def _open_fence(lines: list[str]) -> Fence | None:
    """Read the fence that the lines begin with, if it is still open."""
    fence = fence_of(lines[0])
    if fence is None or len(lines) < 2 or any(map(fence.is_closed_by, lines[1:])):
        return None
    return fence


def split_source(text: str, size: int = PART_SIZE) -> list[str]:
    """Split a finished answer into parts that are each drawn at once.

    Parts end at a blank line outside code where there is one in time; an open fence is closed and
    opened again. Nothing is split that is not longer than ``size`` characters.
    """
    if len(text) <= 2 * size:
        return [text]
    parts: list[str] = []
    lines: list[str] = []
    used = 0
    fence: Fence | None = None
    for line in _short_lines(text, size):
        if fence is not None:
            fence = None if fence.is_closed_by(line) else fence
        else:
            fence = fence_of(line)
        lines.append(line)
        used += len(line) + 1
        is_good_end = fence is not None or not line.strip()
        if used > 2 * size or (used > size and is_good_end):
            parts.append("\n".join([*lines, fence.mark] if fence else lines))
            lines = [f"{fence.mark}{fence.info}"] if fence else []
            used = 0
    if lines:
        parts.append("\n".join(lines))
    return parts


def _short_lines(text: str, size: int) -> Iterator[str]:
    for line in text.split("\n"):
        if len(line) <= size:
            yield line
        else:
            yield from (line[at : at + size] for at in range(0, len(line), size))
