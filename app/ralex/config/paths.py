"""Where ralex keeps its files and where a project keeps its own settings.

The folders follow XDG and macOS by hand: the usual package for it costs more start-up time than
everything here together.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ralex.errors import ConfigError

CONFIG_NAME = "config.toml"
KEYS_NAME = "keys.toml"
_PROJECT_CONFIG = Path(".ralex") / CONFIG_NAME


def home_folder(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """Choose the one folder for configuration, ledger, sessions and logs; nothing is created.

    ``RALEX_HOME`` wins. Otherwise it is a data folder, not a configuration folder: those end up in
    published dotfile repositories, and this one holds conversations.

    Raises:
        ConfigError: If nothing says where the user's home is.
    """
    chosen = environ.get("RALEX_HOME", "").strip()
    if chosen:
        return _absolute(chosen, environ)
    user = _user_folder(environ)
    if platform == "darwin":
        return user / "Library" / "Application Support" / "ralex"
    data = environ.get("XDG_DATA_HOME", "").strip()
    # The XDG specification says that a relative path there is to be ignored.
    base = Path(data) if data and Path(data).is_absolute() else user / ".local" / "share"
    return base / "ralex"


def ensure_folder(folder: Path) -> Path:
    """Create a folder that only its owner may enter, if it is missing, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def project_files(cwd: Path, *, user_file: Path) -> tuple[Path, ...]:
    """Find ``.ralex/config.toml`` from the git root down to ``cwd``, outermost first.

    Outside a repository only ``cwd`` itself is looked at. The user's own file is never taken for a
    project's, as it could be with ``RALEX_HOME=~/.ralex``.
    """
    chain = [cwd, *cwd.parents]
    root = next((index for index, one in enumerate(chain) if _exists(one / ".git")), 0)
    found = [folder / _PROJECT_CONFIG for folder in reversed(chain[: root + 1])]
    return tuple(path for path in found if _exists(path) and not _is_same(path, user_file))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above it may not be entered: then it says nothing to us
        return False


def _is_same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _user_folder(environ: Mapping[str, str]) -> Path:
    own = environ.get("HOME", "").strip()
    if own:
        return Path(own)
    try:
        return Path.home()
    except RuntimeError as error:
        raise ConfigError(
            "there is no home folder to keep files in",
            hint="set RALEX_HOME to a folder that may be written",
        ) from error


def _absolute(text: str, environ: Mapping[str, str]) -> Path:
    if text == "~" or text.startswith("~/"):
        return _user_folder(environ) / text[2:]
    return Path(text).absolute()
