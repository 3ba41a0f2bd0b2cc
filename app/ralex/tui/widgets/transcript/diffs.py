"""Unified diffs as coloured rows with line numbers; side by side where there is room."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from rich.style import Style

from ralex.core.records import dataclass
from ralex.tui import formats
from ralex.tui.markdown.code import code_lines, language_of
from ralex.tui.palette import Palette
from ralex.tui.rows import Line, Row, Span, cells, cut, pieces, row, wrap

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)")
SIDE_BY_SIDE_FROM: Final = 132
"""Cells of room from which two columns are easier to read than one."""

_MOST_LINES: Final = 400
_CHANGED: Final = {"added", "removed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """One line of a diff.

    Attributes:
        old: Its number in the old file, or None.
        new: Its number in the new file, or None.
    """

    kind: Literal["file", "hunk", "added", "removed", "same", "note"]
    text: str
    old: int | None = None
    new: int | None = None


def read_diff(diff: str) -> Iterator[DiffLine]:
    """Read a unified diff; what belongs to no hunk is left out, but for the file's name."""
    return (line for line in _read(diff) if line.kind != "note")


def notes_of(diff: str) -> list[str]:
    """Give what a diff says in words, such as that a file is binary."""
    return [line.text for line in _read(diff) if line.kind == "note"]


def _read(diff: str) -> Iterator[DiffLine]:
    old = new = old_left = new_left = 0
    for line in diff.split("\n"):
        if old_left > 0 or new_left > 0:
            sign, text = line[:1], line[1:]
            if sign == "+":
                yield DiffLine(kind="added", text=text, new=new)
                new, new_left = new + 1, new_left - 1
            elif sign == "-":
                yield DiffLine(kind="removed", text=text, old=old)
                old, old_left = old + 1, old_left - 1
            elif sign != "\\":
                yield DiffLine(kind="same", text=text, old=old, new=new)
                old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        elif found := _HUNK.match(line):
            old, new = int(found[1]), int(found[3])
            old_left, new_left = int(found[2] or 1), int(found[4] or 1)
            yield DiffLine(kind="hunk", text=found[5], old=old, new=new)
        elif line.startswith("+++ "):
            yield DiffLine(kind="file", text=line[4:].split("\t")[0].removeprefix("b/"))
        elif line.strip() and not line.startswith(("--- ", "diff ", "index ", "\\ ")):
            yield DiffLine(kind="note", text=line)


