"""What a run is asked for, apart from what opens it: the command line knows nothing heavier."""

from decimal import Decimal
from pathlib import Path

from ralex.core.records import dataclass
from ralex.core.tiers import Tier
from ralex.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a command line or a screen asks of a session.

    Attributes:
        resume: Id of a stored session, or its beginning.
        continues: Take up the project's last session.
        forks: Work in a copy of the session taken up, and leave that one as it is.
        model: A model for the whole run, or None for the router.
        tier: A tier for the whole run, or None.
        max_cost_usd: Limit on what one turn may cost, or None.
        label: Words that stay on screen, such as the demo's notice.
        extra_roots: Folders besides ``cwd`` that tools may read and change.
        answer_schema: JSON Schema that final answers must follow, or empty.
        tag: Kept with every charge, for reports, or empty.
        names_sessions: A cheap model may name the session, unless the configuration says no.
    """

    cwd: Path
    resume: str = ""
    continues: bool = False
    forks: bool = False
    model: str = ""
    tier: Tier | None = None
    max_cost_usd: Decimal | None = None
    label: str = ""
    extra_roots: tuple[Path, ...] = ()
    answer_schema: str = ""
    tag: str = ""
    names_sessions: bool = False


def check_folder(folder: Path, *, flag: str = "--cwd") -> Path:
    """Resolve a folder named on the command line.

    Raises:
        UsageError: If it is not a directory.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is not a directory", hint=f"name an existing folder with {flag}"
        )
    return folder.resolve()
