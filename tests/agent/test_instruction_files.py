"""AGENTS.md as repositories hold it: large, broken, linked, empty."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ralex.agent.context import INSTRUCTION_LIMIT_BYTES, NestedInstructions, instruction_blocks


def _binary(path: Path) -> None:
    path.write_bytes(b"\x7fELF\0\0\0" + bytes(range(256)))


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _empty(path: Path) -> None:
    path.write_text(" \n")


MAKERS: dict[str, Callable[[Path], None]] = {
    "binary": _binary,
    "loop": _loop,
    "device": _device,
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "empty": _empty,
}


def texts(folder: Path) -> list[str]:
    return [block.text for block in instruction_blocks(folder)]


def test_a_huge_file_is_read_to_the_limit_only(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Use tabs.\n" * 1_000_000)
    (text,) = texts(tmp_path)
    assert len(text) < INSTRUCTION_LIMIT_BYTES + 200
    assert "read AGENTS.md for the rest" in text


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_what_says_nothing_gives_way_to_the_other_name(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "AGENTS.md")
    assert texts(tmp_path) == []
    (tmp_path / "CLAUDE.md").write_text("\ufeffUse tabs.\n", encoding="utf-8")
    assert texts(tmp_path) == ['<instructions file="CLAUDE.md">\nUse tabs.\n</instructions>']


def test_a_link_that_leads_out_of_the_project_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("the user's own")
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "web").mkdir()
    for folder in (project, project / "web"):
        (folder / "AGENTS.md").symlink_to(tmp_path / "key")
    nested = NestedInstructions(project).near([project / "web" / "a.js"], known=())
    told = [*texts(project), *(block.text for block in nested)]
    assert len(told) == 2
    assert all("leads out of the project" in text for text in told)
    assert not any("own" in text.replace("out of", "") for text in told)


def test_a_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Use tabs.")
    (tmp_path / ".git").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "CLAUDE.md").symlink_to("../AGENTS.md")
    assert len(texts(tmp_path / "web")) == 2
