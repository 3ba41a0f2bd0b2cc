"""What keys do on the screen, once: bindings, help and the ``[keys]`` of a file all read this list.

It is here, and not with the screen, because the configuration checks a user's keys without a
screen.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAction:
    """Something a key does.

    Attributes:
        name: As a configuration file calls it.
        keys: Unless the user says otherwise, the one that help names first.
        help: What it does, in one line.
        in_prompt: It happens where the user writes, and only while that has the focus.
        everywhere: It comes before what the focused widget would do with the key.
    """

    name: str
    keys: tuple[str, ...]
    help: str
    in_prompt: bool = False
    everywhere: bool = True


KEY_ACTIONS: Final[tuple[KeyAction, ...]] = (
    KeyAction(name="send", keys=("enter",), help="Send", in_prompt=True),
    KeyAction(
        name="newline",
        keys=("shift+enter", "ctrl+j", "alt+enter"),
        help="New line; also \\ before Enter",
        in_prompt=True,
    ),
    KeyAction(
        name="older", keys=("up",), help="Earlier prompt, from the first row", in_prompt=True
    ),
    KeyAction(name="newer", keys=("down",), help="Later prompt, from the last row", in_prompt=True),
    KeyAction(name="history", keys=("ctrl+r",), help="Search earlier prompts", in_prompt=True),
    KeyAction(name="editor", keys=("ctrl+g",), help="Write in your editor", in_prompt=True),
    KeyAction(
        name="paste", keys=("ctrl+v",), help="Paste; a picture becomes a file", in_prompt=True
    ),
    KeyAction(name="unfold", keys=("alt+x",), help="Show a folded paste", in_prompt=True),
    KeyAction(
        name="undo_typing",
        keys=("ctrl+underscore",),
        help="Undo in the prompt",
        in_prompt=True,
    ),
    KeyAction(name="mode", keys=("shift+tab",), help="Next mode: yolo, ask, plan"),
    KeyAction(name="prices", keys=("f3",), help="Price of this prompt, by tier"),
    KeyAction(name="interrupt", keys=("escape",), help="Stop the turn", everywhere=False),
    KeyAction(name="copy_or_stop", keys=("ctrl+c",), help="Copy, else stop; twice: quit"),
    KeyAction(name="leave_if_empty", keys=("ctrl+d",), help="Quit, if the prompt is empty"),
    KeyAction(name="leave", keys=("ctrl+q",), help="Quit"),
    KeyAction(name="suspend", keys=("ctrl+z",), help="Back to the shell; fg returns"),
    KeyAction(name="help", keys=("f1",), help="Help"),
    KeyAction(name="budget", keys=("f2",), help="Budget"),
    KeyAction(name="commands", keys=("ctrl+p",), help="All commands"),
    KeyAction(name="fold_newest", keys=("ctrl+o",), help="Open or close the newest card"),
    KeyAction(name="copy_code", keys=("ctrl+y",), help="Copy the last code block"),
    KeyAction(name="search", keys=("ctrl+f",), help="Search the transcript"),
    KeyAction(name="page_up", keys=("pageup",), help="Scroll up"),
    KeyAction(name="page_down", keys=("pagedown",), help="Scroll down"),
    KeyAction(name="message_before", keys=("ctrl+up", "alt+up"), help="Your message before"),
    KeyAction(name="message_after", keys=("ctrl+down", "alt+down"), help="Your next message"),
    KeyAction(name="bottom", keys=("ctrl+end",), help="Newest entry"),
)

_SILENT: Final = frozenset(
    {
        *("enter", "tab", "escape", "backspace", "delete", "insert"),
        *("up", "down", "left", "right", "home", "end", "pageup", "pagedown"),
        *(f"f{number}" for number in range(1, 25)),
    }
)
"""Keys that write no character."""
_SIGNS: Final = {
    "_": "underscore",
    "-": "minus",
    "/": "slash",
    "\\": "backslash",
    ",": "comma",
    ".": "full_stop",
    "@": "at",
    "?": "question_mark",
    ";": "semicolon",
    ":": "colon",
    "=": "equals_sign",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "^": "circumflex_accent",
    "`": "grave_accent",
    "~": "tilde",
    "'": "apostrophe",
}
_ALIASES: Final = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "page_up": "pageup",
    "page_down": "pagedown",
    "control": "ctrl",
    "option": "alt",
    **_SIGNS,
}
_MODIFIERS: Final = ("alt", "ctrl", "hyper", "meta", "shift", "super")
_WRITTEN: Final = re.compile(r"[a-z0-9]\Z")


def find_action(name: str) -> KeyAction | None:
    """Find an action by its name in configuration files."""
    return next((action for action in KEY_ACTIONS if action.name == name), None)


def nearest_action(name: str) -> str:
    """Name the action that was probably meant, or give an empty string."""
    names = [action.name for action in KEY_ACTIONS]
    import difflib  # noqa: PLC0415 - only for a message

    return next(iter(difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.5)), "")


def read_key(text: str) -> str | None:
    """Bring a key into the form the screen knows, such as ``ctrl+x``; None if it is none.

    A key that writes a character is none: it could not be typed any more.
    """
    *before, last = [part.strip() for part in text.strip().casefold().split("+")]
    modifiers = {_ALIASES.get(part, part) for part in before}
    last = _ALIASES.get(last, last)
    writes = last == "space" or last in _SIGNS.values() or bool(_WRITTEN.match(last))
    if not modifiers <= set(_MODIFIERS) or not (writes or last in _SILENT):
        return None
    if writes and not modifiers - {"shift"}:
        return None
    return "+".join([*sorted(modifiers, key=_MODIFIERS.index), last])


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyClash:
    """A key that the user gave to one action and that another has as well.

    Attributes:
        is_chosen: The user gave it to both; otherwise the loser had it by default.
    """

    key: str
    winner: str
    loser: str
    is_chosen: bool


def effective_keys(chosen: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Give the keys of every action; what the user chose is taken away from the defaults.

    Args:
        chosen: For the names of actions the user's keys, which may be none.
    """
    mine = {name: tuple(keys) for name, keys in chosen.items()}
    taken = {key for keys in mine.values() for key in keys}
    return {
        action.name: mine[action.name]
        if action.name in mine
        else tuple(key for key in action.keys if key not in taken)
        for action in KEY_ACTIONS
    }


def clashes(chosen: Mapping[str, Iterable[str]]) -> list[KeyClash]:
    """Find the keys that the user gave away twice, or took from an action that is left without."""
    found: list[KeyClash] = []
    owner: dict[str, str] = {}
    for name, keys in chosen.items():
        for key in keys:
            if key in owner and owner[key] != name:
                found.append(KeyClash(key=key, winner=owner[key], loser=name, is_chosen=True))
            owner.setdefault(key, name)
    left = effective_keys(chosen)
    found += [
        KeyClash(key=key, winner=owner[key], loser=action.name, is_chosen=False)
        for action in KEY_ACTIONS
        if action.name not in chosen and not left[action.name]
        for key in action.keys[:1]
    ]
    return found


def key_names(keys: Iterable[str]) -> str:
    """Write keys as people do: ``ctrl+q`` is ``Ctrl+Q``."""
    names = {"pageup": "PageUp", "pagedown": "PageDown", "escape": "Esc"}
    names |= {name: sign for sign, name in _SIGNS.items()}
    return ", ".join(
        "+".join(names.get(part, part.capitalize()) for part in key.split("+")) for key in keys
    )
