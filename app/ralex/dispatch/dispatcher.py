"""Make one paid model call out of a list of candidates, and account for every attempt.

Each attempt is a reservation of its own: reserved at its worst case, marked as sent before the
first byte leaves, settled when the bill is known. A failed attempt is retried or moved to the next
candidate; what may have been billed without a reply stays held at its worst case.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

from ralex.core.budget import BudgetState, Charge, Intent, Reservation
from ralex.core.events import RetryScheduled
from ralex.core.ids import ModelId
from ralex.core.messages import Message, ModelRequest, ToolSpec
from ralex.core.models import ModelInfo, PriceList
from ralex.core.pricing import affordable_output_tokens, worst_case_usd
from ralex.core.stream import StreamFinished, StreamPart
from ralex.core.usage import Usage
from ralex.dispatch.billing import Heard, bill
from ralex.dispatch.finishing import finish
from ralex.dispatch.ports import ChatProvider, Ledger
from ralex.dispatch.retries import RetryPolicy, may_have_been_billed, may_move_on
from ralex.errors import (
    BudgetExceededError,
    ProviderError,
    RalexError,
    StreamCutError,
    UnknownModelError,
    UnknownPriceError,
)

DEFAULT_OUTPUT_TOKENS = 16_384
"""Output asked for where neither the caller nor the model's own cap says less."""

