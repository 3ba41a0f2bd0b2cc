"""``--json-schema`` end to end: an answer that programs can rely on, or a clear failure."""

import json
from pathlib import Path

import pytest

from tests.e2e.command import PRICED, Outcome, Ralex
from tests.e2e.model_server import Answer, ModelServer

KEY = "sk-secret-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"files": {"type": "array", "items": {"type": "string"}}},
    "required": ["files"],
    "additionalProperties": False,
}
GOOD = '{"files": ["a.py"]}'


@pytest.fixture
def schema(ralex: Ralex) -> Path:
    path = ralex.project / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    return path


def ask(ralex: Ralex, server: ModelServer, *args: str, supports: bool = False) -> Outcome:
    able = "response_schema = true\n" if supports else ""
    ralex.configure(PRICED.replace("context_window", f"{able}context_window"))
    return ralex("-p", "which?", *args, OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY)


@pytest.mark.usefixtures("schema")
def test_the_answer_is_json_on_stdout_and_the_model_was_told_the_schema(ralex: Ralex) -> None:
    with ModelServer([Answer(text=f"```json\n{GOOD}\n```")]) as server:
        done = ask(ralex, server, "--json-schema", "schema.json")
    assert (done.code, json.loads(done.stdout)) == (0, {"files": ["a.py"]}), done.stderr
    assert "additionalProperties" in str(server.messages(0))
    assert "response_format" not in server.requests[0]
    assert "SIMPLE" in done.stderr  # the schema does not make an easy ask a hard one


@pytest.mark.usefixtures("schema")
def test_a_provider_that_can_hold_a_model_to_a_schema_is_asked_to(ralex: Ralex) -> None:
    with ModelServer([Answer(text=GOOD)]) as server:
        done = ask(ralex, server, "--json-schema", "schema.json", "--output", "json", supports=True)
    assert done.result["structured"] == {"files": ["a.py"]}
    assert done.result["text"] is not None
    form = server.requests[0]["response_format"]
    assert isinstance(form, dict)
    assert form["json_schema"]["schema"] == SCHEMA


@pytest.mark.usefixtures("schema")
def test_a_wrong_answer_is_asked_for_once_more_and_both_are_paid(ralex: Ralex) -> None:
    with ModelServer([Answer(text='{"files": 3}'), Answer(text=GOOD)]) as server:
        done = ask(ralex, server, "--json-schema", "schema.json", "--output", "json")
    assert done.code == 0, done.stderr
    result = done.result_of_all()
    assert result["structured"] == {"files": ["a.py"]}
    assert (result["steps"], result["cost_usd"]) == (2, "0.0024")
    assert "$.files: 3 is not of type" in str(server.messages(1)[-1]["content"])


@pytest.mark.usefixtures("schema")
@pytest.mark.parametrize("output", ["text", "json", "stream-json"])
def test_an_answer_that_stays_wrong_is_a_failure_with_the_reason(ralex: Ralex, output: str) -> None:
    with ModelServer([Answer(text="No idea.")]) as server:
        done = ask(ralex, server, "--json-schema", "schema.json", "--output", output)
    assert done.code == 1
    assert len(server.requests) == 2
    assert "it is not JSON" in done.stderr
    if output == "text":
        assert done.stdout == ""
        return
    result = done.result
    error = result["error"]
    assert isinstance(error, dict)
    assert error["code"] == result["stop_reason"] == "structured_answer_invalid"
    assert result["structured"] is None
    assert str(result["text"]).strip() == "No idea."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"), ("{", "is not JSON"), ("[]", "no JSON Schema"),
        ('{"type": "objekt"}', "no JSON Schema"), ("[" * 100_000, "is not JSON"),
    ],
)  # fmt: skip
def test_a_schema_that_is_none_is_refused_before_anything_is_paid(
    ralex: Ralex, content: str | None, says: str
) -> None:
    if content is not None:
        (ralex.project / "schema.json").write_text(content)
    with ModelServer([Answer(text=GOOD)]) as server:
        done = ask(ralex, server, "--json-schema", "schema.json")
    assert done.code == 2
    assert says in done.stderr
    assert server.requests == []


def test_a_schema_without_a_prompt_is_wrong_usage(ralex: Ralex, schema: Path) -> None:
    done = ralex("--json-schema", str(schema))
    assert done.code == 2
    assert "belongs to --prompt" in done.stderr


def test_folders_that_were_added_can_be_changed_and_no_others(ralex: Ralex, tmp_path: Path) -> None:
    ralex.configure(PRICED)
    one, two, other = (tmp_path / name for name in ("one", "two", "other"))
    for folder in (one, two, other):
        folder.mkdir()
    calls = [
        Answer(calls=(("write", {"path": str(folder / "x.txt"), "content": "x\n"}),))
        for folder in (one, two, other)
    ]
    with ModelServer([*calls, Answer(text="Done.")]) as server:
        done = ralex(
            "-p", "go", "--add-dir", str(one), "--add-dir", "../two",
            OPENAI_BASE_URL=server.url, OPENAI_API_KEY=KEY,
        )  # fmt: skip
    assert done.code == 0, done.stderr
    assert (one / "x.txt").exists()
    assert (two / "x.txt").exists()
    assert not (other / "x.txt").exists()
    assert f"Additional directory: {one}" in str(server.messages(0))


def test_a_folder_that_is_not_there_cannot_be_added(ralex: Ralex) -> None:
    done = ralex("-p", "go", "--add-dir", "nowhere")
    assert done.code == 2
    assert "--add-dir" in done.stderr
