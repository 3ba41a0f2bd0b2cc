"""The list of what keys do, as Textual's bindings."""

from collections.abc import Iterable, Mapping
from typing import Final

from textual.binding import Binding

from ralex.core.keys import KEY_ACTIONS, effective_keys, key_names

NO_KEY: Final = "<none>"
"""Never typed: what the keymap needs for an action that the user left without a key."""

_ACTIONS: Final = {
    "page_up": "page(-1)",
    "page_down": "page(1)",
    "message_before": "jump(-1)",
    "message_after": "jump(1)",
}


def screen_bindings() -> list[Binding]:
    """Bind what happens on the whole screen to its default keys; the keymap changes them."""
    return [
        Binding(
            ",".join(action.keys),
            _ACTIONS.get(action.name, action.name),
            action.help,
            show=False,
            priority=action.everywhere,
            id=action.name,
        )
        for action in KEY_ACTIONS
        if not action.in_prompt
    ]


def screen_keymap(chosen: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Give the keys of everything bound on the screen; nothing if the user chose none."""
    if not chosen:
        return {}
    keys = effective_keys(chosen)
    return {
        action.name: ",".join(keys[action.name]) or NO_KEY
        for action in KEY_ACTIONS
        if not action.in_prompt
    }


def prompt_keys(chosen: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Give what each key does where the user writes, by the names of actions."""
    keys = effective_keys(chosen)
    return {
        key: action.name for action in KEY_ACTIONS if action.in_prompt for key in keys[action.name]
    }


def action_keys(chosen: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Give for the help two keys at most of every action that has one, and what it does."""
    keys = effective_keys(chosen)
    return [
        (key_names(keys[action.name][:2]), action.help)
        for action in KEY_ACTIONS
        if keys[action.name]
    ]
