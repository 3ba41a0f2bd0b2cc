"""The cache of answers and the agent: off, unless the user asks for it by its own key."""

from dataclasses import replace

import pytest

from ralex.config.model import Caching, Config
from tests.agent.script import DONE, HELLO
from tests.agent.stand import Stand, play


@pytest.mark.parametrize(
    ("is_asked", "calls"), [(False, 1), (True, 0)], ids=["enabled only", "for the agent, too"]
)
async def test_turns_of_the_agent_use_it_only_if_asked(
    stand: Stand, *, is_asked: bool, calls: int
) -> None:
    def change(config: Config) -> Config:
        return replace(config, cache=Caching(enabled=True, agent=is_asked))

    for expected in (1, calls):
        session = await stand.open([DONE], change=change)
        await play(session, HELLO)
        assert len(stand.provider.requests) == expected
