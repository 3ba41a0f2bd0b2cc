"""A ralex that is killed within a call: what was said is not lost, and nothing runs twice."""

import os
import signal
from pathlib import Path

from tests.e2e.command import Ralex
from tests.e2e.model_server import Answer, ModelServer
from tests.e2e.pseudo_terminal import PseudoTerminal
from tests.e2e.test_plain import PRICED, at_prompt, talk
from tests.e2e.test_screen import ready, screen


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def kill_in_a_call(ralex: Ralex, server: ModelServer) -> None:
    """Say two things while a command runs, then kill the screen."""
    with screen(ralex, server) as terminal:
        ready(terminal)
        terminal.send("do the work\r")
        terminal.wait_until(lambda: bool(lines_of(ralex.project / "ran.txt")), "the command")
        for text in ("and look at b too", "then say so"):
            terminal.send(f"{text}\r")
            terminal.wait_for(text)
        waits_stored(ralex, terminal)
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait_for_end()


def waits_stored(ralex: Ralex, terminal: PseudoTerminal) -> None:
    def both() -> bool:
        shown = ralex("sessions", "export", ralex.only_session(), "--format", "json").stdout
        return "then say so" in shown

    terminal.wait_until(both, "what was said being stored")


def test_what_was_said_meanwhile_outlives_a_kill_and_is_told_once(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    command = "echo ran >> ran.txt; echo $$ > pid; exec sleep 600"
    answers = [Answer(calls=(("bash", {"command": command}),)), Answer(text="Seen.")]
    with ModelServer(answers) as server:
        kill_in_a_call(ralex, server)
        os.killpg(int((ralex.project / "pid").read_text()), signal.SIGKILL)  # it knows no kill
        with talk(ralex, server, "--plain", "-c") as terminal:
            at_prompt(terminal)
            assert f"Stopped: bash {command}: how it ended is not known" in terminal.text
            assert "Told with your next message: and look at b too" in terminal.text
            assert "Told with your next message: then say so" in terminal.text
            terminal.send("\x04")
            assert terminal.wait_for_end() == 0
        with screen(ralex, server, "-c") as terminal:
            terminal.wait_for("then say so")
            terminal.wait_for("no result")
            terminal.send("go on\r")
            terminal.wait_for("Seen.")
            terminal.send("\x11")
            assert terminal.wait_for_end() == 0
    assert lines_of(ralex.project / "ran.txt") == ["ran"]
    said = [str(one["content"]) for one in server.messages() if one["role"] == "user"]
    assert said[-1] == "and look at b too\n\nthen say so\n\ngo on"
