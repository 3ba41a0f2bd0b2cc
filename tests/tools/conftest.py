"""A workspace with nothing in it, and the context tools share there."""

from pathlib import Path

import pytest

from ralex.tools.base import ToolContext
from ralex.tools.environment import tool_environment


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def context(workspace: Path, tmp_path: Path) -> ToolContext:
    environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path / "home")}
    return ToolContext(
        cwd=workspace, output_dir=tmp_path / "outputs", environment=tool_environment(environ)
    )
