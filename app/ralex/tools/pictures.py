"""Pictures for models that see: which formats, how large, and how wide and high they are.

Sizes are read from the first bytes of a file; nothing is decoded, so a broken picture costs nothing
and no imaging library is needed.
"""

import base64
import struct
from collections.abc import Callable, Mapping

from ralex.core.messages import Image
from ralex.core.records import dataclass
from ralex.errors import ToolError

MAX_PICTURE_BYTES = 3_750_000
"""Base64 makes 5 MB of it, the most that Anthropic takes (documentation of 2026)."""

MAX_SIDE = 8000
"""Pixels; Anthropic refuses more."""

_HEADER_BYTES = 64 * 1024
_LAST_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the header of a picture says; width and height in pixels."""

    media_type: str
    width: int
    height: int

    @property
    def words(self) -> str:
        """Say it in a few words."""
        kind = self.media_type.removeprefix("image/").upper()
        return f"{kind}, {self.width}×{self.height}"


def shape_of(data: bytes) -> Shape | None:
    """Tell what picture some bytes begin; None if it is none that models take."""
    for magic, (media_type, sides) in _FORMATS.items():
        if data.startswith(magic):
            if media_type == "image/webp" and data[8:12] != b"WEBP":
                return None
            try:
                width, height = sides(data)
            except (struct.error, IndexError):
                return None
            if not width or not height:
                return None
            return Shape(media_type=media_type, width=width, height=height)
    return None


def picture(data: bytes, shape: Shape, name: str, size: int) -> Image:
    """Wrap a whole picture for a model.

    Args:
        size: Bytes of the file; of one that is too large not all need be in ``data``.

    Raises:
        ToolError: If it is larger than models take, or cut off: a provider that refuses a picture
            would refuse every later request of the conversation.
    """
    if size > MAX_PICTURE_BYTES or max(shape.width, shape.height) > MAX_SIDE:
        raise ToolError(
            f"{name} is too large to be looked at ({shape.words}, {size:,} bytes; at most "
            f"{MAX_PICTURE_BYTES:,} bytes and {MAX_SIDE} pixels a side): make a smaller copy with "
            "bash, for example with ImageMagick's convert -resize 1600x1600"
        )
    if not _ENDS[shape.media_type](data):
        kind = shape.media_type.removeprefix("image/").upper()
        raise ToolError(f"{name} is a {kind} that breaks off before its end, so it cannot be shown")
    return Image(
        media_type=shape.media_type,
        data_base64=base64.b64encode(data).decode("ascii"),
        width=shape.width,
        height=shape.height,
    )


def _png(data: bytes) -> tuple[int, int]:
    return struct.unpack_from(">II", data, 16)


def _gif(data: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", data, 6)


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return _u24(data, 24) + 1, _u24(data, 27) + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _u24(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


def _jpeg(data: bytes) -> tuple[int, int]:
    """Walk the segments to the one that holds the frame."""
    at = 2
    while at + 9 < min(len(data), _HEADER_BYTES):
        if data[at] != 0xFF:
            break
        kind = data[at + 1]
        if kind == 0xFF:  # padding
            at += 1
            continue
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return 0, 0


def _png_ends(data: bytes) -> bool:
    at = 8
    while at + 8 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at += 12 + struct.unpack_from(">I", data, at)[0]
    return False


def _jpeg_ends(data: bytes) -> bool:
    """Look for the mark of the end behind the first scan: a preview in the head has one, too."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xD9:
            return True
        if kind == 0xDA:
            break
        at += 1 if kind == 0xFF else 2 + struct.unpack_from(">H", data, at + 2)[0]
    return data.find(b"\xff\xd9", at) >= 0


def _gif_ends(data: bytes) -> bool:
    return data[13:].rstrip(b"\0\r\n").endswith(b";") or b"\0;" in data[-_LAST_BYTES:]


def _webp_ends(data: bytes) -> bool:
    return len(data) >= 8 + struct.unpack_from("<I", data, 4)[0]


_ENDS: Mapping[str, Callable[[bytes], bool]] = {
    "image/png": _png_ends,
    "image/jpeg": _jpeg_ends,
    "image/gif": _gif_ends,
    "image/webp": _webp_ends,
}
_FORMATS: Mapping[bytes, tuple[str, Callable[[bytes], tuple[int, int]]]] = {
    b"\x89PNG\r\n\x1a\n": ("image/png", _png),
    b"\xff\xd8\xff": ("image/jpeg", _jpeg),
    b"GIF87a": ("image/gif", _gif),
    b"GIF89a": ("image/gif", _gif),
    b"RIFF": ("image/webp", _webp),
}
