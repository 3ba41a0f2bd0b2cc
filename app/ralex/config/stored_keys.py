"""Keys the user pasted instead of exporting them: ``keys.toml`` in ralex's home, mode 0600.

The file stands for variables that are not set: ``OPENROUTER_API_KEY = "…"``. A variable of the
environment wins over it. It is a file of its own, so that ``config.toml`` can be shown and shared.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from ralex.config.endpoints import check_key
from ralex.config.paths import KEYS_NAME
from ralex.config.private_file import write_private
from ralex.errors import ConfigError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def stored_keys(home: Path) -> dict[str, str]:
    """Read the stored keys by the variable each stands for; empty without the file.

    Raises:
        ConfigError: If the file cannot be read or is not a table of texts. No key is repeated.
    """
    path = home / KEYS_NAME
    try:
        if not path.exists():
            return {}
        table: Mapping[str, object] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not valid TOML"
        raise ConfigError(
            f"{path} cannot be read: {reason}", hint="repair or remove it, and give the key again"
        ) from None
    keys: dict[str, str] = {}
    for name, value in table.items():
        if not isinstance(value, str) or not _VARIABLE.match(name):
            raise ConfigError(
                f"{path}: {name[:60]!r} must be a variable's name with a key as text",
                hint='write lines such as OPENROUTER_API_KEY = "…"',
            )
        keys[name] = value
    return keys


def store_key(home: Path, variable: str, key: str) -> Path:
    """Keep a key for a variable, beside those that are kept already, and tell where.

    Raises:
        ConfigError: If it cannot be a key, or the file cannot be read or written.
    """
    checked = check_key(key, where="the key")
    if checked is None:
        raise ConfigError("the key is empty", hint="paste it again")
    path = home / KEYS_NAME
    keys = {**stored_keys(home), variable: checked}
    from ralex.config.toml_write import write_toml  # noqa: PLC0415 - reading does not need it

    head = "# Keys that were given to ralex. A variable of the environment wins over a line here."
    write_private(path, f"{head}\n{write_toml(dict(sorted(keys.items())))}")
    return path


def is_readable_by_others(home: Path) -> bool:
    """Tell whether anyone but the owner may read the stored keys."""
    path = home / KEYS_NAME
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:
        return False


def with_stored_keys(home: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Give the environment with stored keys in the place of variables that are not set."""
    keys = stored_keys(home)
    if not keys:
        return environ
    given = {name: value for name, value in environ.items() if value.strip()}
    return cast("Mapping[str, str]", {**environ, **keys, **given})
