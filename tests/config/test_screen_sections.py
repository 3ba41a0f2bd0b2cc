"""``[keys]`` and ``[notify]``: the user's own keys, and how the screen calls."""

from pathlib import Path

import pytest

from ralex.config.load import explain_config
from ralex.config.model import Config, Notify
from ralex.errors import ConfigError


def load(folder: Path, text: str) -> Config:
    home = folder / "home"
    home.mkdir()
    (home / "config.toml").write_text(text)
    return explain_config(cwd=folder, environ={"RALEX_HOME": str(home)}, require_key=False).config


def test_keys_are_one_or_many_and_nothing_is_chosen_without_them(tmp_path: Path) -> None:
    config = load(
        tmp_path, '[keys]\nbudget = "F5"\nnewline = ["alt+enter", "ctrl+j"]\nsuspend = []\n'
    )
    assert config.keys == {"budget": ("f5",), "newline": ("alt+enter", "ctrl+j"), "suspend": ()}
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('budgte = "f5"', r"line 2.*unknown action 'budgte'.*did you mean 'budget'"),
        ('budget = "x"', r"line 2.*'x'.*not a key"),
        ('budget = "ctrl+shift+nothing"', "line 2.*not a key"),
        ("budget = 5", "line 2.*budget"),
    ],
    ids=["action", "letter", "key", "type"],
)
def test_what_is_no_action_or_no_key_names_file_and_line(
    tmp_path: Path, line: str, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        load(tmp_path, f"[keys]\n{line}\n")
    assert caught.value.exit_code == 2
    assert "config.toml" in caught.value.message


def test_one_key_for_two_actions_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 3.*Ctrl\+B.*'help' and 'budget'"):
        load(tmp_path, '[keys]\nhelp = "ctrl+b"\nbudget = "ctrl+b"\n')


def test_an_action_left_without_a_key_is_warned_about(tmp_path: Path) -> None:
    config = load(tmp_path, '[keys]\nhelp = "ctrl+f"\n')
    assert len(config.warnings) == 1
    assert "config.toml line 2: Ctrl+F was the only key of 'search'" in config.warnings[0]


def test_how_to_be_called_is_taken_as_written(tmp_path: Path) -> None:
    config = load(tmp_path, '[notify]\nby = "osc9"\nafter_s = 5\nfocused = true\n')
    assert config.notify == Notify(by="osc9", after_s=5, focused=True)


@pytest.mark.parametrize("line", ['by = "mail"', "after_s = -1", "focussed = true"])
def test_a_wrong_way_to_be_called_names_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="line 2"):
        load(tmp_path, f"[notify]\n{line}\n")
