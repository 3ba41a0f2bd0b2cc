"""What a call is about, for permission rules: read as the tool itself will read its arguments."""

import os
import socket
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ralex.core.permissions import KINDS, Kind, Subject
from ralex.errors import ToolError
from ralex.tools.base import ToolContext
from ralex.tools.params import (
    COMMAND_ALIASES,
    PATH_ALIASES,
    SKILL_ALIASES,
    URL_ALIASES,
    Param,
    Params,
)

_READERS: Mapping[Kind, Params] = {
    Kind.COMMAND: Params(Param(name="command", required=True, aliases=COMMAND_ALIASES)),
    Kind.PATH: Params(Param(name="path", kind="path", aliases=PATH_ALIASES)),
    Kind.HOST: Params(Param(name="url", required=True, aliases=URL_ALIASES)),
    Kind.NAME: Params(Param(name="name", required=True, aliases=SKILL_ALIASES)),
}


def subject_of_file(name: str, path: str, root: str) -> Subject:
    """Say what a tool is about that comes upon a file by itself; links are followed already."""
    return Subject(tool=name, texts=(path,), root=root, folds_case=_folds_case(root))


def subject_of(name: str, arguments: Mapping[str, object], context: ToolContext) -> Subject:
    """Read what a call is about; without texts if the tool would refuse its arguments."""
    kind = KINDS.get(name, Kind.NOTHING)
    reader = _READERS.get(kind)
    root = str(context.cwd.resolve())
    if reader is None:
        return Subject(tool=name, root=root)
    try:
        values = reader.coerce(arguments)
    except ToolError:
        return Subject(tool=name, root=root)
    texts: tuple[str, ...] = ()
    match kind:
        case Kind.COMMAND:
            texts = (values.text("command"),)
        case Kind.PATH:
            texts = _paths(values.text("path") or ".", context)
        case Kind.HOST:
            texts = _hosts(values.text("url"))
        case Kind.NAME | Kind.NOTHING:
            texts = (values.text("name"),)
    folds_case = kind is Kind.PATH and _folds_case(root)
    return Subject(tool=name, texts=texts, root=root, folds_case=folds_case)


@lru_cache(maxsize=8)
def _folds_case(root: str) -> bool:
    """Tell whether names that differ in case only are one file: on most Macs, for one."""
    other = root.swapcase()
    try:
        return other != root and os.path.samefile(root, other)  # noqa: PTH121 - text all the way
    except OSError:
        return False


def _paths(raw: str, context: ToolContext) -> tuple[str, ...]:
    """Give a path as typed and as it is once links are followed; both absolute."""
    try:
        path = context.cwd.resolve() / Path(raw).expanduser()
        return tuple(dict.fromkeys((os.path.normpath(path), str(path.resolve()))))
    except (OSError, RuntimeError, ValueError):
        return ()


def _hosts(url: str) -> tuple[str, ...]:
    """Give the host as it will be asked, and its address where the name is a number."""
    # Most sessions fetch nothing.
    from ralex.tools.web_address import target_of  # noqa: PLC0415

    try:
        host = target_of(url).host.rstrip(".")
    except ToolError:
        return ()
    try:
        return tuple(dict.fromkeys((host, socket.inet_ntoa(socket.inet_aton(host)))))
    except OSError:
        return (host,)
