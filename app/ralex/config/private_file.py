"""Write a file of the user's own home: at once, whole, and for its owner's eyes only."""

import os
from pathlib import Path

from ralex.config.paths import ensure_folder
from ralex.errors import ConfigError


def write_private(path: Path, text: str, *, keeps_mode: bool = False) -> None:
    """Put a text in a file's place, so that a crash leaves the old one or the new one.

    Args:
        keeps_mode: Leave the mode of a file that exists as it is; else it becomes 0600.

    Raises:
        ConfigError: If it cannot be written.
    """
    path = Path(os.path.realpath(path))
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        ensure_folder(path.parent)
        mode = path.stat().st_mode & 0o777 if keeps_mode and path.exists() else 0o600
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="check its owner and permissions, or set RALEX_HOME to another folder",
        ) from error
