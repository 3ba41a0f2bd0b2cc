"""Reading a configuration's text: what cannot be read is told, and nothing waits for ever."""

import os
import threading
from pathlib import Path

import pytest

from ralex.config.text_file import MAX_BYTES, read_text
from ralex.errors import ConfigError


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfmode = 1\r\n")
    assert read_text(tmp_path / "a") == "mode = 1\r\n"


def test_a_pipe_that_is_written_is_read_to_its_end(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        writer = threading.Timer(0.05, lambda: (os.write(writing, b"a = 1\n"), os.close(writing)))
        writer.start()
        assert read_text(Path(f"/dev/fd/{reading}")) == "a = 1\n"
        writer.join()
    finally:
        os.close(reading)


def test_a_pipe_that_nobody_writes_to_is_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert read_text(tmp_path / "pipe") == ""


def test_what_has_no_end_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"has {MAX_BYTES + 1:,} bytes"):
        read_text(Path("/dev/zero"))


def test_a_large_file_is_refused_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"#" * (MAX_BYTES + 5))
    with pytest.raises(ConfigError, match=f"has {MAX_BYTES + 5:,} bytes; .* {MAX_BYTES:,}"):
        read_text(tmp_path / "a")


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        read_text(tmp_path)


def test_text_of_another_encoding_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a = 1\nb = '\xe9'\n")
    with pytest.raises(ConfigError, match="line 2: this is not UTF-8 text"):
        read_text(tmp_path / "a")
