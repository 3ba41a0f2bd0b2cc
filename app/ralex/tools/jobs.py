"""Commands that go on in the background of a session, until they end or it closes.

Each has a process group of its own and prints into a file. They outlive turns, never the session: a
ralex that was killed leaves a record behind, by which the next one finds and ends them.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

from ralex.core.ids import SessionId
from ralex.core.records import dataclass
from ralex.errors import ToolError
from ralex.tools.job_output import JobOutput
from ralex.tools.job_records import JobRecord, JobRecords, end_abandoned, owner
from ralex.tools.kept_outputs import OpenOutputs
from ralex.tools.process import GRACE_S, birth_of, end_leftovers, new_marker, start_shell
from ralex.tools.titles import one_line

MAX_RUNNING = 8
MAX_KEPT = 100
_CHUNK_BYTES = 64 * 1024
_PAUSE_S = 0.02
"""Between two full chunks: a command that floods gets about 3 MB/s and cannot hold the screen."""

_LAST_CHUNKS = 64
_TOLD_BYTES = 1500

JobState: TypeAlias = Literal["running", "ended", "killed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobInfo:
    """A background command as it is now.

    Attributes:
        id: From 1 within the session.
        state: ``killed`` if it was ended on the user's or the model's word.
        seconds: How long it has run, or ran.
        exit_code: Its own, or 128 + the signal that ended it; None while it runs.
        output: The file with what it printed.
    """

    id: int
    command: str
    state: JobState
    seconds: float
    exit_code: int | None
    output: Path

    @property
    def ending(self) -> str:
        """Say in a few words how it goes or went."""
        took = f"{self.seconds:.0f} s" if self.seconds >= 10 else f"{self.seconds:.1f} s"
        match self.state:
            case "running":
                return f"running for {took}"
            case "ended":
                return f"ended with exit code {self.exit_code} after {took}"
            case "killed":
                return f"was ended after {took}"


@dataclass(slots=True, kw_only=True, eq=False)
class _Job:
    info: JobInfo
    process: asyncio.subprocess.Process
    marker: str
    output: JobOutput
    read_end: int
    started: float
    watch: "asyncio.Task[None] | None" = None
    pause: asyncio.TimerHandle | None = None
    is_told: bool = False

    def now(self) -> JobInfo:
        if self.info.state != "running":
            return self.info
        return replace(self.info, seconds=time.monotonic() - self.started)


class Jobs:
    """The background commands of one session.

    Args:
        folder: Where their outputs go.
        records: Folder for the records of all sessions.

    Attributes:
        notices: What the user should know of commands that a killed ralex left behind.
    """

    def __init__(self, *, folder: Path, records: Path, session: str) -> None:
        self._folder = folder
        self._records = JobRecords(records)
        self._session = session
        self._jobs: dict[int, _Job] = {}
        self._last = 0
        self._left: list[JobRecord] = []
        self._is_closed = False
        self.notices: tuple[str, ...] = ()

    async def open(self) -> None:
        """Find what a killed ralex left running, of any session, and end it."""
        await asyncio.to_thread(self._recover)

    def all(self) -> tuple[JobInfo, ...]:
        """List the commands of this run of the session, oldest first."""
        return tuple(job.now() for job in self._jobs.values())

    def find(self, number: int) -> JobInfo:
        """Tell how a command goes.

        Raises:
            ToolError: If there is none of this number.
        """
        return self._find(number).now()

    def news(self, number: int) -> str:
        """Give what a command printed since this was asked before, its end at most.

        Raises:
            ToolError: If there is none of this number.
        """
        job = self._find(number)
        job.is_told = job.is_told or job.info.state != "running"
        return job.output.news()

    async def start(
        self, command: str, *, cwd: Path, environment: Mapping[str, str], settle_s: float = 1.0
    ) -> JobInfo:
        """Start a command; one that fails at once is seen to.

        Args:
            settle_s: How long to wait for an early end.

        Raises:
            ToolError: If too many run already.
            OSError: If it cannot be started.
        """
        running = [job for job in self._jobs.values() if job.info.state == "running"]
        if len(running) >= MAX_RUNNING:
            names = ", ".join(f"{job.info.id} ({one_line(job.info.command)})" for job in running)
            raise ToolError(f"{MAX_RUNNING} jobs run already: end one first. Running: {names}")
        if self._is_closed:
            raise ToolError("the session is closing: no job is started")
        job = await self._launch(command, cwd=cwd, environment=environment)
        await asyncio.to_thread(self._records.write, self._record(job))
        if job.watch is not None:
            await asyncio.wait([job.watch], timeout=settle_s)
        return job.now()

    async def wait(self, number: int, seconds: float) -> JobInfo:
        """Wait for a command's end, not longer than some seconds.

        Raises:
            ToolError: If there is none of this number.
        """
        job = self._find(number)
        if job.watch is not None:
            await asyncio.wait([job.watch], timeout=seconds)
        return job.now()

    async def kill(self, number: int) -> JobInfo:
        """End a command and everything it started: asked first, forced after two seconds.

        Raises:
            ToolError: If there is none of this number.
        """
        job = self._find(number)
        await self._end(job)
        return job.now()

    def take_news(self) -> tuple[tuple[str, str], ...]:
        """Give what the model must hear of commands that ended; each is given once.

        Returns:
            Pairs of a label and a text.
        """
        told = [(f"job {one.number}", _left_text(one)) for one in self._left]
        for one in self._left:
            self._records.remove(one.session, one.number)
        self._left = []
        for job in self._jobs.values():
            if job.info.state != "running" and not job.is_told:
                job.is_told = True
                told.append((f"job {job.info.id}", _ended_text(job)))
                self._records.remove(self._session, job.info.id)
        return tuple(told)

    async def aclose(self) -> None:
        """End what runs; safe to call twice."""
        self._is_closed = True
        running = [job for job in self._jobs.values() if job.info.state == "running"]
        await asyncio.gather(*(self._end(job, "ended with the session") for job in running))
        for job in self._jobs.values():
            if job.is_told:
                await asyncio.to_thread(self._records.remove, self._session, job.info.id)

    def _find(self, number: int) -> _Job:
        job = self._jobs.get(number)
        if job is None:
            known = ", ".join(map(str, self._jobs)) or "none"
            raise ToolError(f"there is no job {number}; there are: {known}")
        return job

    async def _launch(self, command: str, *, cwd: Path, environment: Mapping[str, str]) -> _Job:
        loop = asyncio.get_running_loop()
        self._last = number = self._last + 1
        output = JobOutput(self._folder / f"job-{number}.txt")
        read_end, write_end = os.pipe()
        marker = new_marker()
        try:
            process = await start_shell(
                command, cwd=cwd, environment=environment, marker=marker, write_end=write_end
            )
        except BaseException:
            os.close(read_end)
            output.close()
            raise
        info = JobInfo(
            id=number,
            command=command,
            state="running",
            seconds=0.0,
            exit_code=None,
            output=output.path,
        )
        job = _Job(
            info=info,
            process=process,
            marker=marker,
            output=output,
            read_end=read_end,
            started=time.monotonic(),
        )
        os.set_blocking(read_end, False)
        loop.add_reader(read_end, self._read, job)
        job.watch = loop.create_task(self._watch(job), name=f"job {number}")
        self._jobs[number] = job
        self._forget_oldest()
        return job

    def _read(self, job: _Job) -> None:
        """Take one chunk; after a full one the command waits a moment for the next."""
        loop = asyncio.get_running_loop()
        job.pause = None
        try:
            chunk = os.read(job.read_end, _CHUNK_BYTES)
        except BlockingIOError:
            chunk = None
        if chunk:
            job.output.add(chunk)
        if chunk == b"":
            loop.remove_reader(job.read_end)
        elif chunk and len(chunk) == _CHUNK_BYTES:
            loop.remove_reader(job.read_end)
            job.pause = loop.call_later(_PAUSE_S, self._read, job)
        else:
            loop.add_reader(job.read_end, self._read, job)

    async def _watch(self, job: _Job) -> None:
        """Wait for a command's end and put it on record."""
        try:
            code = await job.process.wait()
            seconds = time.monotonic() - job.started
            await asyncio.to_thread(end_leftovers, job.process.pid, job.marker)
            self._read_rest(job)
        finally:
            self._stop_reading(job)
        state: JobState = "killed" if job.info.state == "killed" else "ended"
        job.info = replace(
            job.info, state=state, seconds=seconds, exit_code=code if code >= 0 else 128 - code
        )
        await asyncio.to_thread(self._records.write, self._record(job, job.info.ending))

    def _read_rest(self, job: _Job) -> None:
        for _ in range(_LAST_CHUNKS):
            try:
                chunk = os.read(job.read_end, _CHUNK_BYTES)
            except BlockingIOError:
                return
            if not chunk:
                return
            job.output.add(chunk)

    def _stop_reading(self, job: _Job) -> None:
        asyncio.get_running_loop().remove_reader(job.read_end)
        if job.pause is not None:
            job.pause.cancel()
        os.close(job.read_end)
        job.output.close()

    async def _end(self, job: _Job, end: str = "") -> None:
        if job.info.state != "running" or job.watch is None:
            return
        # Marked by its own task once it is over; until then it counts as running.
        group, marker = job.process.pid, job.marker
        await asyncio.to_thread(end_leftovers, group, marker, GRACE_S)
        await asyncio.shield(job.watch)
        job.info = replace(job.info, state="killed")
        await asyncio.to_thread(self._records.write, self._record(job, end or job.info.ending))

    def _record(self, job: _Job, end: str = "") -> JobRecord:
        owner_pid, owner_birth = owner()
        return JobRecord(
            session=self._session,
            number=job.info.id,
            command=job.info.command,
            pid=job.process.pid,
            birth=birth_of(job.process.pid),
            marker=job.marker,
            owner_pid=owner_pid,
            owner_birth=owner_birth,
            output=str(job.info.output),
            end=end,
        )

    def _forget_oldest(self) -> None:
        over = [number for number, job in self._jobs.items() if job.info.state != "running"]
        for number in over[: max(0, len(self._jobs) - MAX_KEPT)]:
            del self._jobs[number]

    def _recover(self) -> None:
        notices: list[str] = []
        for record in self._records.all():
            is_own = record.session == self._session
            if record.is_abandoned:
                was_alive = end_abandoned(record, GRACE_S)
                end = "was left behind when ralex was killed" + (
                    ", and has been ended" if was_alive else ", and is gone"
                )
                if was_alive:
                    notices.append(f"the background command {one_line(record.command)!r} {end}")
                record = replace(record, end=end)  # noqa: PLW2901 - from here on as it now is
                self._records.write(record)
            if is_own and record.end:
                self._left.append(record)
        self._left.sort(key=lambda one: one.number)
        self.notices = tuple(notices)
        with contextlib.suppress(OSError):
            for entry in self._folder.glob("job-*.txt"):
                number = entry.stem.removeprefix("job-")
                self._last = max(self._last, int(number) if number.isdecimal() else 0)


def jobs_in(
    home: Path, at_end: Callable[[Callable[[], Awaitable[None]]], object]
) -> Callable[[SessionId], Jobs]:
    """Give what makes the background commands of a session, and keeps its outputs meanwhile.

    Args:
        home: The folder of ralex; outputs and records go there.
        at_end: Is given what ends them and what lets go of the outputs; the last is called first.
    """

    def make(session_id: SessionId) -> Jobs:
        outputs = home / "tool-output"
        at_end(OpenOutputs(outputs, session_id).aclose)
        jobs = Jobs(folder=outputs / session_id, records=home / "jobs", session=session_id)
        at_end(jobs.aclose)
        return jobs

    return make


def _ended_text(job: _Job) -> str:
    info = job.info
    by = " (by the user or with the session)" if info.state == "killed" else ""
    tail = job.output.tail(_TOLD_BYTES)
    shown = f" Its last lines:\n{tail}\n" if tail else " It printed nothing.\n"
    return f"Job {info.id} ({one_line(info.command)}) {info.ending}{by}.{shown}[{info.output}]"


def _left_text(record: JobRecord) -> str:
    return (
        f"Job {record.number} ({one_line(record.command)}) {record.end}. "
        f"What it printed: {record.output}"
    )
