"""A file that is only there to be deleted: on a full disk it makes room for what must be written.

What was sent must be settled, and a turn that ends because the disk is full must be stored. New
paid calls are refused until the file has its place again.
"""

import errno
import os
from pathlib import Path

from ralex.store.files import PRIVATE_FILE

BALLAST_NAME = "ballast"
BALLAST_BYTES = 1_000_000

_SPARE_BYTES = BALLAST_BYTES
"""Must be free beside it: a ballast that fills the disk itself would help nobody."""


class Ballast:
    """The ballast of one folder; all processes that use the folder share it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / BALLAST_NAME

    def drop(self) -> bool:
        """Give its room free; False if it was gone already."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def ensure(self) -> None:
        """Make it unless it is there.

        Raises:
            OSError: If the disk is too full for it.
        """
        if self._is_there():
            return
        found = os.statvfs(self._path.parent)
        if found.f_bavail * found.f_frsize < BALLAST_BYTES + _SPARE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        draft = self._path.with_name(f".{BALLAST_NAME}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        try:
            # Random, because a file system that compresses would keep no room for zeros.
            rest = memoryview(os.urandom(BALLAST_BYTES))
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            draft.rename(self._path)
        finally:
            os.close(descriptor)
            draft.unlink(missing_ok=True)

    def _is_there(self) -> bool:
        try:
            return self._path.stat().st_size >= BALLAST_BYTES
        except FileNotFoundError:
            return False
