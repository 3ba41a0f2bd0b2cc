"""A session changes its router between turns, and prices the next step before it is sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ralex.agent.session import Session
from ralex.config.model import Config
from ralex.core.events import AdviceGiven, AgentEvent, RouteDecided, StepFinished
from ralex.core.ids import ModelId
from ralex.core.models import Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import Override, RouteDecision, Router, RouteReason
from ralex.core.tiers import Tier
from ralex.core.usage import Usage
from ralex.errors import MissingKeyError, UsageError
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.run_options import RunOptions
from ralex.wiring import Engine
from tests.agent.script import DONE, HELLO, edit, of, read, shell, step
from tests.agent.stand import Stand, make_config, model, play

HARD = "Refactor the scheduler of the payment service to async and fix the race condition in it"
CACHE = Usage(input_tokens=100, cache_read_tokens=9_900, output_tokens=50)


def two_routers(config: Config) -> Config:
    """Add a second router with models of its own, and one without a key."""
    other = model("other", "1")
    away = replace(model("away", "1"), id=ModelId("away/one"), provider="away")
    return replace(
        config,
        models={**config.models, other.id: other, away.id: away},
        routers={
            **config.routers,
            "second": Router(name="second", tiers={Tier.SIMPLE: (other.id,)}, scorer="litellm"),
            "abroad": Router(name="abroad", tiers={Tier.SIMPLE: (away.id,)}),
        },
    )


def with_cache_rates(config: Config) -> Config:
    rates = Rates(input=Decimal(3), output=Decimal(12), cache_read=Decimal("0.3"))
    smart = replace(config.models[ModelId("test/smart")], price=flat_price(rates))
    return replace(config, models={**config.models, smart.id: smart})


def chosen(session: Session, ask: str) -> list[tuple[Tier | None, str]]:
    prices = session.price_of_next_turn(ask)
    return [(one.tier, one.model) for one in prices if one.is_chosen]


async def test_another_router_takes_the_next_turn_and_begins_a_task_afresh(stand: Stand) -> None:
    session = await stand.open([DONE, DONE, DONE], change=two_routers)
    await play(session, HARD)
    session.set_router("second")
    assert (session.router.name, session.routers) == ("second", ("test", "second"))
    events = await play(session, "yes")
    (decided,) = of(events, RouteDecided)
    assert (decided.route.router, decided.route.model) == ("second", "test/other")
    assert decided.route.reason is RouteReason.SCORE, "nothing of the old task is left"
    assert decided.route.complexity is not None
    assert decided.route.complexity.scorer == "litellm"
    ledger = await session.spend("model", days=1)
    assert {row.key for row in ledger} == {"test/smart", "test/other"}


@pytest.mark.parametrize(("typed", "guess"), [("secnd", "second"), ("Test", "test")])
async def test_an_unknown_router_is_refused_with_the_nearest_names(
    stand: Stand, typed: str, guess: str
) -> None:
    session = await stand.open([], change=two_routers)
    with pytest.raises(UsageError, match="there is no router") as caught:
        session.set_router(typed)
    assert f"did you mean {guess}" in caught.value.hint
    assert session.router.name == "test"


async def test_a_router_without_a_key_is_neither_offered_nor_taken(stand: Stand) -> None:
    session = await stand.open([], change=two_routers)
    assert "abroad" not in session.routers
    with pytest.raises(MissingKeyError, match="no model that can be called") as caught:
        session.set_router("abroad")
    assert "away" in caught.value.hint


async def test_a_session_taken_up_under_another_router_begins_a_task_afresh(stand: Stand) -> None:
    await play(await stand.open([DONE], change=two_routers), HARD)
    session = await stand.open(
        [DONE], continues=True, change=lambda config: replace(two_routers(config), router="second")
    )
    events = await play(session, "yes")
    assert [e.route.model for e in of(events, RouteDecided)] == ["test/other"]
    assert not of(events, RouteDecided)[0].route.continues_task


async def test_the_price_of_every_tier_is_told_before_anything_is_sent(stand: Stand) -> None:
    session = await stand.open([])
    prices = session.price_of_next_turn("hi")
    assert [(one.tier, one.model, one.is_chosen) for one in prices] == [
        (Tier.SIMPLE, "test/cheap", True),
        (Tier.MEDIUM, "test/smart", False),
        (Tier.COMPLEX, "test/smart", False),
        (Tier.REASONING, "test/smart", False),
    ]
    cheap, smart = prices[0].estimated_usd, prices[2].estimated_usd
    assert cheap is not None
    assert smart is not None
    assert smart == cheap * 30, "the same tokens at thirty times the rates"
    assert chosen(session, HARD) == [(Tier.COMPLEX, "test/smart")]
    assert stand.provider.requests == []


async def test_the_price_is_that_of_the_decision_which_follows(stand: Stand) -> None:
    session = await stand.open([DONE, DONE])
    for ask in (HARD, "yes"):
        before = session.price_of_next_turn(ask)
        (decided,) = of(await play(session, ask), RouteDecided)
        (one,) = [price for price in before if price.is_chosen]
        assert (one.tier, one.model) == (decided.route.tier, decided.route.model)


async def test_what_the_provider_holds_in_its_cache_counts_at_its_own_rate(stand: Stand) -> None:
    session = await stand.open([ScriptedStep(text="Done.", usage=CACHE)], change=with_cache_rates)
    (finished,) = of(await play(session, HARD), StepFinished)
    assert finished.context_tokens == 10_050
    (smart,) = [one for one in session.price_of_next_turn("yes") if one.is_chosen]
    # 10,000 tokens from the cache, some 51 fresh, 800 of an answer.
    assert smart.estimated_usd is not None
    assert Decimal("0.0126") < smart.estimated_usd < Decimal("0.0129")
    (cheap, *_) = session.price_of_next_turn("yes")
    assert cheap.estimated_usd is not None
    assert cheap.estimated_usd > Decimal("0.0013"), "its provider holds nothing yet"


async def test_a_model_outside_the_tiers_is_the_chosen_one_all_the_same(stand: Stand) -> None:
    session = await stand.open([], change=two_routers)
    session.set_override(Override(model=ModelId("test/other")))
    assert chosen(session, "hi") == [(None, "test/other")]


async def test_an_unknown_price_stays_unknown(stand: Stand) -> None:
    def unpriced(config: Config) -> Config:
        cheap = replace(config.models[ModelId("test/cheap")], price=None)
        return replace(config, models={**config.models, cheap.id: cheap})

    session = await stand.open([], change=unpriced)
    assert session.price_of_next_turn("hi")[0].estimated_usd is None


async def test_ten_megabytes_are_priced_by_their_beginning(stand: Stand) -> None:
    session = await stand.open([])
    ask = HARD + " first" * 1_700_000
    (one,) = [price for price in session.price_of_next_turn(ask) if price.is_chosen]
    assert one.estimated_usd is not None
    assert one.estimated_usd > Decimal(1), "the whole length is paid for"


async def test_a_turn_that_runs_goes_on_under_its_own_router(stand: Stand) -> None:
    """Only the next turn sees the new one; until then its evidence still counts."""
    (stand.project / "calc.py").write_text("def add(a, b): return a - b\n")
    failing = shell("python -m pytest -q 2>/dev/null; exit 1")
    advice = ScriptedStep(text="The sign is wrong.")
    steps = [step(read("calc.py")), step(edit("calc.py", "a - b", "a * b"), failing), advice]
    session = await stand.open([*steps, DONE, DONE], change=two_routers)
    events: list[AgentEvent] = []
    async with session.turn(HELLO) as stream:
        async for event in stream:
            events.append(event)
            if isinstance(event, RouteDecided):
                session.set_router("second")
    assert [advised.model for advised in of(events, AdviceGiven)] == ["test/smart"]
    assert session.router.name == "second"
    assert chosen(session, "yes") == [(Tier.SIMPLE, "test/other")]
    (decided,) = of(await play(session, "yes"), RouteDecided)
    assert (decided.route.router, decided.route.continues_task) == ("second", False)


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


async def paused(stand: Stand, minutes: int | None, *, pause: int, resumes: bool) -> RouteDecision:
    """Give a hard task to a session, pause, say yes, and give that turn's route."""
    watch = Watch()
    config = replace(make_config(stand.home), new_task_after_minutes=minutes)
    options = RunOptions(cwd=stand.project)
    async with Engine(config, providers={"test": ScriptedProvider([DONE, DONE])}, now=watch) as one:
        session = await one.session(options)
        await play(session, HARD)
        watch.at += timedelta(minutes=pause)
        if not resumes:
            return of(await play(session, "yes"), RouteDecided)[0].route
    async with Engine(config, providers={"test": ScriptedProvider([DONE])}, now=watch) as two:
        session = await two.session(replace(options, continues=True))
        return of(await play(session, "yes"), RouteDecided)[0].route


