"""Find the folders that ship beside the code: ``themes/`` and ``rules/``."""

from pathlib import Path

from ralex.errors import ResourceError


def folder(kind: str) -> Path:
    """Return the folder of one kind of resource, in a wheel or in a checkout.

    Args:
        kind: ``"themes"`` or ``"rules"``.

    Raises:
        ResourceError: If neither place has it.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "_data" / kind, package.parents[1] / kind):
        if candidate.is_dir():
            return candidate
    raise ResourceError(
        f"the folder {kind}/ that belongs to ralex is missing",
        hint="reinstall ralex; its files are incomplete",
    )
