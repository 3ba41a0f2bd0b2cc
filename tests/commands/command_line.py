"""Runs a subcommand's module the way the command line does."""

import argparse
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO


class Command(Protocol):
    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(
        self,
        args: argparse.Namespace,
        *,
        cwd: Path,
        environ: Mapping[str, str],
        stdout: TextIO,
        stderr: TextIO,
    ) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    code: int
    out: str
    err: str


def call(command: Command, folder: Path, *argv: str, **environ: str) -> Output:
    """Run a command with ``folder/home`` as ralex's home and ``folder`` as the project."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    code = command.run(
        parser.parse_args(argv),
        cwd=folder,
        environ={"RALEX_HOME": str(folder / "home"), **environ},
        stdout=out,
        stderr=err,
    )
    return Output(code=code, out=out.getvalue(), err=err.getvalue())
