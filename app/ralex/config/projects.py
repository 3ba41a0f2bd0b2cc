"""A project's file by what the user said of it: followed like the user's own, or only so far."""

from collections.abc import Mapping
from pathlib import Path

from ralex.config.draft import Draft
from ralex.config.files import apply_user_file
from ralex.config.model import UntrustedFile
from ralex.config.project import apply_project_file
from ralex.config.toml_text import read_toml
from ralex.config.trust import Trust, TrustBook, asks_of, digest_of


def apply_file_of_project(
    draft: Draft, path: Path, environ: Mapping[str, str], *, home: Path
) -> None:
    """Lay a project's file over the draft, as far as it is trusted.

    Raises:
        ConfigError: If it is not TOML, or a value that counts is of the wrong type.
    """
    file = read_toml(path)
    digest = digest_of(file)
    answer = TrustBook(home).answer(path, digest)
    if answer is Trust.TRUSTED:
        apply_user_file(draft, file, environ)
        draft.sources.append(f"{path} (trusted)")
        return
    told, asked = len(draft.warnings), len(draft.refused)
    apply_project_file(draft, file)
    draft.sources.append(f"{path} (may only tighten)")
    refused = draft.refused[asked:]
    if not refused:
        return
    if answer is Trust.IGNORED:
        del draft.warnings[told:]
        return
    draft.untrusted.append(UntrustedFile(path=path, digest=digest, asks=asks_of(file, refused)))
    draft.warnings[-1] += "; if you trust it: ralex config trust"
