"""The user's own commands: run without a model, kept, read by the next turn, taken back by undo."""

import asyncio

import pytest

from ralex.core.events import ShellRan
from ralex.errors import UsageError
from tests.agent.script import DONE, HELLO, breaks, user_texts
from tests.agent.stand import Stand, play
from tests.tools.test_bash import appears, gone


async def test_the_next_turns_model_reads_what_a_command_printed(stand: Stand) -> None:
    session = await stand.open([DONE, DONE])
    await play(session, HELLO)
    ran = await session.run_shell("echo out; echo err >&2; exit 3")
    assert (ran.output, ran.exit_code) == ("out\nerr", 3)
    assert len(stand.provider.requests) == 1
    assert session.totals.is_estimate
    await play(session, "Describe the module.")
    said = [
        text for text in user_texts(stand.provider.requests[1].messages) if "user_shell" in text
    ]
    assert len(said) == 1
    assert "$ echo out; echo err >&2; exit 3\nout\nerr\n[exit code 3]" in said[0]
    assert breaks(stand.provider.requests) == 0


async def test_a_command_is_kept_and_read_again_after_resuming(stand: Stand) -> None:
    session = await stand.open([DONE])
    await play(session, HELLO)
    ran = await session.run_shell("echo kept")
    again = await stand.open([DONE], continues=True)
    assert [event for event in await again.history() if isinstance(event, ShellRan)] == [ran]
    await play(again, HELLO)
    assert any("kept" in text for text in user_texts(stand.provider.requests[-1].messages))


async def test_a_command_that_is_not_shared_is_kept_and_no_model_hears_of_it(stand: Stand) -> None:
    session = await stand.open([DONE])
    await session.run_shell("echo hidden", is_shared=False)
    await play(session, HELLO)
    assert "hidden" not in str(stand.provider.requests[-1].messages)
    assert any(isinstance(event, ShellRan) for event in await session.history())


async def test_cancelling_ends_the_command_and_all_it_started_and_keeps_its_output(
    stand: Stand,
) -> None:
    session = await stand.open([DONE])
    work = asyncio.create_task(
        session.run_shell("echo begun; sleep 600 & echo $! > p; mv p pid; wait")
    )
    await appears(stand.project / "pid")
    child = int((stand.project / "pid").read_text())
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await gone(child)
    (ran,) = [event for event in await session.history() if isinstance(event, ShellRan)]
    assert (ran.output, ran.exit_code) == ("begun", None)
    await play(session, HELLO)
    assert any("stopped by the user" in t for t in user_texts(stand.provider.requests[0].messages))


async def test_undo_takes_back_what_a_command_changed_and_only_that(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("before\n")
    session = await stand.open([DONE])
    ran = await session.run_shell("echo after > a.txt; echo new > b.txt")
    assert set(ran.files_changed) == {"a.txt", "b.txt"}
    await session.run_shell("ls")
    report = await session.undo()
    assert set(report.restored) == {"a.txt", "b.txt"}
    assert (stand.project / "a.txt").read_text() == "before\n"
    assert not (stand.project / "b.txt").exists()


async def test_output_is_bounded_to_its_beginning_and_end(stand: Stand) -> None:
    session = await stand.open([DONE])
    ran = await session.run_shell("for i in $(seq 40000); do echo line $i; done")
    assert len(ran.output) < 40_000
    assert "line 1\n" in ran.output
    assert ran.output.endswith("line 40000")
    assert "bytes left out" in ran.output


@pytest.mark.parametrize("command", ["", "  ", "a\0b", "x" * 20_001], ids=repr)
async def test_what_is_no_command_is_refused_and_nothing_is_stored(
    stand: Stand, command: str
) -> None:
    session = await stand.open([DONE])
    with pytest.raises(UsageError):
        await session.run_shell(command)
    assert await session.history() == []


async def test_no_command_meets_a_turn(stand: Stand) -> None:
    session = await stand.open([DONE])
    async with session.turn(HELLO) as events:
        async for _ in events:
            with pytest.raises(UsageError, match="a turn is running"):
                await session.run_shell("echo x")
            break
