"""Whole tasks of the installed command, from the prompt to the files, with a model that errs."""

import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.command import PRICED, Outcome, Ralex
from tests.e2e.model_server import Answer, ModelServer
from tests.e2e.pseudo_terminal import RALEX, PseudoTerminal

DONE = Answer(text="Done.")
NUMBERS = "alpha\nbeta\ngamma\n"
OVERFLOW = Answer(
    status=400,
    body='{"error": {"code": "context_length_exceeded", "message": "maximum context length is '
    '64000 tokens"}}',
)


def bash(command: str) -> Answer:
    return Answer(calls=(("bash", {"command": command}),))


def read(path: str) -> Answer:
    return Answer(calls=(("read", {"path": path}),))


def edit(old: str, new: str) -> Answer:
    return Answer(calls=(("edit", {"path": "a.txt", "old": old, "new": new}),))


def key(server: ModelServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-0123456789"}


def do(ralex: Ralex, server: ModelServer, *args: str) -> Outcome:
    return ralex("--prompt", "do as the notes say", "--output", "json", *args, **key(server))


@pytest.fixture
def project(ralex: Ralex) -> Path:
    """Give a project with a file to change."""
    ralex.configure(PRICED)
    (ralex.project / "a.txt").write_text(NUMBERS)
    return ralex.project


def results(server: ModelServer) -> list[str]:
    return [str(m["content"]) for m in server.messages() if m["role"] == "tool"]


def breaks(server: ModelServer) -> int:
    sent = [server.messages(place) for place in range(len(server.requests))]
    return sum(later[: len(earlier)] != earlier for earlier, later in pairwise(sent))


@pytest.mark.parametrize(
    "arguments",
    [
        '{"path": "a.txt", "content": "alpha\\nbe',
        '{"path": "a.txt", "content": ',
        '["a.txt"]',
        "write it",
        "",
    ],
)
def test_broken_arguments_are_never_run_and_the_work_goes_on(
    ralex: Ralex, project: Path, arguments: str
) -> None:
    broken = Answer(calls=(("write", arguments),))
    with ModelServer([read("a.txt"), broken, edit("beta", "delta"), DONE]) as server:
        outcome = do(ralex, server)
    assert outcome.code == 0, outcome.stderr
    assert (project / "a.txt").read_text() == NUMBERS.replace("beta", "delta")


def test_a_model_that_goes_round_in_circles_ends_with_its_own_exit_code(
    ralex: Ralex, project: Path
) -> None:
    circle = [bash("cat a.txt"), bash("echo again")] * 8
    with ModelServer([*circle, DONE]) as server:
        outcome = do(ralex, server)
    assert outcome.code == 5
    assert "same bash call" in str(outcome.result["error"])
    assert len(server.requests) <= 10


def test_a_flood_of_output_reaches_the_model_in_part_and_a_file_whole(
    ralex: Ralex, project: Path
) -> None:
    flood = bash("seq 2000000; echo the end; cat a.txt >&2")
    with ModelServer([flood, edit("beta", "x"), DONE]) as server:
        outcome = do(ralex, server)
    assert outcome.code == 0
    shown = results(server)[0]
    assert len(shown) < 40_000
    assert "the end" in shown
    assert shown.startswith("1\n2\n")


def test_calls_of_one_reply_are_answered_once_each_and_changes_keep_their_order(
    ralex: Ralex, project: Path
) -> None:
    calls = (
        ("read", {"path": "a.txt"}),
        ("bash", {"command": "echo one >> log; cat log"}),
        ("bash", {"command": "echo two >> log; cat log"}),
        ("nonsense", {"x": 1}),
        ("ls", {"path": "."}),
    )
    with ModelServer([Answer(calls=calls), DONE]) as server:
        assert do(ralex, server).code == 0
    told = [str(m["tool_call_id"]) for m in server.messages() if m["role"] == "tool"]
    assert told == [str(call["id"]) for call in server.messages()[-6]["tool_calls"]]
    assert (project / "log").read_text() == "one\ntwo\n"
    assert "There is no tool" in results(server)[3]


def test_an_overflow_half_way_shrinks_the_request_and_the_task_is_done(
    ralex: Ralex, project: Path
) -> None:
    long = bash("for i in $(seq 900); do echo $i of a long line of output; done")
    more = bash("for i in $(seq 900); do echo $i of another long line; done")
    script = [long, more, OVERFLOW, edit("beta", "x"), read("a.txt"), edit("beta", "x"), DONE]
    with ModelServer(script) as server:
        outcome = do(ralex, server)
    assert outcome.code == 0, outcome.stderr
    sizes = [len(json.dumps(request["messages"])) for request in server.requests]
    assert sizes[3] < sizes[2]
    assert "x" in (project / "a.txt").read_text().split("\n")


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=500, body="{}"),
        Answer(status=429, body="{}", headers=(("retry-after", "0"),)),
        Answer(text="I will now change it", cut_after=150),
    ],
    ids=["500", "429", "cut"],
)
def test_a_fault_on_the_way_is_tried_again_and_nothing_runs_twice(
    ralex: Ralex, project: Path, fault: Answer
) -> None:
    with ModelServer([bash("echo one >> log"), fault, bash("echo two >> log"), DONE]) as server:
        outcome = do(ralex, server)
    assert outcome.code == 0, outcome.stderr
    assert (project / "log").read_text() == "one\ntwo\n"
    assert outcome.result["text"] == "Done. "


