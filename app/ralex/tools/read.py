"""Read a file within bounds that hold for any size: text by lines, notebooks by cells, pictures."""

import asyncio
import codecs
import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path

from ralex.core.messages import ToolSpec
from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.notebook import cells_of, is_notebook, rendered
from ralex.tools.params import PATH_ALIASES, Param, Params
from ralex.tools.paths import (
    display,
    explain,
    kind_of,
    open_regular,
    resolve_readable,
    suggest,
)
from ralex.tools.pictures import MAX_PICTURE_BYTES, Shape, picture, shape_of
from ralex.tools.textfile import MAX_EDITABLE_BYTES, Encoding, detect, read_sample, stamp_of
from ralex.tools.titles import title_from

MAX_LINES = 2000
MAX_BYTES = 50 * 1024
MAX_COLUMNS = 2000
MAX_SECONDS = 5.0
_CHUNK_BYTES = 256 * 1024

_PARAMS = Params(
    Param(name="path", kind="path", required=True, aliases=PATH_ALIASES),
    Param(
        name="offset",
        kind="integer",
        aliases=("start", "start_line", "line", "from", "line_start"),
        description="first line, from 1; below 0 from the end",
    ),
    Param(name="limit", kind="integer", aliases=("count", "lines", "max_lines", "num_lines")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excerpt:
    """Some lines of a file.

    Attributes:
        lines: As shown, numbered.
        stop: Number of the first line that is not shown.
        has_more: Whether the file goes on there.
        total: Lines of the file, or of the part that was looked at.
    """

    lines: list[str]
    stop: int
    has_more: bool
    total: int


class ReadTool:
    """Reads text files."""

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="read",
            description=(
                f"Read a text file, notebook or picture. Lines come as `number→text`, at most "
                f"{MAX_LINES}; read on with offset."
            ),
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """Reading changes nothing."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Name the file."""
        return title_from(arguments, ("path", *PATH_ALIASES, "filePath"), "read")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Read a file and remember how it was.

        Raises:
            ToolError: If there is no such text file, or it may not be read.
        """
        values = _PARAMS.coerce(arguments)
        return await asyncio.to_thread(
            _read,
            values.text("path"),
            values.integer("offset") or 1,
            _limit(values.integer("limit")),
            context,
        )


def _read(raw: str, offset: int, limit: int, context: ToolContext) -> ToolOutcome:
    path = resolve_readable(raw, context)
    _check_kind(raw, path)
    descriptor = open_regular(path)
    try:
        size = os.fstat(descriptor).st_size
        sample = read_sample(descriptor)
        if (shape := shape_of(sample)) is not None:
            return _picture(descriptor, shape, display(path, context))
        encoding = detect(sample, raw, size, is_whole=len(sample) >= size)
        source = partial(_decoded, descriptor, encoding, time.monotonic() + MAX_SECONDS)
        if is_notebook(path.name) and size <= MAX_EDITABLE_BYTES:
            source = partial(iter, (_cells(source()),))
        if offset < 0:
            offset = max(1, _count(source()) + 1 + offset)
        excerpt = _excerpt(source(), offset, limit)
        context.seen[path] = stamp_of(descriptor)
    except OSError as error:
        raise ToolError(explain(error, path)) from error
    finally:
        os.close(descriptor)
    if not excerpt.lines and offset > 1:
        lines = f"{excerpt.total} line{'s' if excerpt.total != 1 else ''}"
        raise ToolError(f"{raw} has {lines}: offset {offset} is beyond its end")
    shown = display(path, context)
    last = excerpt.stop - 1
    if not excerpt.lines:
        return ToolOutcome(text=f"({shown} is empty)", summary="empty file")
    text = "\n".join(excerpt.lines)
    if excerpt.has_more:
        text += f"\n(lines {offset}-{last} of a longer file; read on with offset {excerpt.stop})"
    count = len(excerpt.lines)
    return ToolOutcome(text=text, summary=f"{count} line{'s' if count != 1 else ''}")


def _picture(descriptor: int, shape: Shape, shown: str) -> ToolOutcome:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        data = file.read(MAX_PICTURE_BYTES + 1)
    size = os.fstat(descriptor).st_size
    image = picture(data, shape, shown, max(size, len(data)))
    words = f"{shape.words}, {size:,} bytes"
    return ToolOutcome(text=f"{shown} is a picture ({words}).", summary=words, images=(image,))


def _cells(pieces: Iterator[str]) -> str:
    """Give a notebook's cells, or the text as it is if it is none."""
    text = "".join(pieces)
    cells = cells_of(text)
    return text if cells is None else rendered(cells)


def _limit(asked: int | None) -> int:
    """Bound the number of lines; none at all is nobody's wish."""
    return min(MAX_LINES, asked) if asked is not None and asked > 0 else MAX_LINES


def _check_kind(raw: str, path: Path) -> None:
    kind = kind_of(path)
    if not kind:
        raise ToolError(suggest(raw, path))
    if kind == "a folder":
        raise ToolError(f"{raw} is a folder: list it with ls, or read a file in it")


def _decoded(descriptor: int, encoding: Encoding, until: float) -> Iterator[str]:
    """Give the text piece by piece; bytes that do not fit become replacement characters.

    Raises:
        ToolError: If it goes on beyond a time, on the monotonic clock.
    """
    decoder = codecs.getincrementaldecoder(encoding.codec)("replace")
    os.lseek(descriptor, len(encoding.bom), os.SEEK_SET)
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        if time.monotonic() > until:
            raise ToolError(
                f"the file is too large to be read as far as that within {MAX_SECONDS:g} s: use "
                "sed, tail or grep in bash"
            )
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _excerpt(pieces: Iterator[str], offset: int, limit: int) -> _Excerpt:
    """Collect numbered lines; memory stays bounded even if the file is a single huge line."""
    shown: list[str] = []
    used = 0
    number, pieces = _skip(pieces, offset - 1)
    for line, length in _lines(pieces):
        number += 1
        if number < offset:
            continue
        cut = f"… ({length - MAX_COLUMNS:,} more characters)" if length > MAX_COLUMNS else ""
        entry = f"{number}→{line[:MAX_COLUMNS]}{cut}"
        used += len(entry.encode("utf-8", "replace")) + 1
        if len(shown) >= limit or (used > MAX_BYTES and shown):
            return _Excerpt(lines=shown, stop=number, has_more=True, total=number)
        shown.append(entry)
    return _Excerpt(lines=shown, stop=number + 1, has_more=False, total=number)


def _count(pieces: Iterator[str]) -> int:
    """Count the lines of a text; one without an end counts as well."""
    breaks, last = 0, "\n"
    for piece in pieces:
        breaks += piece.count("\n")
        last = piece[-1:] or last
    return breaks + (last != "\n")


def _skip(pieces: Iterator[str], count: int) -> tuple[int, Iterator[str]]:
    """Pass over lines as fast as they can be counted.

    Returns:
        How many were passed over, at most ``count``, and the text that goes on inside or before
        the next line. That line is never one to be shown unless nothing was passed over.
    """
    passed = 0
    begun = ""
    for piece in pieces:
        breaks = piece.count("\n")
        if passed + breaks >= count:
            return passed, chain((piece,), pieces)
        passed += breaks
        begun = "" if piece.endswith("\n") else (piece[-1:] or begun)
    return passed, iter((begun,))


def _lines(pieces: Iterator[str]) -> Iterator[tuple[str, int]]:
    """Give each line's beginning and its full length, without carriage returns at its end."""
    begun, length = "", 0
    has_begun = False
    for piece in pieces:
        start = 0
        while (stop := piece.find("\n", start)) >= 0:
            begun, length = _extended(begun, length, piece, start, stop)
            yield begun.removesuffix("\r"), length - begun.endswith("\r")
            begun, length, has_begun = "", 0, False
            start = stop + 1
        if start < len(piece):
            begun, length = _extended(begun, length, piece, start, len(piece))
            has_begun = True
    if has_begun:
        yield begun.removesuffix("\r"), length


def _extended(begun: str, length: int, piece: str, start: int, stop: int) -> tuple[str, int]:
    room = MAX_COLUMNS + 1 - len(begun)
    if room > 0:
        begun += piece[start : min(stop, start + room)]
    return begun, length + stop - start
