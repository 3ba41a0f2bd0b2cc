"""``logs/events.jsonl``: one JSON object a line, written by a thread of its own.

The caller only puts a record into a bounded queue. A log is not the ledger: what a killed process
had not written yet, or a full disk refuses, is missing here and nowhere else.
"""

import contextlib
import fcntl
import itertools
import json
import logging
import os
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from pathlib import Path

from ralex.core.terminal_text import mask_secrets
from ralex.observe.facts import Fact

_LOG = logging.getLogger(__name__)

LOG_NAME = "events.jsonl"
LIMIT_BYTES = 5_000_000
KEPT = 4
"""Older files beside the one in use: ``events.jsonl.1`` is the youngest of them."""

_QUEUED = 10_000
_SHORTEST_SECRET = 8
"""A key shorter than this would be found in innocent words."""


class EventLog:
    """Adds lines to the log of all ralex processes on one home; no method blocks or fails.

    The thread starts with the first record.

    Args:
        folder: Made, for its owner alone, with the first record.
        now: The user's local time, with its zone.
        secrets: Texts that must never be written, such as the keys in use.
        limit_bytes: From this size on the file is set aside.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: Callable[[], datetime],
        secrets: Sequence[str] = (),
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._path = folder / LOG_NAME
        self._now = now
        self._secrets = [one for one in secrets if len(one) >= _SHORTEST_SECRET]
        self._limit_bytes = limit_bytes
        self._queue: queue.Queue[str | None] = queue.Queue(_QUEUED)
        self._thread: threading.Thread | None = None
        self._has_failed = False
        self.dropped = 0

    def add(self, fact: Fact) -> None:
        """Note a record with the present time; dropped if the disk is hopelessly behind."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="ralex-log", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(self._line(fact))
        except queue.Full:
            self.dropped += 1

    def close(self, timeout_s: float = 2.0) -> None:
        """Write what is waiting, for at most so many seconds, and stop."""
        if self._thread is None:
            return
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=timeout_s)
        self._thread.join(timeout_s)
        self._thread = None

    def _line(self, fact: Fact) -> str:
        record = {
            "time": self._now().astimezone().isoformat(timespec="milliseconds"),
            **{name: self._masked(value) for name, value in fact.items()},
        }
        return json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n"

    def _masked(self, value: str | int | None) -> str | int | None:
        if not isinstance(value, str):
            return value
        for secret in self._secrets:
            value = value.replace(secret, f"{secret[:3]}…")
        return mask_secrets(value)

    def _work(self) -> None:
        is_open = True
        while is_open:
            waiting = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    waiting.append(self._queue.get_nowait())
            is_open = None not in waiting
            text = "".join(line for line in waiting if line is not None)
            if text:
                self._write(text)

    def _write(self, text: str) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                self._rotate()
                _append(self._path, text)
        except OSError as error:
            if not self._has_failed:
                _LOG.warning("the event log cannot be written: %s", error)
            self._has_failed = True

    @contextlib.contextmanager
    def _alone(self) -> Generator[None, None, None]:
        """Keep other processes out: two that rotate at once would lose a file."""
        lock = self._path.with_name(f"{LOG_NAME}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _rotate(self) -> None:
        try:
            is_full = self._path.stat().st_size >= self._limit_bytes
        except FileNotFoundError:
            return
        if not is_full:
            return
        names = [self._path, *(self._path.with_name(f"{LOG_NAME}.{n}") for n in range(1, KEPT + 1))]
        for younger, older in reversed(list(itertools.pairwise(names))):
            if younger.exists():
                younger.replace(older)


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        rest = text.encode("ascii")
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)
