"""Who holds a reservation or a session: a process that can be recognised, and found dead, later.

A process id alone is not enough, because ids are used again. Its start time and the machine's boot
tell the same id apart; its pid namespace tells whether the id can be looked up from here at all.
"""

import os
import secrets
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from ralex.core.clock import ClockMark
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One opened database in one process.

    Attributes:
        id: Random; two openings in one process differ.
        started: When the process started, in the system's own words.
        boot: The machine's current run.
        namespace: Where ``pid`` means something; empty where the system has only one.
    """

    id: str
    pid: int
    started: str
    boot: str
    namespace: str


def this_process() -> Owner:
    """Make an owner for the running process."""
    pid = os.getpid()
    return Owner(
        id=secrets.token_hex(8),
        pid=pid,
        started=_started(pid) or "",
        boot=_boot(),
        namespace=_namespace(),
    )


def is_alive(owner: Owner) -> bool:
    """Tell whether the owner's process still runs.

    An owner in another pid namespace (a container on the same machine) cannot be looked up and
    counts as alive.
    """
    if is_of_another_boot(owner):
        return False
    if owner.namespace != _namespace():
        return True
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(owner.pid) == owner.started


def is_of_another_boot(owner: Owner) -> bool:
    """Tell whether the machine went down since, so that unsynced writes may be lost."""
    return owner.boot != _boot()


def clock_mark() -> ClockMark:
    """Read the wall clock and the machine's own count of time, its sleep included."""
    # Darwin's monotonic clock goes on while the machine sleeps, as Linux's boot time does.
    kind: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return ClockMark(wall_s=time.time(), uptime_s=time.clock_gettime(kind), boot=_boot())


def _started(pid: int) -> str | None:
    """Give the start of a process, or None if it is gone or only waits to be reaped."""
    if sys.platform != "linux":
        return _ask("/bin/ps", "-o", "lstart=", "-p", str(pid)) or None
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in {"Z", "X"} else fields[18]


@cache
def _boot() -> str:
    if sys.platform != "linux":
        return _ask("/usr/sbin/sysctl", "-n", "kern.boottime")
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _ask(*command: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - fixed programs, a number as their only argument
            command,
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
            env={"LC_ALL": "C", "TZ": "UTC"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
