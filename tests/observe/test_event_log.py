"""The log for dashboards: complete lines, no secrets, rotated, private, never in the way."""

import json
import os
import stat
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ralex.observe.facts import failure_fact
from ralex.observe.log import KEPT, EventLog

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=ZoneInfo("UTC"))


def noon() -> datetime:
    return NOON


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_each_record_is_one_line_with_the_time_and_its_zone(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "logs", now=noon)
    log.add({"event": "charge", "model": "acme/fäst\n", "input_tokens": 3, "tier": None})
    log.add({"event": "turn"})
    log.close()

    first, second = lines(tmp_path / "logs" / "events.jsonl")
    assert first == {
        "time": first["time"],
        "event": "charge",
        "model": "acme/fäst\n",
        "input_tokens": 3,
        "tier": None,
    }
    assert datetime.fromisoformat(str(first["time"])) == NOON
    assert datetime.fromisoformat(str(first["time"])).tzinfo is not None
    assert second["event"] == "turn"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "logs", now=noon)
    log.add({"event": "turn"})
    log.close()

    files = list((tmp_path / "logs").iterdir())
    assert stat.S_IMODE((tmp_path / "logs").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_keys_are_masked_wherever_they_stand(tmp_path: Path) -> None:
    log = EventLog(tmp_path, now=noon, secrets=["house-key-of-acme", "short"])
    log.add({"event": "charge", "tag": "house-key-of-acme and short"})
    log.add(failure_fact("s1", "auth", "the key sk-proj-0123456789abcdef is wrong"))
    log.close()

    text = (tmp_path / "events.jsonl").read_text(encoding="ascii")
    assert "house-key" not in text
    assert "0123456789" not in text
    assert "and short" in text


def test_a_full_file_is_set_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    for round_number in range(KEPT + 4):
        log = EventLog(tmp_path, now=noon, limit_bytes=100)
        log.add({"event": "turn", "round": round_number, "padding": "x" * 100})
        log.close()

    names = sorted(path.name for path in tmp_path.glob("events.jsonl*") if path.suffix != ".lock")
    assert names == ["events.jsonl", *(f"events.jsonl.{n}" for n in range(1, KEPT + 1))]
    assert lines(tmp_path / "events.jsonl")[0]["round"] == KEPT + 3
    assert lines(tmp_path / f"events.jsonl.{KEPT}")[0]["round"] == 3


def test_processes_that_write_and_rotate_at_once_lose_no_line(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from datetime import datetime\n"
        "from ralex.observe.log import EventLog\n"
        "now = lambda: datetime.now().astimezone()\n"
        "for n in range(20):\n"
        "    log = EventLog(Path(sys.argv[1]), now=now, limit_bytes=4_000)\n"
        "    log.add({'event': 'turn', 'who': sys.argv[2], 'n': n}); log.close()\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path), name]) for name in "abc"
    ]
    assert [child.wait(60) for child in children] == [0, 0, 0]

    written = [
        (record["who"], record["n"])
        for path in tmp_path.glob("events.jsonl*")
        if path.suffix != ".lock"
        for record in lines(path)
    ]
    assert sorted(written, key=str) == sorted(((w, n) for w in "abc" for n in range(20)), key=str)


def test_a_folder_that_cannot_be_made_costs_the_log_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    log = EventLog(tmp_path / "logs", now=noon)
    log.add({"event": "turn"})
    log.close()
    log.add({"event": "turn"})
    log.close()

    assert caplog.text.count("cannot be written") == 1


def test_adding_never_waits_for_the_disk(tmp_path: Path) -> None:
    fifo = tmp_path / "events.jsonl"
    os.mkfifo(fifo)  # opening it for writing blocks until somebody reads
    log = EventLog(tmp_path, now=noon)
    for _ in range(20_000):
        log.add({"event": "turn"})

    assert log.dropped > 0
    reader = threading.Thread(target=fifo.read_bytes)
    reader.start()
    log.close()
    reader.join(10)
