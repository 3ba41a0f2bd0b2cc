"""Shell commands: real processes that misbehave, and always end."""

import asyncio
import time
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.bash import BashTool


async def bash(context: ToolContext, command: str, **more: object) -> ToolOutcome:
    return await BashTool().run({"command": command, **more}, context)


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


async def gone(process_id: int) -> bool:
    for _ in range(100):
        if not is_alive(process_id):
            return True
        await asyncio.sleep(0.02)
    return False


async def appears(path: Path) -> None:
    for _ in range(500):
        if await asyncio.to_thread(path.exists):
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{path} did not appear")


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def kept_output(context: ToolContext) -> Path:
    (kept,) = context.output_dir.iterdir()
    return kept


def kept_bytes(context: ToolContext) -> bytes:
    return kept_output(context).read_bytes()


async def test_output_exit_code_and_time_are_reported(context: ToolContext) -> None:
    outcome = await bash(context, "echo out; echo err >&2; exit 3")
    assert outcome.text.startswith("out\nerr\n[exit code 3, ")
    assert (outcome.exit_code, outcome.is_error) == (3, True)
    assert outcome.summary.startswith("exit 3 · ")


async def test_success_is_no_error_and_silence_is_said(context: ToolContext) -> None:
    outcome = await bash(context, "true")
    assert outcome.text.startswith("(no output)\n[exit code 0")
    assert not outcome.is_error


async def test_it_runs_in_the_working_directory(context: ToolContext, workspace: Path) -> None:
    assert (await bash(context, "pwd")).text.startswith(str(workspace))


async def test_a_command_killed_by_a_signal_reports_it_as_shells_do(context: ToolContext) -> None:
    outcome = await bash(context, "kill -SEGV $$")
    assert outcome.exit_code == 139
    assert "exit code 139 (SIGSEGV)" in outcome.text


async def test_nobody_can_be_asked(context: ToolContext) -> None:
    outcome = await bash(context, 'read line; echo "got [$line]"; git --version; tty', timeout=20)
    assert "got []" in outcome.text
    assert "not a tty" in outcome.text


