import argparse
import io
import tomllib
from pathlib import Path

import pytest

from ralex.commands import config
from ralex.config.load import load_config
from ralex.errors import ConfigError


def run(tmp_path: Path, *argv: str, **environ: str) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    config.add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    code = config.run(
        parser.parse_args(argv),
        cwd=tmp_path,
        environ={"RALEX_HOME": str(tmp_path / "home"), **environ},
        stdout=out,
        stderr=err,
    )
    return code, out.getvalue(), err.getvalue()


def test_path_prints_the_file_whether_it_exists_or_not(tmp_path: Path) -> None:
    assert run(tmp_path, "path") == (0, f"{tmp_path / 'home' / 'config.toml'}\n", "")


def test_init_writes_a_private_file_that_loads(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "init")
    path = tmp_path / "home" / "config.toml"
    assert code == 0
    assert str(path) in out
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    loaded = load_config(
        cwd=tmp_path, environ={"RALEX_HOME": str(tmp_path / "home"), "OPENAI_API_KEY": "k"}
    )
    assert loaded.budget.daily_usd == 5
    assert loaded.warnings == ()


def test_init_does_not_overwrite(tmp_path: Path) -> None:
    run(tmp_path, "init")
    path = tmp_path / "home" / "config.toml"
    path.write_text("# mine\n")
    with pytest.raises(ConfigError, match="exists and is left as it is"):
        run(tmp_path, "init")
    assert path.read_text() == "# mine\n"


def test_every_line_that_init_comments_out_is_valid(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ")
        for line in config.STARTER.splitlines()
        if "=" in line or line.removeprefix("# ").startswith("[")
    ]
    text = "\n".join(lines)
    tomllib.loads(text)
    (tmp_path / "all.toml").write_text(text.replace('router = "openrouter"', 'router = "mine"'))
    loaded = load_config(
        cwd=tmp_path,
        environ={"RALEX_HOME": str(tmp_path / "home"), "ACME_KEY": "k", "OPENAI_API_KEY": "k"},
        config_file=tmp_path / "all.toml",
    )
    assert loaded.router == "mine"
    assert loaded.routers["mine"].rules[0].pattern.search("fix the typo")


def test_show_tells_values_and_where_they_are_from(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('mode = "ask"\n[budget]\ndaily_usd = false\n')
    code, out, err = run(tmp_path, OPENAI_API_KEY="sk-secret", RALEX_MODEL="gpt-5.4")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert any(line.startswith("mode = ask") and line.endswith("line 1") for line in lines)
    assert any(line.startswith("budget.daily_usd = no limit") for line in lines)
    assert any(
        line.startswith("model = openai/gpt-5.4 ") and "RALEX_MODEL" in line for line in lines
    )
    assert any(line.startswith("theme = ralex-dark") and "built-in" in line for line in lines)
    assert "key set (OPENAI_API_KEY)" in out
    assert "sk-secret" not in out


def test_show_puts_warnings_on_stderr(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('[providers.openai]\napi_key = "env:NOPE"\n')
    _, out, err = run(tmp_path, "show")
    assert "NOPE is not set" in err
    assert "warning:" not in out


def test_show_works_without_any_key(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "show")
    assert code == 0
    assert "no key (OPENAI_API_KEY is not set)" in out
