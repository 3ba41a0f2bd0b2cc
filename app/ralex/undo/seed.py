"""What the shadow starts from: the user's own index and objects, so that nothing is hashed again.

Only where settings or attributes may make git store other bytes than the file holds, those files
are looked for; the user's filters are never run for it.
"""

import contextlib
import os
import re
import secrets
import shutil
from pathlib import Path

from ralex.core.records import dataclass
from ralex.undo.git import Git, GitFailedError, GitTimeoutError
from ralex.undo.repository import UserRepository, may_filter

_ENTRY = re.compile(
    rb"(?:100644|100755|120000) ([0-9a-f]+) 0\t([^\0]*)\0"
    rb"  c[^\n]*\n  m[^\n]*\n  d[^\n]*\n  u[^\n]*\n  size: (\d+)\tflags: "
)
"""Object, path and size on disk of an entry, as ``ls-files -s -z --debug`` tells them."""

_TAG = re.compile(rb"(?:(?<=\0)|\A)[A-Za-z?] ")
_UNLOOKED = re.compile(rb"(?:(?<=\0)|\A)([a-zS]) ([^\0]*)")
"""What ``ls-files -v`` puts in front of a path; a small letter or S where git does not look."""

_CONFIG = """[core]
\trepositoryformatversion = {version}
\tbare = false
\tfilemode = true
\thooksPath = /dev/null
\tfsmonitor = false
\tuntrackedCache = false
\tlooseCompression = 1
\tautocrlf = false
\tfsync = none
[gc]
\tauto = 0
[maintenance]
\tauto = false
{extensions}"""
_ATTRIBUTES = "* -text -eol -ident -filter !working-tree-encoding\n"
_DERIVED = (
    "node_modules/", ".venv/", "__pycache__/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/",
    ".tox/",
)  # fmt: skip
"""Folders that are made from others; left out where no repository says what to ignore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """Fills the folder and the index of a shadow.

    Attributes:
        folder: The shadow's.
        base: The index that the last session left.
        index: The index of this session.
        user: The user's repository, or None outside of one.
        root: Top of what is watched.
        left_out: A folder that is never looked at.
    """

    folder: Path
    base: Path
    index: Path
    user: UserRepository | None
    root: Path
    git: Git
    left_out: Path

    def describe(self) -> None:
        """Write the repository's few files; done by hand, since it is cheaper than asking git."""
        uses_sha256 = self.user is not None and self.user.object_format == "sha256"
        extensions = "[extensions]\n\tobjectFormat = sha256\n" if uses_sha256 else ""
        for name in ("objects/info", "objects/pack", "refs", "info"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        config = _CONFIG.format(version=int(uses_sha256), extensions=extensions)
        ignored = self.user.ignore_rules() if self.user else "\n".join(_DERIVED)
        if self.left_out.is_relative_to(self.root):
            ignored += f"\n/{self.left_out.relative_to(self.root)}/\n"
        borrowed = f"{self.user.common / 'objects'}\n" if self.user else ""
        texts = {
            "HEAD": "ref: refs/heads/none\n",
            "config": config,
            "info/attributes": _ATTRIBUTES,
            "info/exclude": f"{ignored}\n",
            "objects/info/alternates": borrowed,
        }
        for name, text in texts.items():
            _write_if_other(self.folder / name, text)

    def take_base(self) -> bool:
        """Start from the last session's index unless the user's own is newer."""
        try:
            facts = self.base.stat()
            own = self.user.index if self.user else self.base
            if own.exists() and own.stat().st_mtime_ns > facts.st_mtime_ns:
                return False
            _share(self.base, self.index)
        except OSError:
            return False
        return True

    def keep_base(self) -> None:
        """Leave the index to the next session."""
        if not self.index.exists() or (self.base.exists() and self.base.samefile(self.index)):
            return
        temporary = self.base.with_name(f"{self.index.name}.base")
        _share(self.index, temporary)
        temporary.replace(self.base)

    def copy(self, deadline: float) -> list[bytes]:
        """Start from the user's index.

        Returns:
            Paths whose object is not what the file holds, because it is converted on the way in.

        Raises:
            GitFailedError: If git fails or is not done at the deadline.
        """
        if self.user is None or not self.user.copy_index(self.index):
            return []
        try:
            entries = self.git.run("ls-files", "-v", "-z", deadline=deadline)
            self._look_at_all(entries, deadline)
        except GitTimeoutError:
            raise
        except GitFailedError:  # such as an index split into files of which only one was copied
            self.read_head(deadline)
            return []
        sources = self.user.attribute_files(_TAG.sub(b"", entries))
        has_settings = self.user.has_conversion_settings()
        if not sources and not has_settings:
            return []
        has_filters = has_settings or may_filter(sources)
        converted = self.user.converted() if has_filters else set[bytes]()
        return sorted(converted | self._resized(deadline))

    def _look_at_all(self, entries: bytes, deadline: float) -> None:
        """Take back what the user told git not to look at: a command can change it all the same.

        Files that a sparse checkout leaves out are not there to be changed.
        """
        told = _UNLOOKED.findall(entries)
        for option, paths in (
            ("--no-assume-unchanged", [path for tag, path in told if tag.islower()]),
            ("--no-skip-worktree", [path for tag, path in told if tag in b"Ss"]),
        ):
            there = [one for one in paths if os.path.lexists(os.fsencode(self.root) + b"/" + one)]
            if there:
                given = b"\0".join([*there, b""])
                self.git.run(
                    "update-index", option, "-z", "--stdin", deadline=deadline, given=given
                )

    def _resized(self, deadline: float) -> set[bytes]:
        """List paths whose file has another size than its object, such as by its line ends."""
        place = (self.user.prefix if self.user else "") or "."
        said = self.git.run("ls-files", "-s", "-z", "--debug", "--", place, deadline=deadline)
        entries: list[tuple[bytes, bytes, bytes]] = _ENTRY.findall(said)
        sizes = self.git.run(
            "cat-file", "--buffer", "--batch-check=%(objectsize)",
            deadline=deadline, given=b"".join(oid + b"\n" for oid, _, _ in entries),
        ).split(b"\n")  # fmt: skip
        return {
            path
            for (_, path, size), stored in zip(entries, sizes, strict=False)
            if stored.isdigit() and int(size) != int(stored)
        }

    def read_head(self, deadline: float) -> None:
        """Start from the last commit instead.

        Raises:
            GitFailedError: If git fails or is not done at the deadline.
        """
        self.index.unlink(missing_ok=True)
        if self.user is not None and self.user.head_tree:
            self.git.run("read-tree", self.user.head_tree, deadline=deadline)


def _share(source: Path, target: Path) -> None:
    """Give a file a second name; git replaces an index and never writes into it."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _write_if_other(path: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    with contextlib.suppress(OSError):
        if path.read_bytes() == data:
            return
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(data)
    temporary.replace(path)
