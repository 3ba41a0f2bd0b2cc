"""``[web_fetch]``: what the model may fetch."""

from pathlib import Path

import pytest

from ralex.config.load import explain_config
from ralex.config.model import WebFetch
from ralex.errors import ConfigError
from tests.config.test_log_section import write


def test_private_addresses_are_closed_unless_the_users_file_opens_them(tmp_path: Path) -> None:
    environ = write(tmp_path, "[web_fetch]\nallow_private = true\n")
    silent = explain_config(cwd=tmp_path, environ={"RALEX_HOME": "/none"}, require_key=False)
    said = explain_config(cwd=tmp_path, environ=environ, require_key=False)
    assert silent.config.web_fetch == WebFetch(allow_private=False)
    assert said.config.web_fetch == WebFetch(allow_private=True)
    assert said.origins["web_fetch.allow_private"].endswith("line 2")


@pytest.mark.parametrize(
    "text",
    ["[web_fetch]\nallow_private = 'yes'\n", "[web_fetch]\nallow_privat = true\n"],
    ids=["type", "name"],
)
def test_a_wrong_switch_names_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"line 2.*allow_privat"):
        explain_config(cwd=tmp_path, environ=write(tmp_path, text), require_key=False)


def test_a_projects_file_cannot_open_them(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".ralex").mkdir(parents=True)
    (project / ".ralex" / "config.toml").write_text("[web_fetch]\nallow_private = true\n")
    config = explain_config(
        cwd=project, environ={"RALEX_HOME": str(tmp_path / "home")}, require_key=False
    ).config
    assert not config.web_fetch.allow_private
    assert any("web_fetch" in warning for warning in config.warnings)
