"""Read themes from TOML files: those that ship in ``themes/``, then the user's own.

A theme names plain colours in groups; every group becomes theme variables (``$diff-added``,
``$syntax-keyword``), so style sheets and the transcript read the same ones. A user's file of the
same name wins over ours.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from textual.color import Color, ColorParseError
from textual.theme import Theme

from ralex import resources
from ralex.core.records import dataclass
from ralex.core.tiers import TIERS
from ralex.errors import ConfigError

DEFAULT_THEME = "ralex-dark"

_COLORS = (
    "background",
    "surface",
    "panel",
    "foreground",
    "muted",
    "faint",
    "primary",
    "secondary",
    "accent",
    "success",
    "warning",
    "error",
)
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "code": ("background",),
    "diff": ("added", "removed", "added-background", "removed-background", "hunk"),
    "syntax": (
        "comment",
        "keyword",
        "string",
        "number",
        "function",
        "type",
        "constant",
        "operator",
        "tag",
    ),
    "tiers": tuple(tier.value.lower() for tier in TIERS),
}
_FALLBACKS: Mapping[str, str] = {
    "code-background": "surface",
    "diff-added": "success",
    "diff-removed": "error",
    "diff-added-background": "surface",
    "diff-removed-background": "surface",
    "diff-hunk": "muted",
    "syntax-comment": "faint",
    "syntax-keyword": "secondary",
    "syntax-string": "success",
    "syntax-number": "warning",
    "syntax-function": "primary",
    "syntax-type": "accent",
    "syntax-constant": "warning",
    "syntax-operator": "muted",
    "syntax-tag": "primary",
    "tiers-simple": "success",
    "tiers-medium": "primary",
    "tiers-complex": "warning",
    "tiers-reasoning": "secondary",
}

_ANSI: Mapping[str, str] = {
    "veil": "ansi_default",
    "marked": "ansi_bright_black",
    "marked-panel": "ansi_bright_black",
    "on-mark": "ansi_black",
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
    "border-blurred": "ansi_bright_black",
    "block-cursor-background": "ansi_white",
    "block-cursor-foreground": "ansi_black",
    "input-cursor-background": "ansi_white",
    "input-cursor-foreground": "ansi_black",
    "input-selection-background": "ansi_bright_black",
    "input-selection-foreground": "ansi_white",
    "screen-selection-background": "ansi_bright_black",
    "screen-selection-foreground": "ansi_white",
}
"""What a terminal's own colours cannot be mixed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeFile:
    """A theme that can be chosen.

    Attributes:
        name: As given to ``/theme``; also the file's name without its ending.
        title: For people.
    """

    name: str
    title: str
    theme: Theme


def theme_for(name: str, environ: Mapping[str, str]) -> str:
    """Give the theme to start with: the default one needs more than sixteen colours.

    A terminal of sixteen would show all of it in white, and one without colours in greys that may
    not suit it; any other theme was chosen by the user. The signs are those by which the screen's
    toolkit counts the colours.
    """
    terminal = environ.get("TERM", "").strip().lower()
    has_many = (
        environ.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"}
        or terminal.rpartition("-")[2] in {"256color", "kitty"}
        or environ.get("TEXTUAL_COLOR_SYSTEM", "auto") != "auto"
    )
    has_many = has_many and "NO_COLOR" not in environ
    return name if has_many or name != DEFAULT_THEME else "ansi"


def read_theme(path: Path) -> ThemeFile:
    """Read one theme file.

    Raises:
        ConfigError: If it cannot be read, or a key is missing, unknown or not a colour.
    """
    try:
        data: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: {error}", hint="repair or remove this theme") from error
    colors = _colors(path, data, "colors", _COLORS, required=True)
    variables: dict[str, str] = {}
    for group, keys in _GROUPS.items():
        chosen = _colors(path, data, group, keys, required=False)
        for key in keys:
            variable = f"{group}-{key}"
            variables[variable] = chosen.get(key, colors[_FALLBACKS[variable]])
    return ThemeFile(
        name=path.stem,
        title=_text(path, data, "title", default=path.stem),
        theme=_theme(path.stem, colors, variables, data),
    )


def theme_paths(user_folder: Path | None = None) -> dict[str, Path]:
    """Map theme names to files, sorted by name; a user's file hides ours of the same name.

    Raises:
        ResourceError: If the themes that ship with ralex are missing.
    """
    found: dict[str, Path] = {}
    for folder in (resources.folder("themes"), user_folder):
        if folder is not None and folder.is_dir():
            found.update({path.stem: path for path in folder.glob("*.toml")})
    return dict(sorted(found.items()))


