"""Private files and advisory locks around the databases."""

import errno
import fcntl
import os
import re
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_private_folder(folder: Path) -> None:
    """Create a folder for its owner alone; one that exists keeps its mode."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Create an empty file for its owner alone, or take others' rights from one that exists.

    SQLite gives its side files the same mode.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        if os.fstat(descriptor).st_mode & 0o077:
            os.fchmod(descriptor, PRIVATE_FILE)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def network_filesystem(folder: Path, mounts: str | None = None) -> str:
    """Name the file system of a folder if another machine may be behind it; else empty.

    SQLite's write-ahead log needs memory that all processes share, which such a file system does
    not give (sqlite.org/wal.html, section 2.2).

    Args:
        mounts: What ``/proc/self/mountinfo`` says; read if None, and empty where there is none.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    deepest, found = -1, ""
    target = folder.resolve()
    for line in mounts.splitlines():
        place, _, source = line.partition(" - ")
        fields = place.split()
        if len(fields) < 5:
            continue
        point = Path(_unescaped(fields[4]))
        if len(point.parts) >= deepest and target.is_relative_to(point):
            deepest, found = len(point.parts), source.split(" ")[0]
    return found if found.startswith(_NETWORK) else ""


_NETWORK = (
    "nfs", "cifs", "smb", "9p", "virtiofs", "afs", "ceph", "glusterfs", "lustre", "davfs",
    "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.grpcfuse", "vboxsf",
)  # fmt: skip


def _unescaped(field: str) -> str:
    """Undo the octal escapes of mountinfo, where a space is a backslash and 040."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


class FileLock:
    """An advisory lock on a file of its own; the kernel frees it when the process dies.

    The file also carries a short note from one holder to the next.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether this object holds the lock."""
        return self._descriptor is not None

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in {errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN}:
                return False
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def note(self) -> str:
        """Read what the last holder left; empty at first."""
        return os.pread(self._held(), 200, 0).decode("utf-8", errors="replace")

    def leave_note(self, text: str) -> None:
        """Leave a short note for the next holder, safely on the disk."""
        descriptor = self._held()
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
        os.fsync(descriptor)

    def _held(self) -> int:
        if self._descriptor is None:
            raise RuntimeError(f"the lock {self._path} is not held")
        return self._descriptor
