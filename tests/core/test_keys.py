"""Keys of the screen: what is one, what each does, and what a user's own keys take away."""

import pytest

from ralex.core.keys import KEY_ACTIONS, clashes, effective_keys, key_names, read_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ctrl+x", "ctrl+x"),
        ("Ctrl+X", "ctrl+x"),
        ("shift+ctrl+up", "ctrl+shift+up"),
        ("esc", "escape"),
        ("control+PgUp", "ctrl+pageup"),
        ("F12", "f12"),
        ("ctrl+_", "ctrl+underscore"),
        ("alt+/", "alt+slash"),
        ("shift+tab", "shift+tab"),
        ("a", None),
        ("shift+a", None),
        ("space", None),
        ("/", None),
        ("shift+/", None),
        ("f25", None),
        ("ctrl+", None),
        ("hyperspace+x", None),
        ("", None),
    ],
)
def test_a_key_is_read_as_people_write_it_and_one_that_writes_is_refused(
    text: str, key: str | None
) -> None:
    assert read_key(text) == key


def test_no_two_actions_share_a_default_key_and_every_default_is_a_key() -> None:
    keys = [key for action in KEY_ACTIONS for key in action.keys]
    assert len(keys) == len(set(keys))
    assert [read_key(key) for key in keys] == keys


def test_a_key_of_the_users_is_taken_away_from_the_action_that_had_it() -> None:
    keys = effective_keys({"help": ["ctrl+f", "f5"]})
    assert keys["help"] == ("ctrl+f", "f5")
    assert keys["search"] == ()
    assert keys["message_before"] == ("ctrl+up", "alt+up")


def test_a_clash_is_found_unless_another_key_is_left() -> None:
    assert [(clash.loser, clash.is_chosen) for clash in clashes({"help": ["ctrl+f"]})] == [
        ("search", False)
    ]
    assert clashes({"help": ["ctrl+up"]}) == []
    assert clashes({"help": ["ctrl+f"], "search": []}) == []
    both = clashes({"help": ["f5"], "budget": ["f5"]})
    assert [(clash.winner, clash.loser, clash.is_chosen) for clash in both] == [
        ("help", "budget", True)
    ]


def test_keys_are_written_as_people_do() -> None:
    assert key_names(["ctrl+q", "shift+tab", "escape"]) == "Ctrl+Q, Shift+Tab, Esc"
    assert key_names(["ctrl+underscore", "pageup"]) == "Ctrl+_, PageUp"
