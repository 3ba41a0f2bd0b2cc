"""``ralex config set``: one value in the user's file, written only if all of it still holds."""

import json
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ralex.config.load import load_config
from ralex.config.schema import check_table
from ralex.config.toml_edit import set_values
from ralex.config.toml_text import parse_toml
from ralex.errors import ConfigError, UsageError


def set_key(
    path: Path, key: str, value: str, *, cwd: Path, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """Set a value; comments and everything else in the file stay as they are.

    Args:
        key: Dotted, as in TOML.
        value: As in TOML; what is none, or does not fit as such, is taken for a text.

    Returns:
        The names that the key is made of.

    Raises:
        UsageError: If the key is none.
        ConfigError: If the file would not be right any more; it is left as it is.
    """
    names = _names(key)
    first: ConfigError | None = None
    for meaning in _meanings(value):
        try:
            set_values(
                path,
                names[:-1],
                {names[-1]: meaning},
                check=lambda text: _check(text, path, cwd, environ),
            )
        except ConfigError as error:
            first = first or error
        else:
            return names
    assert first is not None  # noqa: S101 - there is at least one meaning
    raise first


def _names(key: str) -> tuple[str, ...]:
    try:
        node: object = tomllib.loads(f"{key} = 0") if "\n" not in key else {}
    except tomllib.TOMLDecodeError:
        node = {}
    names: list[str] = []
    while isinstance(node, dict) and len(cast("dict[str, object]", node)) == 1:
        ((name, node),) = cast("dict[str, object]", node).items()
        names.append(name)
    if node != 0 or not names:
        raise UsageError(
            f"{key!r} is no key",
            hint="such as budget.daily_usd; names with a slash or a dot go in quotes: "
            "'models.\"acme/fast\".context_window'",
        )
    return tuple(names)


def _meanings(value: str) -> list[str]:
    """Give the TOML that a value may stand for, the likeliest first."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        is_toml = list(tomllib.loads(f"x = {value}")) == ["x"] and "\n" not in value
    except tomllib.TOMLDecodeError:
        is_toml = False
    return [value.strip(), text] if is_toml else [text]


def _check(text: str, path: Path, cwd: Path, environ: Mapping[str, str]) -> None:
    """Read the file as it would be, with everything that it refers to."""
    check_table(parse_toml(text, path=path))
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        try:
            load_config(cwd=cwd, environ=environ, config_file=draft, require_key=False)
        except ConfigError as error:
            raise ConfigError(
                error.message.replace(str(draft), str(path)), hint=error.hint
            ) from error
