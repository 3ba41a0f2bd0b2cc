"""What a receipt says of the ways that were not taken: their price, and what they would lack."""

from dataclasses import replace
from decimal import Decimal

from ralex.core.chains import Chain, Market, chain_for
from ralex.core.ids import ModelId
from ralex.core.routes import Alternative, RouteDecision, Router, TierPrice
from ralex.core.tiers import TIERS, Tier


def alternatives(
    router: Router, chain: Chain, market: Market, *, saved_from: Tier | None = None
) -> tuple[Alternative, ...]:
    """List the other models that could have been taken, cheapest tier first.

    Args:
        saved_from: The tier that the day's money forbade, or None.
    """
    chosen = chain.models[0]
    found: dict[ModelId, Alternative] = {}
    for tier in TIERS:
        for place, model in enumerate(router.tiers.get(tier, ())):
            is_fallback = model in chain.models[1:]
            if model == chosen or model in found or (place and not is_fallback):
                continue
            if not market.can_call(model):
                why = f"no key is set for {market.provider_of(model)}"
            elif is_fallback:
                why = f"a fallback, taken if {chosen} fails"
            elif tier is chain.tier:
                why = f"another model of {tier} was taken"
            elif tier is saved_from:
                why = f"{tier} was asked for, but today's money runs low"
                why += _comparison(model, chosen, market)
            else:
                side = "more" if tier.rank > chain.tier.rank else "less"
                why = f"{tier} is {side} than was asked for{_comparison(model, chosen, market)}"
            found[model] = Alternative(
                model=model, tier=tier, estimated_usd=market.estimate_usd(model), why_not=why
            )
    return tuple(found.values())


def would_have_cost(
    other: Alternative, route: RouteDecision, cost_usd: Decimal, saved_usd: Decimal | None
) -> Decimal | None:
    """Estimate what a finished turn would have cost elsewhere.

    On the top tier that is what the turn did not save; on others it is dearer or cheaper by as much
    as the first step was.

    Args:
        cost_usd: What the turn did cost.
        saved_usd: What its tokens would have cost more on the top tier, or None if unknown.

    Returns:
        None if one of the prices is unknown, or nothing follows from that of a free model.
    """
    top = max((one.tier.rank for one in route.alternatives if one.tier is not None), default=-1)
    is_top = other.tier is not None and other.tier.rank == top
    if is_top and route.tier is not None and route.tier.rank < top and saved_usd is not None:
        return cost_usd + saved_usd
    if other.estimated_usd is None or not route.estimated_usd:
        return None
    return cost_usd * other.estimated_usd / route.estimated_usd


def ways_not_taken(
    router: Router,
    model: ModelId,
    fallbacks: tuple[ModelId, ...],
    tier: Tier | None,
    market: Market,
    *,
    left: ModelId,
) -> tuple[Alternative, ...]:
    """List the other models where one takes a running task over.

    Args:
        left: The model that worked on the task until then.
    """
    chain = Chain(tier=tier or TIERS[-1], models=(model, *fallbacks), is_usable=True)
    return tuple(
        replace(one, why_not="worked on the task until now") if one.model == left else one
        for one in alternatives(router, chain, market)
    )


def prices_by_tier(
    decision: RouteDecision, router: Router, market: Market
) -> tuple[TierPrice, ...]:
    """Price the next step on each tier of a router, cheapest tier first.

    Exactly one is marked as chosen: the one the decision takes. A model it names that serves no
    tier comes last, with the tier None.
    """
    prices: list[TierPrice] = []
    for tier in TIERS:
        is_chosen = tier is decision.tier
        model = decision.model if is_chosen else chain_for(router, tier, market).models[0]
        prices.append(
            TierPrice(
                tier=tier,
                model=model,
                estimated_usd=market.estimate_usd(model),
                is_chosen=is_chosen,
            )
        )
    if decision.tier is None:
        price = market.estimate_usd(decision.model)
        prices.append(
            TierPrice(tier=None, model=decision.model, estimated_usd=price, is_chosen=True)
        )
    return tuple(prices)


def switch_sentence(before: ModelId | None, model: ModelId, market: Market) -> str:
    """Say what it costs that another model goes on; empty if none does or nothing is known."""
    if before is None or before == model or not market.context_tokens:
        return ""
    here, there = market.reading_usd(model), market.reading_usd(before)
    if here is None:
        return ""
    text = f"switching from {before} reads {market.context_tokens:,} tokens anew: ${here:.4f}"
    if there is None or not market.cached_tokens(before):
        return text
    return f"{text} against ${there:.4f} with what it has in its cache"


def missing_key(model: ModelId, market: Market) -> str:
    """Say that a model cannot be called."""
    return f"{model} cannot be called: no key is set for {market.provider_of(model)}"


def _comparison(model: ModelId, chosen: ModelId, market: Market) -> str:
    price, other = market.estimate_usd(model), market.estimate_usd(chosen)
    held = market.cached_tokens(chosen)
    anew = f", reading {held:,} cached tokens anew" if held else ""
    if price is None or other is None or not price or not other:
        return anew
    return f", at {_times(price / other)}{anew}"


def _times(ratio: Decimal) -> str:
    return f"{ratio:.1f} times the price" if ratio >= 1 else f"{ratio:.0%} of the price"
