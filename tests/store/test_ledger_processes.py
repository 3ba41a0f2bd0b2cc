"""Several processes on one ledger, killed at random: the provider never bills past the limit."""

import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

SWARM = Path(__file__).with_name("ledger_swarm.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    billed: Decimal
    committed: Decimal
    calls: int
    kills: int
    failed: int
    integrity: str
    wrong_sums: list[str]
    states: dict[str, int]


def swarm(folder: Path, *, limit: str, processes: int, kills: int, mode: str) -> Report:
    done = subprocess.run(
        [sys.executable, str(SWARM), str(folder), limit, str(processes), str(kills), mode],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    return Report(
        billed=Decimal(found["billed"]),
        committed=Decimal(found["committed"]),
        calls=found["calls"],
        kills=found["kills"],
        failed=found["failed"],
        integrity=found["integrity"],
        wrong_sums=found["wrong_sums"],
        states=found["states"],
    )


def test_killed_processes_and_lost_replies_never_overspend(tmp_path: Path) -> None:
    report = swarm(tmp_path, limit="8", processes=4, kills=60, mode="guarded")

    assert report.kills >= 30
    assert report.billed <= report.committed <= 8
    assert report.committed > Decimal("7.9")
    assert (report.integrity, report.wrong_sums, report.failed) == ("ok", [], 0)
    assert report.states["sent"] > 0
    assert report.states.get("reserved", 0) == 0


def test_the_same_processes_overspend_when_they_check_first_and_add_later(
    tmp_path: Path,
) -> None:
    report = swarm(tmp_path, limit="1", processes=6, kills=0, mode="unguarded")

    assert report.billed > 1


def test_without_kills_every_process_ends_by_being_refused(tmp_path: Path) -> None:
    report = swarm(tmp_path, limit="1", processes=4, kills=0, mode="guarded")

    assert (report.failed, report.wrong_sums) == (0, [])
    assert report.billed <= report.committed <= 1
