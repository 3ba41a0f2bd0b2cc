"""Jupyter notebooks: read as numbered cells, edited by the text of a cell, saved as they were."""

import json
from typing import cast

from ralex.core.records import dataclass
from ralex.errors import EditError
from ralex.tools.edit_engine import apply_edit
from ralex.tools.output import clean

MAX_OUTPUT_CHARS = 2000
_HALF = MAX_OUTPUT_CHARS // 2
_INDENTS: tuple[int | None, ...] = (1, 2, 4, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Attributes:
        number: From 1.
        kind: ``code``, ``markdown`` or ``raw``.
        outputs: What it last printed and showed, as text of bounded length.
    """

    number: int
    kind: str
    source: str
    outputs: str

    @property
    def head(self) -> str:
        """The line that stands above it."""
        return f"[cell {self.number}: {self.kind}]"


def is_notebook(name: str) -> bool:
    """Tell a notebook by its name."""
    return name.casefold().endswith(".ipynb")


def cells_of(text: str) -> list[Cell] | None:
    """Read the cells of a notebook; None if the text is no notebook."""
    found = _cells(_parsed(text))
    if found is None:
        return None
    return [
        Cell(
            number=number,
            kind=str(cell.get("cell_type", "raw")),
            source=_joined(cell.get("source")),
            outputs=_outputs(cell.get("outputs")),
        )
        for number, cell in enumerate(found, start=1)
    ]


def rendered(cells: list[Cell]) -> str:
    """Write cells down as the model reads them."""
    blocks: list[str] = []
    for cell in cells:
        block = f"{cell.head}\n{cell.source}"
        if cell.outputs:
            block += f"\n[output of cell {cell.number}]\n{cell.outputs}"
        blocks.append(block)
    return "\n\n".join(blocks)


def edit_notebook(text: str, old: str, new: str, replace_all: bool) -> str:  # noqa: FBT001 - as apply_edit
    """Replace text in the sources of the cells; everything else of the file stays as it is.

    Raises:
        EditError: If where is not certain, or the file is not laid out as notebooks are.
    """
    notebook = _parsed(text)
    raw, cells = _cells(notebook), cells_of(text)
    if raw is None or cells is None:
        raise EditError("it is not a notebook")
    layout = next((one for one in _layouts(text) if _dumped(notebook, one) == text), None)
    if layout is None:
        raise EditError("it is not laid out as notebooks are: edit its JSON text")
    # A head line between the cells keeps a match from reaching over from one into the next.
    before = "".join(f"{cell.head}\n{cell.source}\n\n" for cell in cells)
    after = apply_edit(before, old, new, replace_all)
    if any(f"\n{after}".count(f"\n{cell.head}\n") != 1 for cell in cells):
        raise EditError("the edit reaches over the edge of a cell: edit one cell at a time")
    rest = after
    for cell, target in zip(reversed(cells), reversed(raw), strict=True):
        rest, found, source = rest.rpartition(f"{cell.head}\n")
        if not found or not source.endswith("\n\n") or (rest and not rest.endswith("\n\n")):
            raise EditError("the edit reaches over the edge of a cell: edit one cell at a time")
        source = source[:-2]
        if source != cell.source:
            is_list = isinstance(target.get("source"), list)
            target["source"] = _lines(source) if is_list else source
    return _dumped(notebook, layout)


@dataclass(frozen=True, slots=True)
class _Layout:
    indent: int | None
    is_ascii: bool
    end: str


def _layouts(text: str) -> list[_Layout]:
    end = text[len(text.rstrip("\n")) :]
    return [_Layout(indent, is_ascii, end) for indent in _INDENTS for is_ascii in (False, True)]


def _dumped(value: object, layout: _Layout) -> str:
    return json.dumps(value, indent=layout.indent, ensure_ascii=layout.is_ascii) + layout.end


def _parsed(text: str) -> object:
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return None


def _cells(notebook: object) -> list[dict[str, object]] | None:
    if not isinstance(notebook, dict):
        return None
    cells = cast("dict[str, object]", notebook).get("cells")
    if not isinstance(cells, list):
        return None
    found = cast("list[object]", cells)
    if not all(isinstance(cell, dict) for cell in found):
        return None
    return cast("list[dict[str, object]]", found)


def _joined(value: object) -> str:
    if isinstance(value, list):
        return "".join(str(part) for part in cast("list[object]", value))
    return value if isinstance(value, str) else ""


def _lines(text: str) -> list[str]:
    parts = text.split("\n")
    lines = [f"{part}\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _outputs(value: object) -> str:
    if not isinstance(value, list):
        return ""
    shown = [
        _output(cast("dict[str, object]", one))
        for one in cast("list[object]", value)
        if isinstance(one, dict)
    ]
    return _cut(clean("\n".join(one.strip("\n") for one in shown if one.strip())))


def _output(output: dict[str, object]) -> str:
    if "text" in output:
        return _joined(output["text"])
    if "traceback" in output:
        traceback = output["traceback"]
        parts = cast("list[object]", traceback) if isinstance(traceback, list) else []
        return "\n".join(str(part) for part in parts) or str(output.get("evalue", ""))
    data = output.get("data")
    if not isinstance(data, dict):
        return ""
    kinds = cast("dict[str, object]", data)
    picture = next((kind for kind in kinds if kind.startswith("image/")), "")
    text = _joined(kinds.get("text/plain"))
    return f"(picture, {picture}) {text}".rstrip() if picture else text


def _cut(text: str) -> str:
    if len(text) <= MAX_OUTPUT_CHARS:
        return text
    left_out = len(text) - 2 * _HALF
    return f"{text[:_HALF]}\n[… {left_out:,} characters left out …]\n{text[-_HALF:]}"
