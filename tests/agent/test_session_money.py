"""What a session tells the screen of money and of its stores."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ralex.errors import SessionLockedError
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.run_options import RunOptions
from ralex.wiring import Engine
from tests.agent.stand import Stand, make_config, play


@pytest.fixture
async def stack() -> AsyncGenerator[AsyncExitStack, None]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def own_stand(tmp_path: Path, stack: AsyncExitStack) -> Stand:
    return Stand(tmp_path, stack)


async def test_a_session_tells_how_fast_money_goes(own_stand: Stand) -> None:
    session = await own_stand.open([ScriptedStep(text="done")])
    before = await session.forecast()
    await play(session, "hi")

    after = await session.forecast()
    spent = (await session.budget()).spent_usd

    assert before.end_of_day_usd == 0
    assert after.last_hour_usd == spent > 0
    assert after.end_of_day_usd >= spent


async def test_a_session_passes_on_what_happened_when_its_store_was_opened(
    own_stand: Stand,
) -> None:
    session = await own_stand.open([ScriptedStep(text="done")])
    assert session.notices == ()
    await play(session, "hi")
    await own_stand.open([])
    (own_stand.home / "sessions.db").write_bytes(b"scribbles" * 1000)

    reopened = await own_stand.open([])

    (notice,) = reopened.notices
    assert "damaged" in notice


async def test_a_session_taken_up_keeps_its_title_and_is_closed_to_others(
    own_stand: Stand,
) -> None:
    first = await own_stand.open([ScriptedStep(text="done")])
    await play(first, "count the lines")
    session = await own_stand.open([], continues=True)
    other = Engine(make_config(own_stand.home), providers={"test": ScriptedProvider(())})

    async with other:
        with pytest.raises(SessionLockedError):
            await other.session(RunOptions(cwd=own_stand.project, continues=True))
        copy = await other.session(RunOptions(cwd=own_stand.project, continues=True, forks=True))

    assert session.title == copy.title == "count the lines"
    assert copy.id != session.id
    assert copy.totals.turns == 1
