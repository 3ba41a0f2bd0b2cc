"""A test that runs right after an edit runs the edited code."""

from pathlib import Path

from ralex.tools.base import ToolContext
from ralex.tools.registry import default_tools


async def test_an_edit_of_the_same_length_is_what_python_runs_next(tmp_path: Path) -> None:
    tools = {tool.spec.name: tool for tool in default_tools()}
    context = ToolContext(
        cwd=tmp_path, output_dir=tmp_path / "out", environment={"PATH": "/usr/bin:/bin"}
    )
    for number in range(4):
        await tools["bash"].run(
            {"command": f"echo 'VALUE = {number}' > module.py; touch -d @1700000000 module.py"},
            context,
        )
        outcome = await tools["bash"].run(
            {"command": "python3 -c 'import module; print(module.VALUE)'"}, context
        )
        assert outcome.text.split()[0] == str(number)
