"""Diagnostics go to a file: stdout belongs to answers, and the screen is drawn on stderr."""

import logging
from pathlib import Path

LIMIT_BYTES = 2_000_000


def log_to_file(home: Path) -> None:
    """Send warnings and errors of this process to ``logs/ralex.log`` in ralex's home.

    The file is made with the first line, readable by its owner only, and set aside as
    ``ralex.log.1`` when it has grown past 2 MB. A home that cannot be written costs the log, not
    the run.
    """
    path = home / "logs" / "ralex.log"
    logging.raiseExceptions = False
    root = logging.getLogger("ralex")
    root.propagate = False
    for old in [one for one in root.handlers if isinstance(one, _LateFile)]:
        root.removeHandler(old)
    root.addHandler(_LateFile(path))


class _LateFile(logging.Handler):
    """Opens its file for each line: lines are rare, and nothing is held open between them."""

    def __init__(self, path: Path) -> None:
        super().__init__(level=logging.WARNING)
        self._path = path
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or none if the disk says no."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > LIMIT_BYTES:
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._path.touch(mode=0o600, exist_ok=True)
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(self.format(record) + "\n")
        except OSError:
            self.handleError(record)
