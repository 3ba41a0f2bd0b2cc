"""Which model takes this ask, and why: a pure function over what is known at the moment.

The order in which is asked: the user's override, the user's rules, the running task, the score, the
day's money, and at last which of the tier's models can be called at all. Each step either decides
or leaves a sentence about why it did not.
"""

from collections.abc import Collection, Mapping
from dataclasses import field, replace
from datetime import datetime

from ralex.core.budget import BudgetState, format_usd
from ralex.core.chains import (
    Cached,
    Chain,
    Market,
    chain_for,
    cheaper_chain,
    tier_of_model,
    top_tier_model,
)
from ralex.core.complexity import Boundaries, Complexity
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.core.route_receipt import (
    alternatives,
    missing_key,
    prices_by_tier,
    switch_sentence,
)
from ralex.core.routes import (
    Alternative,
    Override,
    RouteDecision,
    Router,
    RouteReason,
    Rule,
    TaskState,
    TierPrice,
)
from ralex.core.tiers import Tier

__all__ = [
    "Alternative",
    "Boundaries",
    "Override",
    "RouteDecision",
    "RouteReason",
    "Router",
    "Rule",
    "TaskState",
    "TierPrice",
    "decide",
    "escalated",
    "prices_by_tier",
    "task_after",
    "top_tier_model",
]

EXPECTED_OUTPUT_TOKENS = 800
"""What one step answers with, for estimates; coding steps end in a tool call of a few hundred."""

BUDGET_BIAS_SHARE = 0.8
"""From this share of the day's limit on, new tasks begin one tier cheaper."""

CACHE_HORIZON_STEPS = 3
"""How many steps are compared where a cache speaks for staying; the first one pays the reading."""

_BY_JUDGEMENT = frozenset({RouteReason.SCORE, RouteReason.BUDGET})

RULE_WINDOW_CHARS = 20_000
"""How much of an ask rules look at, which bounds the time of a slow pattern."""


@dataclass(slots=True, kw_only=True)
class _Story:
    """A decision in the making: who decided what so far."""

    reason: RouteReason
    tier: Tier | None
    model: ModelId | None = None
    reasons: list[str] = field(default_factory=list[str])
    override: str = ""
    rule: Rule | None = None
    rule_name: str = ""
    continues_task: bool = False
    saved_from: Tier | None = None


def decide(
    ask: str,
    *,
    complexity: Complexity,
    router: Router,
    models: Mapping[ModelId, ModelInfo],
    usable: Collection[str],
    now: datetime,
    task: TaskState | None = None,
    is_followup: bool = False,
    override: Override | None = None,
    budget: BudgetState | None = None,
    context_tokens: int = 0,
    output_tokens: int = EXPECTED_OUTPUT_TOKENS,
    cached: Cached | None = None,
) -> RouteDecision:
    """Choose a model for an ask and say why.

    A choice is always made: where no provider can be called, the model that would be taken is named
    and the last reason says what is missing.

    Args:
        complexity: The judgement of this ask.
        usable: Names of providers that can be called: they have a key or need none.
        now: A time with a zone; prices depend on it.
        task: The task in progress, or None.
        is_followup: The ask only makes sense within that task (``core.followup``).
        context_tokens: Input of the first step, for estimates.
        output_tokens: Output expected of the first step.
        cached: What of the input a provider holds in its cache, or None.

    Raises:
        ConfigError: If the router has no models.
    """
    market = Market(
        models=models,
        usable=usable,
        context_tokens=context_tokens,
        output_tokens=output_tokens,
        now=now,
        cached=cached,
    )
    running = task or TaskState()
    story = (
        _by_override(override, router)
        or _by_rule(ask, router)
        or _by_task(running, complexity, is_followup=is_followup)
        or _by_score(complexity)
    )
    if story.model is None:
        chain = _deployment(story, router, running, budget, market)
    else:
        chain = _named_model(story, story.model, router, complexity, market)
    return _receipt(story, chain, router, complexity, running, market)


def task_after(decision: RouteDecision, task: TaskState | None = None) -> TaskState:
    """Give the state of the task once a decision is taken.

    An override is the user's choice for calls, not a judgement of the task: the task keeps its tier
    and its model, so that ``/auto`` goes on where routing was.

    Args:
        task: The task that was running before, or None.
    """
    before = task or TaskState()
    if decision.reason is RouteReason.OVERRIDE:
        if before.tier is not None:
            return before
        judged = decision.complexity.tier if decision.complexity is not None else decision.tier
        return TaskState(tier=judged, model=decision.model)
    return TaskState(
        tier=decision.tier,
        model=decision.model,
        escalations=before.escalations if decision.continues_task else 0,
    )


