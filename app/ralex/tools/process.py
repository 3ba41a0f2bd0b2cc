"""Run one shell command so that it always ends: bounded time, memory and disk, and no child left.

The command gets a process group of its own and one pipe. The pipe is read by the event loop and
is not waited for beyond the command's exit, because a background child may hold it for ever.

Daemons leave the group, and some wipe or overwrite their environment, so everything a command
starts also carries a resource limit that nobody else has: a number of bytes for message queues.
Children inherit it, and nothing that a developer runs has a reason to change it.
"""

import asyncio
import contextlib
import os
import re
import signal
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from ralex.core.records import dataclass
from ralex.tools.output import OutputBuffer

GRACE_S = 2.0
_DRAIN_S = 0.1
_LEFTOVER_GRACE_S = 0.5
_CHUNK_BYTES = 64 * 1024
_MARKER = "RALEX_CALL"
_MARKED = 'ulimit -S -q "$1" 2>/dev/null; exec bash -c "$2"'
_LEAST_LIMIT = 100_000
_LIMITS = 700_000
"""The usual hard limit is 819,200; where it is lower there is no such mark."""

_LIMIT = re.compile(rb"^Max msgqueue size +(\d+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a command ended.

    Attributes:
        exit_code: Its own, or 128 + the signal that ended it.
        signal_name: Such as ``SIGKILL``, if a signal ended it; else empty.
        has_timed_out: It was ended because its time was up.
        had_children: It left processes behind, which were ended.
    """

    exit_code: int
    elapsed_s: float
    has_timed_out: bool
    had_children: bool
    signal_name: str = ""


async def run_shell(
    command: str,
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    output: OutputBuffer,
) -> ProcessEnd:
    """Run a command with ``bash -c`` and collect what it prints.

    Leaving early (cancellation) ends the command and everything it started.

    Raises:
        OSError: If bash or the working directory is missing.
    """
    loop = asyncio.get_running_loop()
    started = time.monotonic()
    marker = new_marker()
    read_end, write_end = os.pipe()
    try:
        process = await start_shell(
            command, cwd=cwd, environment=environment, marker=marker, write_end=write_end
        )
        os.set_blocking(read_end, False)
        loop.add_reader(read_end, _drain, loop, read_end, output)
        try:
            return await _wait(process, started, timeout_s, marker, read_end, output)
        finally:
            loop.remove_reader(read_end)
    finally:
        os.close(read_end)


def new_marker() -> str:
    """Make a word by which everything that one command starts can be found again."""
    return f"{os.getpid()}-{time.monotonic_ns()}"


async def start_shell(
    command: str, *, cwd: Path, environment: Mapping[str, str], marker: str, write_end: int
) -> asyncio.subprocess.Process:
    """Start ``bash -c`` in a session of its own, without input; closes the pipe's end it is given.

    Raises:
        OSError: If bash or the working directory is missing.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            "bash",
            "-c",
            _MARKED,
            "bash",
            _limit_of(marker).decode(),
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            cwd=cwd,
            env={**environment, _MARKER: marker},
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would end the shell alone, and leave what it has started already.
        with contextlib.suppress(OSError):
            await _kill(await starting, marker)
        raise
    finally:
        os.close(write_end)


async def _kill(process: asyncio.subprocess.Process, marker: str) -> None:
    signal_all(process.pid, marker, signal.SIGKILL)
    await asyncio.shield(process.wait())
    signal_all(process.pid, marker, signal.SIGKILL)


async def _wait(
    process: asyncio.subprocess.Process,
    started: float,
    timeout_s: float,
    marker: str,
    read_end: int,
    output: OutputBuffer,
) -> ProcessEnd:
    has_timed_out = is_over = False
    try:
        try:
            async with asyncio.timeout(timeout_s):
                await process.wait()
        except TimeoutError:
            has_timed_out = True
            await _end(process)
        elapsed_s = time.monotonic() - started
        await _drained(read_end, output)
        had_children = await asyncio.to_thread(end_leftovers, process.pid, marker)
        is_over = True
    finally:
        if not is_over:
            # Cancelled: nothing that the command started survives it.
            await _kill(process, marker)
    code = await process.wait()
    return ProcessEnd(
        exit_code=code if code >= 0 else 128 - code,
        elapsed_s=elapsed_s,
        has_timed_out=has_timed_out,
        had_children=had_children and not has_timed_out,
        signal_name=_signal_name(-code) if code < 0 else "",
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the group to end, and force it after two seconds."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _drained(read_end: int, output: OutputBuffer) -> None:
    """Give what is still in the pipe a moment to arrive."""
    deadline = time.monotonic() + _DRAIN_S
    while not output.is_closed and time.monotonic() < deadline:
        _drain(asyncio.get_running_loop(), read_end, output)
        await asyncio.sleep(0.005)


def _drain(loop: asyncio.AbstractEventLoop, read_end: int, output: OutputBuffer) -> None:
    try:
        chunk = os.read(read_end, _CHUNK_BYTES)
    except BlockingIOError:
        return
    if chunk:
        output.add(chunk)
    else:
        output.is_closed = True
        loop.remove_reader(read_end)


def end_leftovers(group: int | None, marker: str, grace_s: float = _LEFTOVER_GRACE_S) -> bool:
    """End what a command left behind, and tell whether there was anything.

    Args:
        group: None if the group's number may belong to others by now.
        grace_s: Seconds between asking and forcing.
    """
    if not signal_all(group, marker, signal.SIGTERM):
        return False
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        time.sleep(0.02)
        if not living(group, marker):
            return True
    signal_all(group, marker, signal.SIGKILL)
    return True


def signal_all(group: int | None, marker: str, number: signal.Signals) -> bool:
    """Signal the group and whatever left it, and tell whether anything was there."""
    found = living(group, marker)
    if group is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
    for process_id in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process_id, number)
    return bool(found)


def living(group: int | None, marker: str) -> list[int]:
    """Find the processes of a command: those of its group, and those that carry its mark.

    Without /proc only the group itself is known, by the process that led it.
    """
    proc = Path("/proc")
    if not proc.is_dir():
        return _leader(group)
    wanted = (f"{_MARKER}={marker}".encode(), _limit_of(marker))
    return [
        int(entry.name)
        for entry in proc.iterdir()
        if entry.name.isdecimal() and _belongs(entry, group, *wanted)
    ]


def _limit_of(marker: str) -> bytes:
    return b"%d" % (_LEAST_LIMIT + zlib.crc32(marker.encode()) % _LIMITS)


def _leader(group: int | None) -> list[int]:
    if group is None:
        return []
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return []
    return [group]


def _belongs(entry: Path, group: int | None, variable: bytes, limit: bytes) -> bool:
    try:
        # What runs with other rights, or may not be looked into, is shown as root's.
        is_ours = entry.stat().st_uid == os.getuid()
        if not is_ours and entry.stat().st_uid != 0:
            return False
        # After the name, which may hold anything: state, parent, group.
        state, _, its_group = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:3]
        if state in (b"Z", b"X"):
            return False
        if int(its_group) == group or (is_ours and variable in _environment(entry)):
            return True
        found = _LIMIT.search((entry / "limits").read_bytes())
        return found is not None and found[1] == limit
    except (OSError, ValueError):
        return False


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def birth_of(process_id: int) -> str:
    """Tell when a process began, in a form that tells it from a later one of the same number.

    Empty if there is no such process.
    """
    if not Path("/proc/self/stat").exists():
        return _birth_by_ps(process_id)
    try:
        text = Path(f"/proc/{process_id}/stat").read_bytes().rpartition(b")")[2]
        return text.split()[19].decode("ascii")
    except (OSError, IndexError, UnicodeDecodeError):
        return ""


def _birth_by_ps(process_id: int) -> str:
    import subprocess  # noqa: PLC0415 - only where there is no /proc

    command = ["ps", "-o", "lstart=", "-p", str(process_id)]
    try:
        found = subprocess.run(command, capture_output=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.decode("utf-8", "replace").strip()
