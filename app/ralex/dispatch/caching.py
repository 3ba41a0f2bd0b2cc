"""Answers given again: the same question to the same model, asked within a while.

The question counts byte for byte: model, messages, tools and parameters. Which deployment of a
model answered does not matter. A hit costs nothing and is booked as a charge of 0.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Protocol

from ralex.core.budget import CACHED, BudgetState, Charge, Intent
from ralex.core.codec import record_from_json, to_jsonable
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.core.stream import (
    FinishReason,
    ReasoningDelta,
    StreamFinished,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ralex.core.usage import Usage
from ralex.dispatch.calls import AttemptStarted, Call, CallResult, Emit
from ralex.dispatch.ports import Ledger
from ralex.errors import RalexError, UnreadableEventError

_FORM = 1
"""Changes whenever an answer stored before would be read wrongly."""

_LOG = logging.getLogger(__name__)


class ResponseCache(Protocol):
    """Keeps texts by key for a while; never fails."""

    async def get(self, key: str) -> str | None:
        """Give the text of a key, if it is still good."""
        ...

    async def put(self, key: str, answer: str) -> None:
        """Keep a text."""
        ...


class Runner(Protocol):
    """Makes calls: the dispatcher, or what joins identical calls."""

    async def run(self, call: Call, emit: Emit) -> CallResult:
        """Make the call; every part of it goes to ``emit``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A stored answer."""

    model: ModelId
    reply: StreamFinished
    usage: Usage


def _everything(_text: str) -> bool:
    return True


class CachedCalls:
    """Answers from the cache what it holds, and keeps what else is answered.

    Args:
        runner: Makes the calls that are not in the cache.
        ledger: Where hits are booked, at 0 USD.
        accepts: Tells whether an answer's text is what was asked for; else it is not kept, so that
            asking again helps.
    """

    def __init__(
        self,
        runner: Runner,
        cache: ResponseCache,
        ledger: Ledger,
        *,
        accepts: Callable[[str], bool] = _everything,
    ) -> None:
        self._runner = runner
        self._cache = cache
        self._ledger = ledger
        self._accepts = accepts

    async def run(self, call: Call, emit: Emit) -> CallResult:
        """Give the stored answer, or make the call and keep its answer if it is a whole one.

        Raises:
            RalexError: As the runner does.
        """
        if not call.candidates:
            return await self._runner.run(call, emit)
        key = key_of(call)
        found = _read(await self._cache.get(key))
        if found is not None:
            model = _model_of(call, found.model)
            if model is not None:
                return await self._answer(call, model, found, emit)
        result = await self._runner.run(call, emit)
        if _is_worth_keeping(call, result) and self._accepts(result.reply.message.text):
            kept = _Kept(model=result.model.id, reply=result.reply, usage=result.usage)
            await self._cache.put(key, json.dumps(to_jsonable(kept), separators=(",", ":")))
        return result

    async def _answer(self, call: Call, model: ModelInfo, found: _Kept, emit: Emit) -> CallResult:
        budget = await self._book(call, model)
        await emit(
            AttemptStarted(
                model=model,
                reserved_usd=Decimal(0),
                output_tokens=call.output_tokens,
                why=f"{model.id} answered the same question before; the answer is from the cache",
            )
        )
        message = found.reply.message
        if message.reasoning:
            await emit(ReasoningDelta(text=message.reasoning))
        if message.text:
            await emit(TextDelta(text=message.text))
        for index, one in enumerate(message.tool_calls):
            await emit(
                ToolCallDelta(
                    index=index, call_id=one.id, name=one.name, arguments_json=one.arguments_json
                )
            )
        await emit(UsageReport(usage=found.usage, cost_usd=Decimal(0)))
        return CallResult(
            model=model,
            reply=found.reply,
            usage=found.usage,
            cost_usd=Decimal(0),
            cost_source=CACHED,
            counterfactual_usd=None,
            budget=budget,
        )

    async def _book(self, call: Call, model: ModelInfo) -> BudgetState:
        """Book a charge of 0, so that reports show the hit; a used-up day does not forbid it."""
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
        charge = Charge(cost_usd=Decimal(0), source=CACHED, usage=Usage())
        with suppress(RalexError):
            reservation = await self._ledger.reserve(intent)
            return await self._ledger.settle(reservation.id, charge)
        return await self._ledger.state()


def key_of(call: Call) -> str:
    """Digest everything that an answer depends on."""
    first = call.candidates[0]
    question = {
        "form": _FORM,
        "model": f"group {first.group}" if first.group else first.model.id,
        "api": first.model.api,
        "messages": call.messages,
        "kinds": [type(message).__name__ for message in call.messages],
        "tools": call.tools,
        "output_tokens": call.output_tokens,
        "temperature": call.temperature,
        "schema": call.response_schema_json,
    }
    text = json.dumps(to_jsonable(question), separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _is_worth_keeping(call: Call, result: CallResult) -> bool:
    """Tell whether an answer is whole, paid for here, and of the model that was asked first."""
    if result.is_shared or result.reply.finish_reason not in (
        FinishReason.STOP,
        FinishReason.TOOL_CALLS,
    ):
        return False
    message = result.reply.message
    if result.reply.refusal or not (message.text or message.tool_calls):
        return False
    first = call.candidates[0]
    group = first.group
    return any(
        one.model.id == result.model.id
        for one in call.candidates
        if one is first or (group and one.group == group)
    )


def _read(text: str | None) -> _Kept | None:
    if text is None:
        return None
    try:
        return record_from_json(_Kept, json.loads(text))
    except (ValueError, RecursionError, UnreadableEventError) as error:
        _LOG.warning("an answer in the cache cannot be read: %s", error)
        return None


def _model_of(call: Call, model: ModelId) -> ModelInfo | None:
    return next((one.model for one in call.candidates if one.model.id == model), None)