def escalated(task: TaskState, *, to: Tier, model: ModelId | None = None) -> TaskState:
    """Give the state of a task that moved up; it stays there until the task ends."""
    return replace(task, tier=to, model=model, escalations=task.escalations + 1)


def _by_override(override: Override | None, router: Router) -> _Story | None:
    if override is None or (override.model is None and override.tier is None):
        return None
    lasting = "for this turn" if override.once else "until /auto"
    if override.model is not None:
        return _Story(
            reason=RouteReason.OVERRIDE,
            tier=override.tier or tier_of_model(router, override.model),
            model=override.model,
            override=override.model,
            reasons=[f"you chose {override.model}, {lasting}"],
        )
    return _Story(
        reason=RouteReason.OVERRIDE,
        tier=override.tier,
        override=str(override.tier),
        reasons=[f"you chose the tier {override.tier}, {lasting}"],
    )


def _by_rule(ask: str, router: Router) -> _Story | None:
    seen = ask[:RULE_WINDOW_CHARS]
    for number, rule in enumerate(router.rules, start=1):
        if rule.pattern.search(seen) is None:
            continue
        name = rule.name or rule.pattern.pattern
        target = rule.model or f"the tier {rule.tier}"
        story = _Story(
            reason=RouteReason.RULE,
            tier=rule.tier or (tier_of_model(router, rule.model) if rule.model else None),
            model=rule.model,
            rule=rule,
            rule_name=name,
            reasons=[f"rule {number} of {router.name} ({name}) matches and asks for {target}"],
        )
        if rule.max_cost_usd is not None:
            story.reasons.append(f"the rule limits a call to {format_usd(rule.max_cost_usd)}")
        if rule.max_tokens is not None:
            story.reasons.append(f"the rule limits the answer to {rule.max_tokens:,} tokens")
        return story
    return None


def _by_task(task: TaskState, complexity: Complexity, *, is_followup: bool) -> _Story | None:
    if task.tier is None or not is_followup:
        return None
    if complexity.tier.rank > task.tier.rank:
        return _Story(
            reason=RouteReason.SCORE,
            tier=complexity.tier,
            continues_task=True,
            reasons=[
                f"the ask goes on with the running task and raises it from {task.tier}",
                _score_sentence(complexity),
            ],
        )
    if task.escalations:
        steps = "one step" if task.escalations == 1 else f"{task.escalations} steps"
        return _Story(
            reason=RouteReason.ESCALATED,
            tier=task.tier,
            continues_task=True,
            reasons=[f"the running task was moved up {steps} and stays at {task.tier}"],
        )
    return _Story(
        reason=RouteReason.STICKY,
        tier=task.tier,
        continues_task=True,
        reasons=[
            f"the ask goes on with the running task, which keeps its tier {task.tier} "
            f"(by itself it would be {complexity.tier}, score {complexity.score:.2f})"
        ],
    )


def _by_score(complexity: Complexity) -> _Story:
    return _Story(
        reason=RouteReason.SCORE, tier=complexity.tier, reasons=[_score_sentence(complexity)]
    )


def _score_sentence(complexity: Complexity) -> str:
    signals = "; ".join(complexity.signals) or "nothing in it speaks for more"
    match complexity.cause:
        case "default_fallback":
            return f"the message has no text to judge, so the tier is {complexity.tier}"
        case "reasoning_override":
            return f"the ask wants reasoning, so the tier is {complexity.tier}: {signals}"
        case "keyword_rule":
            return f"a keyword asks for the tier {complexity.tier}: {signals}"
        case _:
            return f"the ask scores {complexity.score:.2f}, which is {complexity.tier}: {signals}"


def _named_model(
    story: _Story, model: ModelId, router: Router, complexity: Complexity, market: Market
) -> Chain:
    if not market.can_call(model):
        story.reasons.append(missing_key(model, market))
    rest: tuple[ModelId, ...] = ()
    if story.rule is not None and story.tier is not None and router.tiers.get(story.tier):
        # Who names a model by hand wants that model; a rule speaks for its whole tier.
        rest = market.usable_first(router.tiers[story.tier])
    return Chain(
        tier=story.tier or complexity.tier,
        models=(model, *(other for other in rest if other != model)),
        is_usable=True,
    )


