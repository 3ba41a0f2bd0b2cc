"""Background commands: real processes that go on, end, flood, hide and are left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.bash import BashTool
from ralex.tools.job import JobTool, read_job
from ralex.tools.job_output import MAX_FILE_BYTES, JobOutput
from ralex.tools.job_records import JobRecord, JobRecords, owner
from ralex.tools.jobs import MAX_RUNNING, Jobs
from ralex.tools.process import birth_of
from tests.tools.test_bash import appears, gone, is_alive, open_descriptors

WAITS = "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"


@pytest.fixture
async def jobs(context: ToolContext, tmp_path: Path) -> AsyncIterator[Jobs]:
    made = open_jobs(context, tmp_path)
    context.jobs = made
    yield made
    await made.aclose()


def open_jobs(context: ToolContext, tmp_path: Path, session: str = "s1") -> Jobs:
    return Jobs(folder=context.output_dir, records=tmp_path / "jobs", session=session)


async def bash(context: ToolContext, command: str) -> ToolOutcome:
    return await BashTool().run({"command": command, "background": True}, context)


async def job(context: ToolContext, text: str) -> ToolOutcome:
    return await JobTool().run(read_job(text), context)


def records(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "jobs").glob("*.json"))


async def test_a_background_command_goes_on_after_the_call(
    context: ToolContext, jobs: Jobs, workspace: Path
) -> None:
    outcome = await bash(context, "echo $$ > pid; mv pid ready; sleep 300")
    assert "job 1 runs in the background" in outcome.text
    assert outcome.exit_code is None
    assert not outcome.is_error
    await appears(workspace / "ready")
    assert is_alive(int((workspace / "ready").read_text()))
    assert [one.state for one in jobs.all()] == ["running"]


async def test_one_that_fails_at_once_is_told_at_once(context: ToolContext, jobs: Jobs) -> None:
    outcome = await bash(context, "echo no such port >&2; exit 3")
    assert outcome.text.startswith("no such port\n[job 1 ended with exit code 3")
    assert (outcome.is_error, outcome.exit_code) == (True, 3)
    assert jobs.take_news() == ()


async def test_reading_gives_what_is_new_and_waits_for_the_end(
    context: ToolContext, jobs: Jobs, workspace: Path
) -> None:
    await bash(context, "echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 4")
    assert (await job(context, "read 1")).text.startswith("(nothing new)\n[job 1 running")
    (workspace / "go").touch()
    outcome = await job(context, "read 1 60")
    assert outcome.text.startswith("two\n[job 1 ended with exit code 4")
    assert jobs.find(1).output.read_text() == "one\ntwo\n"
    assert jobs.take_news() == (), "what the model has read is no news"


async def test_an_end_is_told_once_with_the_last_lines(
    context: ToolContext, jobs: Jobs, workspace: Path
) -> None:
    await bash(context, "until [ -e go ]; do sleep 0.02; done; echo broken; exit 9")
    assert jobs.take_news() == ()
    (workspace / "go").touch()
    await jobs.wait(1, 30)
    ((label, text),) = jobs.take_news()
    assert label == "job 1"
    assert "ended with exit code 9" in text
    assert "broken" in text
    assert jobs.take_news() == ()


async def test_kill_ends_the_group_and_what_left_it(
    context: ToolContext, jobs: Jobs, workspace: Path
) -> None:
    await bash(
        context,
        "setsid sh -c 'echo $$ > d; mv d daemon; exec sleep 300' & "
        "trap '' TERM; echo $$ > p; mv p leader; while :; do sleep 0.05; done",
    )
    await appears(workspace / "daemon")
    await appears(workspace / "leader")
    outcome = await job(context, "kill 1")
    assert "job 1 was ended" in outcome.text
    assert await gone(int((workspace / "daemon").read_text()))
    assert await gone(int((workspace / "leader").read_text()))
    assert jobs.find(1).state == "killed"


async def test_children_that_outlive_their_command_are_ended(
    context: ToolContext, jobs: Jobs
) -> None:
    outcome = await bash(context, "sleep 300 & echo $!")
    assert "ended with exit code 0" in outcome.text
    assert await gone(int(outcome.text.split("\n")[0]))


async def test_closing_the_session_ends_all_of_them(
    context: ToolContext, jobs: Jobs, tmp_path: Path
) -> None:
    first, second = (
        await bash(context, f"echo $$; {WAITS}"),
        await bash(context, f"echo $$; {WAITS}"),
    )
    await jobs.aclose()
    for outcome in (first, second):
        assert await gone(int(outcome.text.split("\n")[0]))
    with pytest.raises(ToolError, match="closing"):
        await bash(context, "true")
    later = open_jobs(context, tmp_path)
    await later.open()
    assert [label for label, _ in later.take_news()] == ["job 1", "job 2"]
    assert records(tmp_path) == []


async def test_only_so_many_run_at_once(context: ToolContext, jobs: Jobs) -> None:
    for _ in range(MAX_RUNNING):
        await jobs.start("sleep 300", cwd=context.cwd, environment={}, settle_s=0)
    with pytest.raises(ToolError, match="8 jobs run already"):
        await bash(context, "true")


async def test_a_flood_is_bounded_and_does_not_hold_the_loop(
    context: ToolContext, jobs: Jobs
) -> None:
    await jobs.start("yes", cwd=context.cwd, environment=context.environment, settle_s=0)
    output = jobs.find(1).output
    for _ in range(3000):
        if (await asyncio.to_thread(output.stat)).st_size > 1_000_000:
            break
        await asyncio.sleep(0.01)
    info = await jobs.kill(1)
    assert info.state == "killed"
    assert output.stat().st_size < MAX_FILE_BYTES
    assert len(jobs.news(1)) <= 10 * 1024


async def test_after_a_full_chunk_a_command_waits_for_the_next(
    context: ToolContext, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ralex.tools.jobs._PAUSE_S", 1000.0)
    await jobs.start("yes", cwd=context.cwd, environment=context.environment, settle_s=0)
    (job,) = jobs._jobs.values()
    for _ in range(3000):
        if job.pause is not None:
            break
        await asyncio.sleep(0.01)
    before = job.output.total
    await BashTool().run({"command": "sleep 0.2"}, context)
    assert job.output.total == before


def test_the_file_keeps_the_end_and_says_what_is_missing(tmp_path: Path) -> None:
    output = JobOutput(tmp_path / "out.txt")
    line = b"x" * 1023 + b"\n"
    for _ in range(3 * MAX_FILE_BYTES // len(line)):
        output.add(line)
    output.add(b"the end\n")
    output.close()
    data = output.path.read_bytes()
    assert len(data) <= MAX_FILE_BYTES
    assert data.startswith(b"[")
    assert b"bytes left out here]" in data[:60]
    assert data.endswith(b"the end\n")
    assert output.tail().endswith("the end")


async def test_what_a_killed_ralex_left_running_is_ended_and_told(
    context: ToolContext, tmp_path: Path, workspace: Path
) -> None:
    left_behind(context, tmp_path, workspace, session="s1")
    process_id = int((workspace / "leader").read_text())
    assert is_alive(process_id)
    jobs = open_jobs(context, tmp_path)
    await jobs.open()
    assert await gone(process_id)
    ((_, text),) = jobs.take_news()
    assert "left behind when ralex was killed, and has been ended" in text
    assert "left behind" in jobs.notices[0]
    assert records(tmp_path) == []


async def test_any_later_session_ends_it_and_its_own_is_still_told(
    context: ToolContext, tmp_path: Path, workspace: Path
) -> None:
    left_behind(context, tmp_path, workspace, session="s1")
    other = open_jobs(context, tmp_path, session="s2")
    await other.open()
    assert await gone(int((workspace / "leader").read_text()))
    assert len(other.notices) == 1
    assert other.take_news() == ()
    again = open_jobs(context, tmp_path, session="s1")
    await again.open()
    assert again.notices == ()
    assert len(again.take_news()) == 1


async def test_the_commands_of_a_living_ralex_are_left_alone(
    context: ToolContext, jobs: Jobs, tmp_path: Path
) -> None:
    await bash(context, WAITS)
    other = open_jobs(context, tmp_path, session="s2")
    await other.open()
    assert jobs.find(1).state == "running"
    assert other.notices == ()


async def test_a_process_that_got_the_number_of_an_old_one_is_left_alone(
    context: ToolContext, tmp_path: Path
) -> None:
    bystander = await asyncio.create_subprocess_exec("sleep", "300", start_new_session=True)
    try:
        JobRecords(tmp_path / "jobs").write(
            JobRecord(
                session="s1",
                number=1,
                command="sleep 300",
                pid=bystander.pid,
                birth="1",
                marker="nobody",
                owner_pid=os.getpid(),
                owner_birth="1",
                output="",
            )
        )
        jobs = open_jobs(context, tmp_path)
        await jobs.open()
        assert bystander.returncode is None
        assert "and is gone" in jobs.take_news()[0][1]
    finally:
        bystander.kill()
        await bystander.wait()


async def test_a_broken_record_is_passed_over(context: ToolContext, tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text('{"session": 3}')
    (folder / "c.json").write_bytes(b"\xff\xfe")
    jobs = open_jobs(context, tmp_path)
    await jobs.open()
    assert jobs.take_news() == ()


async def test_numbers_go_on_where_the_session_ended(
    context: ToolContext, jobs: Jobs, tmp_path: Path
) -> None:
    await bash(context, "true")
    later = open_jobs(context, tmp_path)
    await later.open()
    context.jobs = later
    assert "[job 2 ended" in (await bash(context, "true")).text


async def test_no_descriptor_is_left_open(context: ToolContext, jobs: Jobs) -> None:
    await bash(context, "true")
    before = open_descriptors()
    for _ in range(3):
        await bash(context, "seq 1 20000")
    assert open_descriptors() <= before


async def test_an_output_that_is_no_text_is_not_shown(context: ToolContext, jobs: Jobs) -> None:
    outcome = await bash(context, "head -c 9000 /dev/urandom")
    assert outcome.text.startswith("(binary output, 9,000 bytes of it here)")


@pytest.mark.parametrize("text", ["read 5", "kill 5", "kill", "dance 1"])
async def test_what_there_is_not_is_said(context: ToolContext, jobs: Jobs, text: str) -> None:
    with pytest.raises(ToolError):
        await job(context, text)


async def test_the_list_names_each_with_its_state(context: ToolContext, jobs: Jobs) -> None:
    assert (await job(context, "")).text == "there are no jobs"
    await bash(context, "true")
    await bash(context, WAITS)
    first, second = (await job(context, "list")).text.split("\n")
    assert first.startswith("job 1: true: ended with exit code 0")
    assert second.startswith("job 2: trap")
    assert "running for" in second


async def test_without_a_session_nothing_stays(context: ToolContext) -> None:
    with pytest.raises(ToolError, match="without background"):
        await bash(context, "true")


def test_a_process_is_known_by_when_it_began() -> None:
    assert owner() == (os.getpid(), birth_of(os.getpid()))
    assert birth_of(os.getpid())
    assert birth_of(2**22 + 1) == ""


def left_behind(context: ToolContext, tmp_path: Path, workspace: Path, *, session: str) -> None:
    """Play a ralex that starts a command, which ignores TERM, and is killed."""
    script = """
import asyncio, os, pathlib, signal, sys
from ralex.tools.jobs import Jobs
outputs, records, workspace, session, path = sys.argv[1:]
stays = "trap '' TERM PIPE; echo $$ > p; mv p leader; while :; do sleep 0.05; done"
async def main():
    folder = pathlib.Path(workspace)
    jobs = Jobs(folder=pathlib.Path(outputs), records=pathlib.Path(records), session=session)
    await jobs.start(stays, cwd=folder, environment={"PATH": path}, settle_s=0)
    while not (folder / "leader").exists():
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    places = (context.output_dir, tmp_path / "jobs", workspace, session)
    command = [sys.executable, "-c", script, *map(str, places), context.environment["PATH"]]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
