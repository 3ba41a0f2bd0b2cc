"""``ralex --plain`` in a real pseudo-terminal: questions and answers, line by line."""

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.command import PRICED as WITH_TITLES
from tests.e2e.command import Ralex
from tests.e2e.model_server import Answer, ModelServer
from tests.e2e.pseudo_terminal import RALEX, PseudoTerminal

PRICED = f'titles = "first-line"\n{WITH_TITLES}'  # no calls but those of the turns
KEY = "sk-secret-0123456789"


def talk(ralex: Ralex, server: ModelServer, *args: str, **extra: str) -> PseudoTerminal:
    environment = ralex.environment(
        {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY, "TERM": "xterm-256color", **extra}
    )
    return PseudoTerminal([RALEX, *args], cwd=ralex.project, environment=environment)


def at_prompt(terminal: PseudoTerminal) -> None:
    terminal.wait_until(lambda: terminal.text.rstrip().endswith("\nYou:"), "the prompt")


@pytest.mark.parametrize(
    ("args", "term"), [(("--plain",), "xterm-256color"), ((), "dumb")], ids=["asked for", "dumb"]
)
def test_a_talk_in_lines_moves_no_cursor_and_shows_no_colour(
    ralex: Ralex, args: tuple[str, ...], term: str
) -> None:
    ralex.configure(PRICED)
    answers = [Answer(calls=(("ls", {"path": "."}),)), Answer(text="One file.\nIt is small.")]
    with ModelServer(answers) as server, talk(ralex, server, *args, TERM=term) as terminal:
        before = terminal.line_settings
        at_prompt(terminal)
        terminal.send("what is here?\n")
        terminal.wait_for("It is small.")
        terminal.wait_for("Turn: 2 steps")
        at_prompt(terminal)
        terminal.send("/why\n")
        terminal.wait_until(lambda: terminal.text.count("Route: ") == 2, "the reasons")
        at_prompt(terminal)
        terminal.send("\x04")
        assert terminal.wait_for_end() == 0
        assert terminal.line_settings == before
    assert "Tool: ls ." in terminal.text
    assert "Route: SIMPLE, openai/scripted" in terminal.text
    assert terminal.modes_left_on == set()
    own = terminal.written.replace("\x1b[?2004h", "").replace("\x1b[?2004l", "")
    assert "\x1b" not in own.split("You:")[0]
    assert "\x1b[" not in own.replace("\x1b[K", "").replace("\x1b[C", "")


