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
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from ralex.core.budget import Charge, Reservation
from ralex.core.events import RetryScheduled
from ralex.core.ids import ModelId
from ralex.core.messages import ModelRequest
from ralex.core.models import ModelInfo
from ralex.core.stream import FinishReason, StreamFinished
from ralex.core.usage import Usage
from ralex.dispatch.billing import Heard, Tab, bill
from ralex.dispatch.calls import (
    DEFAULT_OUTPUT_TOKENS,
    AttemptFailed,
    AttemptStarted,
    Call,
    CallEvent,
    CallResult,
    Candidate,
    Emit,
)
from ralex.dispatch.finishing import finish
from ralex.dispatch.ports import ChatProvider, Ledger
from ralex.dispatch.reserving import Reserver
from ralex.dispatch.retries import (
    RetryPolicy,
    is_about_the_account,
    may_have_been_billed,
    may_move_on,
)
from ralex.errors import (
    BudgetExceededError,
    MalformedReplyError,
    ProviderError,
    RalexError,
    StreamCutError,
    UnknownModelError,
)

__all__ = [
    "DEFAULT_OUTPUT_TOKENS",
    "AttemptFailed",
    "AttemptStarted",
    "Call",
    "CallEvent",
    "CallResult",
    "Candidate",
    "Dispatcher",
    "Emit",
]


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
        self._reserver = Reserver(ledger, is_limited=is_limited, now=now)
        self._policy = policy or RetryPolicy()
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._jitter = jitter
        self._cool_until: dict[ModelId, float] = {}

    async def run(self, call: Call, emit: Emit) -> CallResult:
        """Make the call; every part of every attempt goes to ``emit`` as it comes.

        A candidate that the budget does not allow makes room for a cheaper one, never a dearer one.

        Raises:
            BudgetExceededError: The worst case fits no limit, even shrunk.
            UnknownPriceError: A budget is set and the model has no price.
            ProviderError: Every candidate failed; the last error.
        """
        queue = self._by_health(call.candidates)
        attempt = 0
        tab = Tab()
        while True:
            candidate = queue[0]
            attempt += 1
            heard = Heard()
            try:
                return await self._attempt(tab.rest_of(call), candidate, heard, tab, emit)
            except BudgetExceededError as error:
                queue = self._cheaper(call, queue)
                if not queue:
                    raise
                attempt = 0
                reason = f"{error.message}; {queue[0].model.id} is cheaper"
                await emit(_retry(attempt, 0.0, queue[0], reason))
            except ProviderError as error:
                if heard.has_content and not call.restarts_after_content:
                    raise
                wait_s = self._next_try(error, queue, attempt)
                if wait_s is None:
                    raise
                if queue[0] is not candidate:
                    attempt = 0
                await emit(_retry(attempt, wait_s, queue[0], error.message))
                if wait_s > 0:
                    await self._sleep(wait_s)

    def _cheaper(self, call: Call, queue: list[Candidate]) -> list[Candidate]:
        return self._reserver.cheaper_than(queue[0], queue[1:], output_tokens=call.output_tokens)

    def _by_health(self, candidates: tuple[Candidate, ...]) -> list[Candidate]:
        if not candidates:
            raise UnknownModelError("no model can take this call", hint="see `ralex models`")
        now = self._monotonic()
        return sorted(candidates, key=lambda one: self._cool_until.get(one.model.id, 0.0) > now)

    def _next_try(self, error: ProviderError, queue: list[Candidate], attempt: int) -> float | None:
        """Choose what follows a failure: drop the candidate, wait for it, or give up (None)."""
        until = self._monotonic() + self._policy.cooldown_s(error)
        failed = queue[0]
        others = queue[1:]
        if is_about_the_account(error):
            others = [one for one in others if one.model.provider != failed.model.provider]
        for one in queue:
            if one is failed or one not in others:
                self._cool_until[one.model.id] = until
        if others and may_move_on(error):
            queue[:] = others
            return 0.0
        if not error.retryable or attempt > self._policy.retries:
            return None
        return self._policy.wait_s(error, attempt=attempt, jitter=self._jitter())

    async def _attempt(
        self, call: Call, candidate: Candidate, heard: Heard, tab: Tab, emit: Emit
    ) -> CallResult:
        model = candidate.model
        provider = self._provider_of(model)
        reservation, output_tokens = await self._reserver.reserve(call, candidate)
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
            if call.refuses_empty and not heard.has_content and _is_empty(reply):
                raise MalformedReplyError(
                    f"{model.id} answered with nothing at all",
                    hint="try again; if it stays so, choose another model",
                )
        except BaseException as error:
            charge = self._charge_of_failure(call, candidate, heard, error) if is_sent else None
            if is_sent:
                tab.committed_usd += charge.cost_usd if charge else reservation.worst_usd
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
        """Price an attempt that broke off; None leaves its worst case held.

        What the user stops is billed for what was heard, with a margin: the provider stops, too.
        What breaks off by itself may go on at the provider, unseen; without the provider's own
        count its worst case stays held.
        """
        is_known = heard.usage is not None or heard.reply is not None
        was_stopped = heard.has_content and not isinstance(error, Exception)
        if is_known or was_stopped:
            return self._charge(replace(call, counterfactual=None), candidate, heard)
        if heard.has_content or may_have_been_billed(error):
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


def _retry(attempt: int, wait_s: float, candidate: Candidate, reason: str) -> RetryScheduled:
    return RetryScheduled(
        attempt=attempt + 1, wait_s=wait_s, next_model=candidate.model.id, error=reason
    )


def _is_empty(reply: StreamFinished) -> bool:
    """Tell a reply without anything; one that was cut at its cap or filtered says why it is."""
    said = reply.message.text or reply.message.tool_calls or reply.refusal
    return not said and reply.finish_reason in (FinishReason.STOP, FinishReason.OTHER)


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
