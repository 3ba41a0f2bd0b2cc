"""Callers who ask the same at the same time share one paid call."""

import asyncio
from decimal import Decimal

import pytest

from ralex.core.stream import TextDelta
from ralex.core.usage import Usage
from ralex.dispatch.calls import CallEvent, CallResult
from ralex.dispatch.single_flight import SingleFlight
from ralex.errors import ServerError
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import FINE, PaperDesk, call_of, candidate

COST = Decimal("0.002")
SLOW = ScriptedStep(text="word " * 20, usage=Usage(input_tokens=1_000, output_tokens=100))


class Caller:
    """One who asks, and keeps what it hears."""

    def __init__(self, flights: SingleFlight, text: str = "hi") -> None:
        self.events: list[CallEvent] = []
        self.has_text = asyncio.Event()
        self.task: asyncio.Task[CallResult] = asyncio.create_task(
            flights.run(call_of(candidate("a/one"), text=text), self._take)
        )

    async def _take(self, event: CallEvent) -> None:
        self.events.append(event)
        if isinstance(event, TextDelta):
            self.has_text.set()

    async def cancel(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


def slow_desk(ledger: SqliteLedger) -> PaperDesk:
    desk = PaperDesk(ledger)
    desk.providers["a"] = ScriptedProvider([SLOW], tokens_per_s=100)
    return desk


async def test_ten_identical_calls_at_once_are_one_call_paid_once(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[FINE])
    flights = SingleFlight(desk.dispatcher)
    callers = [Caller(flights) for _ in range(10)]
    results = await asyncio.gather(*(caller.task for caller in callers))
    assert desk.calls("a") == 1
    assert {result.reply.message.text for result in results} == {"fine"}
    assert all(caller.events == callers[0].events for caller in callers)
    assert [result.cost_usd for result in results] == [COST] + [Decimal(0)] * 9
    assert [result.is_shared for result in results] == [False] + [True] * 9
    assert (await ledger.state()).spent_usd == COST


async def test_different_questions_are_different_calls(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[FINE, FINE])
    flights = SingleFlight(desk.dispatcher)
    await asyncio.gather(Caller(flights).task, Caller(flights, "other").task)
    assert desk.calls("a") == 2


async def test_the_next_question_after_an_answer_is_asked_anew(ledger: SqliteLedger) -> None:
    desk = PaperDesk(ledger, a=[FINE, FINE])
    flights = SingleFlight(desk.dispatcher)
    for _ in range(2):
        assert (await Caller(flights).task).cost_usd == COST
    assert desk.calls("a") == 2


async def test_the_first_caller_may_leave_without_the_others_noticing(
    ledger: SqliteLedger,
) -> None:
    desk = slow_desk(ledger)
    flights = SingleFlight(desk.dispatcher)
    first, second = Caller(flights), Caller(flights)
    await asyncio.wait_for(second.has_text.wait(), 10)
    await first.cancel()
    late = Caller(flights)
    result = await second.task
    await late.task
    assert desk.calls("a") == 1
    assert (result.cost_usd, result.is_shared) == (COST, False), "someone is told of the cost"
    assert late.events == second.events, "who comes late hears it from the beginning"


async def test_the_last_caller_to_leave_ends_the_call_and_it_is_settled(
    ledger: SqliteLedger,
) -> None:
    flights = SingleFlight(slow_desk(ledger).dispatcher)
    first, second = Caller(flights), Caller(flights)
    await asyncio.wait_for(second.has_text.wait(), 10)
    await first.cancel()
    assert (await ledger.state()).held_usd > 0, "it still runs for the second"
    await second.cancel()
    state = await ledger.state()
    assert state.held_usd == 0
    assert state.spent_usd > 0


async def test_a_failure_is_everyones_and_is_not_remembered(ledger: SqliteLedger) -> None:
    broken = ScriptedStep(error=ServerError("500", status=500))
    desk = PaperDesk(ledger, retries=0, a=[broken, FINE])
    flights = SingleFlight(desk.dispatcher)
    tasks = [Caller(flights).task for _ in range(3)]
    failures = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(failure) for failure in failures] == [ServerError] * 3
    assert (await Caller(flights).task).reply.message.text == "fine"