async def test_the_environment_is_the_given_one_made_quiet(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-secret")
    text = (await bash(context, "env")).text
    assert "sk-secret" not in text
    for setting in ("GIT_TERMINAL_PROMPT=0", "PAGER=cat", "NO_COLOR=1", "CI=1", "TERM=dumb"):
        assert setting in text


async def test_a_command_that_ignores_term_is_killed(context: ToolContext) -> None:
    started = time.monotonic()
    outcome = await bash(
        context, "trap '' TERM; echo started; while true; do sleep 0.05; done", timeout=1
    )
    assert time.monotonic() - started < 20
    assert "started" in outcome.text
    assert "timed out after 1 s" in outcome.text
    assert "background=true" in outcome.text
    assert outcome.is_error


async def test_a_background_child_holding_the_pipe_is_not_waited_for(
    context: ToolContext,
) -> None:
    started = time.monotonic()
    outcome = await bash(context, "sleep 300 & echo $!")
    assert time.monotonic() - started < 20
    assert "left behind were ended" in outcome.text
    assert await gone(int(outcome.text.split("\n")[0]))


async def test_a_daemon_that_left_the_group_is_ended_too(context: ToolContext) -> None:
    outcome = await bash(context, "setsid sh -c 'echo $$; exec sleep 300' & sleep 0.2")
    assert await gone(int(outcome.text.split("\n")[0]))


@pytest.mark.parametrize("steps", range(1, 12))
async def test_cancelling_while_the_command_is_started_leaves_nothing(
    context: ToolContext, workspace: Path, steps: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The shell may have started something before asyncio hands it over."""
    task = asyncio.create_task(bash(context, "sleep 300 & echo $! > child; wait"))
    for _ in range(steps):
        await asyncio.sleep(0)
    time.sleep(0.02 if steps > 1 else 0)  # noqa: ASYNC251 - the loop must not see what goes on
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    child = workspace / "child"
    if child.exists() and child.read_text():
        assert await gone(int(child.read_text()))
    assert "Unknown child" not in caplog.text


async def test_cancelling_ends_the_whole_group(context: ToolContext, workspace: Path) -> None:
    command = "trap '' TERM; sleep 300 & echo $$ $! > pids; mv pids ready; wait; sleep 300"
    task = asyncio.create_task(bash(context, command))
    await appears(workspace / "ready")
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 20
    for process_id in (workspace / "ready").read_text().split():
        assert await gone(int(process_id))


async def test_long_output_keeps_head_and_tail_and_the_rest_in_a_file(
    context: ToolContext,
) -> None:
    outcome = await bash(context, "seq 1 100000")
    assert kept_output(context).stat().st_mode & 0o777 == 0o600
    assert outcome.text.startswith("1\n2\n3\n")
    assert "\n100000\n[exit code 0" in outcome.text
    assert len(outcome.text) < 32 * 1024
    kept = kept_output(context)
    assert str(kept) in outcome.text
    assert kept.read_text().splitlines() == [str(n) for n in range(1, 100001)]


async def test_a_flood_is_bounded_in_memory_and_on_disk(context: ToolContext) -> None:
    outcome = await bash(context, "head -c 300000000 /dev/zero | tr '\\0' x; echo; echo end")
    data = kept_bytes(context)
    assert len(data) < 40_000_000
    assert len(outcome.text) < 40_000
    assert "end\n[exit code 0" in outcome.text
    assert data.endswith(b"end\n")


async def test_a_long_line_is_cut(context: ToolContext) -> None:
    outcome = await bash(context, "head -c 9000 /dev/zero | tr '\\0' y")
    assert outcome.text.startswith("y" * 2000 + "… (7,000 more characters)\n")


async def test_broken_utf_8_colours_and_progress_bars_come_out_plain(
    context: ToolContext,
) -> None:
    outcome = await bash(context, r"printf '\033[31mred\033[0m\n10%%\r50%%\r100%%\n\377\303\251\n'")
    assert outcome.text.startswith("red\n100%\n\ufffdé\n")


@pytest.mark.parametrize("command", ["", "  ", "echo \0", "x" * 200_000])
async def test_an_impossible_command_is_refused(context: ToolContext, command: str) -> None:
    with pytest.raises(ToolError):
        await bash(context, command)


async def test_a_missing_working_directory_is_a_clear_error(
    context: ToolContext, workspace: Path
) -> None:
    context.cwd = workspace / "gone"
    with pytest.raises(ToolError, match="gone is gone"):
        await bash(context, "true")


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="there is no /proc")
async def test_a_daemon_that_wipes_its_environment_is_ended_as_well(
    context: ToolContext, workspace: Path
) -> None:
    (workspace / "daemon").write_text(
        "setsid sh -c 'echo $$ > second; exec sleep 300' &\necho $$ > first\nexec sleep 300\n"
    )
    start = '(env -i PATH="$PATH" setsid sh daemon >/dev/null 2>&1 &)'
    outcome = await bash(context, f"{start}\nuntil [ -s first -a -s second ]; do sleep 0.02; done")
    assert outcome.text.endswith("processes it left behind were ended]")
    for name in ("first", "second"):
        assert await gone(int((workspace / name).read_text()))


async def test_an_output_that_is_no_text_is_not_shown(context: ToolContext) -> None:
    outcome = await bash(context, "head -c 100000 /dev/urandom")
    assert outcome.text.startswith(
        f"(binary output, 100,000 bytes; all of it in {kept_output(context)})"
    )
    assert len(kept_bytes(context)) == 100_000
    assert (await bash(context, "head -c 4000 /dev/zero")).text.startswith("(binary output, 4,000")


async def test_a_few_odd_bytes_in_a_text_are_replaced(context: ToolContext) -> None:
    command = r"printf 'plain text\0with \a odd \xff bytes\n'; printf 'N\bNA\bAM\bME\bE\n'"
    text = (await bash(context, command)).text
    assert text.startswith("plain text\ufffdwith \ufffd odd \ufffd bytes\nNAME\n[exit")


async def test_git_does_not_wait_for_an_editor(context: ToolContext, workspace: Path) -> None:
    commit = "git -c user.name=x -c user.email=x@example.org commit --allow-empty"
    outcome = await bash(
        context, f"git init -q; {commit} -qm first && {commit} --amend", timeout=20
    )
    assert outcome.exit_code == 0, outcome.text


async def test_no_descriptor_is_left_open(context: ToolContext) -> None:
    await bash(context, "true")
    before = open_descriptors()
    for _ in range(5):
        await bash(context, "seq 1 20000; sleep 60 &")
    assert open_descriptors() <= before


async def test_a_timeout_given_in_milliseconds_or_beyond_the_limit_is_bounded(
    context: ToolContext,
) -> None:
    for timeout in (120_000, 5000, "600", None, 0):
        assert (await bash(context, "echo ok", timeout=timeout)).text.startswith("ok")
