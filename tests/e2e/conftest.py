"""Fixtures of the end-to-end tests."""

from pathlib import Path

import pytest

from tests.e2e.command import Ralex


@pytest.fixture
def ralex(tmp_path: Path) -> Ralex:
    """Give the installed command with an empty home and an empty project."""
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    return Ralex(home, project)
