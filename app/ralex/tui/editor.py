"""The user's own editor for a prompt: ``$VISUAL``, ``$EDITOR``, else one that is there."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ralex.errors import UsageError

_USUAL: Final = ("nano", "vim", "vi")
MOST_BYTES: Final = 5_000_000


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Choose the editor.

    Raises:
        UsageError: If none is named and none of the usual ones is there, or the name is no command.
    """
    for variable in ("VISUAL", "EDITOR"):
        if text := environ.get(variable, "").strip():
            try:
                return shlex.split(text)
            except ValueError as error:
                hint = f"{variable} is {text!r}"
                raise UsageError(f"${variable} cannot be read: {error}", hint=hint) from error
    found = next((name for name in _USUAL if shutil.which(name)), None)
    if found is None:
        raise UsageError("there is no editor", hint="set VISUAL or EDITOR, such as EDITOR=nano")
    return [found]


def edited(command: list[str], text: str) -> str:
    """Let the user edit a text in a program that has the terminal, and give what was saved.

    Blocks until the program has ended; meant for a thread. The file is its owner's only, and gone
    afterwards.

    Raises:
        UsageError: If the program cannot be started or fails, or what it left is no text.
    """
    name = Path(command[0]).name
    try:
        with tempfile.TemporaryDirectory(prefix="ralex-") as folder:
            path = Path(folder) / "prompt.md"
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8", errors="surrogatepass")
            # No shell, and the file as the last argument: as every program that reads EDITOR does.
            code = subprocess.run([*command, str(path)], check=False).returncode  # noqa: S603
            if code != 0:
                hint = "nothing was changed"
                ending = f"exit code {code}" if code > 0 else signal.Signals(-code).name
                raise UsageError(f"{name} ended with {ending}", hint=hint)
            if path.stat().st_size > MOST_BYTES:
                raise UsageError("the file is too large for a prompt", hint="mention it with @")
            return path.read_bytes().decode("utf-8", "replace").removesuffix("\n")
    except OSError as error:
        reason = error.strerror or error
        hint = "VISUAL and EDITOR name the editor"
        raise UsageError(f"{name} could not be used: {reason}", hint=hint) from error


def environment() -> Mapping[str, str]:
    """Give the variables that name the editor."""
    return os.environ
