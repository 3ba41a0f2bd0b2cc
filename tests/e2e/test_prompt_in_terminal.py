"""The prompt in a real pseudo-terminal: an editor, the shell behind it, keys that come early."""

import os
import signal
import stat
import sys
from pathlib import Path

from tests.e2e.command import PRICED, Ralex
from tests.e2e.model_server import Answer, ModelServer
from tests.e2e.pseudo_terminal import RALEX, PseudoTerminal

KEY = "sk-secret-0123456789"
READY = "router test"


def talk(ralex: Ralex, server: ModelServer, *args: str, **extra: str) -> PseudoTerminal:
    environment = ralex.environment(
        {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY, "TERM": "xterm-256color", **extra}
    )
    return PseudoTerminal([RALEX, *args], cwd=ralex.project, environment=environment)


def left_on(terminal: PseudoTerminal) -> set[str]:
    """Name the modes that are on; key reports are asked for in more ways than can be counted."""
    return terminal.modes_left_on - {"key reports"}


def an_editor(folder: Path, body: str) -> str:
    """Write an editor: a program that gets a file's path and does something to it."""
    path = folder / "my editor"
    path.write_text(f"#!{sys.executable}\nimport os, sys\npath = sys.argv[-1]\n{body}\n")
    path.chmod(0o755)
    return f"'{path}' --wait"


def test_a_prompt_goes_through_the_users_editor_and_back(ralex: Ralex, tmp_path: Path) -> None:
    ralex.configure(PRICED)
    editor = an_editor(
        tmp_path,
        "text = open(path).read()\n"
        "print('EDITING', oct(os.stat(path).st_mode), sys.argv[1], flush=True)\n"
        "input()\n"
        "open(path, 'w').write(text + 'and test it\\n')\n",
    )
    with (
        ModelServer([Answer(text="Ok.")]) as server,
        talk(ralex, server, EDITOR=editor) as terminal,
    ):
        terminal.wait_for(READY)
        terminal.send("fix it\x0a")
        terminal.wait_for("fix it")
        terminal.send("\x07")
        terminal.wait_for("EDITING 0o100600 --wait")
        assert left_on(terminal) == set()
        terminal.send("\n")
        terminal.wait_for("and test it")
        terminal.send("\r")
        terminal.wait_for("Ok.")
        request = server.requests[0]
        assert "fix it\nand test it" in str(request["messages"]).replace("\\n", "\n")
        terminal.send("\x11")
        assert terminal.wait_for_end() == 0
    assert left_on(terminal) == set()


def test_an_editor_that_fails_changes_nothing_and_says_so(ralex: Ralex, tmp_path: Path) -> None:
    ralex.configure(PRICED)
    editor = an_editor(tmp_path, "open(path, 'w').write('lost'); sys.exit(3)")
    with ModelServer([]) as server, talk(ralex, server, VISUAL=editor, EDITOR="no") as terminal:
        terminal.wait_for(READY)
        terminal.send("keep this\x07")
        terminal.wait_for("my editor ended with exit code 3")
        terminal.wait_for("keep this")
        terminal.send("\x11")
    with ModelServer([]) as server, talk(ralex, server, VISUAL="no-such-editor") as terminal:
        terminal.wait_for(READY)
        terminal.send("keep this\x07")
        terminal.wait_for("no-such-editor could not be used")
        terminal.wait_for("keep this")


def test_keys_typed_before_the_screen_is_there_are_kept_in_order(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Heard.")]) as server, talk(ralex, server) as terminal:
        terminal.send("typed too early\rand then this")
        terminal.wait_for("Heard.")
        terminal.wait_for("and then this")
        request = server.requests[0]
        assert "typed too early" in str(request["messages"])
        assert "and then" not in str(request["messages"])


def test_a_stop_gives_the_terminal_back_and_going_on_draws_the_screen_again(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Ok.")]) as server, talk(ralex, server) as terminal:
        terminal.wait_for(READY)
        terminal.send("half a prompt")
        terminal.wait_for("half a prompt")
        terminal.send("\x1a")
        stopped, status = os.waitpid(terminal.pid, os.WUNTRACED)
        assert stopped == terminal.pid
        assert os.WIFSTOPPED(status)
        terminal.wait_until(lambda: "\x1b[?1049l" in terminal.written, "the shell's screen")
        assert left_on(terminal) == set()
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.wait_until(
            lambda: "half a prompt" in "".join(terminal.written.split("\x1b[?1049h")[2:]),
            "the screen drawn again",
        )
        terminal.send(" goes on\r")
        terminal.wait_for("Ok.")
        assert "half a prompt goes on" in str(server.requests[0]["messages"])


def test_prompts_are_kept_for_the_next_run_and_for_their_owner_only(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Ok.")]) as server, talk(ralex, server) as terminal:
        terminal.wait_for(READY)
        terminal.send("remember me\r")
        terminal.wait_for("Ok.")
        terminal.send("\x11")
        assert terminal.wait_for_end() == 0
    (file,) = (ralex.home / "ralex" / "history").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with ModelServer([]) as server, talk(ralex, server) as terminal:
        terminal.wait_for(READY)
        terminal.send("\x12remem")
        terminal.wait_for("Earlier prompts")
        terminal.send("\r")
        terminal.wait_for("Earlier prompts", gone=True)
        terminal.wait_for("remember me")
