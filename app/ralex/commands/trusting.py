"""``ralex config trust`` and ``untrust``: what a project's own file may decide."""

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from ralex.config.load import explain_config
from ralex.config.paths import CONFIG_NAME, home_folder, project_files
from ralex.config.toml_text import read_toml
from ralex.config.trust import Trust, TrustBook, digest_of
from ralex.core.terminal_text import clean_line
from ralex.errors import ConfigError, UsageError


def trust(cwd: Path, environ: Mapping[str, str], stdout: TextIO) -> None:
    """Trust the project's files as they are now, and say what they ask for.

    Raises:
        UsageError: If there is no such file.
        ConfigError: If a file cannot be read, or cannot be applied; it is not trusted then.
    """
    home = home_folder(environ)
    book = TrustBook(home)
    asks = {
        file.path: file.asks
        for file in explain_config(cwd=cwd, environ=environ, require_key=False).config.untrusted
    }
    for path in _files(cwd, environ):
        digest = digest_of(read_toml(path))
        before = book.answer(path, digest)
        book.remember(path, digest, Trust.TRUSTED)
        try:
            explain_config(cwd=cwd, environ=environ, require_key=False)
        except ConfigError:
            book.forget(path)
            raise
        again = " already" if before is Trust.TRUSTED else ""
        stdout.write(f"{path} is trusted{again}, as it is now\n")
        stdout.writelines(f"  {clean_line(line)}\n" for line in asks.get(path, ()))


def untrust(cwd: Path, environ: Mapping[str, str], stdout: TextIO) -> None:
    """Forget what was said of the project's files.

    Raises:
        UsageError: If there is no such file.
        ConfigError: If that cannot be written.
    """
    book = TrustBook(home_folder(environ))
    for path in _files(cwd, environ):
        was_known = book.forget(path)
        stdout.write(f"{path} {'is not trusted any more' if was_known else 'was not trusted'}\n")


def _files(cwd: Path, environ: Mapping[str, str]) -> tuple[Path, ...]:
    files = project_files(cwd, user_file=home_folder(environ) / CONFIG_NAME)
    if not files:
        raise UsageError(
            "this project has no .ralex/config.toml", hint="there is nothing to trust here"
        )
    return files
