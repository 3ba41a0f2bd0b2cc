"""A git index of our own over the project's files, to tell what a shell command changed.

The index is a cache, not a store: what must be kept is copied into the turn's record at once. So
nothing is lost when the user's repository drops objects that the shadow borrowed from it, and the
shadow itself can be thrown away and made again at any time.

Bytes are taken as they are: no filters, no line-end conversion. What it starts from is in
``undo.seed``.
"""

import contextlib
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from ralex.core.records import dataclass
from ralex.undo.files import MAX_KEPT_BYTES, digest_of, look, make_private_folder
from ralex.undo.git import Git, GitFailedError, GitTimeoutError, shadow_environment
from ralex.undo.model import ABSENT, Kind, State
from ralex.undo.modes import Modes
from ralex.undo.repository import UserRepository, find_repository, submodules_in
from ralex.undo.seed import Seed

MAX_UNSEEDED_FILES = 20_000
MAX_FILES = 100_000
_MANY_OBJECTS = 8  # in one of 256 folders: some 2,000 in all
_PORTION = 2000
"""Paths for each call of git, so that an attempt that runs out of time has not been for nothing."""
_GITLINK = b"160000"
_LINK = b"120000"
_PROGRAM = b"100755"
_NOTHING = b"000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A path that is no longer as the index had it.

    Attributes:
        path: Relative to the working directory.
        before: What the index had; OTHER if its content is not known or too large.
        content: Its bytes, where they were asked for.
    """

    path: str
    before: State
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class _Dirty:
    mode: bytes
    oid: bytes


class Shadow:
    """The index of one session. Not safe for threads; its owner takes turns.

    Attributes:
        nested: Repositories inside the project, which are not looked into.

    Args:
        folder: Where the project's shadow is kept; shared by all sessions in the project.
        cwd: Only what lies in it is watched.
        left_out: A folder inside the project that is never looked at, such as ralex's own.
        budget_s: Seconds that making it may take where no repository helps, three times that
            otherwise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        program: str,
        environ: Mapping[str, str],
        cwd: Path,
        left_out: Path,
        budget_s: float,
    ) -> None:
        self._folder = folder
        self._cwd = cwd
        self._user: UserRepository | None = find_repository(program, environ, cwd, limit_s=budget_s)
        self._root = self._user.root if self._user else cwd
        self._prefix = os.fsencode(self._user.prefix) if self._user else b""
        self._base = folder / "index"
        self._index = folder / f"index-{os.getpid()}-{secrets.token_hex(4)}"
        self._git = Git(
            program=program,
            environment=shadow_environment(
                environ, repository=folder, worktree=self._root, index=self._index
            ),
            folder=self._root,
        )
        self._seed = Seed(
            folder=folder,
            base=self._base,
            index=self._index,
            user=self._user,
            root=self._root,
            git=self._git,
            left_out=left_out,
        )
        self._modes = Modes(self._root, folder / "modes")
        self._budget_s = budget_s if self._user is None else budget_s * 3
        self._unkept: dict[bytes, str] = {}
        self.nested: set[str] = set()
        self._lock: int | None = None

    def open(self) -> None:
        """Make the shadow ready: it knows the project's files as they are now.

        Raises:
            GitFailedError: If git fails or the project is too large for the budget.
            OSError: If the folder cannot be written.
        """
        deadline = time.monotonic() + self._budget_s
        make_private_folder(self._folder)
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self._is_alone():
            self._sweep()
        fcntl.flock(self._lock, fcntl.LOCK_SH)
        self._seed.describe()
        has_base = self._seed.take_base()
        has_modes = has_base and self._modes.load(self._base)
        if not has_base and (doubted := self._seed.copy(deadline)):
            self._feed(["--force-remove"], doubted, deadline)
            self._update(doubted, deadline)
        with ThreadPoolExecutor(max_workers=1) as beside:
            scan = None if has_modes else beside.submit(self._scan_modes, deadline)
            self._absorb_first(deadline)
            if scan is not None:
                self._modes.take(scan.result())
        self._keep()
        if self._user is not None:
            self.nested |= submodules_in(self._root)

    def _absorb_first(self, deadline: float) -> None:
        try:
            self.absorb(deadline)
        except GitFailedError as error:
            if isinstance(error, GitTimeoutError):
                self._seed.keep_base()
                raise
            self._seed.read_head(deadline)
            self.absorb(deadline)

    def _scan_modes(self, deadline: float) -> dict[bytes, int]:
        """Read the permissions of what the index begins with; git works meanwhile."""
        place = os.fsdecode(self._prefix) or "."
        try:
            names = self._git.run("ls-files", "-z", "--", place, deadline=deadline)
        except GitFailedError:
            return {}
        return self._modes.scan(filter(None, names.split(b"\0")))

    def close(self) -> None:
        """Leave the index for the next session and let go of the folder."""
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            self._keep()
            self._index.unlink(missing_ok=True)
            if self._is_alone():
                self._prune()
        os.close(self._lock)
        self._lock = None

    def _keep(self) -> None:
        """Leave what is known to the next session."""
        self._seed.keep_base()
        if self._base.exists():
            self._modes.save(self._base)

    def absorb(self, deadline: float) -> None:
        """Take the files as they are now without telling what changed.

        Raises:
            GitFailedError: If git fails or is not done at the deadline.
        """
        self._update(self._dirty(deadline), deadline)
        for path in self._modes.changed_at_once():
            self._modes.look_at(path)

    def changes(self, deadline: float) -> list[Seen]:
        """Tell what changed since the last look, with the bytes that were there, and take it.

        Raises:
            GitFailedError: If git fails or is not done at the deadline.
        """
        dirty = self._dirty(deadline)
        retold = [
            self._of_mode(path, permissions)
            for path, permissions in self._modes.changed_at_once().items()
            if path not in dirty
        ]
        changed = self._changed(dirty, deadline) if dirty else []
        return sorted([*retold, *changed], key=lambda one: one.path)

    def _of_mode(self, path: bytes, permissions: int) -> Seen:
        """Describe a file of which nothing changed but permissions."""
        self._modes.look_at(path)
        shown = self._shown(path)
        state, content = look(self._cwd, shown)
        return Seen(path=shown, before=replace(state, permissions=permissions), content=content)

    def _changed(self, dirty: Mapping[bytes, _Dirty], deadline: float) -> list[Seen]:
        unkept = dict(self._unkept)
        contents = self._contents((one.oid for one in dirty.values()), deadline)
        modes = {
            path: self._modes.of(path, is_program=one.mode == _PROGRAM)
            for path, one in dirty.items()
        }
        self._update(dirty, deadline)
        return [
            self._seen(path, one, unkept.get(path), contents.get(one.oid), modes[path])
            for path, one in sorted(dirty.items())
        ]

    def _seen(
        self,
        path: bytes,
        dirty: _Dirty,
        unkept: str | None,
        content: bytes | None,
        permissions: int | None,
    ) -> Seen:
        shown = self._shown(path)
        if unkept is not None:
            return Seen(path=shown, before=State(kind=Kind.OTHER, digest=unkept))
        if dirty.mode == _NOTHING:
            return Seen(path=shown, before=ABSENT)
        if content is None:
            digest = dirty.oid.decode("ascii", "replace")
            return Seen(path=shown, before=State(kind=Kind.OTHER, digest=digest))
        kinds = {_LINK: Kind.LINK, _PROGRAM: Kind.PROGRAM}
        kind = kinds.get(dirty.mode, Kind.FILE)
        known = None if kind is Kind.LINK else permissions
        before = State(kind=kind, digest=digest_of(content), permissions=known)
        return Seen(path=shown, before=before, content=content)

    def _shown(self, path: bytes) -> str:
        return os.fsdecode(path[len(self._prefix) + 1 :] if self._prefix else path)

    def _dirty(self, deadline: float) -> dict[bytes, _Dirty]:
        """Find paths whose file differs from the index, with what the index has."""
        place = os.fsdecode(self._prefix) or "."
        tracked = self._git.start(
            ["diff-files", "-z", "--raw", "--no-renames", "--no-abbrev", "--ignore-submodules=all",
             "--", place],
            deadline=deadline,
        )  # fmt: skip
        try:
            others = self._git.run(
                "ls-files", "-z", "--others", "--exclude-standard", "--", place, deadline=deadline
            )
        except GitFailedError:
            tracked.discard()
            raise
        found = {path: _Dirty(_NOTHING, b"") for path in others.split(b"\0") if path}
        fields = tracked.result().split(b"\0")
        for facts, path in zip(fields[::2], fields[1::2], strict=False):
            mode, _, oid, _, status = facts.lstrip(b":").split(b" ")
            if status == b"U":
                found[path] = _Dirty(_NOTHING, b"")
            elif mode != _GITLINK:
                found[path] = _Dirty(mode, oid)
        for path in self._unkept:
            if path not in found and not os.path.lexists(self._full(path)):
                found[path] = _Dirty(_NOTHING, b"")
        limit = MAX_FILES if self._user else MAX_UNSEEDED_FILES
        if len(found) > limit:
            raise GitFailedError(f"there are more than {limit:,} files that no repository knows")
        return {path: one for path, one in found.items() if self._is_news(path)}

    def _is_news(self, path: bytes) -> bool:
        """Pass over nested repositories, and files that are not kept and have not changed."""
        if path.endswith(b"/"):
            self.nested.add(os.fsdecode(path.rstrip(b"/")))
            return False
        mark = self._mark(path)
        if mark == "repository":
            return False
        return mark is None or self._unkept.get(path) != mark

    def _mark(self, path: bytes) -> str | None:
        """Describe a file that cannot be kept; None if it can, or is not there."""
        full = self._full(path)
        try:
            facts = os.lstat(full)
        except OSError:
            return None
        if stat.S_ISDIR(facts.st_mode):
            return "repository" if os.path.lexists(full + b"/.git") else None
        if not stat.S_ISREG(facts.st_mode):
            return None
        if facts.st_size > MAX_KEPT_BYTES or not os.access(full, os.R_OK):
            return f"{facts.st_size} bytes at {facts.st_mtime_ns}"
        return None

    def _full(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self._root), path)  # noqa: PTH118 - names as bytes

    def _update(self, dirty: Iterable[bytes], deadline: float) -> None:
        kept: list[bytes] = []
        gone: list[bytes] = []
        for path in dirty:
            self._modes.look_at(path)
            mark = self._mark(path)
            if mark is not None:
                self._unkept[path] = mark
                continue
            self._unkept.pop(path, None)
            full = self._full(path)
            is_folder = os.path.isdir(full) and not os.path.islink(full)  # noqa: PTH112, PTH114
            (gone if is_folder else kept).append(path)
        try:
            if gone:
                self._feed(["--force-remove"], gone, deadline)
            if kept:
                self._feed(["--add", "--remove", "--replace"], kept, deadline)
        except GitFailedError:
            self._index.with_name(f"{self._index.name}.lock").unlink(missing_ok=True)
            raise

    def _feed(self, options: Sequence[str], paths: Sequence[bytes], deadline: float) -> None:
        for start in range(0, len(paths), _PORTION):
            given = b"\0".join([*paths[start : start + _PORTION], b""])
            self._git.run("update-index", "-z", *options, "--stdin", deadline=deadline, given=given)

    def _contents(self, oids: Iterable[bytes], deadline: float) -> dict[bytes, bytes]:
        """Read objects that are not too large; missing ones are left out."""
        wanted = {oid for oid in oids if oid.strip(b"0")}
        if not wanted:
            return {}
        checked = self._git.run(
            "cat-file", "--batch-check=%(objectname) %(objectsize)",
            deadline=deadline, given=b"\n".join([*wanted, b""]),
        )  # fmt: skip
        sizes = dict(line.split(b" ", 1) for line in checked.splitlines())
        chosen = [
            oid for oid, size in sizes.items() if size.isdigit() and int(size) <= MAX_KEPT_BYTES
        ]
        said = self._git.run(
            "cat-file", "--batch=%(objectname) %(objectsize)",
            deadline=deadline, given=b"\n".join([*chosen, b""]),
        )  # fmt: skip
        contents: dict[bytes, bytes] = {}
        at = 0
        while at < len(said):
            end = said.index(b"\n", at)
            oid, size = said[at:end].split(b" ")
            contents[oid] = said[end + 1 : end + 1 + int(size)]
            at = end + 2 + int(size)
        return contents

    def _is_alone(self) -> bool:
        if self._lock is None:
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _sweep(self) -> None:
        """Remove what killed processes left; only called while nobody else is here."""
        for pattern in ("index-*", "objects/pack/tmp_*", "objects/??/tmp_obj_*", "objects/tmp_*"):
            for path in self._folder.glob(pattern):
                path.unlink(missing_ok=True)

    def _prune(self) -> None:
        """Drop objects that the index has no use for; records keep their own copies."""
        try:
            count = len(os.listdir(self._folder / "objects" / "17"))  # noqa: PTH208 - names only
        except OSError:
            return
        if count < _MANY_OBJECTS:
            return
        environment = {**self._git.environment, "GIT_INDEX_FILE": str(self._base)}
        git = Git(program=self._git.program, environment=environment, folder=self._root)
        with contextlib.suppress(GitFailedError):
            git.run("prune", "--expire=now", deadline=time.monotonic() + self._budget_s)
