"""Sessions opened for the screen over the real stores: taken up, copied, written out, let go."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ralex.core.events import TurnFinished
from ralex.core.ids import ModelId
from ralex.core.routing import Override
from ralex.demo.stage import Stage, set_stage
from ralex.errors import SessionLockedError, UsageError
from ralex.run_options import RunOptions
from ralex.tui.launch import EngineOpener
from ralex.tui.ports import ChatSession


@pytest.fixture
def stage() -> Generator[Stage, None, None]:
    with set_stage() as made:
        yield made


@asynccontextmanager
async def opening(stage: Stage) -> AsyncGenerator[EngineOpener, None]:
    opener = EngineOpener(
        stage.config, RunOptions(cwd=stage.project), providers={"demo": stage.provider}
    )
    try:
        yield opener
    finally:
        await opener.aclose()


async def say(session: ChatSession, prompt: str) -> None:
    async with session.turn(prompt) as events:
        async for event in events:
            if isinstance(event, TurnFinished):
                return


async def test_a_session_is_free_for_others_only_once_another_is_open(stage: Stage) -> None:
    async with opening(stage) as one, opening(stage) as two:
        first = await one.open()
        await say(first, stage.story.prompts[0])
        await two.open()
        with pytest.raises(SessionLockedError) as caught:
            await two.resume(first.id)
        assert caught.value.hint == f"close it there, or go on in a copy: /fork {first.id}"
        await one.new()
        taken = await two.resume(first.id)
        assert taken.id == first.id
        assert taken.totals.turns == 1
        with pytest.raises(SessionLockedError):
            await one.resume(first.id)


async def test_the_list_holds_sessions_with_a_prompt_the_newest_first(stage: Stage) -> None:
    async with opening(stage) as opener:
        first = await opener.open()
        assert await opener.stored() == []
        await say(first, stage.story.prompts[0])
        second = await opener.new()
        await say(second, "another thing")
        await second.rename("Second")
        listed = await opener.stored()
        assert [each.id for each in listed] == [second.id, first.id]
        assert [each.turns for each in listed] == [1, 1]
        assert listed[0].title == second.title == "Second"


async def test_a_fork_keeps_history_and_choice_and_leaves_the_original(stage: Stage) -> None:
    async with opening(stage) as opener:
        first = await opener.open()
        await say(first, stage.story.prompts[0])
        choice = Override(model=ModelId(first.models[0].id))
        first.set_override(choice)
        before = await first.history()
        copy = await opener.fork(first.id)
        assert copy.id != first.id
        assert copy.override == choice
        assert await copy.history() == before
        with pytest.raises(UsageError, match="open"):
            await opener.resume(copy.id)
        assert (await opener.resume(first.id)).override is None


async def test_an_export_never_takes_the_place_of_a_file(stage: Stage, tmp_path: Path) -> None:
    async with opening(stage) as opener:
        session = await opener.open()
        await say(session, stage.story.prompts[0])
        written = await opener.export("md", "")
        assert written == stage.project / f"ralex-{session.id}.md"
        assert stage.story.prompts[0] in written.read_text()
        again = await opener.export("md", "")
        assert again.name == f"ralex-{session.id}-2.md"
        target = tmp_path / "talk.json"
        assert await opener.export("json", str(target)) == target
        assert json.loads(target.read_text())["session"]["id"] == session.id
        with pytest.raises(UsageError, match="exists already"):
            await opener.export("json", str(target))
        with pytest.raises(UsageError, match="cannot be written"):
            await opener.export("html", str(tmp_path / "none" / "x.html"))
