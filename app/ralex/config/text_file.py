"""The text of a configuration file, bounded: what every format of such a file is read from."""

import os
from pathlib import Path
from typing import Final

from ralex.errors import ConfigError

MAX_BYTES: Final = 1_000_000


def read_text(path: Path) -> str:
    """Read a configuration file's text, without a byte order mark.

    Raises:
        ConfigError: If it cannot be read, is too large, or is not UTF-8; the line is
            named where that is known.
    """
    try:
        # So a pipe that nobody writes to ends at once; one that is being written is waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            os.set_blocking(descriptor, True)
            size = os.fstat(descriptor).st_size
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"{path} cannot be read: {reason}", hint="check the path and its permissions"
        ) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"{path} has {max(size, len(raw)):,} bytes; a configuration may have {MAX_BYTES:,}",
            hint="is this the right file?",
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path} line {line}: this is not UTF-8 text", hint="save the file as UTF-8"
        ) from error
