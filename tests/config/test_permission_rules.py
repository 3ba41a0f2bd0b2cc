"""``[permissions]`` of the user's and of a project's file."""

import pytest

from ralex.core.permissions import Effect, Layer
from ralex.errors import ConfigError
from tests.config.conftest import Configure

KEY = {"OPENAI_API_KEY": "sk-env"}


def test_rules_are_read_with_their_place(configure: Configure) -> None:
    config = configure(
        '[permissions]\n"bash(git push *)" = "deny"\nedit = "ask"\n"read(~/x)" = "deny"\n',
        environ=KEY,
    )
    assert [(rule.name, rule.effect) for rule in config.permissions[:2]] == [
        ("bash(git push *)", Effect.DENY),
        ("edit", Effect.ASK),
    ]
    assert config.permissions[0].source.endswith("config.toml line 2")
    assert config.permissions[2].pattern.startswith("/")


def test_a_project_may_ask_and_deny_but_not_allow(configure: Configure) -> None:
    project = '[permissions]\nbash = "allow"\n"edit(x)" = "deny"\n"write" = "ask"\n'
    config = configure('[permissions]\n"bash(ls)" = "deny"\n', environ=KEY, project=project)
    assert [(rule.name, rule.layer) for rule in config.permissions] == [
        ("bash(ls)", Layer.USER),
        ("edit(x)", Layer.PROJECT),
        ("write", Layer.PROJECT),
    ]
    assert any("may only ask or deny" in warning for warning in config.warnings)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"bash(" = "deny"', "line 2: 'bash('"),
        ('"todo(x)" = "deny"', "have no pattern"),
        ('"shell" = "deny"', "there is no tool 'shell'; there are bash"),
        ('"Bash(rm *)" = "deny"', "there is no tool 'Bash'"),
        ('bash = "denied"', "did you mean 'deny'"),
        ("bash = true", "must be"),
    ],
)
def test_what_is_no_rule_names_file_line_and_key(
    configure: Configure, line: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml") as caught:
        configure(f"[permissions]\n{line}\n", environ=KEY)
    assert message in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.exit_code == 2
