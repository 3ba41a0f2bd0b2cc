"""What the tools of a resumed or copied session still know: the plan, and the files seen."""

import pytest

from ralex.providers.scripted import ScriptedCall, ScriptedStep
from ralex.run_options import RunOptions
from ralex.wiring import Engine
from tests.agent.script import DONE, HELLO, edit, finished_calls, read, step
from tests.agent.stand import Stand, make_config, play


def plan(*texts: str) -> ScriptedStep:
    items = [{"text": text, "status": "pending"} for text in texts]
    return step(ScriptedCall(name="todo", arguments={"items": items}))


def broken_plan() -> ScriptedStep:
    return step(ScriptedCall(name="todo", arguments={"items": [{"status": "odd"}]}))


async def test_the_plan_is_there_again_after_resuming_and_in_a_copy(stand: Stand) -> None:
    first = await stand.open([plan("old"), plan("one", "two"), broken_plan(), DONE])
    await play(first, HELLO)
    later = await stand.open([], continues=True)
    assert [item.text for item in later._toolbox.context.todos] == ["one", "two"]
    async with Engine(make_config(stand.home), providers={"test": stand.provider}) as engine:
        options = RunOptions(cwd=stand.project, resume=first.id, forks=True)
        copied = await engine.session(options)
        assert copied.id != first.id
        assert [item.text for item in copied._toolbox.context.todos] == ["one", "two"]


@pytest.mark.parametrize("is_changed", [False, True])
async def test_a_file_read_before_a_restart_is_edited_at_once_unless_it_changed(
    stand: Stand, is_changed: bool
) -> None:
    path = stand.project / "a.txt"
    path.write_text("one\ntwo\n")
    await play(await stand.open([step(read("a.txt")), DONE]), HELLO)
    if is_changed:
        path.write_text("one\ntwo\nthree\n")
    later = await stand.open([step(edit("a.txt", "two", "2")), DONE], continues=True)
    call = finished_calls(await play(later, "now change it"))[0]
    assert call.is_error is is_changed
    assert ("2" in path.read_text()) is not is_changed


async def test_an_edit_is_known_after_a_restart_too(stand: Stand) -> None:
    path = stand.project / "a.txt"
    path.write_text("one\ntwo\n")
    steps = [step(read("a.txt")), step(edit("a.txt", "two", "2")), DONE]
    await play(await stand.open(steps), HELLO)
    later = await stand.open([step(edit("a.txt", "one", "1")), DONE], continues=True)
    assert not finished_calls(await play(later, "and the other"))[0].is_error
    assert path.read_text() == "1\n2\n"


async def test_each_sight_is_stored_once(stand: Stand) -> None:
    (stand.project / "a.txt").write_text("one\n")
    (stand.project / "b.txt").write_text("two\n")
    session = await stand.open([step(read("a.txt")), step(read("b.txt")), DONE])
    told = [len(call.seen) for call in finished_calls(await play(session, HELLO))]
    assert told == [1, 1]
