"""What scripts, shells and strange servers do to a command line, and what must come of it."""

import json
import signal
import subprocess
import sys
import time
from typing import cast

import pytest

from tests.e2e.command import PRICED, Ralex
from tests.e2e.model_server import Answer, ModelServer

KEY = "sk-secret-0123456789"


def shell(ralex: Ralex, command: str, url: str = "http://127.0.0.1:9/v1") -> tuple[int, str, str]:
    """Run a shell line in which $R is the command."""
    environment = ralex.environment(
        {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY, "R": f"{sys.executable} -m ralex"}
    )
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=ralex.project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "$R -p hi --output stream-json </dev/null | head -1",
        "$R -p hi </dev/null | head -c 1",
        "$R spend | head -c 0",
    ],
)
def test_a_reader_that_goes_away_ends_it_quietly(ralex: Ralex, command: str) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="word " * 2_000)]) as server:
        code, _, stderr = shell(ralex, command, server.url)
    assert code == 0, stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr


@pytest.mark.parametrize(
    "command", ["$R -p hi <&-", "$R -p hi </dev/null >&-", "$R route - <&-", "$R route hi >&-"]
)
def test_closed_streams_are_no_reason_to_crash(ralex: Ralex, command: str) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Here.")]) as server:
        _, _, stderr = shell(ralex, command, server.url)
    assert "Traceback" not in stderr


def test_with_stderr_closed_stdout_still_holds_only_the_answer(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Here.")]) as server:
        code, stdout, _ = shell(ralex, "$R -p hi </dev/null 2>&-", server.url)
    assert (code, stdout.strip()) == (0, "Here.")


def test_a_full_stdout_is_one_line_and_exit_code_1(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Here.")]) as server:
        code, _, stderr = shell(ralex, "$R -p hi </dev/null >/dev/full", server.url)
    assert code == 1
    assert "Traceback" not in stderr


def test_a_directory_that_is_gone_is_named(ralex: Ralex) -> None:
    code, _, stderr = shell(ralex, "mkdir gone; cd gone; rmdir ../gone; $R spend")
    assert code == 2
    assert "does not exist any more" in stderr


@pytest.mark.parametrize("moment", ["opening", "waiting for the reply"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly_before_the_turn_and_within_it(
    ralex: Ralex, moment: str, number: signal.Signals
) -> None:
    ralex.configure(PRICED)
    opened = ralex.home / "ralex" / "sessions.db"
    with ModelServer([Answer(text="hm", cut_after=0, stalls=True)]) as server:
        process = ralex.popen(
            "-p", "hi", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if opened.exists() if moment == "opening" else server.requests:
                break
            time.sleep(0.002)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert "Traceback" not in stderr
    assert process.returncode == (130 if number is signal.SIGINT else 128 + number), stderr
    assert json.loads(stdout.splitlines()[-1])["error"]["code"] == "interrupted"


def test_bytes_that_are_no_text_do_not_poison_the_session(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Here.")]) as server:
        first = shell(ralex, "$R -p $'caf\\xe9' </dev/null", server.url)
        second = shell(ralex, "$R -c -p again </dev/null", server.url)
    assert (first[0], second[0]) == (0, 0), first[2] + second[2]


def test_piped_text_does_not_decide_the_tier(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Here.")]) as server:
        _, _, stderr = shell(
            ralex, "yes 'def refactor(): pass' | head -2000 | $R -p hi", server.url
        )
        sent = json.dumps(server.requests[0]["messages"])
    assert "SIMPLE" in stderr
    assert "refactor" in sent


@pytest.mark.parametrize(
    "args",
    [
        ("-p", "hi", "left over"),
        ("-p", "hi", "-c", "-r", "abc"),
        ("-p", "hi", "--model", ""),
        ("-p", "hi", "--model", "openai/scripted", "--tier", "SIMPLE"),
    ],
    ids=["left-over", "two-sessions", "empty-model", "model-and-tier"],
)
def test_what_would_be_ignored_is_refused(ralex: Ralex, args: tuple[str, ...]) -> None:
    ralex.configure(PRICED)
    outcome = ralex(*args, OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY=KEY)
    assert outcome.code == 2


def test_a_gateway_that_gives_up_leaves_the_worst_case_held(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(status=504, body="{}")]) as server:
        outcome = ralex(
            "-p", "hi", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
        sent = len(server.requests)
    budget = cast("dict[str, str]", outcome.result["budget"])
    assert float(budget["held_usd"]) > 0.01 * sent


def test_a_key_found_by_a_command_is_blotted_out(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    (ralex.project / "note").write_text(f"the key is {KEY}\n")
    answers = [Answer(calls=(("bash", {"command": "cat note"}),)), Answer(text="Done.")]
    with ModelServer(answers) as server:
        ralex("-p", "look", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    assert "[key]" in json.dumps(server.requests[1]["messages"])
    assert KEY not in json.dumps(server.requests[1]["messages"])
    stored = (ralex.home / "ralex" / "sessions.db").read_bytes()
    assert KEY.encode() not in stored


def test_the_granted_output_is_what_is_sent(ralex: Ralex) -> None:
    ralex.configure(PRICED.replace("128000", "6000"))
    with ModelServer([Answer(text="Here.")]) as server:
        ralex("-p", "hi", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
        request = server.requests[0]
    cap = request.get("max_tokens") or request.get("max_completion_tokens")
    assert isinstance(cap, int)
    assert 1_000 <= cap < 6_000
