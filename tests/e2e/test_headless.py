"""``ralex --prompt`` end to end: real process, real server, real files, documented exit codes."""

import json
import signal
import sqlite3
import time
from decimal import Decimal

import pytest

from tests.e2e.command import PRICED, Ralex
from tests.e2e.model_server import Answer, ModelServer

KEY = "sk-secret-0123456789"


def test_no_key_ends_with_the_code_for_keys_and_names_the_variables(ralex: Ralex) -> None:
    outcome = ralex("--prompt", "hi")
    assert outcome.code == 4
    assert outcome.stdout == ""
    assert "OPENROUTER_API_KEY" in outcome.stderr
    assert "ralex demo" in outcome.stderr


def test_a_prompt_is_answered_and_paid_for(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Four.")]) as server:
        outcome = ralex(
            "-p", "2+2?", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    assert outcome.code == 0, outcome.stderr
    result = outcome.result
    assert list(result) == [
        "type", "session_id", "text", "stop_reason", "model", "tier", "route", "steps", "usage",
        "cost_usd", "saved_usd", "budget", "files_changed", "structured", "error",
    ]  # fmt: skip
    assert str(result["text"]).strip() == "Four."
    assert (result["model"], result["tier"], result["steps"]) == ("openai/scripted", "SIMPLE", 1)
    assert result["cost_usd"] == "0.0012"
    assert result["error"] is None
    budget = result["budget"]
    assert isinstance(budget, dict)
    assert budget == {
        "limit_usd": "5", "spent_usd": "0.0012", "held_usd": "0", "left_usd": "4.9988"
    }  # fmt: skip
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_text_output_is_the_answer_alone(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Four.")]) as server:
        outcome = ralex("-p", "2+2?", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    assert (outcome.code, outcome.stdout.strip()) == (0, "Four.")
    assert "SIMPLE → openai/scripted" in outcome.stderr


def test_stream_json_is_events_and_ends_with_the_result(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    answers = [Answer(calls=(("ls", {"path": "."}),)), Answer(text="Empty.")]
    with ModelServer(answers) as server:
        outcome = ralex(
            "-p", "look", "--output", "stream-json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    lines = [json.loads(line) for line in outcome.stdout.splitlines()]
    kinds = [line["type"] for line in lines]
    assert kinds[0] == "turn_started"
    assert kinds[-2:] == ["turn_finished", "result"]
    assert kinds.index("route_decided") < kinds.index("step_started")
    assert kinds.index("tool_call_started") < kinds.index("tool_call_finished")


def test_tools_really_change_files(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    (ralex.project / "a.txt").write_text("one\n")
    answers = [
        Answer(calls=(("read", {"path": "a.txt"}),)),
        Answer(calls=(("edit", {"path": "a.txt", "old": "one", "new": "two"}),)),
        Answer(calls=(("bash", {"command": "cat a.txt"}),)),
        Answer(text="Done."),
    ]
    with ModelServer(answers) as server:
        outcome = ralex(
            "-p", "change it", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    assert outcome.code == 0, outcome.stderr
    assert (ralex.project / "a.txt").read_text() == "two\n"
    assert outcome.result["files_changed"] == ["a.txt"]
    tool_texts = [m["content"] for m in server.messages(-1) if m["role"] == "tool"]
    assert "two" in tool_texts[-1]


def test_each_request_extends_the_one_before_byte_for_byte(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    answers = [Answer(calls=(("ls", {"path": "."}),)), Answer(text="Empty.")]
    with ModelServer(answers) as server:
        ralex("-p", "look", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
        ralex("-c", "-p", "again", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    assert len(server.requests) == 3
    for place in (0, 1):
        before, after = server.messages(place), server.messages(place + 1)
        assert json.dumps(after[: len(before)]) == json.dumps(before)
        assert server.requests[place]["tools"] == server.requests[place + 1]["tools"]


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        pytest.param(Answer(status=401, body='{"error":{"message":"no"}}'), 4, "key", id="401"),
        pytest.param(Answer(status=402, body='{"error":{"message":"pay"}}'), 4, "credit", id="402"),
        pytest.param(Answer(status=404, body='{"error":{"message":"?"}}'), 4, "model", id="404"),
        pytest.param(
            Answer(status=429, body="{}", headers=(("retry-after", "3600"),)), 4, "", id="429"
        ),
        pytest.param(Answer(text="this is cut", cut_after=40), 4, "", id="cut"),
        pytest.param(Answer(status=200, body="<html>"), 4, "", id="not-json"),
    ],
)
def test_provider_failures_are_one_clear_line_and_exit_code_4(
    ralex: Ralex, answer: Answer, code: int, says: str
) -> None:
    ralex.configure(PRICED)
    with ModelServer([answer]) as server:
        outcome = ralex(
            "-p", "hi", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    assert outcome.code == code, outcome.stderr
    errors = [line for line in outcome.stderr.splitlines() if line.startswith("ralex: error:")]
    assert len(errors) == 1
    assert says in outcome.stderr.lower()
    assert "ralex: hint:" in outcome.stderr
    assert KEY not in outcome.stderr + outcome.stdout
    assert "Traceback" not in outcome.stderr
    assert outcome.result["error"] is not None


def test_a_server_that_fails_twice_is_asked_again(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    broken = Answer(status=500, body='{"error":{"message":"oops"}}')
    with ModelServer([broken, broken, Answer(text="Here.")]) as server:
        outcome = ralex("-p", "hi", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    assert (outcome.code, outcome.stdout.strip()) == (0, "Here.")
    assert len(server.requests) == 3


def test_an_unreachable_server_is_named(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    outcome = ralex("-p", "hi", OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY=KEY)
    assert outcome.code == 4
    assert "127.0.0.1:9" in outcome.stderr


def test_an_unknown_price_under_a_budget_is_refused_with_advice(ralex: Ralex) -> None:
    with ModelServer([Answer(text="never")]) as server:
        outcome = ralex(
            "-p", "hi", "--model", "openai/unheard-of",
            OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY,
        )  # fmt: skip
    assert outcome.code == 3
    assert '[models."openai/unheard-of"]' in outcome.stderr
    assert server.requests == []


def test_a_call_that_may_pass_the_limit_is_never_sent(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="never")]) as server:
        outcome = ralex(
            "-p", "hi", "--output", "json",
            OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY, RALEX_DAILY_USD="0.0001",
        )  # fmt: skip
    assert outcome.code == 3
    assert server.requests == []
    assert outcome.result["stop_reason"] == "budget_exceeded"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        pytest.param(("-p", ""), "empty", id="empty"),
        pytest.param(("-p", "  \n"), "empty", id="blank"),
        pytest.param(("-p", "hi", "--cwd", "/nowhere/at/all"), "not a directory", id="cwd"),
        pytest.param(("-p", "hi", "--tier", "HUGE"), "no tier", id="tier"),
        pytest.param(("-p", "hi", "--frobnicate"), "--frobnicate", id="flag"),
        pytest.param(("-p", "hi", "--model", "nobody/nothing"), "nobody", id="model"),
        pytest.param(("-p", "hi", "-c"), "no session", id="continue"),
        pytest.param(("-p", "hi", "-r", "zzzz"), "zzzz", id="resume"),
        pytest.param((), "--prompt", id="no-terminal"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_a_reason(
    ralex: Ralex, args: tuple[str, ...], says: str
) -> None:
    ralex.configure(PRICED)
    outcome = ralex(*args, OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY=KEY)
    assert outcome.code == 2, outcome.stderr
    assert says in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_malformed_configuration_names_file_and_line(ralex: Ralex) -> None:
    ralex.configure('router = "test"\n[budget\n')
    outcome = ralex("-p", "hi", OPENAI_API_KEY=KEY)
    assert outcome.code == 2
    assert "config.toml" in outcome.stderr
    assert "line 2" in outcome.stderr


def test_a_conversation_goes_on_where_it_ended(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="I am Ralex."), Answer(text="As I said.")]) as server:
        first = ralex(
            "-p", "who?", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
        second = ralex(
            "-c", "-p", "who?", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    assert first.result["session_id"] == second.result["session_id"]
    roles = [message["role"] for message in server.messages(1)]
    assert roles == ["system", "user", "assistant", "user"]


def test_complexity_and_capacity_are_stored_apart(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Hi.")]) as server:
        ralex("-p", "Hello, can you help me?", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    with sqlite3.connect(ralex.home / "ralex" / "sessions.db") as database:
        tier = database.execute("SELECT tier FROM complexity_decision").fetchone()[0]
        action = database.execute("SELECT action FROM capacity_decision").fetchone()[0]
        model = database.execute("SELECT model FROM route_decision").fetchone()[0]
    database.close()
    assert (tier, action, model) == ("SIMPLE", "fits", "openai/scripted")


def test_piped_input_is_appended_as_context(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="Seen.")]) as server:
        ralex("-p", "explain", stdin="boom at line 3", OPENAI_BASE_URL=server.url,
              OPENAI_API_KEY=KEY)  # fmt: skip
    assert "boom at line 3" in str(server.requests[0]["messages"])


def test_ctrl_c_ends_the_turn_cleanly_and_keeps_the_money_held(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    with ModelServer([Answer(text="hm", cut_after=0, stalls=True)]) as server:
        process = ralex.popen(
            "-p", "hi", "--output", "json", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
        deadline = time.monotonic() + 60
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    result = json.loads(stdout.splitlines()[-1])
    assert result["error"]["code"] == "interrupted"
    budget = ralex("spend", "--format", "json")
    assert budget.code == 0, budget.stderr
    with sqlite3.connect(ralex.home / "ralex" / "ledger.db") as database:
        states = [row[0] for row in database.execute("SELECT state FROM reservation")]
    database.close()
    assert states == ["sent"], "the provider may bill what it had begun"


def test_the_keys_never_reach_a_tool(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    answers = [Answer(calls=(("bash", {"command": "env"}),)), Answer(text="Done.")]
    with ModelServer(answers) as server:
        ralex("-p", "env", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)
    assert "PATH=" in str(server.requests[1]["messages"])
    assert KEY not in json.dumps(server.requests[1]["messages"])


def test_a_limit_for_one_turn_stops_it(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    answers = [Answer(calls=(("bash", {"command": f"echo {n}"}),)) for n in range(40)]
    with ModelServer(answers) as server:
        outcome = ralex(
            "-p", "go", "--max-cost", "0.02", "--output", "json",
            OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY,
        )  # fmt: skip
    assert outcome.code == 3, outcome.stderr
    assert Decimal(str(outcome.result["cost_usd"])) <= Decimal("0.02")
    assert 1 <= len(server.requests) < 40


def test_the_step_limit_is_exit_code_5(ralex: Ralex) -> None:
    ralex.configure(PRICED)
    answers = [Answer(calls=(("bash", {"command": f"echo {n}"}),)) for n in range(9)]
    with ModelServer(answers) as server:
        outcome = ralex(
            "-p", "go", "--max-steps", "3", OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY
        )
    assert outcome.code == 5
    assert len(server.requests) == 3
