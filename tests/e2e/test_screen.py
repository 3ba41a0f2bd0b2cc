"""The installed command on a real pseudo-terminal: whole sessions, and every way to end one."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command import PRICED as WITH_TITLES
from tests.e2e.command import Ralex
from tests.e2e.model_server import Answer, ModelServer
from tests.e2e.pseudo_terminal import RALEX, PseudoTerminal

PRICED = f'titles = "first-line"\n{WITH_TITLES}'  # no calls but those of the turns
KEY = "sk-secret-0123456789"
TWO_MODELS = f"""{PRICED}
[models."openai/other"]
price = {{ input = 1.00, output = 2.00 }}
context_window = 128000
"""
ALTERNATE = "\x1b[?1049h"


def environment(ralex: Ralex, server: ModelServer | None = None) -> dict[str, str]:
    extra = {"TERM": "xterm-256color"}
    if server is not None:
        extra |= {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY}
    return ralex.environment(extra)


def screen(ralex: Ralex, server: ModelServer | None, *args: str) -> PseudoTerminal:
    return PseudoTerminal([RALEX, *args], cwd=ralex.project, environment=environment(ralex, server))


def ready(terminal: PseudoTerminal) -> None:
    terminal.wait_for("yolo")


def restored(terminal: PseudoTerminal, before: tuple[int, int, int, int]) -> None:
    assert terminal.modes_left_on == set()
    assert terminal.line_settings == before


def test_the_demo_plays_and_can_be_taken_back_looked_at_and_taken_up_again(ralex: Ralex) -> None:
    with screen(ralex, None, "demo") as terminal:
        before = terminal.line_settings
        terminal.wait_for("DEMO")
        terminal.wait_for("both tests pass")
        terminal.wait_for("% cached · $")  # the receipt: the turn is over
        terminal.send("/undo\r")
        terminal.wait_for("Undone in 2 files")
        terminal.send("\x1bOQ")  # F2
        terminal.wait_for("Today by model")
        terminal.send("\x1b")
        terminal.wait_for("Today by model", gone=True)
        terminal.send("/new\r")
        terminal.wait_for("Undone in 2 files", gone=True)
        terminal.send("/sessions\r")
        terminal.wait_for("2 turns")
        terminal.send("\r")
        terminal.wait_for("Checked with")
        terminal.send("\x11")  # Ctrl+Q
        assert terminal.wait_for_end() == 0
        restored(terminal, before)
    assert ALTERNATE in terminal.written


def test_a_session_with_override_interrupt_undo_budget_and_resume(ralex: Ralex) -> None:
    ralex.configure(TWO_MODELS)
    answers = [
        Answer(calls=(("write", {"path": "note.txt", "content": "hello\n"}),)),
        Answer(text="The note is written."),
        Answer(text="The other model speaks."),
        Answer(text="This never", cut_after=60, stalls=True),
    ]
    with ModelServer(answers) as server:
        with screen(ralex, server) as terminal:
            ready(terminal)
            terminal.send("write a note\r")
            terminal.wait_for("The note is written.")
            assert (ralex.project / "note.txt").read_text() == "hello\n"
            terminal.send("/model openai/other!\r")
            terminal.wait_for("openai/other")
            terminal.send("what do you say?\r")
            terminal.wait_for("The other model speaks.")
            assert server.requests[2]["model"] == "other"
            terminal.send("and now stop\r")
            terminal.wait_until(lambda: len(server.requests) == 4, "the call")
            terminal.send("\x1b")
            terminal.wait_for("Stopped.")
            terminal.send("/undo\r")
            terminal.wait_for("Undone in 1 file")
            assert not (ralex.project / "note.txt").exists()
            terminal.send("\x1bOQ")
            terminal.wait_for("Today by model")
            terminal.wait_for("held")
            terminal.send("\x1b")
            terminal.wait_for("Today by model", gone=True)
            terminal.send("\x11")
            assert terminal.wait_for_end() == 0
        with screen(ralex, server, "-c") as terminal:
            terminal.wait_for("The other model speaks.")
            terminal.wait_for("and now stop")
            terminal.send("\x11")
            assert terminal.wait_for_end() == 0
    assert ralex.only_session()


def ctrl_q(terminal: PseudoTerminal) -> None:
    terminal.send("\x11")


def ctrl_d(terminal: PseudoTerminal) -> None:
    terminal.send("\x04")


def quit_command(terminal: PseudoTerminal) -> None:
    terminal.send("/quit\r")


def ctrl_c_twice(terminal: PseudoTerminal) -> None:
    terminal.send("\x03")
    terminal.wait_for("again to quit")
    terminal.send("\x03")


def killed(number: signal.Signals) -> Callable[[PseudoTerminal], None]:
    return lambda terminal: os.kill(terminal.pid, number)


@pytest.mark.parametrize(
    ("leave", "code"),
    [
        pytest.param(ctrl_q, 0, id="Ctrl+Q"),
        pytest.param(ctrl_d, 0, id="Ctrl+D"),
        pytest.param(quit_command, 0, id="quit"),
        pytest.param(ctrl_c_twice, 0, id="Ctrl+C twice"),
        pytest.param(killed(signal.SIGTERM), 143, id="SIGTERM"),
        pytest.param(killed(signal.SIGHUP), 129, id="SIGHUP"),
        pytest.param(killed(signal.SIGINT), 130, id="SIGINT"),
    ],
)
def test_the_terminal_is_as_before_however_it_is_left(
    ralex: Ralex, leave: Callable[[PseudoTerminal], None], code: int
) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="x")]) as server, screen(ralex, server) as terminal:
        before = terminal.line_settings
        ready(terminal)
        leave(terminal)
        assert terminal.wait_for_end() == code
        restored(terminal, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_turn_that_a_signal_ends_is_stored_and_its_money_settled(
    ralex: Ralex, number: signal.Signals
) -> None:
    ralex.configure(PRICED)
    stalled = Answer(text="I begin here", cut_after=60, stalls=True)
    with ModelServer([stalled]) as server, screen(ralex, server, "go on then") as terminal:
        before = terminal.line_settings
        terminal.wait_until(lambda: bool(server.requests), "the call")
        os.kill(terminal.pid, number)
        assert terminal.wait_for_end() == 128 + number
        restored(terminal, before)
    shown = ralex("sessions", "show", ralex.only_session()).stdout
    assert "go on then" in shown
    assert "interrupted" in shown


def test_a_terminal_that_goes_away_ends_the_process_and_keeps_the_session(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    stalled = Answer(text="I begin here", cut_after=60, stalls=True)
    with ModelServer([stalled]) as server, screen(ralex, server, "go on then") as terminal:
        terminal.wait_until(lambda: bool(server.requests), "the call")
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, terminal.file)  # closes the terminal's other side
        os.close(nowhere)
        _, status = os.waitpid(terminal.pid, 0)
        terminal.code = os.waitstatus_to_exitcode(status)
    assert terminal.code == 129
    assert "interrupted" in ralex("sessions", "show", ralex.only_session()).stdout


CRASH = """
import sys
from ralex.tui.screens.chat.screen import ChatScreen
def crash(self):
    raise RuntimeError("made for this test")