def test_ctrl_c_stops_the_turn_and_at_the_prompt_it_leaves(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    stalled = Answer(text="I begin", stalls=True, cut_after=60)
    answers = [stalled, Answer(text="Ok")]
    with ModelServer(answers) as server, talk(ralex, server, "--plain", "go") as terminal:
        terminal.wait_for("Route: ")
        terminal.wait_until(lambda: bool(server.requests), "the call")
        terminal.send("\x03")
        terminal.wait_for("Error: interrupted")
        at_prompt(terminal)
        terminal.send("again\n")
        terminal.wait_for("Ralex: Ok")
        at_prompt(terminal)
        terminal.send("half a li")
        terminal.wait_for("half a li")
        terminal.send("\x03")
        at_prompt(terminal)
        terminal.send("\x03")
        assert terminal.wait_for_end() == 130
        assert terminal.modes_left_on == set()
    assert len(server.requests) == 2


def test_an_approval_is_asked_for_and_typed(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    write = Answer(calls=(("write", {"path": "new.txt", "content": "x\n"}),))
    with (
        ModelServer([write, Answer(text="No?"), write, Answer(text="Yes.")]) as server,
        talk(ralex, server, "--plain", "--mode", "ask") as terminal,
    ):
        at_prompt(terminal)
        terminal.send("write it\n")
        terminal.wait_for("Answer ")
        terminal.send("\n")  # nothing said is no
        terminal.wait_for("What should the model know")
        terminal.send("not now\n")
        terminal.wait_for("Ralex: No?")
        at_prompt(terminal)
        assert any("not now" in str(message["content"]) for message in server.messages(1))
        assert not (ralex.project / "new.txt").exists()
        terminal.send("write it after all\n")
        terminal.wait_until(lambda: terminal.text.count("Answer ") == 2, "the second question")
        terminal.send("allow\n")
        terminal.wait_for("Ralex: Yes.")
        at_prompt(terminal)
        terminal.send("/quit\n")
        assert terminal.wait_for_end() == 0
    assert (ralex.project / "new.txt").read_text() == "x\n"


def test_a_question_is_answered_by_number_or_in_words(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    ask = Answer(calls=(("ask_user", {"question": "Which?", "options": ["red", "blue"]}),))
    with (
        ModelServer([ask, Answer(text="So blue.")]) as server,
        talk(ralex, server, "--plain", "choose") as terminal,
    ):
        terminal.wait_for("2: blue")
        terminal.send("2\n")
        terminal.wait_for("Ralex: So blue.")
        assert any("blue" in str(message["content"]) for message in server.messages(1)[-1:])
        at_prompt(terminal)
        terminal.send("/mode plan\n")
        terminal.wait_for("The mode is plan")
        at_prompt(terminal)
        terminal.send("\x04")
        assert terminal.wait_for_end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["turn", "prompt"])
def test_a_signal_ends_it_in_order(ralex: Ralex, number: signal.Signals, moment: str) -> None:
    ralex.configure(PRICED)
    stalled = Answer(text="I begin here", stalls=True, cut_after=60)
    with ModelServer([stalled]) as server, talk(ralex, server, "--plain") as terminal:
        before = terminal.line_settings
        at_prompt(terminal)
        if moment == "turn":
            terminal.send("go\n")
            terminal.wait_until(lambda: bool(server.requests), "the call")
        os.kill(terminal.pid, number)
        assert terminal.wait_for_end() == 128 + number
        assert terminal.line_settings == before
        assert terminal.modes_left_on == set()
    shown = ralex("sessions", "show", ralex.only_session()).stdout if moment == "turn" else "go"
    assert "go" in shown


def test_prompts_are_remembered_and_answers_to_questions_are_not(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Fine.")]) as server:
        with talk(ralex, server, "--plain") as terminal:
            at_prompt(terminal)
            terminal.send("a very rare prompt\n")
            terminal.wait_for("Ralex: Fine.")
            at_prompt(terminal)
            terminal.send("\x04")
            assert terminal.wait_for_end() == 0
        history = ralex.home / "ralex" / "plain-history"
        assert history.stat().st_mode & 0o777 == 0o600
        assert history.read_text().split("\n")[-2] == "a very rare prompt"
        with talk(ralex, server, "--plain") as terminal:
            at_prompt(terminal)
            terminal.send("\x1b[A")
            terminal.wait_for("You: a very rare prompt")


def test_lines_from_a_pipe_are_prompts_too(ralex: Ralex, tmp_path: Path) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Fine.")]) as server:
        done = ralex(
            "--plain", stdin="hello\n/cost\n/nope\n", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    assert done.code == 0, done.stderr
    assert "You: hello\n" in done.stdout
    assert "Ralex: Fine." in done.stdout
    assert "This session: $" in done.stdout
    assert "Error: /nope is not a command" in done.stdout


ROUTERS = (
    PRICED.replace('router = "test"', 'router = "mine"')
    + '[models."openai/big"]\nprice = { input = 20, output = 40 }\n'
    + '[routers.mine.tiers]\nSIMPLE = "openai/scripted"\nCOMPLEX = "openai/big"\n'
    + '[routers.other.tiers]\nSIMPLE = "openai/big"\n'
)


def test_why_tier_and_router_are_told_in_full(ralex: Ralex) -> None:
    ralex.configure(ROUTERS)
    typed = "hello\n/why\n/tier\n/router other\n/new\n"
    with ModelServer([Answer(text="Fine.")]) as server:
        done = ralex("--plain", stdin=typed, OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    assert done.code == 0, done.stderr
    told = done.stdout.splitlines()
    assert any(line.startswith("Estimate: about $") for line in told)
    other = next(line for line in told if line.startswith("Alternative: COMPLEX, openai/big, "))
    assert " a step; COMPLEX is more than was asked for, at " in other
    assert "MEDIUM: as COMPLEX, openai/big" in told
    assert "REASONING: as COMPLEX, openai/big" in told
    assert "The router is other; there are " in done.stdout
    assert "A new session begins. The router is mine again." in told


def test_the_demo_is_told_in_lines(ralex: Ralex) -> None:
    done = ralex("demo", "--plain", stdin="/undo\n")
    assert done.code == 0, done.stderr
    assert "Ralex: Done, and both tests pass." in done.stdout
    assert "Taken back: shop/price.py" in done.stdout


def test_a_command_of_ones_own_and_one_for_the_shell_run_here_too(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    folder = ralex.project / ".ralex/commands"
    folder.mkdir(parents=True)
    (folder / "review.md").write_text("Review $ARGUMENTS with care")
    with (
        ModelServer([Answer(text="Seen.")]) as server,
        talk(ralex, server, "--plain") as terminal,
    ):
        at_prompt(terminal)
        terminal.send("!printf 'for %s\\n' the-model\n")
        terminal.wait_for("  for the-model")
        at_prompt(terminal)
        terminal.send("!!printf 'for %s\\n' me-alone\n")
        terminal.wait_for("  for me-alone")
        at_prompt(terminal)
        assert server.requests == [], "what begins with ! is no prompt"
        terminal.send("/commands\n")
        terminal.wait_for("/review [words]: Review")
        at_prompt(terminal)
        terminal.send("/tier simple task\n")
        terminal.wait_for("tier SIMPLE answers until an ask begins another task.")
        at_prompt(terminal)
        terminal.send("/review a.py\n")
        terminal.wait_for("Ralex: Seen.")
        asked = str(server.requests[0]["messages"])
    assert "Review a.py with care" in asked
    assert "for the-model" in asked
    assert "me-alone" not in asked
