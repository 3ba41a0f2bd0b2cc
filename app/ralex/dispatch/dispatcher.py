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
from ralex.core.messages import ModelRequest
from ralex.core.models import ModelInfo
from ralex.core.pictures import unseen
from ralex.core.pricing import price_ceiling
from ralex.core.rate_limits import RateLimits
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
from ralex.dispatch.queue import Queue
from ralex.dispatch.reserving import Reserver
from ralex.dispatch.retries import RetryPolicy, may_have_been_billed
from ralex.dispatch.traffic import Traffic
from ralex.errors import (
    BudgetExceededError,
    ContentFilterError,
    MalformedReplyError,
    ProviderError,
    RalexError,
    StreamCutError,
    UnknownPriceError,
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
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._provider_of = provider_of
        self._ledger = ledger
        self._is_limited = is_limited
        self._reserver = Reserver(ledger, is_limited=is_limited, now=now)
        self._policy = policy or RetryPolicy()
        self._now = now
        self._traffic = Traffic(monotonic)
        self._sleep = sleep
        self._jitter = jitter
        self._draw = draw

    async def run(self, call: Call, emit: Emit) -> CallResult:
        """Make the call; every part of every attempt goes to ``emit`` as it comes.

        A candidate that the budget does not allow makes room for a cheaper one, never a dearer one;
        one without a known price only for another deployment of the same model.

        Raises:
            BudgetExceededError: The worst case fits no limit, even shrunk.
            UnknownPriceError: A budget is set and the model has no price.
            ProviderError: Every candidate failed; the last error.
        """
        queue = Queue(call, traffic=self._traffic, policy=self._policy, draw=self._draw)
        attempt = 0
        tab = Tab()
        while True:
            await self._wait_for_limits(queue, attempt, emit)
            candidate = queue.head
            attempt += 1
            heard = Heard()
            try:
                return await self._attempt(tab.rest_of(call), queue, heard, tab, emit)
            except BudgetExceededError as error:
                queue.waiting = self._cheaper(call, queue.waiting)
                if not queue.waiting:
                    raise
                attempt = 0
                reason = f"{error.message}; {queue.head.model.id} is cheaper"
                await emit(_retry(attempt, 0.0, queue.head, reason))
            except UnknownPriceError as error:
                if not queue.leave_to_sibling():
                    raise
                attempt = 0
                await emit(_retry(attempt, 0.0, queue.head, error.message))
            except ProviderError as error:
                error.partial = "".join(heard.answer)
                if heard.has_content and not call.restarts_after_content:
                    raise
                wait_s = queue.fail(error, attempt=attempt, jitter=self._jitter())
                if wait_s is None:
                    raise
                if queue.head is not candidate:
                    attempt = 0
                await emit(_retry(attempt, wait_s, queue.head, error.message))
                if wait_s > 0:
                    await self._sleep(wait_s)

    async def _wait_for_limits(self, queue: Queue, attempt: int, emit: Emit) -> None:
        """Wait until the user's own limits let the head through, and say so; or change the head."""
        while True:
            wait_s, reason = queue.admit()
            if not reason:
                return
            await emit(_retry(attempt, wait_s, queue.head, reason))
            if wait_s > 0:
                await self._sleep(wait_s)

    def _cheaper(self, call: Call, queue: list[Candidate]) -> list[Candidate]:
        return self._reserver.cheaper_than(queue[0], queue[1:], output_tokens=call.output_tokens)

    async def _attempt(
        self, call: Call, queue: Queue, heard: Heard, tab: Tab, emit: Emit
    ) -> CallResult:
        candidate = queue.head
        model = candidate.model
        provider = self._provider_of(model)
        counted = self._traffic.sent(candidate)
        try:
            reservation, output_tokens = await self._reserver.reserve(call, candidate)
        except BaseException:
            self._traffic.not_sent(candidate, counted)
            raise
        is_sent = False
        try:
            await emit(
                AttemptStarted(
                    model=model,
                    reserved_usd=reservation.worst_usd,
                    output_tokens=output_tokens,
                    why=queue.why,
                )
            )
            await self._ledger.mark_sent(reservation.id)
            is_sent = True
            request = self._request(call, model, output_tokens)
            reply = await self._listen(provider, request, candidate, heard, emit)
            _check_refusal(call, candidate, reply, heard)
            if call.refuses_empty and not heard.has_content and _is_empty(reply):
                raise MalformedReplyError(
                    f"{model.id} answered with nothing at all",
                    hint="try again; if it stays so, choose another model",
                )
        except BaseException as error:
            charge = None
            if is_sent:
                charge = self._charge_of_failure(call, candidate, heard, output_tokens, error)
            if is_sent:
                tab.committed_usd += charge.cost_usd if charge else reservation.worst_usd
            await finish(self._account(reservation, charge, is_sent=is_sent))
            if charge is not None and isinstance(error, Exception | asyncio.CancelledError):
                await emit(
                    AttemptFailed(
                        model=model, usage=charge.usage or Usage(), cost_usd=charge.cost_usd
                    )
                )
            raise
        self._traffic.succeeded(candidate, call.session_id)
        charge = self._charge(call, candidate, heard, output_tokens)
        counted.tokens = (charge.usage or Usage()).total_tokens or counted.tokens
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

    def _request(self, call: Call, model: ModelInfo, output_tokens: int) -> ModelRequest:
        price = model.price if self._is_limited() or call.max_cost_usd is not None else None
        # In a session a picture stays in the conversation: a model that refuses it would end it.
        sees = model.vision or (model.vision is None and not call.session_id)
        return ModelRequest(
            model=model.name,
            messages=call.messages if sees else unseen(call.messages),
            tools=call.tools,
            max_output_tokens=output_tokens,
            temperature=call.temperature,
            response_schema_json=call.response_schema_json,
            session_id=call.session_id,
            reasoning_field=model.reasoning_field,
            price_ceiling=None if price is None else price_ceiling(price, self._now()),
        )

    async def _listen(
        self,
        provider: ChatProvider,
        request: ModelRequest,
        candidate: Candidate,
        heard: Heard,
        emit: Emit,
    ) -> StreamFinished:
        async with provider.stream(request) as parts:
            async for part in parts:
                if isinstance(part, RateLimits):
                    self._traffic.heard(candidate.model.id, part)
                    continue
                heard.take(part)
                await emit(part)
        if heard.reply is None:
            raise StreamCutError(
                f"the reply of {request.model} ended without a finish reason",
                hint="try again; if it stays so, choose another model with /model",
            )
        return heard.reply

    def _charge(self, call: Call, candidate: Candidate, heard: Heard, output_tokens: int) -> Charge:
        return bill(
            heard,
            candidate.model,
            input_tokens=candidate.input_tokens,
            most_output_tokens=output_tokens,
            counterfactual=call.counterfactual,
            now=self._now(),
        )

    def _charge_of_failure(
        self,
        call: Call,
        candidate: Candidate,
        heard: Heard,
        output_tokens: int,
        error: BaseException,
    ) -> Charge | None:
        """Price an attempt that broke off; None leaves its worst case held.

        What the user stops is billed for what was heard, with a margin: the provider stops, too.
        What breaks off by itself may go on at the provider, unseen; without the provider's own
        count its worst case stays held.
        """
        is_known = heard.usage is not None or heard.reply is not None
        was_stopped = heard.has_content and not isinstance(error, Exception)
        if is_known or was_stopped:
            unsaved = replace(call, counterfactual=None)
            return self._charge(unsaved, candidate, heard, output_tokens)
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


def _retry(attempt: int, wait_s: float, candidate: Candidate, reason: str) -> RetryScheduled:
    return RetryScheduled(
        attempt=attempt + 1, wait_s=wait_s, next_model=candidate.model.id, error=reason
    )


def _is_empty(reply: StreamFinished) -> bool:
    """Tell a reply without anything; one that was cut at its cap or filtered says why it is."""
    said = reply.message.text or reply.message.tool_calls or reply.refusal
    return not said and reply.finish_reason in (FinishReason.STOP, FinishReason.OTHER)


def _check_refusal(call: Call, candidate: Candidate, reply: StreamFinished, heard: Heard) -> None:
    """Let a filtered reply go to the chain for refusals, unless its words were shown already.

    Raises:
        ContentFilterError: If there is such a chain.
    """
    is_refused = reply.finish_reason is FinishReason.CONTENT_FILTER
    may_restart = call.restarts_after_content or not heard.has_content
    if is_refused and may_restart and candidate.on_refusal:
        raise ContentFilterError(
            f"{candidate.model.id} refuses the content",
            hint="say it differently, or choose another model with /model",
        )
