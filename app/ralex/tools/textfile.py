"""A text file as bytes and as text: encoding and byte order mark kept, writing all or nothing."""

import codecs
import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools.base import FileStamp
from ralex.tools.paths import explain, open_folder, open_regular

MAX_EDITABLE_BYTES = 32 * 1024 * 1024
_SAMPLE_BYTES = 64 * 1024
_CHUNK_BYTES = 1024 * 1024
_CONTROLS = bytes([*range(7), 0x0E, 0x0F, *range(0x10, 0x1B), *range(0x1C, 0x20), 0x7F])
_MAX_ODD = 0.03
"""Share of control characters beyond which bytes that are no UTF-8 are no text at all."""

_NOT_WESTERN = b"\x81\x8d\x8f\x90\x9d"
_MAX_HASHED_BYTES = 512 * 1024 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"RIFF", "RIFF media"),
    (b"%PDF", "PDF document"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"BZh", "bzip2 archive"),
    (b"\xfd7zXZ", "xz archive"),
    (b"\x7fELF", "ELF program"),
    (b"MZ", "Windows program"),
    (b"\xca\xfe\xba\xbe", "Java class or Mach-O program"),
    (b"\xcf\xfa\xed\xfe", "Mach-O program"),
    (b"SQLite format 3\0", "SQLite database"),
    (b"\0asm", "WebAssembly module"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How a file's bytes are text.

    Attributes:
        codec: Python's name of it; ``cp1252`` stands for any single-byte one, and ``latin-1`` where
            a byte has no meaning there: both keep every byte.
        bom: The byte order mark the file begins with, or empty.
    """

    codec: str
    bom: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A whole text file.

    Attributes:
        text: Without the byte order mark, line ends as they are.
        links: Its names in the file system.
    """

    text: str
    encoding: Encoding
    stamp: FileStamp
    mode: int
    links: int = 1

    @property
    def note_on_links(self) -> str:
        """Say that a change does not reach the file's other names; usually nothing."""
        if self.links < 2:
            return ""
        names = "another name" if self.links == 2 else f"{self.links - 1} other names"
        return f"\nnote: the file had {names} (hard links), which keep the old content"

    def encode(self, text: str) -> bytes:
        """Write other text in this file's encoding.

        Raises:
            ToolError: If the encoding lacks a character.
        """
        try:
            return self.encoding.bom + text.encode(self.encoding.codec)
        except UnicodeEncodeError as error:
            raise ToolError(
                f"the file is not UTF-8, and its encoding cannot hold {text[error.start]!r}: "
                "use plain characters, or convert the file first"
            ) from error


def detect(sample: bytes, path: str, size: int, *, is_whole: bool) -> Encoding:
    """Tell a file's encoding from its first bytes.

    Raises:
        ToolError: If it is binary, with what it seems to be.
    """
    for bom, codec in _BOMS:
        if sample.startswith(bom):
            return Encoding(codec=codec, bom=bom)
    if b"\0" in sample:
        kind = next((name for magic, name in _MAGIC if sample.startswith(magic)), "unknown kind")
        raise ToolError(f"{path} is binary ({kind}, {size:,} bytes): look at it with bash")
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(sample, final=is_whole)
    except UnicodeDecodeError:
        kind = next((name for magic, name in _MAGIC if sample.startswith(magic)), "")
        if kind:
            raise ToolError(
                f"{path} is binary ({kind}, {size:,} bytes): look at it with bash"
            ) from None
        return _single_byte(sample, path, size)
    return Encoding(codec="utf-8")


def _single_byte(sample: bytes, path: str, size: int) -> Encoding:
    odd = len(sample) - len(sample.translate(None, _CONTROLS))
    if odd > _MAX_ODD * len(sample):
        raise ToolError(f"{path} is binary (unknown kind, {size:,} bytes): look at it with bash")
    is_western = len(sample.translate(None, _NOT_WESTERN)) == len(sample)
    return Encoding(codec="cp1252" if is_western else "latin-1")


def read_sample(descriptor: int) -> bytes:
    """Read a file's first 64 KB and go back to its start."""
    sample = os.pread(descriptor, _SAMPLE_BYTES, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return sample


def load(path: Path) -> TextFile:
    """Read a whole text file that is to be changed.

    Raises:
        ToolError: If it is missing, not a regular file, binary, or larger than 32 MB.
    """
    descriptor = open_regular(path)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if facts.st_size > MAX_EDITABLE_BYTES:
            raise ToolError(
                f"{path} has {facts.st_size:,} bytes, more than can be edited: change it with bash"
            )
        data = file.read(MAX_EDITABLE_BYTES + 1)
    encoding = detect(data, str(path), len(data), is_whole=True)
    try:
        text = data[len(encoding.bom) :].decode(encoding.codec)
    except UnicodeDecodeError as error:
        raise ToolError(f"{path} is not valid {encoding.codec}: change it with bash") from error
    stamp = FileStamp(
        mtime_ns=facts.st_mtime_ns, size=len(data), digest=hashlib.sha256(data).hexdigest()
    )
    mode, links = facts.st_mode & 0o7777, facts.st_nlink
    return TextFile(text=text, encoding=encoding, stamp=stamp, mode=mode, links=links)


def stamp_of(descriptor: int) -> FileStamp:
    """Take a file's stamp; beyond 512 MB without its digest, so that the time is bounded."""
    facts = os.fstat(descriptor)
    digest = ""
    if facts.st_size <= _MAX_HASHED_BYTES:
        sums = hashlib.sha256()
        offset = 0
        while chunk := os.pread(descriptor, _CHUNK_BYTES, offset):
            sums.update(chunk)
            offset += len(chunk)
        digest = sums.hexdigest()
    return FileStamp(mtime_ns=facts.st_mtime_ns, size=facts.st_size, digest=digest)


def is_unchanged(seen: FileStamp, now: FileStamp) -> bool:
    """Tell whether a file still holds what the model saw; touching it alone changes nothing."""
    if seen.size != now.size:
        return False
    if seen.digest and now.digest:
        return seen.digest == now.digest
    return seen.mtime_ns == now.mtime_ns


def save(path: Path, data: bytes, *, expected: FileStamp | None) -> FileStamp:
    """Write a file whole or not at all: a temporary file beside it, then a rename.

    Mode, owner and extended attributes stay as they were. A file with other hard links becomes a
    file of its own, because where those links are cannot be known.

    Args:
        path: Real path; missing folders are made.
        expected: What must still be there, or None if the file must not exist yet.

    Raises:
        ToolError: If the file changed meanwhile or cannot be written; it is then as it was.
    """
    temporary = f".ralex-{secrets.token_hex(8)}.tmp"
    try:
        with open_folder(path.parent, create=expected is None) as folder:
            try:
                stamp = _write_beside(folder, temporary, path, data, expected)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
            _sync_folder(folder)
            return stamp
    except OSError as error:
        raise ToolError(explain(error, path)) from error


def _write_beside(
    folder: int, temporary: str, path: Path, data: bytes, expected: FileStamp | None
) -> FileStamp:
    descriptor, is_named = _open_beside(folder, temporary)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        _check_unchanged(folder, path, expected, copy_to=descriptor)
        os.fsync(descriptor)
        if not is_named:
            os.link(f"/proc/self/fd/{descriptor}", temporary, dst_dir_fd=folder)
        _put_in_place(folder, temporary, path.name, is_new=expected is None)
        facts = os.fstat(descriptor)
    return FileStamp(
        mtime_ns=facts.st_mtime_ns, size=len(data), digest=hashlib.sha256(data).hexdigest()
    )


def _open_beside(folder: int, temporary: str) -> tuple[int, bool]:
    """Open a new file in a folder, if possible one without a name: it is gone if we are killed."""
    flags = os.O_WRONLY | os.O_CLOEXEC
    if hasattr(os, "O_TMPFILE") and Path("/proc/self/fd").is_dir():
        with contextlib.suppress(OSError):  # not every file system has such files
            return os.open(".", flags | os.O_TMPFILE, 0o666, dir_fd=folder), False
    flags |= os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    return os.open(temporary, flags, 0o666, dir_fd=folder), True


def _put_in_place(folder: int, temporary: str, name: str, *, is_new: bool) -> None:
    if is_new:
        # A link refuses to take the place of a file that appeared meanwhile; a rename would not.
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            raise ToolError(f"{name} appeared meanwhile: read it before writing it") from None
        except OSError:
            # Some file systems have no hard links.
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _sync_folder(folder: int) -> None:
    """Make the rename last; a folder that cannot be opened for this is no reason to fail."""
    with contextlib.suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _check_unchanged(folder: int, path: Path, expected: FileStamp | None, *, copy_to: int) -> None:
    """Look once more at the file to be replaced, and take over what is not its content."""
    if expected is None:
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path.name, flags, dir_fd=folder)
    try:
        if not is_unchanged(expected, stamp_of(descriptor)):
            raise ToolError(f"{path} changed since you read it: read it again")
        if not os.access(path.name, os.W_OK, dir_fd=folder):
            raise ToolError(f"{path} is read-only: change its mode with bash first, if you may")
        facts = os.fstat(descriptor)
        with contextlib.suppress(PermissionError):
            os.fchown(copy_to, facts.st_uid, facts.st_gid)
        os.fchmod(copy_to, facts.st_mode & 0o7777)
        _copy_attributes(descriptor, copy_to)
    finally:
        os.close(descriptor)


def _copy_attributes(source: int, target: int) -> None:
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(source):
            with contextlib.suppress(OSError):
                os.setxattr(target, name, os.getxattr(source, name))
