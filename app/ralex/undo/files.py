"""Look at files and put them back, never through a link.

Folders are opened one by one without following links, so that a link swapped in for a folder leads
to an error and not to a file outside the project.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from ralex.undo.model import ABSENT, Kind, State

MAX_KEPT_BYTES = 5 * 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ABSENT_ERRORS = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""No such path, or a link or file stands where a folder is expected."""


def look(root: Path, path: str) -> tuple[State, bytes]:
    """Tell what is at a path, with its content if that can be kept.

    A folder counts as nothing: it is the files in it that are kept. So does whatever lies behind a
    link that stands where a folder is expected.

    Args:
        path: Relative to the root, or absolute.
    """
    try:
        with _parent(root, path) as (folder, name):
            return _look_at(folder, name)
    except OSError as error:
        if error.errno in _ABSENT_ERRORS:
            return ABSENT, b""
        return State(kind=Kind.OTHER, digest=f"error {error.errno}"), b""


def put(root: Path, path: str, state: State, content: bytes, *, syncs: bool) -> None:
    """Make a path hold a file or link again: whole or not at all, missing folders made.

    Args:
        syncs: Wait until the content is on the disk.

    Raises:
        OSError: If something stands in the way or cannot be written.
    """
    temporary = f".ralex-{secrets.token_hex(8)}.tmp"
    with _parent(root, path, create=True) as (folder, name):
        try:
            if state.kind is Kind.LINK:
                os.symlink(content, temporary, dir_fd=folder)
            else:
                permissions = _permissions(folder, name, state)
                usual = 0o777 if state.kind is Kind.PROGRAM else 0o666
                _write(folder, temporary, content, usual, permissions, syncs=syncs)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)


def set_permissions(root: Path, path: str, permissions: int) -> None:
    """Give a file other permissions and leave the rest of it alone.

    Raises:
        OSError: If it cannot be opened, or is not ours.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with _parent(root, path) as (folder, name):
        descriptor = os.open(name, flags, dir_fd=folder)
        try:
            os.fchmod(descriptor, permissions)
        finally:
            os.close(descriptor)


def remove(root: Path, path: str) -> None:
    """Remove a file or link, then the folders above it that are empty now; never the root.

    Raises:
        OSError: If it cannot be removed.
    """
    with _parent(root, path) as (folder, name):
        os.unlink(name, dir_fd=folder)
    if PurePosixPath(path).is_absolute():
        return
    for above in PurePosixPath(path).parents:
        if above.name:
            try:
                with _parent(root, str(above)) as (folder, name):
                    os.rmdir(name, dir_fd=folder)
            except OSError:  # not empty, or not ours: then it stays
                return


@contextlib.contextmanager
def _parent(
    root: Path, path: str, *, create: bool = False
) -> Generator[tuple[int, str], None, None]:
    """Open the folder a path lies in and give its descriptor and the path's last part."""
    pure = PurePosixPath(path)
    parts = pure.parts[1:] if pure.is_absolute() else pure.parts
    if not parts or ".." in parts:
        raise OSError(errno.EINVAL, "not a path of a file", path)
    descriptor = os.open("/" if pure.is_absolute() else root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            following = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor, parts[-1]
    finally:
        os.close(descriptor)


def _look_at(folder: int, name: str) -> tuple[State, bytes]:
    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(facts.st_mode):
        return ABSENT, b""
    if stat.S_ISLNK(facts.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=folder))
        return State(kind=Kind.LINK, digest=digest_of(target)), target
    unkept = State(kind=Kind.OTHER, digest=f"{facts.st_size} bytes at {facts.st_mtime_ns}")
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_KEPT_BYTES:
        return unkept, b""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as file:
        content = file.read(MAX_KEPT_BYTES + 1)
    if len(content) > MAX_KEPT_BYTES:
        return unkept, b""
    kind = Kind.PROGRAM if facts.st_mode & stat.S_IXUSR else Kind.FILE
    permissions = stat.S_IMODE(facts.st_mode)
    return State(kind=kind, digest=digest_of(content), permissions=permissions), content


def make_private_folder(folder: Path) -> None:
    """Create a folder, and those above it that are missing, for its owner alone."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def digest_of(content: bytes) -> str:
    """Name a content."""
    return hashlib.sha256(content).hexdigest()


def _permissions(folder: int, name: str, state: State) -> int | None:
    """Choose mode bits: those remembered, else those of what is there; None leaves the usual."""
    if state.permissions is not None:
        return state.permissions
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    bits = stat.S_IMODE(facts.st_mode)
    if state.kind is Kind.PROGRAM:
        return bits | (bits & 0o444) >> 2  # whoever may read may execute, as git has it
    return bits & ~0o111


def _write(
    folder: int, name: str, content: bytes, usual: int, permissions: int | None, *, syncs: bool
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, usual, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        if permissions is not None:
            os.fchmod(file.fileno(), permissions)
        if syncs:
            os.fsync(file.fileno())