def _deployment(
    story: _Story, router: Router, task: TaskState, budget: BudgetState | None, market: Market
) -> Chain:
    wanted = story.tier or Tier.MEDIUM
    chain = chain_for(router, wanted, market)
    if not router.tiers.get(wanted):
        story.reasons.append(f"{router.name} has no tier {wanted}, so {chain.tier} serves it")
    elif chain.tier is not wanted:
        story.reasons.append(
            f"no model of the tier {wanted} can be called, so {chain.tier} serves it"
        )
    if not chain.is_usable:
        story.reasons.append(missing_key(chain.models[0], market))
        return chain
    skipped = [model for model in router.tiers[chain.tier] if model not in chain.models]
    if skipped:
        story.reasons.append(f"skipped {', '.join(skipped)}: no key is set")
    if story.continues_task and task.model is not None and story.tier is task.tier:
        return _same_model(story, chain, task.model, market)
    chain = _within_budget(story, chain, router, budget, market)
    return _where_the_cache_is(story, chain, task, market)


def _same_model(story: _Story, chain: Chain, model: ModelId, market: Market) -> Chain:
    if not market.can_call(model):
        return chain
    if market.context_tokens and model != chain.models[0]:
        story.reasons.append(f"{model} goes on, because it already holds the conversation")
    rest = tuple(other for other in chain.models if other != model)
    return replace(chain, models=(model, *rest))


def _within_budget(
    story: _Story, chain: Chain, router: Router, budget: BudgetState | None, market: Market
) -> Chain:
    if budget is None or budget.limit_usd is None or budget.share_used < BUDGET_BIAS_SHARE:
        return chain
    used = f"{budget.share_used:.0%} of today's {format_usd(budget.limit_usd or 0)} is used"
    if story.reason is not RouteReason.SCORE or story.continues_task:
        story.reasons.append(f"{used}; this choice is not changed by that")
        return chain
    cheaper = cheaper_chain(router, chain, market)
    if cheaper is None:
        story.reasons.append(f"{used}, and no cheaper tier is left")
        return chain
    story.reason = RouteReason.BUDGET
    story.tier, story.saved_from = cheaper.tier, chain.tier
    # It decided, so it leads: where there is room for one sentence, the first one is shown.
    story.reasons.insert(0, f"{used}, so the tier goes down from {chain.tier} to {cheaper.tier}")
    return cheaper


def _where_the_cache_is(story: _Story, chain: Chain, task: TaskState, market: Market) -> Chain:
    """Keep a better model where reading the conversation elsewhere would cost more than it."""
    stays, other = task.model, chain.models[0]
    if stays is None or task.tier is None or stays == other or not market.can_call(stays):
        return chain
    held = market.cached_tokens(stays)
    is_lower = task.tier.rank < chain.tier.rank
    if not held or is_lower or story.continues_task or story.reason not in _BY_JUDGEMENT:
        return chain
    here = market.estimate_steps_usd(stays, CACHE_HORIZON_STEPS)
    there = market.estimate_steps_usd(other, CACHE_HORIZON_STEPS)
    if here is None or there is None or here > there:
        return chain
    story.reasons.append(
        f"{stays} stays, as it has {held:,} tokens in its cache: {CACHE_HORIZON_STEPS} steps are "
        f"about ${here:.4f} there, and ${there:.4f} with {other}, which would read them anew"
    )
    return replace(chain, models=(stays, *chain.models))


def _receipt(
    story: _Story,
    chain: Chain,
    router: Router,
    complexity: Complexity,
    task: TaskState,
    market: Market,
) -> RouteDecision:
    model = chain.models[0]
    estimate = market.estimate_usd(model)
    rule = story.rule
    if rule is not None and rule.max_tokens is not None:
        capped = replace(market, output_tokens=min(market.output_tokens, rule.max_tokens))
        estimate = capped.estimate_usd(model)
    if estimate is None:
        story.reasons.append(f"the price of {model} is unknown")
    elif rule is not None and rule.max_cost_usd is not None and estimate > rule.max_cost_usd:
        story.reasons.append(f"the first step is estimated at ${estimate:.4f}, over that limit")
    switch = switch_sentence(task.model, model, market)
    if switch:
        story.reasons.append(switch)
    return RouteDecision(
        router=router.name,
        # What was asked for, even where another tier's models serve it.
        tier=story.tier,
        model=model,
        reason=story.reason,
        reasons=tuple(story.reasons),
        complexity=complexity,
        override=story.override,
        rule=story.rule_name,
        fallbacks=chain.models[1:] if chain.is_usable else (),
        alternatives=alternatives(router, chain, market, saved_from=story.saved_from),
        estimated_usd=estimate,
        max_cost_usd=None if rule is None else rule.max_cost_usd,
        max_tokens=None if rule is None else rule.max_tokens,
        continues_task=story.continues_task,
    )
