"""Pictures: recognised by their bytes, measured, bounded, and handed on whole."""

import base64
from pathlib import Path

import pytest

from ralex.core.messages import Image
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.pictures import MAX_PICTURE_BYTES, shape_of
from ralex.tools.read import ReadTool
from tests.tools.pictures import gif, jpeg, png, webp
from tests.tools.test_bash import open_descriptors


async def read(context: ToolContext, path: str) -> ToolOutcome:
    return await ReadTool().run({"path": path}, context)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        pytest.param(png(640, 480), "image/png", id="png"),
        pytest.param(gif(640, 480), "image/gif", id="gif"),
        pytest.param(jpeg(640, 480), "image/jpeg", id="jpeg"),
        pytest.param(webp("VP8 ", 640, 480), "image/webp", id="webp, lossy"),
        pytest.param(webp("VP8L", 640, 480), "image/webp", id="webp, lossless"),
        pytest.param(webp("VP8X", 640, 480), "image/webp", id="webp, extended"),
    ],
)
async def test_a_picture_is_given_whole_with_its_size(
    context: ToolContext, workspace: Path, data: bytes, media_type: str
) -> None:
    (workspace / "shot.dat").write_bytes(data)
    outcome = await read(context, "shot.dat")
    assert outcome.images == (
        Image(
            media_type=media_type,
            data_base64=base64.b64encode(data).decode(),
            width=640,
            height=480,
        ),
    )
    assert "640×480" in outcome.text
    assert f"{len(data):,} bytes" in outcome.text


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"RIFF\0\0\0\0WAVEfmt \0\0\0\0", id="sound"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0", id="png of no size"),
        pytest.param(b"\xff\xd8\xff\xe0\0\0" + bytes(40), id="jpeg without a frame"),
        pytest.param(b"GIF89a\0", id="gif cut off"),
        pytest.param(png(0, 5), id="no width"),
    ],
)
async def test_what_no_model_could_see_is_refused_as_binary(
    context: ToolContext, workspace: Path, data: bytes
) -> None:
    assert shape_of(data) is None
    (workspace / "a.png").write_bytes(data)
    with pytest.raises(ToolError, match="binary"):
        await read(context, "a.png")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png() + bytes(MAX_PICTURE_BYTES), id="bytes"),
        pytest.param(png(9000, 10), id="pixels"),
    ],
)
async def test_one_that_is_too_large_is_refused_with_a_way_out(
    context: ToolContext, workspace: Path, data: bytes
) -> None:
    (workspace / "a.png").write_bytes(data)
    with pytest.raises(ToolError, match="resize"):
        await read(context, "a.png")


async def test_the_size_of_one_that_is_too_large_is_that_of_the_file(
    context: ToolContext, workspace: Path
) -> None:
    data = png() + bytes(2 * MAX_PICTURE_BYTES)
    (workspace / "a.png").write_bytes(data)
    with pytest.raises(ToolError, match=f"{len(data):,} bytes"):
        await ReadTool().run({"path": "a.png"}, context)


@pytest.mark.parametrize(
    ("data", "cut"),
    [
        pytest.param(png(300, 300), 20, id="png"),
        pytest.param(png(300, 300)[:-12] + b"IEND in no place of its own", 0, id="png, damaged"),
        pytest.param(jpeg(), 2, id="jpeg"),
        pytest.param(jpeg()[:2] + b"\xff\xe1\0\x06\xff\xda\xff\xd9" + jpeg()[2:], 2, id="preview"),
        pytest.param(jpeg()[:-2] + b"\xff\xda\0\x02scan\xff\xd9", 3, id="jpeg with a scan"),
        pytest.param(gif(), 3, id="gif"),
        pytest.param(webp(), 5, id="webp"),
    ],
)
async def test_a_picture_that_breaks_off_is_not_sent(
    context: ToolContext, workspace: Path, data: bytes, cut: int
) -> None:
    (workspace / "a.png").write_bytes(data[: len(data) - cut])
    with pytest.raises(ToolError, match="breaks off"):
        await ReadTool().run({"path": "a.png"}, context)
    if cut:
        (workspace / "a.png").write_bytes(data)
        assert (await ReadTool().run({"path": "a.png"}, context)).images


async def test_no_descriptor_is_left_open(context: ToolContext, workspace: Path) -> None:
    (workspace / "a.png").write_bytes(png())
    await read(context, "a.png")
    before = open_descriptors()
    for _ in range(5):
        await read(context, "a.png")
    assert open_descriptors() <= before
