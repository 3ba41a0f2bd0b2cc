"""A picture from the clipboard, where the system has a program that gives it."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ralex.errors import UsageError

MOST_BYTES: Final = 20_000_000
_TIMEOUT_S: Final = 5
_KINDS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
}
_SIGNS: Final = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".webp": (b"RIFF",),
    ".gif": (b"GIF87a", b"GIF89a"),
}


def clipboard_picture(environ: Mapping[str, str], folder: Path) -> Path | None:
    """Save the clipboard's picture under a folder and name its file; None if it holds none.

    The name comes from the content, so that the same picture is kept once.

    Raises:
        UsageError: If there is no program to ask, or the picture cannot be kept.
    """
    read = _reader(environ)
    if read is None:
        raise UsageError(
            "no program gives the clipboard's pictures",
            hint="install wl-clipboard (Wayland), xclip (X11) or pngpaste (macOS)",
        )
    kinds = _output(read.kinds).decode("utf-8", "replace").split() if read.kinds else list(_KINDS)
    kind = next((kind for kind in _KINDS if kind in kinds), None)
    if kind is None:
        return None
    data = _output([*read.picture, kind] if read.names_kind else read.picture)
    suffix = _KINDS[kind]
    if not data.startswith(_SIGNS[suffix]):
        return None
    if len(data) > MOST_BYTES:
        raise UsageError(
            f"the clipboard's picture is too large ({len(data) / 1_000_000:.0f} MB)",
            hint=f"at most {MOST_BYTES // 1_000_000} MB",
        )
    path = folder / f"pasted-{hashlib.sha256(data).hexdigest()[:12]}{suffix}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"the picture cannot be kept in {folder}: {reason}") from error
    return path


class _Reader:
    """How to ask one program.

    Attributes:
        kinds: Lists what the clipboard holds; empty if the program cannot.
        picture: Writes the picture to its output.
        names_kind: The kind is its last argument.
    """

    def __init__(self, kinds: list[str], picture: list[str], *, names_kind: bool) -> None:
        self.kinds = kinds
        self.picture = picture
        self.names_kind = names_kind


def _reader(environ: Mapping[str, str]) -> _Reader | None:
    def found(name: str) -> str | None:
        return shutil.which(name, path=environ.get("PATH"))

    if environ.get("WAYLAND_DISPLAY") and (program := found("wl-paste")):
        return _Reader([program, "--list-types"], [program, "--type"], names_kind=True)
    if environ.get("DISPLAY") and (program := found("xclip")):
        ask = [program, "-selection", "clipboard", "-o", "-t"]
        return _Reader([*ask, "TARGETS"], ask, names_kind=True)
    if program := found("pngpaste"):
        return _Reader([], [program, "-"], names_kind=False)
    return None


def _output(command: list[str]) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, timeout=_TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
