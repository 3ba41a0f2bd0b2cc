"""``ralex import``: another program's configuration, converted into a config.toml.

The conversion goes to stdout or into a new file; what has no counterpart goes, line by line, where
it does not mix with it. No key is ever written: one that stands in the file becomes a variable.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from ralex.config.litellm import Conversion, check, convert
from ralex.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ralex import``."""
    parser.add_argument("form", choices=("litellm",), help="whose configuration it is")
    parser.add_argument("file", type=Path, metavar="FILE", help="such as litellm_config.yaml")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write there; a file is never overwritten"
    )
    parser.add_argument(
        "--report", action="store_true", help="list what has no counterpart, and write nothing"
    )


def run(
    args: argparse.Namespace,
    *,
    cwd: Path,  # noqa: ARG001 - every command is called alike
    environ: Mapping[str, str],  # noqa: ARG001 - a file must not depend on today's variables
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Convert and return the exit code.

    Raises:
        ConfigError: If the file makes no sense, with its line; or the output exists.
    """
    conversion = convert(args.file)
    check(conversion)
    text, moved = conversion.to_toml()
    if args.report:
        _report(conversion, moved, stdout)
        return 0
    text = _heading(args.file) + text
    if args.output is None:
        stdout.write(text)
        _report(conversion, moved, stderr)
    else:
        _write_new(args.output, text)
        stdout.write(f"wrote {args.output}\n")
        _report(conversion, moved, stdout)
    return 0


def _heading(path: Path) -> str:
    return (
        f"# Converted from {ascii(path.name)[1:-1]} with: ralex import litellm\n"
        "# What is in force and where it comes from: ralex config show\n\n"
    )


def _report(conversion: Conversion, moved: tuple[str, ...], stream: TextIO) -> None:
    for note in conversion.notes:
        stream.write(f"{note}\n")
    for variable in moved:
        stream.write(
            f"{conversion.path}: a secret stands in the file and is not written; "
            f"set {variable} to it\n"
        )
    count = len(conversion.notes) + len(moved)
    stream.write(f"{count} to look at\n" if count else "everything has a counterpart\n")


def _write_new(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(
            f"{path} exists and is left as it is", hint="name another file, or move it away first"
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", hint="check the folder"
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
