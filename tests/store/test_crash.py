"""A task killed at random moments loses nothing that was shown, and repeats nothing by itself."""

import os
from pathlib import Path

from tests.store.crash_harness import crash

KILLS = 200 if os.environ.get("RALEX_STRESS") == "1" else 25
ENOUGH_EVENTS = 5 * KILLS


def test_a_killed_task_loses_nothing_that_was_shown_and_repeats_nothing(tmp_path: Path) -> None:
    findings = crash(tmp_path, KILLS)

    assert findings.faults == []
    assert findings.kills == KILLS
    assert findings.shown >= ENOUGH_EVENTS


def test_the_same_kills_find_a_program_that_shows_before_it_stores(tmp_path: Path) -> None:
    findings = crash(tmp_path, 8, "show-first", at_events=True)

    assert any(fault.startswith("shown and not stored") for fault in findings.faults)
