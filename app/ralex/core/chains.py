"""From a tier to a model that can be called: fallback chains, missing tiers, estimated prices."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.pricing import cost_usd, rates_at
from ralex.core.records import dataclass
from ralex.core.routes import Router
from ralex.core.tiers import TIERS, Tier
from ralex.core.usage import Usage
from ralex.errors import ConfigError

_MTOK = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """What a provider is known to hold of the conversation in its prompt cache.

    Attributes:
        model: The model whose cache it is; for all others everything is fresh.
        tokens: How much of the next request it holds.
    """

    model: ModelId
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What can be bought at this moment, and how much of it the next call would take.

    Attributes:
        usable: Names of providers that can be called: they have a key or need none.
        context_tokens: Input of the next call.
        output_tokens: Output expected of it.
        now: A time with a zone, for prices.
        cached: What of the input is in a cache, or None.
    """

    models: Mapping[ModelId, ModelInfo]
    usable: Collection[str]
    context_tokens: int
    output_tokens: int
    now: datetime
    cached: Cached | None = None

    def provider_of(self, model: ModelId) -> str:
        """Name a model's provider, which its id begins with if the catalogue has it not."""
        info = self.models.get(model)
        return model.partition("/")[0] if info is None else info.provider

    def can_call(self, model: ModelId) -> bool:
        """Tell whether the model's provider can be called."""
        return self.provider_of(model) in self.usable

    def usable_first(self, chain: tuple[ModelId, ...]) -> tuple[ModelId, ...]:
        """Keep the models of a chain that can be called, in their order."""
        return tuple(model for model in chain if self.can_call(model))

    def estimate_usd(self, model: ModelId) -> Decimal | None:
        """Estimate the next call in USD, cached input at its own rate; None if unpriced."""
        info = self.models.get(model)
        if info is None or info.price is None:
            return None
        output = min(self.output_tokens, info.max_output_tokens or self.output_tokens)
        cached = self.cached_tokens(model)
        usage = Usage(
            input_tokens=self.context_tokens - cached,
            cache_read_tokens=cached,
            output_tokens=output,
        )
        return cost_usd(info.price, usage, self.now)

    def cached_tokens(self, model: ModelId) -> int:
        """Tell how much of the next call's input the model's provider holds in its cache."""
        if self.cached is None or self.cached.model != model:
            return 0
        return min(self.cached.tokens, self.context_tokens)

    def estimate_steps_usd(self, model: ModelId, steps: int) -> Decimal | None:
        """Estimate some steps in USD; after the first, the model's own cache holds the input."""
        first = self.estimate_usd(model)
        held = Cached(model=model, tokens=self.context_tokens)
        later = replace(self, cached=held).estimate_usd(model)
        return None if first is None or later is None else first + (steps - 1) * later

    def reading_usd(self, model: ModelId) -> Decimal | None:
        """Price the reading of the context alone, cached input at its own rate, in USD."""
        info = self.models.get(model)
        if info is None or info.price is None:
            return None
        rates = rates_at(info.price, self.now, total_input_tokens=self.context_tokens)
        held = self.cached_tokens(model)
        cached_rate = rates.input if rates.cache_read is None else rates.cache_read
        fresh = self.context_tokens - held
        return (fresh * rates.input + held * cached_rate) / _MTOK


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where a tier leads.

    Attributes:
        tier: The tier whose models these are; another than asked for, if that one has none.
        models: Models that can be called, first choice first; all of the tier's if none can.
    """

    tier: Tier
    models: tuple[ModelId, ...]
    is_usable: bool


def tiers_by_nearness(tier: Tier) -> Iterator[Tier]:
    """List the tiers to try for one: itself, those above from the nearest, then those below."""
    yield from TIERS[tier.rank :]
    yield from reversed(TIERS[: tier.rank])


def serving_tier(router: Router, tier: Tier) -> Tier:
    """Name the tier whose models answer for one: itself, or the nearest that has any."""
    return next((near for near in tiers_by_nearness(tier) if router.tiers.get(near)), tier)


def chain_for(router: Router, tier: Tier, market: Market) -> Chain:
    """Find the models of a tier, or of the nearest tier that has any that can be called.

    Raises:
        ConfigError: If no tier of the router names a model.
    """
    filled = [near for near in tiers_by_nearness(tier) if router.tiers.get(near)]
    for near in filled:
        models = market.usable_first(router.tiers[near])
        if models:
            return Chain(tier=near, models=models, is_usable=True)
    if not filled:
        raise ConfigError(
            f'the router "{router.name}" has no models',
            hint=f"give it at least one tier: [routers.{router.name}] tiers = {{ SIMPLE = [...] }}",
        )
    return Chain(tier=filled[0], models=router.tiers[filled[0]], is_usable=False)


def cheaper_chain(router: Router, chain: Chain, market: Market) -> Chain | None:
    """Find the next tier down whose first model is cheaper, or None.

    A model without a known price is neither cheaper nor dearer than another.
    """
    price = market.estimate_usd(chain.models[0])
    if price is None:
        return None
    for tier in reversed(TIERS[: chain.tier.rank]):
        models = market.usable_first(router.tiers.get(tier, ()))
        if not models or models[0] == chain.models[0]:
            continue
        lower = market.estimate_usd(models[0])
        if lower is not None and lower < price:
            return Chain(tier=tier, models=models, is_usable=True)
    return None


def tier_of_model(router: Router, model: ModelId) -> Tier | None:
    """Find the tier that a model serves: where it is first choice, else where it is a fallback."""
    for place in (slice(0, 1), slice(1, None)):
        for tier in TIERS:
            if model in router.tiers.get(tier, ())[place]:
                return tier
    return None


def top_tier_model(
    router: Router, models: Mapping[ModelId, ModelInfo], usable: Collection[str]
) -> ModelInfo | None:
    """Give the model that the router's highest tier would use: the yardstick of what was saved.

    Models that cannot be called count where no other is left, so that the yardstick does not depend
    on which keys happen to be set; None if the catalogue knows none of them.
    """
    known = [
        models[model]
        for tier in reversed(TIERS)
        for model in router.tiers.get(tier, ())
        if model in models
    ]
    return next((model for model in known if model.provider in usable), next(iter(known), None))
