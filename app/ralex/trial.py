"""One small paid call that shows whether a provider can be used with a key."""

import time
from dataclasses import replace
from decimal import Decimal
from typing import Final

from ralex.config.model import Config, Retries
from ralex.core.ids import ModelId
from ralex.core.records import dataclass
from ralex.errors import ProviderTimeoutError
from ralex.opened import ClosableProvider

TRIAL_TOKENS: Final = 16
"""The least output that every known provider accepts as a cap."""

_ASK: Final = "Answer with the one word OK."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A call that worked."""

    model: ModelId
    cost_usd: Decimal
    elapsed_s: float


async def try_model(
    config: Config,
    model: ModelId,
    *,
    within_s: float,
    providers: dict[str, ClosableProvider] | None = None,
) -> Trial:
    """Ask a model for one word, through the ledger as every call, and without a second attempt.

    Raises:
        RalexError: The provider refused or failed, or the budget does not allow the call.
    """
    import asyncio  # noqa: PLC0415

    from ralex.agent.sizing import RequestSizer  # noqa: PLC0415
    from ralex.core.messages import UserMessage  # noqa: PLC0415
    from ralex.dispatch.calls import Call, Candidate  # noqa: PLC0415
    from ralex.wiring import Engine  # noqa: PLC0415

    start = time.monotonic()
    once = replace(config, retries=Retries(count=0))
    messages = (UserMessage(text=_ASK),)
    async with Engine(once, providers=providers) as engine:
        info = engine.resolve(model)
        sizer = RequestSizer(())
        call = Call(
            candidates=(
                Candidate(
                    model=info,
                    input_tokens=sizer.estimate(messages, info),
                    input_bound_tokens=sizer.bound(messages, info) + 64,
                ),
            ),
            messages=messages,
            purpose="client",
            tag="setup",
            output_tokens=TRIAL_TOKENS,
        )
        try:
            async with asyncio.timeout(within_s):
                result = await (await engine.callers()).plain.run(call, _ignore)
        except TimeoutError as error:
            raise ProviderTimeoutError(
                f"{info.provider} did not answer within {within_s:.0f} s",
                hint="try again, or choose another provider",
            ) from error
    return Trial(model=model, cost_usd=result.cost_usd, elapsed_s=time.monotonic() - start)


async def _ignore(_event: object) -> None:
    """Let the parts of the answer go."""
