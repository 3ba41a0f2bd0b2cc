"""One paid call: every attempt is accounted for, whatever happens on the way."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.budget import Limits
from ralex.core.events import RetryScheduled
from ralex.core.ids import ModelId
from ralex.core.messages import UserMessage
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.stream import TextDelta
from ralex.core.usage import Usage
from ralex.dispatch.dispatcher import (
    AttemptStarted,
    Call,
    CallEvent,
    CallResult,
    Candidate,
    Dispatcher,
)
from ralex.errors import (
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ContextOverflowError,
    ProviderError,
    ProviderTimeoutError,
    RateLimitedError,
    ServerError,
    StreamCutError,
    UnknownPriceError,
)
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.store.ledger import SqliteLedger

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RATES = Rates(input=Decimal(1), output=Decimal(10))
FINE = ScriptedStep(text="fine", usage=Usage(input_tokens=1_000, output_tokens=100))
COST = Decimal("0.002")


def model(name: str, *, price: bool = True) -> ModelInfo:
    provider = name.partition("/")[0]
    return ModelInfo(
        id=ModelId(name),
        provider=provider,
        name=name.partition("/")[2],
        max_output_tokens=4_000,
        price=flat_price(RATES) if price else None,
    )


class Desk:
    """A dispatcher over scripted providers and a real ledger; time only passes on paper."""

    def __init__(self, ledger: SqliteLedger, **scripts: Sequence[ScriptedStep]) -> None:
        self.ledger = ledger
        self.providers = {name: ScriptedProvider(steps) for name, steps in scripts.items()}
        self.waits: list[float] = []
        self.events: list[CallEvent] = []
        self.has_text = asyncio.Event()
        self.dispatcher = Dispatcher(
            provider_of=lambda model: self.providers[model.provider],
            ledger=ledger,
            is_limited=lambda: True,
            now=lambda: NOW,
            monotonic=lambda: sum(self.waits),
            sleep=self._sleep,
            jitter=lambda: 0.5,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def _emit(self, event: CallEvent) -> None:
        self.events.append(event)
        if isinstance(event, TextDelta):
            self.has_text.set()

    async def run(
        self,
        *names: str,
        priced: bool = True,
        restarts: bool = True,
        max_cost_usd: Decimal | None = None,
        bound: int = 2_000,
    ) -> CallResult:
        return await self.dispatcher.run(
            Call(
                candidates=tuple(
                    Candidate(
                        model=model(name, price=priced),
                        input_tokens=1_000,
                        input_bound_tokens=bound,
                    )
                    for name in names
                ),
                messages=(UserMessage(text="hi"),),
                restarts_after_content=restarts,
                max_cost_usd=max_cost_usd,
            ),
            self._emit,
        )

    def heard(self, kind: type) -> list[CallEvent]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open a real ledger with a limit of one dollar."""
    opened = await SqliteLedger.open(
        tmp_path / "ledger.db",
        limits=Limits(daily_usd=Decimal(1), alert_usd=None),
        now=lambda: NOW,
    )
    yield opened
    await opened.aclose()


def states(tmp_path: Path) -> list[str]:
    connection = sqlite3.connect(tmp_path / "ledger.db")
    try:
        return [row[0] for row in connection.execute("SELECT state FROM reservation")]
    finally:
        connection.close()


