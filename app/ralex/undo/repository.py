"""Look at the user's own repository, which is only ever read."""

import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ralex.core.records import dataclass
from ralex.undo.git import Git, GitFailedError, user_environment

_LOOK_S = 5.0
_MOST_MODULE_BYTES = 1024 * 1024
_CONVERTING = ("filter", "ident", "working-tree-encoding")
_FILTERING = re.compile(rb"filter|ident|working-tree-encoding")
_ATTRIBUTE_FILE = re.compile(rb"(?:^|(?<=\0))((?:[^\0]*/)?\.gitattributes)\0")
_UNSET = {b"unspecified", b"unset"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRepository:
    """Where the user's repository keeps what the shadow starts from.

    Attributes:
        root: Top of the working tree.
        prefix: The working directory within it, empty at the top, else without a trailing slash.
        index: Its index file; in a linked worktree that worktree's own. May be missing.
        common: The folder with the objects, shared by all its worktrees.
        object_format: ``sha1`` or ``sha256``.
        head_tree: The tree of HEAD, or empty where there is no commit yet.
    """

    git: Git
    root: Path
    prefix: str
    index: Path
    common: Path
    object_format: str
    head_tree: str

    def ignore_rules(self) -> str:
        """Collect ignore rules that lie outside the working tree: the user's and the clone's."""
        try:
            asked = self._run("config", "--path", "--get", "core.excludesFile", accepts=(0, 1))
            named = os.fsdecode(asked.rstrip(b"\n"))
        except GitFailedError:
            named = ""
        surroundings = self.git.environment
        base = surroundings.get("XDG_CONFIG_HOME") or f"{surroundings.get('HOME', '')}/.config"
        own = Path(named) if named else Path(base) / "git" / "ignore"
        return "\n".join(_read(path) for path in (own, self.common / "info" / "exclude"))

    def converted(self) -> set[bytes]:
        """List tracked paths that a filter, keywords or an encoding change on the way in and out.

        Raises:
            GitFailedError: If that cannot be found out in time.
        """
        names = self._run("ls-files", "-z", "--", self.prefix or ".")
        asked = self._run("check-attr", "--stdin", "-z", *_CONVERTING, given=names).split(b"\0")
        return {
            path
            for path, value in zip(asked[::3], asked[2::3], strict=False)
            if value not in _UNSET
        }

    def attribute_files(self, names: bytes) -> tuple[Path, ...]:
        """List the files that set attributes of paths, those of the user and the system included.

        Args:
            names: Tracked paths, each ended by NUL.
        """
        tracked = [os.fsdecode(found[1]) for found in _ATTRIBUTE_FILE.finditer(names)]
        surroundings = self.git.environment
        base = surroundings.get("XDG_CONFIG_HOME") or f"{surroundings.get('HOME', '')}/.config"
        others = (
            self.root / ".gitattributes",
            self.common / "info" / "attributes",
            Path(base) / "git" / "attributes",
            Path("/etc/gitattributes"),
        )
        found = (*(self.root / name for name in tracked), *others)
        return tuple(one for one in dict.fromkeys(found) if one.exists())

    def has_conversion_settings(self) -> bool:
        """Tell whether the user's settings convert line ends or name attributes of their own.

        Raises:
            GitFailedError: If that cannot be found out in time.
        """
        said = self._run(
            "config", "--get-regexp", r"^core\.(autocrlf|eol|attributesfile)$", accepts=(0, 1)
        )
        return bool(said.strip())

    def _run(self, *arguments: str, given: bytes = b"", accepts: tuple[int, ...] = (0,)) -> bytes:
        deadline = time.monotonic() + _LOOK_S
        return self.git.run(*arguments, deadline=deadline, given=given, accepts=accepts)

    def copy_index(self, target: Path) -> bool:
        """Copy the index with its time, by which git knows which entries to doubt.

        Returns:
            False if there is none.
        """
        try:
            shutil.copy2(self.index, target)
        except OSError:
            return False
        return True


def may_filter(sources: Sequence[Path]) -> bool:
    """Tell whether attributes may name filters, keywords or encodings; plain line ends do not."""
    try:
        return not sources or any(_FILTERING.search(one.read_bytes()) for one in sources)
    except OSError:
        return True


def find_repository(
    program: str, environ: Mapping[str, str], cwd: Path, *, limit_s: float
) -> UserRepository | None:
    """Find the repository around a folder; None outside of one, or if git takes longer."""
    git = Git(program=program, environment=user_environment(environ), folder=cwd)
    deadline = time.monotonic() + limit_s
    try:
        said = git.run(
            "rev-parse",
            "--path-format=absolute",
            "--show-toplevel",
            "--git-common-dir",
            "--git-path",
            "index",
            "--show-object-format",
            "--show-prefix",
            deadline=deadline,
        )
        tree = git.run(
            "rev-parse", "-q", "--verify", "HEAD^{tree}", deadline=deadline, accepts=(0, 1, 128)
        )
    except GitFailedError:
        return None
    lines = os.fsdecode(said).split("\n")
    root, common, index, object_format, prefix = lines[:5]
    # A name with a line break cannot be told apart here, nor written into alternates.
    if len(lines) != 6 or not Path(root).is_dir() or not Path(common, "objects").is_dir():
        return None
    return UserRepository(
        git=Git(program=program, environment=git.environment, folder=Path(root)),
        root=Path(root),
        prefix=prefix.rstrip("/"),
        index=Path(index),
        common=Path(common),
        object_format=object_format,
        head_tree=tree.decode("ascii", "replace").strip(),
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def submodules_in(root: Path) -> set[str]:
    """Name the submodules that are checked out, as ``.gitmodules`` knows them."""
    try:
        text = (root / ".gitmodules").read_bytes()[:_MOST_MODULE_BYTES].decode("utf-8", "replace")
    except OSError:
        return set()
    named = re.findall(r"(?m)^\s*path\s*=\s*(.+?)\s*$", text)
    return {name for name in named if os.path.lexists(root / name / ".git")}