ChatScreen.action_help = crash
from ralex.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_crash_leaves_the_terminal_usable_and_tells_itself(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with (
        ModelServer([Answer(text="x")]) as server,
        PseudoTerminal(
            [sys.executable, "-c", CRASH], cwd=ralex.project, environment=environment(ralex, server)
        ) as terminal,
    ):
        before = terminal.line_settings
        ready(terminal)
        terminal.send("\x1bOP")  # F1
        assert terminal.wait_for_end() == 1
        restored(terminal, before)
    assert "made for this test" in terminal.written


def test_a_storm_of_sizes_ends_on_a_screen_of_the_last_one(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Still here.")]) as server, screen(ralex, server) as terminal:
        ready(terminal)
        terminal.send("hello\r")
        terminal.wait_for("Still here.")
        for number in range(200):
            terminal.resize(60 + number % 60, 15 + number % 30)
            os.kill(terminal.pid, signal.SIGWINCH)
        terminal.resize(100, 30)
        terminal.send("typed after the storm")
        terminal.wait_for("typed after the storm")
        terminal.wait_for("Still here.")
        terminal.wait_until(
            lambda: "yolo" in terminal.text.split("\n")[-1], "the bar in the last row"
        )
        ctrl_q(terminal)
        assert terminal.wait_for_end() == 0


def test_stopping_gives_the_terminal_back_and_going_on_draws_again(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="x")]) as server, screen(ralex, server) as terminal:
        before = terminal.line_settings
        ready(terminal)
        terminal.send("half a thought")
        terminal.wait_for("half a thought")
        os.kill(terminal.pid, signal.SIGTSTP)
        terminal.wait_until(lambda: terminal.modes_left_on == set(), "the terminal back")
        terminal.wait_until(lambda: is_stopped(terminal.pid), "the process stopped")
        assert terminal.line_settings == before
        terminal.screen.reset()
        at = len(terminal.raw)
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_until(lambda: ALTERNATE.encode() in terminal.raw[at:], "the screen again")
        terminal.wait_for("half a thought")
        ctrl_q(terminal)
        assert terminal.wait_for_end() == 0
        restored(terminal, before)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


_COLOURS = re.compile(r"\x1b\[(?:[0-9]*;)*(?:[34][0-8]|9[0-7]|10[0-7])(?:;[0-9]*)*m")


@pytest.mark.parametrize("colours", ["truecolor", ""], ids=["many", "sixteen"])
def test_without_colours_there_are_none_and_the_mark_is_seen(ralex: Ralex, colours: str) -> None:
    ralex.configure(PRICED)
    environ = ralex.environment({"TERM": "xterm", "COLORTERM": colours, "NO_COLOR": "1"})
    environ |= {"OPENAI_API_KEY": KEY}
    with PseudoTerminal([RALEX], cwd=ralex.project, environment=environ) as terminal:
        ready(terminal)
        terminal.send("\x10")  # Ctrl+P
        terminal.wait_for("/router [name]")
        terminal.wait_until(lambda: marked(terminal).startswith("/model"), "the first is marked")
        terminal.send("\x1b[B")
        terminal.wait_until(lambda: marked(terminal).startswith("/tier"), "the second is marked")
        assert _COLOURS.findall(terminal.written) == []


def marked(terminal: PseudoTerminal) -> str:
    """Give the cells that are underlined."""
    cells = (
        terminal.screen.buffer[y][x]
        for y in range(terminal.screen.lines)
        for x in range(terminal.screen.columns)
    )
    return "".join(cell.data for cell in cells if cell.underscore).strip()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_it_works_inside_tmux(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Hello from inside.")]) as server:
        inner = {**environment(ralex, server), "TERM": "xterm-256color"}
        socket = str(ralex.home / "tmux")
        command = ["tmux", "-f", "/dev/null", "-u", "-S", socket]
        start = [shutil.which("tmux") or "tmux", *command[1:], "new-session", RALEX, "hello"]
        with PseudoTerminal(start, cwd=ralex.project, environment=inner) as terminal:
            try:
                terminal.wait_for("Hello from inside.")
                terminal.wait_for("yolo")
                terminal.send("\x11")
                assert terminal.wait_for_end() == 0
                assert terminal.modes_left_on == set()
            finally:
                subprocess.run([*command, "kill-server"], capture_output=True, check=False)