async def test_a_call_is_reserved_sent_and_settled_at_its_real_cost(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    desk = Desk(ledger, a=[FINE])
    result = await desk.run("a/one")
    assert result.cost_usd == COST
    assert result.budget.spent_usd == COST
    assert result.budget.held_usd == 0
    assert states(tmp_path) == ["settled"]
    attempt = desk.heard(AttemptStarted)[0]
    assert isinstance(attempt, AttemptStarted)
    assert attempt.reserved_usd == Decimal("0.042"), "2,000 in and 4,000 out at the worst"


async def test_a_failing_server_is_asked_again_after_growing_waits(ledger: SqliteLedger) -> None:
    broken = ScriptedStep(error=ServerError("500", status=500))
    desk = Desk(ledger, a=[broken, broken, FINE])
    result = await desk.run("a/one")
    assert result.reply.message.text == "fine"
    assert desk.waits == [0.5, 1.0]
    assert (await ledger.state()).held_usd == 0, "an error status is never billed"


async def test_the_provider_says_how_long_to_wait(ledger: SqliteLedger) -> None:
    desk = Desk(
        ledger, a=[ScriptedStep(error=RateLimitedError("429", status=429, retry_after_s=7)), FINE]
    )
    await desk.run("a/one")
    assert desk.waits == [pytest.approx(7.125)]


async def test_a_provider_that_asks_for_no_wait_gets_one_all_the_same(
    ledger: SqliteLedger,
) -> None:
    at_once = ScriptedStep(error=RateLimitedError("429", status=429, retry_after_s=0))
    desk = Desk(ledger, a=[at_once, at_once, FINE])
    await desk.run("a/one")
    assert desk.waits == [0.5, 1.0]


async def test_a_wait_of_hours_is_shown_instead_of_slept(ledger: SqliteLedger) -> None:
    desk = Desk(
        ledger, a=[ScriptedStep(error=RateLimitedError("429", status=429, retry_after_s=7_200))]
    )
    with pytest.raises(RateLimitedError):
        await desk.run("a/one")
    assert desk.waits == []


async def test_attempts_end_without_a_last_sleep(ledger: SqliteLedger) -> None:
    desk = Desk(ledger, a=[ScriptedStep(error=ServerError("500", status=500))] * 9)
    with pytest.raises(ServerError):
        await desk.run("a/one")
    assert len(desk.providers["a"].requests) == 4
    assert len(desk.waits) == 3


@pytest.mark.parametrize(
    "error",
    [
        ServerError("500", status=500),
        AuthenticationError("401", status=401),
        RateLimitedError("429", status=429, retry_after_s=30),
    ],
    ids=lambda error: error.code,
)
async def test_another_model_takes_over_at_once(ledger: SqliteLedger, error: ProviderError) -> None:
    desk = Desk(ledger, a=[ScriptedStep(error=error)], b=[FINE])
    result = await desk.run("a/one", "b/two")
    assert result.model.id == "b/two"
    assert desk.waits == []
    moved = desk.heard(RetryScheduled)[0]
    assert isinstance(moved, RetryScheduled)
    assert (moved.next_model, moved.wait_s) == ("b/two", 0.0)


@pytest.mark.parametrize(
    "error", [BadRequestError("400", status=400), ContextOverflowError("long", status=400)]
)
async def test_a_refused_request_is_not_sent_elsewhere(
    ledger: SqliteLedger, error: ProviderError
) -> None:
    desk = Desk(ledger, a=[ScriptedStep(error=error)], b=[FINE])
    with pytest.raises(type(error)):
        await desk.run("a/one", "b/two")
    assert desk.providers["b"].requests == []


async def test_a_model_that_failed_lately_is_tried_last(ledger: SqliteLedger) -> None:
    desk = Desk(ledger, a=[ScriptedStep(error=ServerError("500", status=500))], b=[FINE, FINE])
    await desk.run("a/one", "b/two")
    await desk.run("a/one", "b/two")
    assert len(desk.providers["a"].requests) == 1


async def test_a_reply_without_an_end_is_asked_again_and_its_worst_case_stays_held(
    ledger: SqliteLedger,
) -> None:
    desk = Desk(ledger, a=[ScriptedStep(text="this is c", is_cut=True), FINE])
    result = await desk.run("a/one")
    assert result.reply.message.text == "fine"
    assert result.budget.spent_usd == COST
    assert result.budget.held_usd == Decimal("0.042"), "it may go on at the provider, unseen"


async def test_failed_attempts_count_towards_the_limit_of_the_call(ledger: SqliteLedger) -> None:
    cut = ScriptedStep(text="this is c", is_cut=True)
    desk = Desk(ledger, a=[cut, cut, FINE])
    with pytest.raises(BudgetExceededError, match="at most"):
        await desk.run("a/one", max_cost_usd=Decimal("0.05"))
    assert len(desk.providers["a"].requests) == 2
    worst = sum(
        Decimal(2_000 + 10 * request.max_output_tokens) / 1_000_000
        for request in desk.providers["a"].requests
    )
    assert worst <= Decimal("0.05")


@pytest.mark.parametrize("status", [408, 502, 504, 524])
async def test_a_gateway_that_gives_up_leaves_the_bill_open(
    ledger: SqliteLedger, status: int
) -> None:
    desk = Desk(ledger, a=[ScriptedStep(error=ServerError("gone", status=status)), FINE])
    result = await desk.run("a/one")
    assert result.budget.held_usd == Decimal("0.042")


async def test_an_unknown_price_is_refused_under_a_limit_of_the_call_alone(
    ledger: SqliteLedger,
) -> None:
    desk = Desk(ledger, a=[FINE])
    desk.dispatcher._reserver._is_limited = lambda: False
    with pytest.raises(UnknownPriceError):
        await desk.run("a/one", priced=False, max_cost_usd=Decimal("0.001"))


async def test_what_came_of_a_cut_reply_is_left_to_a_caller_who_wants_it(
    ledger: SqliteLedger,
) -> None:
    desk = Desk(ledger, a=[ScriptedStep(text="this is c", is_cut=True), FINE])
    with pytest.raises(StreamCutError):
        await desk.run("a/one", restarts=False)
    assert "".join(e.text for e in desk.events if isinstance(e, TextDelta)) == "this is c"


async def test_silence_after_sending_keeps_the_worst_case_held(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    desk = Desk(ledger, a=[ScriptedStep(error=ProviderTimeoutError("no byte")), FINE])
    result = await desk.run("a/one")
    assert result.budget.held_usd == Decimal("0.042")
    assert sorted(states(tmp_path)) == ["sent", "settled"]


async def test_the_output_is_capped_to_what_is_left(tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(
        tmp_path / "small.db",
        limits=Limits(daily_usd=Decimal("0.012"), alert_usd=None),
        now=lambda: NOW,
    )
    desk = Desk(ledger, a=[FINE])
    await desk.run("a/one")
    assert desk.providers["a"].requests[0].max_output_tokens == 1_000
    await ledger.aclose()


async def test_a_call_that_does_not_fit_is_refused_with_the_sum(tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(
        tmp_path / "small.db",
        limits=Limits(daily_usd=Decimal("0.003"), alert_usd=None),
        now=lambda: NOW,
    )
    desk = Desk(ledger, a=[FINE])
    with pytest.raises(BudgetExceededError, match=r"0\.003"):
        await desk.run("a/one")
    assert desk.providers["a"].requests == []
    await ledger.aclose()


async def test_a_call_may_have_a_limit_of_its_own(ledger: SqliteLedger) -> None:
    desk = Desk(ledger, a=[FINE])
    with pytest.raises(BudgetExceededError, match="at most"):
        await desk.run("a/one", max_cost_usd=Decimal("0.001"))


async def test_an_unknown_price_is_refused_under_a_budget(ledger: SqliteLedger) -> None:
    desk = Desk(ledger, a=[FINE])
    with pytest.raises(UnknownPriceError) as caught:
        await desk.run("a/one", priced=False)
    assert '[models."a/one"]' in caught.value.hint
    assert desk.providers["a"].requests == []


async def test_a_cancelled_call_is_settled_from_what_was_heard(
    ledger: SqliteLedger, tmp_path: Path
) -> None:
    provider = ScriptedProvider([ScriptedStep(text="word " * 1_000)], tokens_per_s=200)
    desk = Desk(ledger)
    desk.providers["a"] = provider
    task = asyncio.create_task(desk.run("a/one"))
    await asyncio.wait_for(desk.has_text.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert states(tmp_path) == ["settled"]
    state = await ledger.state()
    assert state.held_usd == 0
    assert state.spent_usd > 0


async def test_many_calls_at_once_never_pass_the_limit(tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(
        tmp_path / "busy.db",
        limits=Limits(daily_usd=Decimal("0.10"), alert_usd=None),
        now=lambda: NOW,
    )
    costly = ScriptedStep(text="x", usage=Usage(input_tokens=2_000, output_tokens=2_000))
    desk = Desk(ledger, a=[costly] * 30)
    done = await asyncio.gather(*(desk.run("a/one") for _ in range(30)), return_exceptions=True)
    billed = sum(
        Decimal(2_000 + 10 * min(2_000, request.max_output_tokens)) / 1_000_000
        for request in desk.providers["a"].requests
    )
    assert Decimal("0.05") < billed <= Decimal("0.10")
    assert any(isinstance(one, BudgetExceededError) for one in done)
    await ledger.aclose()