class ThemeShelf:
    """The themes that can be chosen now: files may come, change and go while ralex runs.

    Args:
        user_folder: The user's own themes; None for none.
    """

    def __init__(self, user_folder: Path | None = None) -> None:
        self._user_folder = user_folder
        self._read_at: dict[str, float] = {}

    def names(self) -> tuple[str, ...]:
        """List the themes, by name."""
        return tuple(theme_paths(self._user_folder))

    def hints(self) -> dict[str, str]:
        """Describe each theme, or say with file and key why it cannot be used."""
        hints: dict[str, str] = {}
        for name, path in theme_paths(self._user_folder).items():
            try:
                found = read_theme(path)
            except ConfigError as error:
                hints[name] = f"cannot be used: {error.message}"
                continue
            parts = [found.title] if found.title != name else []  # a title may be left out
            if not found.theme.ansi:  # its background is the terminal's
                parts.append("dark" if found.theme.dark else "light")
            if path.parent == self._user_folder:
                parts.append("yours")
            hints[name] = " · ".join(parts)
        return hints

    def read(self, name: str) -> ThemeFile:
        """Read a theme as it is now.

        Raises:
            ConfigError: If there is no such theme, or its file is wrong.
        """
        paths = theme_paths(self._user_folder)
        path = paths.get(name)
        if path is None:
            raise ConfigError(
                f"there is no theme {name}", hint=f"the themes are {', '.join(paths)}"
            )
        self._read_at[name] = _changed_at(path)
        return read_theme(path)

    def has_changed(self, name: str) -> bool:
        """Tell whether a theme's file is another one than the one that was read."""
        path = theme_paths(self._user_folder).get(name)
        return path is not None and self._read_at.get(name) != _changed_at(path)


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _mixed(colors: Mapping[str, str]) -> dict[str, str]:
    return {
        "veil": f"{colors['background']} 60%",
        "marked": f"{colors['primary']} 30%",
        "marked-panel": f"{colors['primary']} 20%",  # a panel stands out already
        "on-mark": colors["background"],
        "block-cursor-background": colors["primary"],
        "block-cursor-foreground": colors["background"],
    }


def _theme(
    name: str, colors: Mapping[str, str], variables: Mapping[str, str], data: Mapping[str, object]
) -> Theme:
    is_ansi = data.get("ansi") is True
    mixed = _ANSI if is_ansi else _mixed(colors)
    own = {
        **variables,
        **mixed,
        "text-muted": colors["muted"],
        "text-disabled": colors["faint"],
        "block-cursor-text-style": "none",
        "scrollbar": colors["panel"],
        "scrollbar-hover": colors["faint"],
        "scrollbar-active": colors["primary"],
        "scrollbar-background": "transparent",
        "scrollbar-background-hover": "transparent",
        "scrollbar-background-active": "transparent",
        "scrollbar-corner-color": colors["background"],
    }
    return Theme(
        name=name,
        primary=colors["primary"],
        secondary=colors["secondary"],
        accent=colors["accent"],
        success=colors["success"],
        warning=colors["warning"],
        error=colors["error"],
        foreground=colors["foreground"],
        background=colors["background"],
        surface=colors["surface"],
        panel=colors["panel"],
        dark=data.get("dark") is not False,
        ansi=is_ansi,
        variables=own,
    )


def _colors(
    path: Path, data: Mapping[str, object], group: str, known: tuple[str, ...], *, required: bool
) -> dict[str, str]:
    table = data.get(group, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{group}] must be a table of colours")
    colors: dict[str, str] = {}
    for key in known:
        value = cast(dict[str, object], table).get(key)
        if value is None and not required:
            continue
        if not isinstance(value, str):
            raise ConfigError(
                f"{path}: [{group}] needs {key} = a colour",
                hint=f"the keys are {', '.join(known)}",
            )
        colors[key] = _checked(path, f"{group}.{key}", value)
    return colors


def _checked(path: Path, key: str, value: str) -> str:
    try:
        Color.parse(value)
    except ColorParseError as error:
        raise ConfigError(
            f"{path}: {key} = {value!r} is not a colour", hint="write it as #rrggbb or ansi_blue"
        ) from error
    return value


def _text(path: Path, data: Mapping[str, object], key: str, *, default: str) -> str:
    value = data.get(key, default)
    if not isinstance(value, str):
        raise ConfigError(f"{path}: {key} must be text")
    return value
