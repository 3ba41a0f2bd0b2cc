"""Editing a value leaves every other byte of the file as it was."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.commands.config import STARTER
from ralex.config import toml_edit
from ralex.config.toml_edit import edit, set_values
from ralex.errors import ConfigError


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[budget]\ndaily_usd = 5\n"),
        ("# mine\n", "# mine\n\n[budget]\ndaily_usd = 5\n"),
        ("a = 1", "a = 1\n\n[budget]\ndaily_usd = 5\n"),
        ("[budget]\ndaily_usd=3.5 # why\n", "[budget]\ndaily_usd=5 # why\n"),
        ("[budget]\ndaily_usd = false", "[budget]\ndaily_usd = 5"),
        ("budget.daily_usd = 2\n", "budget.daily_usd = 5\n"),
        ("[ budget ] # x\nalert_usd = 1\n", "[ budget ] # x\ndaily_usd = 5\nalert_usd = 1\n"),
        ("[budget]\r\nalert_usd = 1\r\n", "[budget]\r\ndaily_usd = 5\r\nalert_usd = 1\r\n"),
        ("\ufeff[budget]\ndaily_usd = 1\n", "\ufeff[budget]\ndaily_usd = 5\n"),
        ("[budget]\n# daily_usd = 1\n", "[budget]\ndaily_usd = 5\n# daily_usd = 1\n"),
        ('["budget"]\n"daily_usd" = 1\n', '["budget"]\n"daily_usd" = 5\n'),
    ],
)
def test_a_value_is_set_where_it_belongs(before: str, after: str) -> None:
    assert edit(before, "budget", {"daily_usd": "5"}) == after


def test_the_file_that_init_writes_can_be_edited() -> None:
    after = edit(STARTER, "budget", {"daily_usd": "7.5", "session_usd": "false"})

    changed = [line for line in after.splitlines() if line not in STARTER.splitlines()]
    assert len(changed) == 2
    assert tomllib.loads(after)["budget"] == {
        "daily_usd": 7.5,
        "alert_usd": 4.0,
        "session_usd": False,
    }


@pytest.mark.parametrize(
    "text",
    [
        "budget = { daily_usd = 1 }\n",
        "budget = { alert_usd = 1 }\n",
        'note = """\n[budget]\n"""\n',
        "budget.alert_usd = 1\n[other]\n",
    ],
)
def test_an_unusual_layout_is_edited_rightly_or_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    wanted = tomllib.loads(text)
    wanted.setdefault("budget", {})["daily_usd"] = 5

    hint = ""
    try:
        set_values(path, "budget", {"daily_usd": "5"})
    except ConfigError as error:
        hint = error.hint

    if hint:
        assert path.read_text() == text
        assert "daily_usd = 5" in hint
    else:
        assert tomllib.loads(path.read_text()) == wanted


@given(
    lines=st.lists(
        st.sampled_from(
            [
                "[budget]",
                "[other]",
                "[[list]]",
                "daily_usd = 1",
                "alert_usd = 2 # x",
                "budget.daily_usd = 1",
                'x = "[budget]"',
                "y = '''",
                "'''",
                "",
                "# [budget]",
            ]
        ),
        max_size=7,
    )
)
def test_whatever_is_edited_says_what_it_said_before(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    try:
        after = edit(text, "budget", {"daily_usd": "5"})
    except toml_edit._UnusualLayoutError:
        return
    before.setdefault("budget", {})["daily_usd"] = 5
    assert tomllib.loads(after) == before


def test_a_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("[budget]\ndaily_usd = 1\n")
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to(real)

    set_values(link, "budget", {"daily_usd": "5"})

    assert link.is_symlink()
    assert real.read_text() == "[budget]\ndaily_usd = 5\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "dotfiles.toml"]


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "config.toml"

    set_values(path, "budget", {"daily_usd": "5"})

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"= broken", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)

    with pytest.raises(ConfigError, match="not valid TOML"):
        set_values(path, "budget", {"daily_usd": "5"})
    assert path.read_bytes() == content
