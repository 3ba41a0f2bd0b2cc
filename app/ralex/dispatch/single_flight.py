"""One paid call for callers who ask the same thing at the same time.

The call runs in a task of its own, so that no caller's leaving takes it from the others; the last
one to leave ends it. Every caller gets every part from the first one on, late comers included.
"""

import asyncio
from dataclasses import field, replace
from decimal import Decimal

from ralex.core.records import dataclass
from ralex.dispatch.calls import SHARED, Call, CallEvent, CallResult, Emit
from ralex.dispatch.dispatcher import Dispatcher


@dataclass(slots=True, eq=False)
class _Caller:
    """One who waits for the reply."""

    news: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class _Flight:
    """A call under way.

    Attributes:
        callers: In the order in which they came.
        payer: The one to whom the cost is told, chosen when the call has ended.
    """

    events: list[CallEvent] = field(default_factory=list[CallEvent])
    callers: list[_Caller] = field(default_factory=list[_Caller])
    payer: _Caller | None = None

    async def take(self, event: CallEvent) -> None:
        self.events.append(event)
        self._wake()

    def end(self, task: asyncio.Task[CallResult]) -> None:
        if not task.cancelled():
            task.exception()  # told to the callers, if any is left
        self._wake()

    def _wake(self) -> None:
        for caller in self.callers:
            caller.news.set()


class SingleFlight:
    """Joins identical calls that overlap in time; what they ask must be equal in every field.

    Meant for questions whose answer does not depend on who asks; an agent's step is never one.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._flights: dict[Call, tuple[_Flight, asyncio.Task[CallResult]]] = {}

    async def run(self, call: Call, emit: Emit) -> CallResult:
        """Make the call, or join one that is under way.

        The cost is booked once and told to one caller; the others get ``cost_usd`` 0 and
        ``is_shared``. A failure is every caller's.

        Raises:
            RalexError: As ``Dispatcher.run`` does.
        """
        if call not in self._flights:
            flight = _Flight()
            task = asyncio.create_task(self._fly(call, flight), name="shared-call")
            task.add_done_callback(flight.end)
            self._flights[call] = flight, task
        flight, task = self._flights[call]
        caller = _Caller()
        flight.callers.append(caller)
        try:
            await _follow(flight, caller, task, emit)
            result = await asyncio.shield(task)
        finally:
            flight.callers.remove(caller)
            if not flight.callers and not task.done():
                self._flights.pop(call, None)
                task.cancel()
                await asyncio.wait([task])
        if flight.payer is caller:
            return result
        return replace(result, cost_usd=Decimal(0), cost_source=SHARED, counterfactual_usd=None)

    async def _fly(self, call: Call, flight: _Flight) -> CallResult:
        try:
            return await self._dispatcher.run(call, flight.take)
        finally:
            if call in self._flights and self._flights[call][0] is flight:
                del self._flights[call]
            flight.payer = next(iter(flight.callers), None)


async def _follow(
    flight: _Flight, caller: _Caller, task: asyncio.Task[CallResult], emit: Emit
) -> None:
    """Tell a caller everything that happened and happens, until the call has ended."""
    told = 0
    while True:
        while told < len(flight.events):
            await emit(flight.events[told])
            told += 1
        if task.done():
            return
        caller.news.clear()
        await caller.news.wait()