@pytest.mark.parametrize("resumes", [False, True], ids=["in one process", "taken up again"])
async def test_a_pause_as_long_as_the_setting_begins_a_new_task(
    stand: Stand, *, resumes: bool
) -> None:
    found = await paused(stand, 60, pause=61, resumes=resumes)
    assert (found.tier, found.continues_task) == (Tier.SIMPLE, False)
    assert found.reasons[0] == "the session paused for 61 minutes, so this begins a new task"


@pytest.mark.parametrize(
    ("minutes", "pause"), [(60, 59), (None, 100_000)], ids=["too short", "no setting"]
)
@pytest.mark.parametrize("resumes", [False, True], ids=["in one process", "taken up again"])
async def test_a_shorter_pause_changes_nothing(
    stand: Stand, minutes: int | None, pause: int, *, resumes: bool
) -> None:
    found = await paused(stand, minutes, pause=pause, resumes=resumes)
    assert (found.tier, found.continues_task) == (Tier.COMPLEX, True)


async def test_a_choice_for_the_task_ends_with_the_first_ask_of_another(stand: Stand) -> None:
    session = await stand.open([DONE, DONE, DONE])
    session.set_override(Override(model=ModelId("test/smart"), for_task=True))
    models = [
        of(await play(session, ask), RouteDecided)[0].route.model
        for ask in ("Hello, can you help me?", "yes", "What is the capital of France?")
    ]
    assert models[:2] == ["test/smart", "test/smart"]
    assert models[2] != "test/smart"
    assert session.override is None


async def test_the_days_money_counts_in_the_price_of_the_next_turn(stand: Stand) -> None:
    """From 80 % of the limit on new tasks begin a tier cheaper; the preview knows it at once."""
    used = Usage(input_tokens=1_400_000)
    session = await stand.open([ScriptedStep(text="Done.", usage=used)])
    assert chosen(session, HARD) == [(Tier.COMPLEX, "test/smart")]
    await play(session, HARD)
    assert (await session.budget()).share_used > 0.8
    assert chosen(session, "Implement a parser for the invoices and test it") == [
        (Tier.SIMPLE, "test/cheap")
    ]
