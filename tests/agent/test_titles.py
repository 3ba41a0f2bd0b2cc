"""A cheap model names a session behind the user's back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from ralex.agent.services import AgentServices
from ralex.agent.session import Session
from ralex.agent.titles import words_of
from ralex.config.model import Config
from ralex.core.budget import Limits
from ralex.core.events import TurnFinished
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.run_options import RunOptions
from ralex.store.sessions import SqliteSessions
from ralex.wiring import Engine
from tests.agent.script import step
from tests.agent.stand import make_config, play


class Naming:
    """A session with a front end in which people talk, so that it is named."""

    def __init__(self, tmp_path: Path, stack: AsyncExitStack) -> None:
        self.home = tmp_path / "home"
        self.project = tmp_path / "project"
        self.project.mkdir()
        self._stack = stack
        self.provider = ScriptedProvider(())

    async def open(
        self, *steps: ScriptedStep, config: Config | None = None, is_interactive: bool = True
    ) -> Session:
        self.provider = ScriptedProvider(steps)
        engine = Engine(
            config or make_config(self.home),
            providers={"test": self.provider},
            environ={"PATH": "/usr/bin:/bin"},
        )
        await self._stack.enter_async_context(engine)
        session = await engine.session(
            RunOptions(cwd=self.project, names_sessions=is_interactive), first_prompt=""
        )
        self._stack.push_async_callback(session.aclose)
        return session


@pytest.fixture
async def naming(tmp_path: Path) -> AsyncIterator[Naming]:
    async with AsyncExitStack() as stack:
        yield Naming(tmp_path, stack)


async def named(session: Session) -> str:
    """Wait until the title has been sought."""
    task = session._titler._task
    if task is not None:
        await asyncio.wait({task})
    return session.title


def services(session: Session) -> AgentServices:
    return session._services


async def test_the_cheapest_model_names_the_session_after_the_first_turn(naming: Naming) -> None:
    session = await naming.open(step(text="It was the cache."), step(text='"Stale cache in CI"'))

    end = (await play(session, "why does the build fail?\nsince monday"))[-1]
    title = await named(session)

    assert isinstance(end, TurnFinished)
    assert title == "Stale cache in CI"
    store = cast("SqliteSessions", services(session).store)
    assert await store.title(session.id) == title
    request = naming.provider.requests[-1]
    assert request.model == "cheap"
    assert request.tools == ()
    assert request.max_output_tokens == 256
    spent = await services(session).ledger.spend("tag", since_day="", until_day="")
    assert {row.key for row in spent} == {"", "title"}


async def test_it_is_asked_once_and_the_users_own_name_stays(naming: Naming) -> None:
    session = await naming.open(step(text="a"), step(text="A name"), step(text="b"))
    await play(session, "one")
    await named(session)
    await session.rename("mine")

    await play(session, "two")
    await named(session)

    assert session.title == "mine"
    assert len(naming.provider.requests) == 3


async def test_a_name_given_from_elsewhere_stays(naming: Naming) -> None:
    session = await naming.open(step(text="a"), step(text="A name"))
    store = cast("SqliteSessions", services(session).store)
    async with session.turn("one") as events:
        async for _event in events:
            await store.rename(session.id, "mine")  # as `ralex sessions rename` does

    await named(session)

    assert len(naming.provider.requests) == 2
    assert await store.title(session.id) == "mine"


async def test_without_a_person_no_title_is_paid_for(naming: Naming) -> None:
    session = await naming.open(step(text="a"), is_interactive=False)

    await play(session, "the first line\nand more")

    assert await named(session) == "the first line"
    assert len(naming.provider.requests) == 1


def switched_off(config: Config) -> Config:
    return replace(config, titles="first-line")


def without_prices(config: Config) -> Config:
    models = {name: replace(one, price=None) for name, one in config.models.items()}
    return replace(config, models=models, budget=Limits(daily_usd=None, alert_usd=None))


def at_the_alert(config: Config) -> Config:
    return replace(config, budget=Limits(alert_usd=Decimal("0.000000001")))


@pytest.mark.parametrize("change", [switched_off, without_prices, at_the_alert])
async def test_where_it_is_not_wanted_or_too_dear_the_first_line_stays(
    naming: Naming, change: Callable[[Config], Config]
) -> None:
    session = await naming.open(step(text="a"), config=change(make_config(naming.home)))

    await play(session, "the ask")

    assert await named(session) == "the ask"
    assert len(naming.provider.requests) == 1


async def test_a_title_that_fails_is_no_ones_business(naming: Naming) -> None:
    session = await naming.open(step(text="a"))  # the script has no second answer

    end = (await play(session, "the ask"))[-1]

    assert isinstance(end, TurnFinished)
    assert await named(session) == "the ask"


async def test_a_title_gives_way_to_the_next_turn(naming: Naming) -> None:
    session = await naming.open(step(text="a"), step(text="b"), step(text="A name"))
    await play(session, "one")

    end = (await play(session, "two"))[-1]
    title = await named(session)

    assert isinstance(end, TurnFinished)
    assert title in {"A name", "b", "one"}
    assert (await session.budget()).held_usd >= 0


@pytest.mark.parametrize(
    ("reply", "title"),
    [
        ("Fix the parser", "Fix the parser"),
        ("\n  “Fix the parser.”\n", "Fix the parser"),
        ("Title: Fix it", "Fix it"),
        ("Fix \x1b[31mit", "Fix it"),
        ("x" * 200, "x" * 60),
        ("I am sorry but I can not name this conversation as it has nothing in it", ""),
        ("", ""),
    ],
)
def test_what_a_model_says_becomes_one_clean_line(reply: str, title: str) -> None:
    assert words_of(reply) == title
