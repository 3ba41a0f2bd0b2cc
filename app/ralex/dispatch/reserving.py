"""How much money one attempt sets aside, and what it shrinks to when little is left."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from ralex.core.budget import Intent, Reservation, format_usd
from ralex.core.pricing import affordable_output_tokens, worst_case_usd
from ralex.dispatch.calls import Call, Candidate
from ralex.dispatch.ports import Ledger
from ralex.errors import BudgetExceededError, UnknownPriceError

OUTPUT_FLOOR_TOKENS = 256
"""Below this cap a call is refused rather than shrunk: the answer would be cut at once."""


class Reserver:
    """Reserves attempts in a ledger.

    Args:
        is_limited: Tells whether a budget is set, so that unknown prices are refused.
    """

    def __init__(
        self, ledger: Ledger, *, is_limited: Callable[[], bool], now: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._is_limited = is_limited
        self._now = now

    async def reserve(self, call: Call, candidate: Candidate) -> tuple[Reservation, int]:
        """Set the worst case aside, with the output cap shrunk to what every limit allows.

        Returns:
            The reservation and the output cap in tokens.

        Raises:
            BudgetExceededError: The worst case fits no limit, even shrunk.
            UnknownPriceError: A budget is set and the model has no price.
        """
        model = candidate.model
        if model.price is None and (self._is_limited() or call.max_cost_usd is not None):
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
        left_usd = call.max_cost_usd
        while True:
            output_tokens = self._fitting_output(call, candidate, left_usd)
            worst_usd = self._worst_usd(candidate, output_tokens)
            try:
                reservation = await self._ledger.reserve(replace(intent, worst_usd=worst_usd))
            except BudgetExceededError:
                tries -= 1
                if not tries:
                    raise  # other processes were faster each time
                left_usd = await self._left_usd(call)
            else:
                return reservation, output_tokens

    async def _left_usd(self, call: Call) -> Decimal | None:
        """Look at what every limit leaves; only worth its time when the whole does not fit."""
        available = await self._ledger.available(session_id=call.session_id, project=call.project)
        limits = (available, call.max_cost_usd)
        return min((limit for limit in limits if limit is not None), default=None)

    def _fitting_output(self, call: Call, candidate: Candidate, left_usd: Decimal | None) -> int:
        """Give the output cap that fits; below the floor the floor, for the ledger to refuse.

        Raises:
            BudgetExceededError: If the call's own ``max_cost_usd`` is what does not fit.
        """
        model = candidate.model
        caps = (call.output_tokens, model.max_output_tokens, candidate.output_tokens)
        wanted = min(cap for cap in caps if cap is not None)
        if model.price is None or left_usd is None:
            return wanted
        affordable = affordable_output_tokens(
            model.price,
            input_tokens=candidate.input_bound_tokens,
            available_usd=left_usd,
            instant=self._now(),
        )
        if affordable is None or affordable >= wanted:
            return wanted
        floor = min(OUTPUT_FLOOR_TOKENS, wanted)
        if affordable < floor and left_usd == call.max_cost_usd:
            raise BudgetExceededError(
                f"this call may cost {format_usd(self._worst_usd(candidate, floor))}, "
                f"and at most {format_usd(left_usd)} is allowed for one call",
                hint="raise max_cost_usd (--max-cost), or choose a cheaper model with /model",
            )
        return max(affordable, floor)

    def cheaper_than(
        self, refused: Candidate, others: Iterable[Candidate], *, output_tokens: int
    ) -> list[Candidate]:
        """Keep those that cost less at their smallest worst case than the one that did not fit."""
        limit_usd = self._least_usd(refused, output_tokens)
        return [
            other
            for other in others
            if other.model.price is not None and self._least_usd(other, output_tokens) < limit_usd
        ]

    def _least_usd(self, candidate: Candidate, output_tokens: int) -> Decimal:
        return self._worst_usd(candidate, min(OUTPUT_FLOOR_TOKENS, output_tokens))

    def _worst_usd(self, candidate: Candidate, output_tokens: int) -> Decimal:
        if candidate.model.price is None:
            return Decimal(0)
        return worst_case_usd(
            candidate.model.price,
            input_tokens=candidate.input_bound_tokens,
            max_output_tokens=output_tokens,
            instant=self._now(),
        )
