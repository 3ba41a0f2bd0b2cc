"""A dispatcher over scripted providers and a real ledger; time only passes on paper."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from ralex.core.events import RetryScheduled
from ralex.core.ids import ModelId
from ralex.core.messages import UserMessage
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.usage import Usage
from ralex.dispatch.calls import Call, CallEvent, CallResult, Candidate
from ralex.dispatch.dispatcher import Dispatcher
from ralex.dispatch.ports import ChatProvider
from ralex.dispatch.retries import RetryPolicy
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.store.ledger import SqliteLedger

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FINE = ScriptedStep(text="fine", usage=Usage(input_tokens=1_000, output_tokens=100))


def candidate(name: str, *, price: int = 1) -> Candidate:
    """Make one that costs ``price`` USD for a million tokens in and ten times that out."""
    provider, _, wire_name = name.partition("/")
    rates = Rates(input=Decimal(price), output=Decimal(10 * price))
    info = ModelInfo(
        id=ModelId(name),
        provider=provider,
        name=wire_name,
        max_output_tokens=4_000,
        price=flat_price(rates),
    )
    return Candidate(model=info, input_tokens=1_000, input_bound_tokens=2_000)


class PaperDesk:
    """Sends calls and remembers waits and events."""

    def __init__(
        self,
        ledger: SqliteLedger,
        *,
        retries: int = 2,
        jitter: float = 0.5,
        draws: Sequence[float] = (),
        limit_wait_s: float = 60.0,
        is_limited: bool = True,
        **scripts: Sequence[ScriptedStep],
    ) -> None:
        self.ledger = ledger
        self.providers = {name: ScriptedProvider(steps) for name, steps in scripts.items()}
        self._routes: Mapping[str, ChatProvider] = {}
        self.waits: list[float] = []
        self.events: list[CallEvent] = []
        self.dispatcher = Dispatcher(
            provider_of=lambda model: (self._routes or self.providers)[model.provider],
            ledger=ledger,
            is_limited=lambda: is_limited,
            policy=RetryPolicy(retries=retries, limit_wait_s=limit_wait_s),
            now=lambda: NOW,
            monotonic=lambda: sum(self.waits),
            sleep=self._sleep,
            jitter=lambda: jitter,
            draw=iter(draws).__next__,
        )

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def note(self, event: CallEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    def route_to(self, providers: Mapping[str, ChatProvider]) -> None:
        """Put other adapters in the place of the scripted ones."""
        self._routes = providers

    async def run(self, *candidates: Candidate, refuses_empty: bool = False) -> CallResult:
        """Make one call."""
        return await self.dispatcher.run(
            call_of(*candidates, refuses_empty=refuses_empty), self.note
        )

    def calls(self, provider: str) -> int:
        """Count what a provider was asked."""
        return len(self.providers[provider].requests)

    @property
    def moves(self) -> list[RetryScheduled]:
        """List the retries and moves that were announced."""
        return [event for event in self.events if isinstance(event, RetryScheduled)]


def call_of(*candidates: Candidate, text: str = "hi", refuses_empty: bool = False) -> Call:
    """Ask the candidates something."""
    return Call(
        candidates=candidates, messages=(UserMessage(text=text),), refuses_empty=refuses_empty
    )
