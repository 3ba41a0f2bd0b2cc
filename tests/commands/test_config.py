import argparse
import io
import tomllib
from pathlib import Path

import pytest

from ralex.commands import config
from ralex.config.load import load_config
from ralex.errors import ConfigError, UsageError


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


def test_set_writes_one_value_and_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "home" / "config.toml"
    path.parent.mkdir()
    path.write_text("# mine\nmode = 'ask'  # careful\n\n# money\n[budget] # here\nalert_usd = 1\n")
    assert run(tmp_path, "set", "budget.daily_usd", "2.50")[0] == 0
    assert run(tmp_path, "set", "mode", "plan")[0] == 0
    assert run(tmp_path, "set", "max_steps", "7")[0] == 0
    assert path.read_text() == (
        '# mine\nmode = "plan"  # careful\nmax_steps = 7\n\n'
        "# money\n[budget] # here\ndaily_usd = 2.50\nalert_usd = 1\n"
    )


def test_set_makes_the_file_and_its_tables(tmp_path: Path) -> None:
    run(tmp_path, "set", "providers.acme.base_url", "http://127.0.0.1:1/v1")
    run(tmp_path, "set", "providers.acme.api_key", "env:ACME")
    run(tmp_path, "set", 'models."acme/fast".context_window', "1000")
    run(tmp_path, "set", 'models."acme/fast".price', "{ input = 1, output = 2 }")
    path = tmp_path / "home" / "config.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(path.read_text()) == {
        "providers": {"acme": {"base_url": "http://127.0.0.1:1/v1", "api_key": "env:ACME"}},
        "models": {"acme/fast": {"context_window": 1000, "price": {"input": 1, "output": 2}}},
    }


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("budget.dayly_usd", "5", "did you mean 'daily_usd'"),
        ("budget.daily_usd", "much", "daily_usd"),
        ("router", "nope", "nope"),
        ("mode", "yolow", "mode"),
        ("model", "nobody/nothing", "nobody/nothing"),
        ('models."acme/fast".tools', "true", "acme"),
    ],
)
def test_set_refuses_what_would_not_load_and_writes_nothing(
    tmp_path: Path, key: str, value: str, says: str
) -> None:
    path = tmp_path / "home" / "config.toml"
    path.parent.mkdir()
    path.write_text("# mine\n")
    with pytest.raises(ConfigError) as caught:
        run(tmp_path, "set", key, value)
    assert says in caught.value.message + caught.value.hint
    assert "/tmp" not in caught.value.message.replace(str(tmp_path), "")
    assert path.read_text() == "# mine\n"


@pytest.mark.parametrize("argv", [("set",), ("set", "mode"), ("set", "a b", "1"), ("path", "x")])
def test_set_says_how_it_is_used(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(tmp_path, *argv)


def test_set_does_not_repeat_a_key_that_it_was_given(tmp_path: Path) -> None:
    run(tmp_path, "set", "providers.acme.base_url", "http://127.0.0.1:1/v1")
    _, out, err = run(tmp_path, "set", "providers.acme.api_key", "sk-very-secret-key")
    assert "secret" not in out + err
    assert "secret" not in run(tmp_path, "show")[1]
