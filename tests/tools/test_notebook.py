"""Notebooks: read by cells, edited by the text of a cell, and still notebooks afterwards."""

import json
from pathlib import Path

import pytest

from ralex.errors import EditError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.edit import EditTool
from ralex.tools.read import ReadTool

CELLS: list[dict[str, object]] = [
    {"cell_type": "markdown", "metadata": {}, "source": ["# Título\n", "\n", "words"]},
    {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "outputs": [
            {"name": "stdout", "output_type": "stream", "text": ["one\n", "two\n"]},
            {
                "data": {"image/png": "AAAA", "text/plain": ["<Figure>"]},
                "output_type": "display_data",
            },
            {
                "output_type": "error",
                "ename": "E",
                "evalue": "v",
                "traceback": ["\x1b[31mbad\x1b[0m"],
            },
        ],
        "source": ['print("one")\n', "for x in y:\n", "    pass"],
    },
    {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": "z = 1",
    },
]


def written(cells: list[dict[str, object]], indent: int = 1) -> str:
    notebook = {"cells": cells, "metadata": {"é": 1}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=indent, ensure_ascii=False) + "\n"


@pytest.fixture
def notebook(workspace: Path) -> Path:
    path = workspace / "a.ipynb"
    path.write_text(written(CELLS))
    return path


def text_of(path: Path) -> str:
    return path.read_text()


def put(path: Path, text: str) -> None:
    path.write_text(text)


async def read(context: ToolContext, **more: object) -> str:
    return (await ReadTool().run({"path": "a.ipynb", **more}, context)).text


async def edit(context: ToolContext, old: str, new: str) -> ToolOutcome:
    await read(context)
    return await EditTool().run({"path": "a.ipynb", "old": old, "new": new}, context)


async def test_reading_shows_cells_with_numbers_and_outputs(
    context: ToolContext, notebook: Path
) -> None:
    text = await read(context)
    assert text.split("\n")[:4] == ["1→[cell 1: markdown]", "2→# Título", "3→", "4→words"]
    assert '→print("one")' in text
    assert "→[output of cell 2]" in text
    assert "→two" in text
    assert "(picture, image/png) <Figure>" in text
    assert "→bad" in text
    assert "AAAA" not in text
    assert text.endswith("→z = 1")


async def test_reading_goes_on_with_offset(context: ToolContext, notebook: Path) -> None:
    assert (await read(context, offset=2, limit=1)).startswith("2→# Título\n(lines 2-2")


async def test_long_outputs_are_bounded(context: ToolContext, workspace: Path) -> None:
    output = {"name": "stdout", "output_type": "stream", "text": "x" * 500_000 + "end"}
    cell: dict[str, object] = {"cell_type": "code", "outputs": [output], "source": ""}
    (workspace / "a.ipynb").write_text(written([cell]))
    text = await read(context)
    assert len(text) < 3_000
    assert "left out" in text


@pytest.mark.parametrize("indent", [1, 2, 4])
async def test_an_edit_of_a_cell_changes_nothing_else(
    context: ToolContext, notebook: Path, indent: int
) -> None:
    put(notebook, written(CELLS, indent))
    await edit(context, "for x in y:\n    pass", 'for x in y:\n    print("\\t", x)\n    continue')
    expected = json.loads(written(CELLS))
    expected["cells"][1]["source"] = [
        'print("one")\n',
        "for x in y:\n",
        '    print("\\t", x)\n',
        "    continue",
    ]
    assert text_of(notebook) == written(expected["cells"], indent)


async def test_a_source_that_is_one_text_stays_one(context: ToolContext, notebook: Path) -> None:
    await edit(context, "z = 1", 'z = "2"\nw = 3')
    assert json.loads(text_of(notebook))["cells"][2]["source"] == 'z = "2"\nw = 3'


async def test_an_edit_shows_cells_with_the_numbers_that_reading_gives(
    context: ToolContext, notebook: Path
) -> None:
    outcome = await edit(context, "z = 1", "z = 2")
    shown = outcome.text.partition("it now reads:\n")[2].splitlines()
    assert any(line.endswith("→z = 2") for line in shown)
    assert set(shown) <= set((await read(context)).splitlines())
    outcome = await edit(context, '"nbformat_minor": 5', '"nbformat_minor": 4')
    assert '"nbformat_minor": 4' in outcome.text


async def test_an_edit_over_the_edge_of_a_cell_is_refused(
    context: ToolContext, notebook: Path
) -> None:
    before = text_of(notebook)
    with pytest.raises(EditError):
        await edit(context, "    pass\n\n[cell 3: code]\nz = 1", "    pass\n\nz = 1")
    assert text_of(notebook) == before


async def test_a_text_that_looks_like_the_head_of_a_cell_moves_nothing(
    context: ToolContext, notebook: Path
) -> None:
    before = text_of(notebook)
    with pytest.raises(EditError):
        await edit(context, "z = 1", "z = 1\n\n[cell 2: code]\nw")
    assert text_of(notebook) == before


async def test_what_stands_twice_or_not_at_all_is_refused(
    context: ToolContext, notebook: Path
) -> None:
    before = text_of(notebook)
    for old in ("o", "nowhere to be found"):
        with pytest.raises(EditError):
            await edit(context, old, "else")
    assert text_of(notebook) == before


async def test_the_json_itself_can_be_edited_where_it_stays_json(
    context: ToolContext, notebook: Path
) -> None:
    await edit(context, '"nbformat_minor": 5', '"nbformat_minor": 4')
    assert json.loads(text_of(notebook))["nbformat_minor"] == 4
    before = text_of(notebook)
    with pytest.raises(EditError):
        await edit(context, '"nbformat_minor": 4', '"nbformat_minor": ')
    assert text_of(notebook) == before


async def test_what_is_no_notebook_is_read_as_text(context: ToolContext, workspace: Path) -> None:
    (workspace / "a.ipynb").write_text('{"cells": 3}')
    assert await read(context) == '1→{"cells": 3}'
    (workspace / "a.ipynb").write_text("broken")
    assert await read(context) == "1→broken"
