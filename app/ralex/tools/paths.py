"""Which paths tools may touch, and opening them so that nothing slips in between check and use.

Files are changed inside the working directory, extra roots and the session's output folder only;
the machinery of git and ralex is closed even there. Reading also reaches installed software.
Folders are opened one by one without following links, so that a link swapped in after the check
leads to an error and not outside.
"""

import contextlib
import difflib
import errno
import os
import stat
from collections.abc import Generator, Sequence
from pathlib import Path

from ralex.core.patterns import lazy_pattern
from ralex.errors import ToolError
from ralex.tools.base import ToolContext

_SOFTWARE = tuple(map(Path, ("/usr", "/opt", "/lib", "/lib64", "/nix/store", "/Library")))
_CLOSED = frozenset({".git", ".ralex"})
_IGNORABLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_CONTROL = lazy_pattern(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MAX_PATH = 4096
_MAX_NAME = 255


def resolve_readable(raw: str, context: ToolContext) -> Path:
    """Turn a path from the model into a real one that may be read.

    Raises:
        ToolError: If it lies outside of what may be read.
    """
    real = _resolve(raw, context)
    more = (*_SOFTWARE, *context.readable_roots)
    if _root_of(real, context) is None and not any(real.is_relative_to(p) for p in more):
        raise ToolError(
            f"{raw} is outside the working directory {context.cwd}, so it is not read",
            hint="if it is needed, ask the user to name the path in a message, or to start ralex "
            "with --add-dir FOLDER",
        )
    return real


def resolve_writable(raw: str, context: ToolContext) -> Path:
    """Turn a path from the model into a real one that may be changed.

    Raises:
        ToolError: If it lies outside of what may be changed, or in git's or ralex's own folder.
    """
    if raw.rstrip().endswith("/") or raw.rstrip().endswith(("/.", "/..")):
        raise ToolError(f"{raw} names a folder: give the path of a file")
    real = _resolve(raw, context)
    root = _root_of(real, context)
    if root is None:
        raise ToolError(
            f"{raw} is outside the working directory {context.cwd}, so it is not changed",
            hint="if it is needed, ask the user to start ralex with --add-dir FOLDER",
        )
    if any(_is_closed(part) for part in (*real.relative_to(root).parts, *_typed(raw, context))):
        raise ToolError(f"{raw} belongs to git or ralex itself and is not changed by this tool")
    if real == root or kind_of(real) == "a folder":
        raise ToolError(f"{raw} is a folder: give the path of a file")
    return real


def display(path: Path, context: ToolContext) -> str:
    """Name a real path for people: relative to the working directory where it lies inside."""
    root = context.cwd.resolve()
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return printable(str(shown))


def printable(name: str) -> str:
    """Make a file name one line of text.

    Bytes that are not UTF-8 become replacement characters, control characters are written as
    escapes: a list with one name on a line stays one.
    """
    text = os.fsencode(name).decode("utf-8", "replace")
    return text if text.isprintable() else _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def kind_of(path: Path) -> str:
    """Tell what a real path is: ``a file``, ``a folder`` and so on, or empty if there is nothing.

    Raises:
        ToolError: If that cannot be found out.
    """
    try:
        return _kind_of(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ToolError(explain(error, path)) from error


def check_listable(folder: Path) -> None:
    """See that a folder may be listed.

    Raises:
        ToolError: If it may not.
    """
    if not os.access(folder, os.R_OK | os.X_OK):
        raise ToolError(explain(PermissionError(errno.EACCES, ""), folder))


def not_searched(paths: Sequence[str], context: ToolContext) -> list[str]:
    """Word what a search could not look at, in no or one line."""
    if not paths:
        return []
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return [f"(not searched, permission denied: {display(Path(paths[0]), context)}{more})"]


def suggest(raw: str, path: Path) -> str:
    """Name what may have been meant by a path that does not exist, in one sentence."""
    folder, missing = path.parent, path.name
    while not folder.is_dir() and folder != folder.parent:
        missing, folder = folder.name, folder.parent
    try:
        names = sorted(name for name in _first_names(folder) if not name.startswith(".git"))
    except OSError:
        names = []
    stems = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(missing.casefold(), list(stems), n=3, cutoff=0.6)
    text = f"{raw} does not exist"
    if near:
        return f"{text}; near it: {', '.join(stems[name] for name in near)}"
    return f"{text}; find it with glob" if folder.is_dir() else text


def _first_names(folder: Path, limit: int = 5000) -> list[str]:
    names: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) >= limit:
                break
    return names


@contextlib.contextmanager
def open_folder(path: Path, *, create: bool = False) -> Generator[int, None, None]:
    """Open a real folder without following any link on the way, and give its descriptor.

    Args:
        create: Make the folders that are missing.

    Raises:
        OSError: If a part is not a folder, or became a link.
    """
    # O_PATH needs no right to list a folder, only to pass through it.
    flags = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path.anchor, flags)
    try:
        for part in path.parts[1:]:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            following = os.open(part, flags, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor
    finally:
        os.close(descriptor)


def open_regular(path: Path) -> int:
    """Open a real path for reading if it is a regular file, and give its descriptor.

    Opening never waits, so that a named pipe cannot hold the tool.

    Raises:
        ToolError: If it is missing, unreadable or not a regular file.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with open_folder(path.parent) as folder:
            descriptor = os.open(path.name, flags, dir_fd=folder)
    except OSError as error:
        raise ToolError(explain(error, path)) from error
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        raise ToolError(f"{path} is {_kind_of(kind)}, not a regular file")
    return descriptor


def explain(error: OSError, path: Path) -> str:
    """Say what kept a file from being used, in one line for the model."""
    known = {
        errno.ENOENT: "does not exist",
        errno.EACCES: "may not be used: permission denied",
        errno.EPERM: "may not be used: permission denied",
        errno.EISDIR: "is a folder",
        errno.ENOTDIR: "goes through something that is not a folder",
        errno.ELOOP: "goes through a symbolic link that changed or loops",
        errno.ENOSPC: "could not be written: the disk is full",
        errno.EDQUOT: "could not be written: the disk quota is used up",
        errno.EROFS: "could not be written: the file system is read-only",
        errno.EFBIG: "could not be written: it is larger than this system allows",
        errno.ENXIO: "is a socket or pipe, not a regular file",
        errno.ENAMETOOLONG: "has a name that is too long",
    }
    reason = known.get(error.errno or 0, f"cannot be used: {error.strerror or error}")
    return f"{path} {reason}"


def _resolve(raw: str, context: ToolContext) -> Path:
    if not raw.strip():
        raise ToolError('argument "path" is blank: give a path')
    if "\0" in raw:
        raise ToolError("the path holds a NUL character: give a plain path")
    if len(raw) > _MAX_PATH or any(len(os.fsencode(part)) > _MAX_NAME for part in Path(raw).parts):
        raise ToolError("the path is too long")
    try:
        path = Path(raw).expanduser()
        return (context.cwd / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ToolError(f"{raw} cannot be followed: {error}") from error


def _root_of(real: Path, context: ToolContext) -> Path | None:
    roots = [context.cwd, *context.extra_roots, context.output_dir]
    return next((root for root in (r.resolve() for r in roots) if real.is_relative_to(root)), None)


def _typed(raw: str, context: ToolContext) -> tuple[str, ...]:
    """Give the parts of a path below the working directory as typed, links not followed."""
    typed = Path(os.path.normpath(context.cwd / Path(raw).expanduser()))
    return typed.relative_to(context.cwd).parts if typed.is_relative_to(context.cwd) else ()


def _is_closed(part: str) -> bool:
    return part.translate(_IGNORABLE).rstrip(". ").casefold() in _CLOSED


def _kind_of(mode: int) -> str:
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something special")
