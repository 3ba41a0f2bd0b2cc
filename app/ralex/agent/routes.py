"""A session's routing state: router, running task, the user's override, the last receipt."""

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ralex.agent.services import AgentServices
from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityDecision
from ralex.core.capacity import judge as judge_size
from ralex.core.chains import Cached, Market
from ralex.core.complexity import Complexity
from ralex.core.escalation import AdviceLog, Escalation, Evidence, consider
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, PriceList
from ralex.core.route_receipt import ways_not_taken
from ralex.core.routing import (
    EXPECTED_OUTPUT_TOKENS,
    Override,
    RouteDecision,
    Router,
    RouteReason,
    TaskState,
    TierPrice,
    decide,
    escalated,
    prices_by_tier,
    task_after,
    top_tier_model,
)
from ralex.core.tiers import TIERS
from ralex.core.tokens import estimate_tokens
from ralex.core.usage import Usage
from ralex.errors import MissingKeyError, UnknownModelError, UsageError

_PREVIEW_CHARS = 8_000
"""How much of an unsent ask is judged, which bounds the time of a preview while someone types."""

_CACHE_LIFE = timedelta(minutes=5)
"""How long providers keep a prompt at the least (Anthropic 5 min, OpenAI 5 to 10; docs of 2026)."""


class RouteDesk:
    """Asks the pure policy with what this session knows, and remembers what came of it."""

    def __init__(self, services: AgentServices) -> None:
        self._services = services
        self._task = TaskState()
        self._has_served = False
        self._budget: BudgetState | None = None
        self._cached: tuple[Cached, datetime] | None = None
        self._used: datetime | None = None
        self.router = services.router
        self.override: Override | None = None
        self.last: RouteDecision | None = None

    @property
    def routers(self) -> tuple[str, ...]:
        """Name the routers that reach a model with the keys at hand, and the one in force."""
        return tuple(
            name
            for name, router in self._services.routers.items()
            if name == self.router.name or self._reaches_a_model(router)
        )

    def set_router(self, name: str) -> None:
        """Route with another router from the next turn on, which begins a task afresh.

        A turn that runs now goes on under the router that it began with.

        Raises:
            UsageError: If there is none of this name; the hint has the nearest.
            MissingKeyError: If none of its models can be called.
        """
        router = self._services.routers.get(name)
        if router is None:
            raise _unknown_router(name, self.routers)
        if router.name == self.router.name:
            return
        if not self._reaches_a_model(router):
            owners = {model.partition("/")[0] for chain in router.tiers.values() for model in chain}
            raise MissingKeyError(
                f"the router {name!r} has no model that can be called",
                hint=f"set a key for {' or '.join(sorted(owners))}; `ralex doctor` names it",
            )
        self.router = router

    @property
    def at_work(self) -> Router:
        """Give the router under which the last turn began."""
        if self.last is None:
            return self.router
        return self._services.routers.get(self.last.router, self.router)

    def was_used(self, moment: datetime) -> None:
        """Note when something last happened in the session."""
        self._used = moment

    def called(self, model: ModelId, usage: Usage, budget: BudgetState) -> None:
        """Note the day's money, and what a provider now holds, as its own count shows it."""
        self._budget = budget
        self._used = self._services.now()
        held = usage.cache_read_tokens + usage.cache_write_tokens
        if usage.cache_read_tokens and not usage.cache_write_tokens:
            held = usage.total_input_tokens  # who reports reads alone caches all that was sent
        cached = Cached(model=model, tokens=held)
        self._cached = (cached, self._services.now()) if held else None

    def set_override(self, override: Override | None) -> None:
        """Take the user's choice, or None for the router.

        Raises:
            UnknownModelError: If no provider has the model, or it has no key.
        """
        if override is not None and override.model is not None:
            model = self._services.resolve(override.model)
            if model.provider not in self._services.usable:
                raise UnknownModelError(
                    f"{model.id} cannot be called: no key is set for {model.provider}",
                    hint="`ralex models` shows which models have one",
                )
            override = replace(override, model=model.id)
        self.override = override
        self._has_served = False

    def resume(self, route: RouteDecision) -> None:
        """Take up a stored decision, as if it had just been made."""
        if self.last is not None and self.last.router != route.router:
            self._task = TaskState()
        before = self._task
        is_step_up = (
            route.reason is RouteReason.ESCALATED
            and before.tier is not None
            and route.tier is not None
            and (route.tier, route.model) != (before.tier, before.model)
        )
        self.last = route
        if is_step_up and route.tier is not None:
            self._task = escalated(before, to=route.tier, model=route.model)
        else:
            self._task = task_after(route, before)

    def served_by(self, model: ModelId, why: str) -> None:
        """Note in the receipt which of several deployments serves the step, and why."""
        if self.last is not None:
            self.last = self.last.served_by(model, why)

    def decide(
        self,
        ask: str,
        complexity: Complexity,
        *,
        budget: BudgetState,
        size: Callable[[ModelInfo], int],
    ) -> RouteDecision:
        """Choose the model for a turn; an override for one turn is used up by it.

        One for a task ends with the first ask that does not go on with it.

        Args:
            size: Estimates the first request for a model, in tokens.
        """
        override = self.override
        is_task_override = override is not None and override.for_task and self._has_served
        if is_task_override and not self._services.is_followup(ask):
            self.override = None
        likely = self.likely_model()
        self._budget = budget
        pause = self._long_pause()
        self._has_served = True
        route = self._decide(ask, complexity, context_tokens=size(likely) if likely else 0)
        if self.override is not None and self.override.once:
            self.override = None
        if pause is not None:
            minutes = pause // timedelta(minutes=1)
            story = f"the session paused for {minutes} minutes, so this begins a new task"
            route = replace(route, reasons=(story, *route.reasons))
            self._task = TaskState()
        self._used = self._services.now()
        self.resume(route)
        return route

    def prices(self, ask: str, *, context_tokens: int) -> tuple[TierPrice, ...]:
        """Price the next step on each tier, and mark the one an unsent ask would take.

        The day's money is as the last call left it; an ask is judged by its beginning.

        Args:
            context_tokens: What the conversation holds before the ask.
        """
        seen = ask[:_PREVIEW_CHARS]
        tokens = context_tokens + estimate_tokens(seen) * len(ask) // max(len(seen), 1)
        complexity = self._services.score(seen, self.router)
        route = self._decide(seen, complexity, context_tokens=tokens)
        return prices_by_tier(route, self.router, self._market(tokens, self._in_cache()))

    def _decide(self, ask: str, complexity: Complexity, *, context_tokens: int) -> RouteDecision:
        services = self._services
        task = self._running
        return decide(
            ask,
            complexity=complexity,
            router=self.router,
            models=services.models,
            usable=services.usable,
            now=services.now(),
            task=task,
            is_followup=task.tier is not None and services.is_followup(ask),
            override=self.override,
            budget=self._budget,
            context_tokens=context_tokens,
            cached=self._in_cache(),
        )

    @property
    def _running(self) -> TaskState:
        """Give the task in progress, as the next turn will find it."""
        is_of_router = self.last is None or self.last.router == self.router.name
        return self._task if is_of_router and self._long_pause() is None else TaskState()

    def _long_pause(self) -> timedelta | None:
        """Give how long the session has paused, if that ends the running task by setting."""
        limit = self._services.new_task_after
        if limit is None or self._used is None or self._task.tier is None:
            return None
        pause = self._services.now() - self._used
        return pause if pause >= limit else None

    def _in_cache(self) -> Cached | None:
        if self._cached is None or self._services.now() - self._cached[1] > _CACHE_LIFE:
            return None
        return self._cached[0]

    def consider(
        self,
        evidence: Sequence[Evidence],
        *,
        was_advised: bool,
        advised_by: Collection[ModelId],
        budget: BudgetState,
        advice: AdviceLog,
        brief_tokens: int,
        context_tokens: int,
    ) -> Escalation:
        """Ask the policy whether the running task stays, gets advice or moves up."""
        return consider(
            evidence,
            task=self._task,
            router=self.at_work,
            market=self._market(context_tokens),
            budget=budget,
            was_advised=was_advised,
            advised_by=advised_by,
            bills={
                model: one.measured.usd_per_task
                for model, one in self._services.standings().items()
            },
            advice=advice,
            brief_tokens=brief_tokens,
            is_on=self._services.escalates,
        )

    def take_over(
        self, step: Escalation, route: RouteDecision, *, context_tokens: int
    ) -> RouteDecision:
        """Give the running task to another model, until it ends.

        Args:
            route: What it was until now.
            context_tokens: What the other model has to read, which the alternatives are priced for.
        """
        model = step.model or route.model
        market = self._market(context_tokens)
        chain = self.at_work.tiers.get(step.tier, ()) if step.tier else ()
        rest = market.usable_first(tuple(chain))
        # Who worked until now is there if the other one fails, or costs more than is left.
        others = (other for other in rest if other not in (model, route.model))
        fallbacks = (*others, route.model)
        taken = replace(
            route,
            tier=step.tier,
            model=model,
            reason=RouteReason.ESCALATED,
            reasons=(step.reason,),
            fallbacks=fallbacks,
            alternatives=ways_not_taken(
                self.at_work, model, fallbacks, step.tier, market, left=route.model
            ),
            estimated_usd=step.estimated_usd,
            continues_task=True,
        )
        self.resume(taken)
        return taken

    def cheapest(self) -> ModelInfo | None:
        """Give the model of the cheapest tier that can be called."""
        return next(iter(self._of_router()), None)

    def judge(self, model: ModelInfo, request_tokens: int, output_tokens: int) -> CapacityDecision:
        """Judge the size of a request; the router's other models may take what is too large."""
        return judge_size(
            model,
            request_tokens=request_tokens,
            output_tokens=output_tokens,
            larger=[one for one in self._of_router() if one.id != model.id],
        )

    def likely_model(self) -> ModelInfo | None:
        """Guess the next model before anything is asked: the last one, else the cheapest tier's."""
        chosen = self.override.model if self.override else None
        is_of_router = self.last is not None and self.last.router == self.router.name
        model = chosen or (self.last.model if self.last and is_of_router else None)
        if model is not None:
            return self._known(model)
        return next(iter(self._of_router()), None)

    def top_price(self) -> PriceList | None:
        """Give the prices of the router's top tier, for what was saved; None if unknown."""
        services = self._services
        top = top_tier_model(self.router, services.models, services.usable)
        return top.price if top is not None else None

    def choosable(self) -> Sequence[ModelInfo]:
        """List models of usable providers, those of the router first."""
        first = {model.id: model for model in self._of_router()}
        rest = {
            model.id: model
            for model in self._services.models.values()
            if model.provider in self._services.usable
        }
        return tuple({**first, **rest}.values())

    def _market(self, context_tokens: int, cached: Cached | None = None) -> Market:
        services = self._services
        return Market(
            models=services.models,
            usable=services.usable,
            context_tokens=context_tokens,
            output_tokens=EXPECTED_OUTPUT_TOKENS,
            now=services.now(),
            cached=cached,
        )

    def _reaches_a_model(self, router: Router) -> bool:
        market = self._market(0)
        return any(market.can_call(model) for chain in router.tiers.values() for model in chain)

    def _of_router(self) -> list[ModelInfo]:
        """List the router's callable models, cheapest tier first."""
        router = self.router
        ids = [model for tier in TIERS for model in router.tiers.get(tier, ())]
        known = [self._known(model) for model in dict.fromkeys(ids)]
        return [one for one in known if one is not None and one.provider in self._services.usable]

    def _known(self, model: ModelId) -> ModelInfo | None:
        try:
            return self._services.resolve(model)
        except UnknownModelError:
            return self._services.models.get(model)


def _unknown_router(name: str, known: Sequence[str]) -> UsageError:
    near = difflib.get_close_matches(name.casefold(), known, n=3, cutoff=0.4)
    guess = f"did you mean {' or '.join(near)}? " if near else ""
    return UsageError(
        f"there is no router {name[:60]!r}", hint=f"{guess}the routers are {', '.join(known)}"
    )
