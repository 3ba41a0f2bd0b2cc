"""From the models of a route to the candidates of a call: siblings and chains put in place."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field, replace
from typing import TypeAlias

from ralex.core.deployments import Groups
from ralex.core.fallbacks import ChainMap, Fallbacks, following
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.dispatch.calls import Candidate

Size: TypeAlias = Callable[[ModelId], Candidate | None]
"""Size the request for a model; None if it cannot take it."""


def _everything(_model: ModelId) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePlan:
    """Knows which models stand beside and behind one another.

    Attributes:
        can_call: Tells whether a model's provider has what it needs.
    """

    groups: Groups = field(default_factory=Groups)
    fallbacks: Fallbacks = field(default_factory=Fallbacks)
    can_call: Callable[[ModelId], bool] = _everything

    def candidates(self, chain: Iterable[ModelId], size: Size) -> tuple[Candidate, ...]:
        """Size the models of a chain, with their siblings and what follows them.

        Args:
            chain: First choice first.
        """
        models = list(chain)
        behind = (one for model in models for one in self._following(self.fallbacks.general, model))
        found: list[Candidate] = []
        for model, group in self._expanded((*models, *behind)):
            sized = size(model)
            if sized is None:
                continue
            found.append(
                replace(
                    sized,
                    group=group if sized.model.id == model else "",
                    on_overflow=self._chain(self.fallbacks.context_window, model, size),
                    on_refusal=self._chain(self.fallbacks.content_policy, model, size),
                )
            )
        return _each_once(found)

    def siblings(self, model: ModelId, size: Size) -> tuple[Candidate, ...]:
        """Size a model and the other deployments of it, and nothing that follows them."""
        found: list[Candidate] = []
        for one, group in self._expanded((model,)):
            sized = size(one)
            if sized is not None:
                found.append(replace(sized, group=group))
        return tuple(found)

    def after_overflow(self, chain: Iterable[ModelId]) -> tuple[ModelId, ...]:
        """List what follows any model of a chain when the request is too long for it."""
        models = tuple(chain)
        behind = (
            one for model in models for one in self._following(self.fallbacks.context_window, model)
        )
        return tuple(dict.fromkeys(one for one in behind if one not in models))

    def _chain(self, chains: ChainMap, model: ModelId, size: Size) -> tuple[Candidate, ...]:
        found: list[Candidate] = []
        for one, group in self._expanded(self._following(chains, model)):
            sized = size(one)
            if sized is not None and sized.model.id != model:
                found.append(replace(sized, group=group if sized.model.id == one else ""))
        return _each_once(found)

    def _following(self, chains: ChainMap, model: ModelId) -> tuple[ModelId, ...]:
        return tuple(one for one in following(chains, model) if self.can_call(one))

    def _expanded(self, chain: Iterable[ModelId]) -> tuple[tuple[ModelId, str], ...]:
        return self.groups.expand(chain, self.can_call)


def _each_once(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Keep the first candidate for each model: two may have been exchanged for a larger one."""
    found: dict[ModelId, Candidate] = {}
    for one in candidates:
        found.setdefault(one.model.id, one)
    return tuple(found.values())


def plan_over(
    models: Mapping[ModelId, ModelInfo],
    usable: Collection[str],
    deployments: Mapping[str, tuple[ModelId, ...]],
    fallbacks: Fallbacks,
) -> CandidatePlan:
    """Make the plan of a configuration.

    Args:
        usable: Names of providers that can be called.
    """

    def can_call(model: ModelId) -> bool:
        return model in models and models[model].provider in usable

    return CandidatePlan(groups=Groups(members=deployments), fallbacks=fallbacks, can_call=can_call)
