"""Background commands across turns: looked after, told when they end, and ended."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ralex.agent.session import Session
from ralex.config.model import Config
from ralex.core.events import ContextAdded, TurnFinished
from ralex.core.messages import ToolResultMessage
from ralex.errors import ToolError
from ralex.providers.scripted import ScriptedCall, ScriptedStep
from ralex.tools.jobs import JobInfo, Jobs
from tests.agent.script import DONE, HELLO, breaks, finished_calls, of, step, user_texts
from tests.agent.stand import Stand, play
from tests.tools.test_bash import appears, gone, is_alive
from tests.undo.conftest import git

SERVER = "echo $$ > p; mv p pid; until [ -e go ]; do sleep 0.02; done; echo port taken; exit 9"


def background(command: str) -> ScriptedCall:
    return ScriptedCall(name="bash", arguments={"command": command, "background": True})


def more(tool: str, text: str) -> ScriptedCall:
    return ScriptedCall(name="more", arguments={"tool": tool, "input": text})


async def process_id(stand: Stand) -> int:
    await appears(stand.project / "pid")
    return int((stand.project / "pid").read_text())


async def finish_job(stand: Stand, session: Session) -> None:
    await appears(stand.project / "pid")
    (stand.project / "go").touch()
    for _ in range(1000):
        if session.jobs()[0].state != "running":
            return
        await asyncio.sleep(0.01)
    pytest.fail("the job did not end")


async def test_a_job_outlives_its_turn_and_its_end_is_told_in_the_next(stand: Stand) -> None:
    session = await stand.open([step(background(SERVER)), DONE, DONE, DONE])
    await play(session, HELLO)
    assert [(one.id, one.state) for one in session.jobs()] == [(1, "running")]
    await finish_job(stand, session)
    events = await play(session, "Describe the module.")
    (block,) = of(events, ContextAdded)
    assert "Job 1" in block.text
    assert "ended with exit code 9" in block.text
    assert "port taken" in block.text
    assert not block.is_standing
    await play(session, "List the files.")
    requests = stand.provider.requests
    assert "ended with exit code 9" in user_texts(requests[2].messages)[-1]
    assert sum("ended with exit code 9" in text for text in user_texts(requests[3].messages)) == 1
    assert breaks(requests) == 0


async def test_an_end_within_a_turn_is_told_after_the_tool_calls(
    stand: Stand,
) -> None:
    wait = ScriptedCall(name="bash", arguments={"command": "touch go; sleep 1"})
    session = await stand.open([step(background(SERVER)), step(wait), DONE])
    events = await play(session, HELLO)
    labels = [event.label for event in of(events, ContextAdded)]
    assert labels[-1] == "job 1"
    assert breaks(stand.provider.requests) == 0


async def test_a_job_is_read_and_ended_through_more_or_by_its_own_name(stand: Stand) -> None:
    session = await stand.open(
        [
            step(background(SERVER)),
            step(more("job", "list")),
            step(ScriptedCall(name="job", arguments={"action": "read", "id": "1"})),
            step(more("job", '{"action":"kill","id":1}')),
            DONE,
        ]
    )
    calls = finished_calls(await play(session, HELLO))
    assert [call.name for call in calls] == ["bash", "job", "job", "job"]
    assert [call.is_error for call in calls] == [False] * 4
    assert "job 1: echo" in calls[1].output
    assert "job 1 was ended" in calls[3].output
    assert await gone(await process_id(stand))
    messages = stand.provider.requests[-1].messages
    names = [one.name for one in messages if isinstance(one, ToolResultMessage)]
    assert names == ["bash", "more", "job", "more"], "each result bears the name its call had"
    assert breaks(stand.provider.requests) == 0


MAKER = "until [ -e go ]; do sleep 0.02; done; echo new > old.txt; echo made > made.txt"


@pytest.mark.parametrize("first", ["read 1 60", "list"])
async def test_what_a_job_changes_while_it_is_waited_for_is_undone(
    stand: Stand, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Jobs.wait

    async def wait_and_let_go(jobs: Jobs, number: int, seconds: float) -> JobInfo:
        (stand.project / "go").touch()
        return await wait(jobs, number, seconds)

    monkeypatch.setattr(Jobs, "wait", wait_and_let_go)
    git(stand.project, "init", "-q")
    (stand.project / "old.txt").write_text("old\n")
    waits = step(more("job", first), more("job", "read 1 60"))
    session = await stand.open([step(background(MAKER)), waits, DONE])
    end = (await play(session, HELLO))[-1]
    assert isinstance(end, TurnFinished)
    assert {"old.txt", "made.txt"} <= set(end.files_changed)
    report = await session.undo()
    assert (stand.project / "old.txt").read_text() == "old\n"
    assert not (stand.project / "made.txt").exists()
    assert "background job" in report.note


async def test_more_says_what_there_is(stand: Stand) -> None:
    session = await stand.open([step(more("rocket", "now")), DONE])
    (call,) = finished_calls(await play(session, HELLO))
    assert call.refusal == "malformed"
    assert "job list | read ID" in call.output


async def test_plan_mode_starts_none_but_lets_look(stand: Stand) -> None:
    session = await stand.open([step(background(SERVER)), step(more("job", "")), DONE], mode="plan")
    calls = finished_calls(await play(session, HELLO))
    assert [call.refusal for call in calls] == ["denied", ""]


async def test_a_running_job_outlives_a_compaction_verbatim(stand: Stand) -> None:
    session = await stand.open([step(background(SERVER)), DONE, ScriptedStep(text="A summary.")])
    await play(session, HELLO)
    event = await session.compact()
    assert event is not None
    assert "job 1 runs in the background: echo $$ > p" in event.text


async def test_a_job_called_in_text_is_understood(stand: Stand) -> None:
    text = '<tool_call>{"name": "job", "arguments": {"action": "list"}}</tool_call>'
    session = await stand.open([ScriptedStep(text=text), DONE])
    (call,) = finished_calls(await play(session, HELLO))
    assert (call.name, call.output) == ("job", "there are no jobs")


async def test_a_key_that_a_job_prints_is_told_to_nobody(stand: Stand) -> None:
    def with_key(config: Config) -> Config:
        provider = replace(config.providers["test"], api_key="sk-0123456789abcdef")
        return replace(config, providers={"test": provider})

    command = "until [ -e go ]; do sleep 0.02; done; echo sk-01234567 sk-0123456789abcdef"
    script = [step(background(f"echo $$ > p; mv p pid; {command}")), DONE, DONE]
    session = await stand.open(script, change=with_key)
    await play(session, HELLO)
    await finish_job(stand, session)
    (block,) = of(await play(session, "Describe the module."), ContextAdded)
    assert "sk-01234567 [key]" in block.text
    assert "sk-0123456789abcdef" not in block.text


async def test_the_user_can_end_one(stand: Stand) -> None:
    session = await stand.open([step(background(SERVER)), DONE, DONE])
    await play(session, HELLO)
    info = await session.kill_job(1)
    assert info.state == "killed"
    assert await gone(await process_id(stand))
    with pytest.raises(ToolError):
        await session.kill_job(2)
    events = await play(session, "Go on")
    assert "was ended" in of(events, ContextAdded)[0].text


async def test_closing_ends_them_and_the_next_run_of_the_session_hears_of_it(
    stand: Stand,
) -> None:
    session = await stand.open([step(background(SERVER)), DONE])
    await play(session, HELLO)
    alive = await process_id(stand)
    assert is_alive(alive)
    session = await stand.open([DONE], continues=True)
    assert await gone(alive)
    assert session.jobs() == ()
    events = await play(session, "Go on")
    assert "ended with the session" in of(events, ContextAdded)[0].text


async def test_a_project_without_jobs_gets_no_folder_for_them(stand: Stand, tmp_path: Path) -> None:
    session = await stand.open([DONE])
    await play(session, HELLO)
    assert not (stand.home / "jobs").exists()
