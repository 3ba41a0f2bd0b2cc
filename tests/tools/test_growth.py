"""What a running command prints is told on the way: soon enough, seldom, little."""

import asyncio
import time
from pathlib import Path

import pytest

from ralex.tools import growth
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.bash import BashTool
from ralex.tools.growth import LOOK_BACK_BYTES, MOST_BYTES, PAUSE_S, last_part
from ralex.tools.output import OutputBuffer


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    async def __call__(self, tail: str, total_bytes: int) -> None:
        self.told.append((tail, total_bytes))


async def bash(context: ToolContext, command: str, tell: growth.Tell) -> ToolOutcome:
    return await BashTool().run_told({"command": command, "timeout": 60}, context, tell)


async def test_output_is_told_while_the_command_runs(context: ToolContext) -> None:
    heard: list[str] = []

    async def let_go(tail: str, _total: int) -> None:
        heard.append(tail)
        (context.cwd / "go").touch()

    command = "echo begun; until [ -e go ]; do sleep 0.01; done; echo over"
    outcome = await bash(context, command, let_go)
    assert heard[0] == "begun\n"
    assert outcome.text.startswith("begun\nover\n[exit code 0")


async def test_a_flood_is_told_seldom_and_only_by_its_end(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "FIRST_AFTER_S", 0.0)
    listener = Listener()
    started = time.monotonic()
    await bash(context, "seq 400000; sleep 0.5; seq 400000", listener)
    elapsed_s = time.monotonic() - started
    assert 1 <= len(listener.told) <= elapsed_s / PAUSE_S + 2
    assert all(len(tail.encode()) <= LOOK_BACK_BYTES for tail, _ in listener.told)
    assert all(tail[0].isdigit() and tail.isascii() for tail, _ in listener.told)


async def test_silence_is_not_told(context: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(growth, "PAUSE_S", 0.0)
    listener = Listener()
    await bash(context, "echo once; sleep 0.4", listener)
    assert [tail for tail, _ in listener.told] == ["once\n"]


async def test_nothing_is_told_after_the_end_and_no_task_is_left(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "FIRST_AFTER_S", 0.0)
    never = asyncio.Event()

    async def stuck(_tail: str, _total: int) -> None:
        await never.wait()

    before = asyncio.all_tasks()
    outcome = await bash(context, "echo a; sleep 0.2; echo b", stuck)
    assert outcome.exit_code == 0
    assert asyncio.all_tasks() == before


def test_the_end_of_an_output_is_whole_lines_across_its_parts(tmp_path: Path) -> None:
    output = OutputBuffer(tmp_path / "out.txt")
    lines = [f"line {number}" for number in range(5_000)]
    for line in lines:
        output.add(f"{line}\n".encode())
        tail = output.tail(100)
        assert tail.endswith(f"{line}\n")
        assert tail.split("\n")[0] in lines
        assert len(tail) <= 100
    output.close()


def test_a_progress_bar_is_seen_as_it_stands_now(tmp_path: Path) -> None:
    output = OutputBuffer(tmp_path / "out.txt")
    output.add(b"\x1b[32mgetting\x1b[0m\n 10 %\r 55 %\r 80 %")
    assert output.tail(100) == "getting\n 80 %"


def test_a_long_line_keeps_its_end() -> None:
    assert last_part("ä" * 5_000) == "ä" * (MOST_BYTES // 2)
    assert last_part("x" * 5_000 + "\nend\n") == "end\n"
    assert last_part("short") == "short"