OUTPUT_FLOOR_TOKENS = 256
"""Below this cap a call is refused rather than shrunk: the answer would be cut at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that may take the call.

    Attributes:
        input_tokens: Estimate of the request's tokens for this model.
        input_bound_tokens: An upper bound on them; the reservation is computed from it.
    """

    model: ModelInfo
    input_tokens: int
    input_bound_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call to be made.

    Attributes:
        candidates: First choice first; the others take over when it fails.
        output_tokens: Cap on the output; shrunk to the model's own cap and to the budget.
        max_cost_usd: The most this call may cost, or None.
        counterfactual: Prices of the router's top tier, for the estimate of what was saved.
        restarts_after_content: Start over when a reply breaks off half way; otherwise the error is
            raised, with what came already shown.
    """

    candidates: tuple[Candidate, ...]
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    tier: str = ""
    router: str = ""
    session_id: str = ""
    project: str = ""
    purpose: str = "step"
    tag: str = ""
    output_tokens: int = DEFAULT_OUTPUT_TOKENS
    temperature: float | None = None
    response_schema_json: str = ""
    max_cost_usd: Decimal | None = None
    counterfactual: PriceList | None = None
    restarts_after_content: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """An attempt is reserved and about to be sent; nothing of its reply has come."""

    model: ModelInfo
    reserved_usd: Decimal
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """An attempt broke off; what it cost is booked already."""

    model: ModelInfo
    usage: Usage
    cost_usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """A finished and settled call.

    Attributes:
        model: The candidate that answered.
        cost_source: ``provider``, ``computed`` or ``estimated``.
        counterfactual_usd: The same tokens on the router's top tier, or None if unknown.
    """

    model: ModelInfo
    reply: StreamFinished
    usage: Usage
    cost_usd: Decimal
    cost_source: str
    counterfactual_usd: Decimal | None
    budget: BudgetState


CallEvent: TypeAlias = AttemptStarted | AttemptFailed | RetryScheduled | StreamPart
Emit: TypeAlias = Callable[[CallEvent], Awaitable[None]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Dispatcher:
    """Sends calls to providers, one attempt after the other, and keeps the ledger true.

    Args:
        provider_of: Gives the adapter that calls a model; may raise ConfigError.
        is_limited: Tells whether a budget is set, so that unknown prices are refused.
    """

    def __init__(
        self,
        *,
        provider_of: Callable[[ModelInfo], ChatProvider],
        ledger: Ledger,
        is_limited: Callable[[], bool],
        policy: RetryPolicy | None = None,
        now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._provider_of = provider_of
        self._ledger = ledger
        self._is_limited = is_limited
        self._policy = policy or RetryPolicy()
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._jitter = jitter
        self._cool_until: dict[ModelId, float] = {}

    async def run(self, call: Call, emit: Emit) -> CallResult:
        """Make the call; every part of every attempt goes to ``emit`` as it comes.

        Raises:
            BudgetExceededError: The worst case fits no limit, even shrunk.
            UnknownPriceError: A budget is set and the model has no price.
            ProviderError: Every candidate failed; the last error.
        """
        queue = self._by_health(call.candidates)
        attempt = 0
        while True:
            candidate = queue[0]
            attempt += 1
            heard = Heard()
            try:
                return await self._attempt(call, candidate, heard, emit)
            except ProviderError as error:
                if heard.has_content and not call.restarts_after_content:
                    raise
                wait_s = self._next_try(error, queue, attempt)
                if wait_s is None:
                    raise
                if queue[0] is not candidate:
                    attempt = 0
                await emit(
                    RetryScheduled(
                        attempt=attempt + 1,
                        wait_s=wait_s,
                        next_model=queue[0].model.id,
                        error=error.message,
                    )
                )
                if wait_s > 0:
                    await self._sleep(wait_s)

    def _by_health(self, candidates: tuple[Candidate, ...]) -> list[Candidate]:
        if not candidates:
            raise UnknownModelError("no model can take this call", hint="see `ralex models`")
        now = self._monotonic()
        return sorted(candidates, key=lambda one: self._cool_until.get(one.model.id, 0.0) > now)

    def _next_try(self, error: ProviderError, queue: list[Candidate], attempt: int) -> float | None:
        """Choose what follows a failure: drop the candidate, wait for it, or give up (None)."""
        self._cool_until[queue[0].model.id] = self._monotonic() + self._policy.cooldown_s(error)
        if len(queue) > 1 and may_move_on(error):
            queue.pop(0)
            return 0.0
        if not error.retryable or attempt > self._policy.retries:
            return None
        return self._policy.wait_s(error, attempt=attempt, jitter=self._jitter())

    async def _attempt(
        self, call: Call, candidate: Candidate, heard: Heard, emit: Emit
    ) -> CallResult:
        model = candidate.model
        provider = self._provider_of(model)
        reservation, output_tokens = await self._reserve(call, candidate)
        is_sent = False
        try:
            await emit(
                AttemptStarted(
                    model=model, reserved_usd=reservation.worst_usd, output_tokens=output_tokens
                )
            )
            await self._ledger.mark_sent(reservation.id)
            is_sent = True
            reply = await _listen(provider, _request(call, model, output_tokens), heard, emit)
        except BaseException as error:
            charge = self._charge_of_failure(call, candidate, heard, error) if is_sent else None
            await finish(self._account(reservation, charge, is_sent=is_sent))
            if charge is not None and isinstance(error, Exception):
                await emit(
                    AttemptFailed(
                        model=model, usage=charge.usage or Usage(), cost_usd=charge.cost_usd
                    )
                )
            raise
        self._cool_until.pop(model.id, None)
        charge = self._charge(call, candidate, heard)
        budget = await finish(self._ledger.settle(reservation.id, charge))
        return CallResult(
            model=model,
            reply=reply,
            usage=charge.usage or Usage(),
            cost_usd=charge.cost_usd,
            cost_source=charge.source,
            counterfactual_usd=charge.counterfactual_usd,
            budget=budget,
        )

    async def _reserve(self, call: Call, candidate: Candidate) -> tuple[Reservation, int]:
        """Set the worst case aside, with the output cap shrunk to what every limit allows."""
        model = candidate.model
        if model.price is None and self._is_limited():
            raise UnknownPriceError(
                f"the price of {model.id} is unknown, and a budget is set",
                hint=f'give it one in config.toml: [models."{model.id}"] '
                "price = { input = 0.50, output = 1.50 }  (USD per million tokens; 0 if free)",
            )
        intent = Intent(
            model=model.id,
            provider=model.provider,
            tier=call.tier,
            router=call.router,
            session_id=call.session_id,
            project=call.project,
            purpose=call.purpose,
            worst_usd=Decimal(0),
            tag=call.tag,
        )
        tries = 3
        while True:
            tries -= 1
            output_tokens = await self._fitting_output(call, candidate)
            worst_usd = self._worst_usd(candidate, output_tokens)
            try:
                reservation = await self._ledger.reserve(replace(intent, worst_usd=worst_usd))
            except BudgetExceededError:
                if not tries:
                    raise
                continue  # another process was faster: look again at what is left
            return reservation, output_tokens

    async def _fitting_output(self, call: Call, candidate: Candidate) -> int:
        """Give the output cap that fits; below the floor the floor, for the ledger to refuse.

        Raises:
            BudgetExceededError: If the call's own ``max_cost_usd`` is what does not fit.
        """
        model = candidate.model
        wanted = min(call.output_tokens, model.max_output_tokens or call.output_tokens)
        available = await self._ledger.available(session_id=call.session_id, project=call.project)
        own_limit = call.max_cost_usd
        if own_limit is not None:
            available = own_limit if available is None else min(available, own_limit)
        if model.price is None or available is None:
            return wanted
        affordable = affordable_output_tokens(
            model.price,
            input_tokens=candidate.input_bound_tokens,
            available_usd=available,
            instant=self._now(),
        )
        if affordable is None or affordable >= wanted:
            return wanted
        floor = min(OUTPUT_FLOOR_TOKENS, wanted)
        if affordable < floor and available == own_limit:
            raise BudgetExceededError(
                f"this call may cost ${self._worst_usd(candidate, floor):.4f}, "
                f"and at most ${own_limit} is allowed for one call",
                hint="raise max_cost_usd, or choose a cheaper model with /model",
            )
        return max(affordable, floor)

    def _worst_usd(self, candidate: Candidate, output_tokens: int) -> Decimal:
        if candidate.model.price is None:
            return Decimal(0)
        return worst_case_usd(
            candidate.model.price,
            input_tokens=candidate.input_bound_tokens,
            max_output_tokens=output_tokens,
            instant=self._now(),
        )

    def _charge(self, call: Call, candidate: Candidate, heard: Heard) -> Charge:
        return bill(
            heard,
            candidate.model,
            input_tokens=candidate.input_tokens,
            counterfactual=call.counterfactual,
            now=self._now(),
        )

    def _charge_of_failure(
        self, call: Call, candidate: Candidate, heard: Heard, error: BaseException
    ) -> Charge | None:
        """Price an attempt that broke off; None leaves its worst case held."""
        if heard.has_content or heard.usage is not None:
            return self._charge(call, candidate, heard)
        if may_have_been_billed(error):
            return None
        return Charge(cost_usd=Decimal(0), source="computed", usage=Usage())

    async def _account(
        self, reservation: Reservation, charge: Charge | None, *, is_sent: bool
    ) -> None:
        """Book a failed attempt.

        A ledger that fails here keeps the money held, which is safe, and must not hide why the
        attempt failed.
        """
        with suppress(RalexError):
            if not is_sent:
                await self._ledger.release(reservation.id)
            elif charge is not None:
                await self._ledger.settle(reservation.id, charge)


def _request(call: Call, model: ModelInfo, output_tokens: int) -> ModelRequest:
    return ModelRequest(
        model=model.name,
        messages=call.messages,
        tools=call.tools,
        max_output_tokens=output_tokens,
        temperature=call.temperature,
        response_schema_json=call.response_schema_json,
        session_id=call.session_id,
        reasoning_field=model.reasoning_field,
    )


async def _listen(
    provider: ChatProvider, request: ModelRequest, heard: Heard, emit: Emit
) -> StreamFinished:
    async with provider.stream(request) as parts:
        async for part in parts:
            heard.take(part)
            await emit(part)
    if heard.reply is None:
        raise StreamCutError(
            f"the reply of {request.model} ended without a finish reason",
            hint="try again; if it stays so, choose another model with /model",
        )
    return heard.reply