def test_a_rule_holds_in_yolo_mode_through_a_chain(ralex: Ralex, project: Path) -> None:
    ralex.configure(PRICED + '[permissions]\n"bash(rm *)" = "deny"\n"bash(touch *)" = "ask"\n')
    sneaky = bash('true && FOO=1 sh -c "rm a.txt"')
    with ModelServer([sneaky, bash("touch new"), DONE]) as server:
        outcome = do(ralex, server)
    assert outcome.code == 0
    assert (project / "a.txt").exists()
    assert not (project / "new").exists()
    assert "forbidden by the rule bash(rm *)" in results(server)[0]
    assert "needs a screen" in outcome.stderr


def test_a_sub_agent_looks_and_its_cost_is_in_the_result(ralex: Ralex, project: Path) -> None:
    ask = Answer(calls=(("task", {"prompt": "what is the second word in a.txt?"}),))
    with ModelServer([ask, read("a.txt"), Answer(text="beta"), DONE]) as server:
        outcome = do(ralex, server)
        spent = json.loads(ralex("spend", "--by", "tag", "--format", "json").stdout)
    assert outcome.code == 0
    assert results(server) == ["beta"]
    assert outcome.result["steps"] == 2
    usage = outcome.result["usage"]
    assert isinstance(usage, dict)
    assert usage["input_tokens"] == 4_000
    assert "task" in json.dumps(spent)


def test_a_long_session_sends_hardly_anything_twice(ralex: Ralex, project: Path) -> None:
    """Twenty steps of ordinary size; each request is the one before and a little more."""
    (project / "AGENTS.md").write_text("- Keep the lines short and the names plain.\n" * 40)
    code = "".join(f"def part_{n}(text: str) -> str:\n    return text * {n}\n" for n in range(60))
    (project / "code.py").write_text(code)
    script: list[Answer] = []
    for n in range(5):
        part = {"path": "code.py", "offset": 1 + 20 * n, "limit": 20}
        change = {"path": "code.py", "old": f"text * {n}\n", "new": f"{n} * text\n"}
        script += [
            Answer(calls=(("read", part),)),
            Answer(text=f"Part {n} is next.", calls=(("edit", change),)),
            Answer(calls=(("grep", {"pattern": f"part_{n}", "path": "."}),)),
            bash(f"python3 -c 'import code' && echo checked part {n}; wc code.py"),
        ]
    with ModelServer([*script, DONE]) as server:
        assert do(ralex, server).code == 0
    assert len(server.requests) == 21
    assert breaks(server) == 0
    tools = {json.dumps(request["tools"]) for request in server.requests}
    assert len(tools) == 1
    sizes = [len(json.dumps(r["messages"])) + len(next(iter(tools))) for r in server.requests]
    share = sum(sizes[:-1]) / sum(sizes[1:])
    print(f"cached share {share:.3f}, requests of {sizes[0]:,} to {sizes[-1]:,} bytes")
    assert share >= 0.95


def on_screen(ralex: Ralex, server: ModelServer, prompt: str) -> PseudoTerminal:
    environment = ralex.environment({**key(server), "TERM": "xterm-256color"})
    return PseudoTerminal([RALEX, prompt], cwd=ralex.project, environment=environment)


def test_what_is_typed_meanwhile_reaches_the_model_after_the_running_command(
    ralex: Ralex, project: Path
) -> None:
    os.mkfifo(project / "gate")
    with (
        ModelServer([bash("cat gate"), DONE]) as server,
        on_screen(ralex, server, "do it") as terminal,
    ):
        terminal.wait_for("cat gate")
        terminal.send("use tabs\r")
        terminal.wait_for("queued")
        (project / "gate").write_text("opened\n")
        terminal.wait_for("Done.")
        told = server.messages(1)  # the newest request may already be the one for a title
        assert [m["role"] for m in told[-2:]] == ["tool", "user"]
        assert told[-1]["content"] == "use tabs"
        terminal.send("\x11")
        assert terminal.wait_for_end() == 0


def test_what_a_command_did_is_undone_and_done_again(ralex: Ralex, project: Path) -> None:
    (project / "b.txt").write_text("kept\n")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    command = "echo changed > a.txt; rm b.txt; mkdir new; echo made > new/c.txt"
    with (
        ModelServer([bash(command), DONE]) as server,
        on_screen(ralex, server, "do it") as terminal,
    ):
        terminal.wait_for("Done.")
        assert (project / "new" / "c.txt").exists()
        terminal.send("/undo\r")
        terminal.wait_for("Undone in 3 files")
        assert (project / "a.txt").read_text() == NUMBERS
        assert (project / "b.txt").read_text() == "kept\n"
        assert not (project / "new" / "c.txt").exists()
        terminal.send("/redo\r")
        terminal.wait_for("Redone in 3 files")
        assert (project / "a.txt").read_text() == "changed\n"
        assert not (project / "b.txt").exists()
        terminal.send("\x11")
        assert terminal.wait_for_end() == 0


def test_a_server_that_numbers_its_calls_anew_in_each_reply_is_answered_call_by_call(
    ralex: Ralex, project: Path
) -> None:
    same = Answer(calls=(("bash", {"command": "echo x >> log"}),))
    with ModelServer([same, same, DONE]) as server:
        assert do(ralex, server).code == 0
    made = [c["id"] for m in server.messages() for c in m.get("tool_calls") or ()]
    told = [m["tool_call_id"] for m in server.messages() if m["role"] == "tool"]
    assert told == made
    assert len(set(made)) == 2
    assert (project / "log").read_text() == "x\nx\n"
