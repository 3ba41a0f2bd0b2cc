"""Put a prompt together from the command line and from what was piped in."""

import os
import select
import stat
from typing import TextIO

from ralex.errors import UsageError

PIPED_LIMIT_BYTES = 1_000_000
_PATIENCE_S = 2.0


def read_prompt(argument: str, stdin: TextIO, stderr: TextIO) -> tuple[str, str]:
    """Give the prompt and what was piped in beside it; ``-`` takes the prompt itself from stdin.

    Raises:
        UsageError: If nothing is asked.
    """
    piped = _piped(stdin, stderr)
    prompt = piped if argument == "-" else _readable(argument)
    if not prompt.strip():
        raise UsageError(
            "the prompt is empty", hint='say what to do: ralex --prompt "fix the failing test"'
        )
    attached = piped if argument != "-" and piped.strip() else ""
    return prompt, attached


def _readable(argument: str) -> str:
    """Replace bytes of the command line that are no text."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _piped(stdin: TextIO, stderr: TextIO) -> str:
    """Read a pipe or a file to its end, up to 1 MB; a terminal or a device is not read."""
    try:
        descriptor = stdin.fileno()
        kind = os.fstat(descriptor).st_mode
    except (OSError, ValueError):  # closed, or not a real stream
        return ""
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind)):
        return ""
    if stat.S_ISFIFO(kind) and not select.select([descriptor], [], [], _PATIENCE_S)[0]:
        print(
            "ralex: waiting for piped input; end it with Ctrl+D, or use < /dev/null for none",
            file=stderr,
            flush=True,
        )
    data = bytearray()
    while len(data) <= PIPED_LIMIT_BYTES:
        piece = os.read(descriptor, 65_536)
        if not piece:
            break
        data += piece
    if len(data) > PIPED_LIMIT_BYTES:
        print(f"ralex: piped input is cut at {PIPED_LIMIT_BYTES:,} bytes", file=stderr)
    text = bytes(data[:PIPED_LIMIT_BYTES]).decode("utf-8", errors="replace")
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
