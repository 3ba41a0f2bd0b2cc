import pytest

from ralex.arguments import split_command


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["route", "a b"], ("route", ["a b"])),
        (["--config", "f", "route", "a"], ("route", ["--config", "f", "a"])),
        (["--config=f", "--router", "r", "models"], ("models", ["--config=f", "--router", "r"])),
        (["--router", "route", "fix it"], None),
        (["fix the route"], None),
        (["--config"], None),
        (["--cwd", "d", "route"], None),
        ([], None),
    ],
)
def test_a_command_is_found_behind_the_options_it_shares(
    words: list[str], command: tuple[str, list[str]] | None
) -> None:
    assert split_command(words) == command
