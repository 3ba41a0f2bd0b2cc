"""``[log]``: what is written down for dashboards."""

from pathlib import Path

import pytest

from ralex.config.load import explain_config
from ralex.config.model import Logging
from ralex.errors import ConfigError


def write(folder: Path, text: str) -> dict[str, str]:
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(text)
    return {"RALEX_HOME": str(home)}


def test_the_event_log_is_on_and_spans_are_off_unless_the_file_says_otherwise(
    tmp_path: Path,
) -> None:
    environ = write(tmp_path, "[log]\nevents = false\notel = true\n")

    silent = explain_config(cwd=tmp_path, environ={"RALEX_HOME": "/none"}, require_key=False)
    said = explain_config(cwd=tmp_path, environ=environ, require_key=False)

    assert silent.config.log == Logging(events=True, otel=False)
    assert said.config.log == Logging(events=False, otel=True)
    assert said.origins["log.events"].endswith("line 2")


@pytest.mark.parametrize(
    "text", ["[log]\nevents = 'yes'\n", "[log]\nevnts = true\n"], ids=["type", "name"]
)
def test_a_wrong_switch_names_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"line 2.*ev"):
        explain_config(cwd=tmp_path, environ=write(tmp_path, text), require_key=False)


def test_a_projects_file_cannot_switch_it(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".ralex").mkdir(parents=True)
    (project / ".ralex" / "config.toml").write_text("[log]\nevents = false\n")

    config = explain_config(
        cwd=project, environ={"RALEX_HOME": str(tmp_path / "home")}, require_key=False
    ).config

    assert config.log.events
    assert any("log" in warning for warning in config.warnings)
