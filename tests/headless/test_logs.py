"""What went wrong inside is kept in a file, and never on the streams."""

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralex.logs import LIMIT_BYTES, log_to_file


@pytest.fixture(autouse=True)
def quiet_logger() -> Iterator[None]:
    """Put the package's logger back as it was."""
    logger = logging.getLogger("ralex")
    handlers, propagate = list(logger.handlers), logger.propagate
    yield
    logger.handlers, logger.propagate = handlers, propagate


def test_warnings_go_to_a_private_file_and_nowhere_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log_to_file(tmp_path)
    log_to_file(tmp_path)
    assert not (tmp_path / "logs").exists(), "made with the first line"
    logging.getLogger("ralex.agent").warning("a thing %s", "happened")
    path = tmp_path / "logs" / "ralex.log"
    assert path.read_text().count("a thing happened") == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert capfd.readouterr() == ("", "")


def test_a_grown_log_is_set_aside(tmp_path: Path) -> None:
    log_to_file(tmp_path)
    path = tmp_path / "logs" / "ralex.log"
    path.parent.mkdir()
    path.write_text("x" * (LIMIT_BYTES + 1))
    logging.getLogger("ralex").error("next")
    assert "next" in path.read_text()
    assert path.with_name("ralex.log.1").stat().st_size > LIMIT_BYTES


def test_a_home_that_cannot_be_written_costs_only_the_log(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    log_to_file(tmp_path)
    logging.getLogger("ralex").error("lost")
    assert (tmp_path / "logs").read_text() == "in the way"
