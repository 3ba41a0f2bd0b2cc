"""``[keys]`` of a file: the user's own keys for what the screen can do."""

from collections.abc import Mapping, Sequence

from ralex.config.draft import Draft
from ralex.config.toml_text import TomlFile
from ralex.core.keys import KEY_ACTIONS, clashes, find_action, key_names, nearest_action, read_key


def apply_keys(draft: Draft, file: TomlFile, section: Mapping[str, Sequence[str]]) -> None:
    """Take over the keys of a file; a default key that the user gave away is lost to its action.

    Raises:
        ConfigError: For an action or a key that does not exist, or a key given to two actions.
    """
    for name, keys in section.items():
        if find_action(name) is None:
            near = nearest_action(name)
            meant = f"; did you mean '{near}'?" if near else ""
            known = ", ".join(action.name for action in KEY_ACTIONS)
            raise file.error(
                ("keys", name),
                f"unknown action {name!r} in [keys]{meant}",
                hint=f"the actions are {known}",
            )
        draft.keys[name] = tuple(_key(file, name, key) for key in keys)
        draft.origins[f"keys.{name}"] = file.place(("keys", name))
    for clash in clashes(draft.keys):
        shown = key_names([clash.key])
        if clash.is_chosen:
            at = clash.loser if clash.loser in section else clash.winner
            raise file.error(
                ("keys", at),
                f"{shown} in [keys] is given to both '{clash.winner}' and '{clash.loser}'",
                hint="one key can do one thing; give one of them another key",
            )
        if clash.winner in section:
            place = file.place(("keys", clash.winner))
            draft.warnings.append(
                f"{place}: {shown} was the only key of '{clash.loser}', which has none now; "
                f"give it one in [keys], or {clash.loser} = [] to say that this is meant"
            )


def _key(file: TomlFile, action: str, text: str) -> str:
    key = read_key(text)
    if key is None:
        raise file.error(
            ("keys", action),
            f"{text[:40]!r} in [keys] is not a key that '{action}' can have",
            hint='write it as "ctrl+x", "alt+enter", "shift+tab" or "f5"; '
            "a letter needs ctrl or alt, or it could not be typed",
        )
    return key
