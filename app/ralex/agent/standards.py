"""What an Agent OS folder holds, for showing: ``agent-os/standards``, ``product`` and ``specs``."""

from pathlib import Path
from typing import Final

_PARTS: Final = (
    ("standards", "a standard"),
    ("product", "about the product"),
    ("specs", "a spec"),
)
_MOST: Final = 500


def agent_os_files(project: Path) -> list[tuple[str, str]]:
    """List the Markdown files of ``agent-os`` from the project up to its git root.

    Returns:
        Paths relative to the project's top, each with what it is.
    """
    chain = [project, *project.parents]
    root = next((at for at, one in enumerate(chain) if (one / ".git").exists()), 0)
    found: list[tuple[str, str]] = []
    for folder in chain[: root + 1]:
        for part, about in _PARTS:
            place = folder / "agent-os" / part
            try:
                paths = sorted(place.rglob("*.md")) if place.is_dir() else []
            except OSError:
                continue
            found += [(str(path.relative_to(folder)), about) for path in paths]
    return found[:_MOST]
