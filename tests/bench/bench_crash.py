"""Kill a scripted task many times and print what got lost: nothing, or it exits with 1.

python tests/bench/bench_crash.py [KILLS]

Opening the session again is to take no more than a second.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.store.crash_harness import crash


def main() -> int:
    """Print the figures."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        findings = crash(Path(folder), kills)
    print(f"kills               {findings.kills} in {time.monotonic() - started:.0f} s")
    print(f"events shown        {findings.shown}, charges ${findings.shown_usd:f}")
    for name, times in (
        ("session open", findings.opened_s),
        ("process to open", findings.started_s),
    ):
        print(f"{name:19} median {statistics.median(times):.2f} s, worst {max(times):.2f} s")
    print(f"faults              {len(findings.faults)}")
    for fault in findings.faults[:20]:
        print(f"  {fault}")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
