"""A session's routing state: the running task, the user's override, the last receipt."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ralex.agent.services import AgentServices
from ralex.core.budget import BudgetState
from ralex.core.capacity import CapacityDecision
from ralex.core.capacity import judge as judge_size
from ralex.core.chains import Market
from ralex.core.complexity import Complexity
from ralex.core.escalation import Escalation, Evidence, consider
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, PriceList
from ralex.core.routing import (
    EXPECTED_OUTPUT_TOKENS,
    Override,
    RouteDecision,
    RouteReason,
    TaskState,
    decide,
    escalated,
    task_after,
    top_tier_model,
)
from ralex.core.tiers import TIERS
from ralex.errors import UnknownModelError


class RouteDesk:
    """Asks the pure policy with what this session knows, and remembers what came of it."""

    def __init__(self, services: AgentServices) -> None:
        self._services = services
        self._task = TaskState()
        self.override: Override | None = None
        self.last: RouteDecision | None = None

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

    def resume(self, route: RouteDecision) -> None:
        """Take up a stored decision, as if it had just been made."""
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

    def decide(
        self,
        ask: str,
        complexity: Complexity,
        *,
        budget: BudgetState,
        size: Callable[[ModelInfo], int],
    ) -> RouteDecision:
        """Choose the model for a turn; an override for one turn is used up by it.

        Args:
            size: Estimates the first request for a model, in tokens.
        """
        services = self._services
        likely = self.likely_model()
        route = decide(
            ask,
            complexity=complexity,
            router=services.router,
            models=services.models,
            usable=services.usable,
            now=services.now(),
            task=self._task,
            is_followup=self._task.tier is not None and services.is_followup(ask),
            override=self.override,
            budget=budget,
            context_tokens=size(likely) if likely else 0,
        )
        if self.override is not None and self.override.once:
            self.override = None
        self.resume(route)
        return route

    def consider(
        self,
        evidence: Sequence[Evidence],
        *,
        was_advised: bool,
        budget: BudgetState,
        context_tokens: int,
    ) -> Escalation:
        """Ask the policy whether the running task stays, gets advice or moves up."""
        return consider(
            evidence,
            task=self._task,
            router=self._services.router,
            market=self._market(context_tokens),
            budget=budget,
            was_advised=was_advised,
            is_on=self._services.escalates,
        )

    def take_over(self, step: Escalation, route: RouteDecision) -> RouteDecision:
        """Give the running task to another model, until it ends.

        Args:
            route: What it was until now.
        """
        model = step.model or route.model
        chain = self._services.router.tiers.get(step.tier, ()) if step.tier else ()
        rest = self._market(0).usable_first(tuple(chain))
        taken = replace(
            route,
            tier=step.tier,
            model=model,
            reason=RouteReason.ESCALATED,
            reasons=(step.reason,),
            fallbacks=tuple(other for other in rest if other not in (model, route.model)),
            alternatives=(),
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
        model = chosen or (self.last.model if self.last else None)
        if model is not None:
            return self._known(model)
        return next(iter(self._of_router()), None)

    def top_price(self) -> PriceList | None:
        """Give the prices of the router's top tier, for what was saved; None if unknown."""
        services = self._services
        top = top_tier_model(services.router, services.models, services.usable)
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

    def _market(self, context_tokens: int) -> Market:
        services = self._services
        return Market(
            models=services.models,
            usable=services.usable,
            context_tokens=context_tokens,
            output_tokens=EXPECTED_OUTPUT_TOKENS,
            now=services.now(),
        )

    def _of_router(self) -> list[ModelInfo]:
        """List the router's callable models, cheapest tier first."""
        router = self._services.router
        ids = [model for tier in TIERS for model in router.tiers.get(tier, ())]
        known = [self._known(model) for model in dict.fromkeys(ids)]
        return [one for one in known if one is not None and one.provider in self._services.usable]

    def _known(self, model: ModelId) -> ModelInfo | None:
        try:
            return self._services.resolve(model)
        except UnknownModelError:
            return self._services.models.get(model)