def diff_counts(diff: str) -> tuple[int, int]:
    """Count added and removed lines."""
    kinds = [line.kind for line in read_diff(diff)]
    return kinds.count("added"), kinds.count("removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """What happened to one file; ``text`` is empty where the diff says it in words only."""

    name: str
    text: str
    note: str = ""
    added: int = 0
    removed: int = 0


def by_file(diff: str) -> list[FileDiff]:
    """Take a unified diff apart, file by file; what it says in words comes last."""
    files: list[FileDiff] = []
    name, old_name = "", ""
    body: list[str] = []
    old_left = new_left = 0

    def close() -> None:
        if body:
            text = "\n".join([f"--- {old_name}", f"+++ {name}", *body])
            added, removed = diff_counts(text)
            shown = name.removeprefix("b/") if name != "/dev/null" else old_name.removeprefix("a/")
            files.append(FileDiff(name=shown, text=text, added=added, removed=removed))
            body.clear()

    for line in diff.split("\n"):
        if old_left > 0 or new_left > 0:
            body.append(line)
            old_left -= line[:1] in {" ", "-", ""}
            new_left -= line[:1] in {" ", "+", ""}
        elif found := _HUNK.match(line):
            old_left, new_left = int(found[2] or 1), int(found[4] or 1)
            body.append(line)
        elif line.startswith("--- "):
            close()
            old_name = line[4:].split("\t")[0]
        elif line.startswith("+++ "):
            name = line[4:].split("\t")[0]
    close()
    return [*files, *(FileDiff(name=note, text="", note=note) for note in notes_of(diff))]


class DiffRenderer:
    """Draws one diff at one width.

    Args:
        is_beside: Old and new in two columns; None lets the room decide.
        most: Lines to draw, the rest is counted.
    """

    def __init__(
        self,
        palette: Palette,
        *,
        lead: Line,
        width: int,
        total: int,
        is_beside: bool | None = None,
        most: int = _MOST_LINES,
    ) -> None:
        self._is_beside = is_beside
        self._most = most
        self._palette = palette
        self._lead = lead
        self._room = width - cells(lead)
        self._total = total
        self._language = ""
        self._digits = 3

    def rows(self, diff: str) -> list[Row]:
        """Draw a unified diff, in two columns if the room allows; very long ones are cut."""
        lines = list(read_diff(diff))
        left_out = len(lines) - self._most
        lines = lines[: self._most]
        numbers = [number for line in lines for number in (line.old, line.new) if number]
        self._digits = max(3, len(str(max(numbers, default=0))))
        fits = self._room >= SIDE_BY_SIDE_FROM
        if fits if self._is_beside is None else self._is_beside:
            rows = self._beside(lines)
        else:
            rows = [made for line in lines for made in self._below(line)]
        if left_out > 0:
            note = f"… {formats.count(left_out, 'more line')}"
            rows.append(self._row([(note, self._palette.faint)]))
        return rows

    def _below(self, line: DiffLine) -> list[Row]:
        if line.kind in {"file", "hunk"}:
            return self._heading(line)
        number = line.new if line.old is None or line.kind == "same" else line.old
        lead = [*self._lead, *self._number(line, number)]
        blank: Line = [*self._lead, (" " * (self._digits + 3), self._ground(line))]
        return wrap(
            self._code(line),
            self._room - self._digits - 3,
            first=lead,
            rest=blank,
            total=self._total,
            fill=self._ground(line),
            is_code=True,
        )

    def _beside(self, lines: Sequence[DiffLine]) -> list[Row]:
        rows: list[Row] = []
        at = 0
        while at < len(lines):
            line = lines[at]
            if line.kind in {"file", "hunk"}:
                rows += self._heading(line)
                at += 1
                continue
            if line.kind == "same":
                rows += self._pair(line, line)
                at += 1
                continue
            end = at
            while end < len(lines) and lines[end].kind in {"added", "removed"}:
                end += 1
            block = lines[at:end]
            removed = [part for part in block if part.kind == "removed"]
            added = [part for part in block if part.kind == "added"]
            for place in range(max(len(removed), len(added))):
                rows += self._pair(
                    removed[place] if place < len(removed) else None,
                    added[place] if place < len(added) else None,
                )
            at = end
        return rows

    def _pair(self, left: DiffLine | None, right: DiffLine | None) -> list[Row]:
        half = (self._room - 1) // 2
        sides = (self._side(left, half, is_old=True), self._side(right, half, is_old=False))
        rows: list[Row] = []
        for place in range(max(map(len, sides))):
            line: Line = []
            for number, side in enumerate(sides):
                if number:
                    line.append((" ", Style.null()))
                line += side[place] if place < len(side) else [(" " * half, Style.null())]
            rows.append(self._row(line))
        return rows

    def _side(self, line: DiffLine | None, width: int, *, is_old: bool) -> list[Line]:
        if line is None:
            return [[(" " * width, self._palette.raised)]]
        ground = self._ground(line)
        code = self._code(line)
        room = max(1, width - self._digits - 3)
        made: list[Line] = []
        for piece in pieces("".join(text for text, _ in code), room, is_code=True):
            number = self._number(line, line.old if is_old else line.new)
            head = [(" " * (self._digits + 3), ground)] if made else number
            part = list(cut(code, piece.start, piece.end))
            made.append([*head, *part, (" " * (room - cells(part)), ground)])
        return made

    def _heading(self, line: DiffLine) -> list[Row]:
        if line.kind == "file":
            self._language = language_of(line.text)
            return []
        place = f"{' ' * (self._digits - 1)}⋯  line {line.new}"
        return [self._row([(f"{place}  {line.text}".rstrip(), self._palette.hunk)])]

    def _number(self, line: DiffLine, number: int | None) -> list[Span]:
        ground = self._ground(line)
        shown = "" if number is None else str(number)
        sign, style = {
            "added": ("+", self._palette.added_sign),
            "removed": ("-", self._palette.removed_sign),
        }.get(line.kind, (" ", self._palette.faint))
        return [
            (f"{shown:>{self._digits}} ", ground if line.kind in _CHANGED else ground + style),
            (f"{sign} ", ground + style),
        ]

    def _ground(self, line: DiffLine) -> Style:
        match line.kind:
            case "added":
                return self._palette.added
            case "removed":
                return self._palette.removed
            case _:
                return self._palette.muted

    def _code(self, line: DiffLine) -> Line:
        base = self._ground(line)
        return code_lines(line.text, self._language, self._palette, base)[0]

    def _row(self, line: Line) -> Row:
        gutter = sum(len(text) for text, _ in self._lead)
        return row([*self._lead, *line], total=self._total, gutter=gutter)
