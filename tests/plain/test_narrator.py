"""What the linear mode says of a turn: whole lines, in words, and nothing that moves."""

import json
import re
from collections.abc import Iterable

import pytest

from ralex.core.events import AgentEvent
from ralex.core.stream import TextDelta
from ralex.plain.commands import SCREEN_ONLY, PlainCommands
from ralex.plain.narrator import MOST_DIFF_LINES, Narrator, diff_lines
from ralex.slash import COMMANDS
from tests.conftest import SHARED
from tests.tui.fake_session import call, deltas, opening, plain_turn
from tests.tui.test_hostile import OWN, turn_of

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff]")


def hostile() -> list[str]:
    path = SHARED / "security" / "terminal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    return [bytes.fromhex(row["bytes_hex"]).decode("utf-8", "surrogateescape") for row in rows]


def told(events: Iterable[object]) -> list[str]:
    narrator = Narrator()
    return [line for event in events for line in narrator.lines(_event(event))]


def _event(event: object) -> AgentEvent:
    assert not isinstance(event, Exception)
    return event  # pyright: ignore[reportReturnType]  # a script holds events, waits and failures


def test_an_answer_is_told_in_whole_lines_however_it_was_cut() -> None:
    narrator = Narrator()
    told = [list(narrator.lines(TextDelta(text=piece))) for piece in ("\n", "Fo", "ur.\nAnd", " ")]
    assert told == [[], [], ["Ralex: Four."], []]


def test_a_turn_is_told_in_words_with_its_route_its_tools_and_its_cost() -> None:
    lines = told([*opening("go"), *call("bash", "pytest -q", summary="exit 0 · 1 s")])
    assert any(line.startswith("Route: ") for line in lines)
    assert lines[-2:] == ["Tool: bash pytest -q", "Done: bash pytest -q: exit 0 · 1 s"]
    lines = told(plain_turn("go", "All done."))
    assert "Ralex: All done." in lines
    assert re.match(r"Turn: 1 step, .* tokens, \$", lines[-1])


def test_the_answer_is_told_once_whether_it_streamed_or_came_whole() -> None:
    said = list(plain_turn("go", "Only once."))
    streamed = told(said)
    whole = told([event for event in said if not isinstance(event, TextDelta)])
    assert streamed.count("Ralex: Only once.") == whole.count("Ralex: Only once.") == 1


def test_a_failed_command_is_told_with_the_end_of_its_output() -> None:
    output = "\n".join(f"line {number}" for number in range(100))
    lines = told(call("bash", "make", output=output, summary="exit 2", exit_code=2))
    assert lines[-1] == "  line 99"
    assert "  line 50" not in lines


def test_a_long_diff_is_cut_and_says_where_the_rest_is() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n" + "".join(f"+{n}\n" for n in range(200))
    lines = told(call("edit", "x", diff=diff))
    assert len(lines) == MOST_DIFF_LINES + 3
    assert "/diff" in lines[-1]


def test_lines_that_only_look_like_headers_stay_in_a_diff() -> None:
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n--- gone\n+new\n"
    assert diff_lines(diff, names_files=True) == ["File x:", "@@ -1 +1 @@", "--- gone", "+new"]


@pytest.mark.parametrize("text", [*OWN, *hostile()])
def test_hostile_text_commands_no_terminal(text: str) -> None:
    lines = told(turn_of(text))
    assert lines
    assert not [line for line in lines if UNSAFE.search(line.replace("\t", ""))]
    assert not [line for line in told(deltas(text)) if UNSAFE.search(line.replace("\t", ""))]


def test_every_command_is_known_here_or_belongs_to_the_screen() -> None:
    runs = PlainCommands.__new__(PlainCommands)
    PlainCommands.__init__(runs, None, None)  # pyright: ignore[reportArgumentType]  # only the table is looked at
    known = {command.name for command in COMMANDS}
    assert runs.names | SCREEN_ONLY >= known
    assert not runs.names & SCREEN_ONLY
