"""``ralex import litellm`` and ``--config`` with a LiteLLM file, as a user runs them."""

from pathlib import Path

import pytest

from ralex.commands import importing, models
from ralex.config.load import load_config
from ralex.errors import ConfigError
from tests.commands.command_line import call
from tests.conftest import SHARED
from tests.e2e.command import Ralex
from tests.e2e.model_server import Answer, ModelServer

TEXT = """\
model_list:
  - model_name: cheap
    litellm_params:
      model: openai/scripted
      api_base: {base}
      api_key: sk-a-real-secret
      cost_per_token: 0.000001
      temperature: 0.1
  - model_name: smart
    litellm_params:
      model: openai/scripted-big
      api_base: {base}
      api_key: sk-a-real-secret
      cost_per_token: 0.000009
  - model_name: brain
    litellm_params:
      model: auto_router/complexity_router
      complexity_router_config:
        tiers: {{SIMPLE: cheap, REASONING: smart}}
router_settings:
  fallbacks: [[cheap, smart]]
  num_retries: 0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "litellm.yaml"
    path.write_text(TEXT.format(base="https://llm.example.com/v1"))
    path.chmod(0o600)
    return path


def test_prices_of_an_imported_file_are_shown_as_people_write_them(
    tmp_path: Path, file: Path
) -> None:
    output = call(models, tmp_path, "--config", str(file))
    rows = {line.split()[0]: line.split() for line in output.out.splitlines() if line}
    assert rows["openai-compatible/scripted"][2:4] == ["1", "1"]
    assert rows["openai-compatible/scripted-big"][2:4] == ["9", "9"]


def test_the_conversion_goes_to_stdout_and_the_report_to_stderr(tmp_path: Path, file: Path) -> None:
    output = call(importing, tmp_path, "litellm", str(file))
    assert output.code == 0
    (tmp_path / "out.toml").write_text(output.out)
    config = load_config(
        cwd=tmp_path,
        environ={"RALEX_HOME": str(tmp_path / "home"), "OPENAI_COMPATIBLE_API_KEY": "k"},
        config_file=tmp_path / "out.toml",
    )
    assert config.router == "brain"
    assert config.retries.count == 0
    assert f"{file} line 8: model_list[0].litellm_params.temperature" in output.err
    assert output.err.splitlines()[-1].endswith(" to look at")


def test_a_secret_is_replaced_by_a_variable_that_is_named(tmp_path: Path, file: Path) -> None:
    output = call(importing, tmp_path, "litellm", str(file))
    assert "sk-a-real-secret" not in output.out + output.err
    assert 'api_key = "env:OPENAI_COMPATIBLE_API_KEY"' in output.out
    assert "set OPENAI_COMPATIBLE_API_KEY to it" in output.err


def test_report_lists_and_writes_nothing(tmp_path: Path, file: Path) -> None:
    output = call(importing, tmp_path, "litellm", str(file), "--report")
    assert (output.code, output.err) == (0, "")
    lines = output.out.splitlines()
    assert all(line.startswith(str(file)) for line in lines[:-1])
    assert lines[-1] == f"{len(lines) - 1} to look at"
    assert "[routers" not in output.out


def test_a_file_without_anything_odd_has_nothing_to_report(tmp_path: Path) -> None:
    path = tmp_path / "plain.yaml"
    path.write_text("model_list:\n  - model_name: a\n    litellm_params: {model: openai/gpt-5.4}\n")
    output = call(importing, tmp_path, "litellm", str(path), "--report")
    assert output.out == "everything has a counterpart\n"


def test_output_writes_a_private_file_and_never_over_one(tmp_path: Path, file: Path) -> None:
    target = tmp_path / "config.toml"
    output = call(importing, tmp_path, "litellm", str(file), "-o", str(target))
    assert output.out.startswith(f"wrote {target}\n")
    assert target.stat().st_mode & 0o777 == 0o600
    target.write_text("# mine\n")
    with pytest.raises(ConfigError, match="exists and is left as it is"):
        call(importing, tmp_path, "litellm", str(file), "-o", str(target))
    assert target.read_text() == "# mine\n"
    with pytest.raises(ConfigError, match="cannot be written"):
        call(importing, tmp_path, "litellm", str(file), "-o", str(tmp_path / "no" / "x.toml"))


def test_a_file_that_makes_no_sense_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("model_list: [1, 2\n")
    with pytest.raises(ConfigError, match=r"bad.yaml line 2, column 1"):
        call(importing, tmp_path, "litellm", str(path), "-o", str(tmp_path / "out.toml"))
    assert not (tmp_path / "out.toml").exists()


def test_models_lists_the_names_of_the_file(tmp_path: Path, file: Path) -> None:
    output = call(models, tmp_path, "--json", "--config", str(file))
    assert '"cheap"' in output.out


@pytest.fixture
def ralex(tmp_path: Path) -> Ralex:
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    project.mkdir()
    return Ralex(home, project)


def test_a_prompt_runs_with_the_file_as_it_is_and_with_its_conversion(
    ralex: Ralex, file: Path
) -> None:
    with ModelServer([Answer(text="one"), Answer(text="two"), Answer(text="three")]) as server:
        file.write_text(TEXT.format(base=server.url))
        by_router = ralex("-p", "hello", "--config", str(file), "--output", "json")
        by_name = ralex(
            "-p", "hello", "--config", str(file), "--model", "smart", "--output", "json"
        )
        as_model = ralex(
            "-p", "hello", "--config", str(file), "--model", "brain", "--output", "json"
        )
    assert [one.code for one in (by_router, by_name, as_model)] == [0, 0, 0], by_router.stderr
    assert by_router.result["model"] == "openai-compatible/scripted"
    assert by_name.result["model"] == "openai-compatible/scripted-big"
    assert as_model.result["model"] == "openai-compatible/scripted"
    assert server.headers[0]["authorization"] == "Bearer sk-a-real-secret"


def test_retries_and_fallbacks_of_the_file_are_the_ones_in_force(ralex: Ralex, file: Path) -> None:
    # Without a retry the second request is the fallback's; ralex's own would ask the first again.
    with ModelServer([Answer(status=503, body="busy"), Answer(text="done")]) as server:
        file.write_text(TEXT.format(base=server.url))
        outcome = ralex("-p", "hello", "--config", str(file), "--output", "json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.result["model"] == "openai-compatible/scripted-big"
    assert len(server.headers) == 2


def test_the_command_line_knows_import(ralex: Ralex, file: Path) -> None:
    done = ralex("import", "litellm", str(file))
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("# Converted from litellm.yaml")
    wrong = ralex("import", "litellm", "nowhere.yaml")
    assert (wrong.code, wrong.stdout) == (2, "")
    assert "nowhere.yaml cannot be read" in wrong.stderr
    assert "import" in ralex("--help").stdout
    routed = ralex("--config", str(file), "route", "hello")
    assert routed.code == 0, routed.stderr
    assert routed.stdout == ralex("route", "--config", str(file), "hello").stdout


@pytest.mark.skipif(
    not (SHARED / "examples").is_dir(), reason=f"the examples are not in {SHARED / 'examples'}"
)
@pytest.mark.parametrize(
    "name", ["litellm_config.yaml", "litellm_openrouter.yaml", "smart-routing.yaml"]
)
def test_the_examples_convert(tmp_path: Path, name: str) -> None:
    output = call(importing, tmp_path, "litellm", str(SHARED / "examples" / name))
    assert output.code == 0
    assert "[routers." in output.out
    assert f"{name} line " in output.err
