"""A draft made into the configuration: names become models, a router is chosen, doubts are told.

The layers are all read by then (``config.load``); what is refused here is refused whatever layer it
comes from.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ralex.config import choice
from ralex.config.catalogue import check_listed, find_model, near_models
from ralex.config.draft import Draft, ModelFinder
from ralex.config.fallbacks import find_aliases, find_deployments, find_fallbacks
from ralex.config.model import Config
from ralex.config.presets import Preset
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.routing import Router
from ralex.errors import UnknownModelError

_AUTO = "auto"
"""The name of a model that means: let the router choose."""


def finish(draft: Draft, home: Path, presets: Mapping[str, Preset], *, require_key: bool) -> Config:
    """Make the configuration.

    Args:
        require_key: Refuse if nothing can be called.

    Raises:
        ConfigError: For a model, router or tier that no layer brought.
        MissingKeyError: If no provider can be called, with the variables to set.
    """
    names = _Names(draft)
    routers = _preset_routers(draft, presets)
    find_aliases(draft.aliases, names.listed, names.aliases)
    deployments = find_deployments(draft, names.listed, names.aliases)
    fallbacks = find_fallbacks(draft, names.listed, names.aliases)
    _add_own_routers(draft, routers, names)
    _take_router_for_model(draft, routers, names.aliases)
    model = _model(draft, names.any, require_key=require_key)
    router = _router(draft, routers, presets, require_key=require_key and model is None)
    wanted = [model.id] if model is not None else _models_of(router)
    siblings = [one for group in deployments.values() for one in group]
    _warn_about_prices(draft, [*wanted, *siblings, *fallbacks.targets()])
    _warn_about_cache(draft)
    return Config(
        home=home,
        router=router.name,
        budget=draft.limits,
        providers=MappingProxyType(draft.providers),
        models=MappingProxyType(draft.models),
        routers=MappingProxyType(routers),
        model=None if model is None else model.id,
        mode=draft.mode,
        theme=draft.theme,
        untrusted=tuple(draft.untrusted),
        max_steps=draft.max_steps,
        escalation=draft.escalation,
        new_task_after_minutes=draft.new_task_after_minutes,
        titles=draft.titles,
        permissions=tuple(draft.permissions),
        timeouts=draft.timeouts,
        retries=draft.retries,
        log=draft.log,
        keys=MappingProxyType(draft.keys),
        notify=draft.notify,
        web_fetch=draft.web_fetch,
        aliases=MappingProxyType(names.aliases),
        deployments=MappingProxyType(deployments),
        fallbacks=fallbacks,
        cache=draft.cache,
        sources=tuple(draft.sources),
        warnings=tuple(draft.warnings),
    )


class _Names:
    """Finds models by what they are called; one that is found belongs to the configuration.

    Attributes:
        aliases: Other names, with the models that each stands for.
    """

    def __init__(self, draft: Draft) -> None:
        self.aliases: dict[str, tuple[ModelId, ...]] = {}
        self._draft = draft

    def any(self, name: str) -> ModelInfo:
        """Find a model, also one that no list knows."""
        draft = self._draft
        found = find_model(
            name, models=draft.models, providers=draft.providers, aliases=self.aliases
        )
        draft.models.setdefault(found.id, found)
        return found

    def listed(self, name: str) -> ModelInfo:
        """Find a model that the catalogue or the user lists, or whose provider is the user's."""
        draft = self._draft
        found = find_model(
            name, models=draft.models, providers=draft.providers, aliases=self.aliases
        )
        check_listed(found, known=draft.models, redirected=draft.redirected)
        draft.models.setdefault(found.id, found)
        return found


def _preset_routers(draft: Draft, presets: Mapping[str, Preset]) -> dict[str, Router]:
    """Give those whose models are all known."""
    return {
        name: preset.router
        for name, preset in presets.items()
        if all(model in draft.models for model in _models_of(preset.router))
    }


def _add_own_routers(draft: Draft, routers: dict[str, Router], names: _Names) -> None:
    own = choice.own_router(draft)
    if own is not None:
        routers[own.name] = own
    for name, planned in draft.routers.items():
        routers[name] = planned.build(names.listed)


def _router(
    draft: Draft, routers: dict[str, Router], presets: Mapping[str, Preset], *, require_key: bool
) -> Router:
    chosen = choice.choose_router(draft, routers, presets, require_key=require_key)
    draft.origins["router"] = chosen.source
    router = routers[chosen.value]
    choice.check_reach(draft, router, require_key=require_key)
    return router


def _models_of(router: Router) -> list[ModelId]:
    return [model for chain in router.tiers.values() for model in chain]


def _find_at(source: str, name: str, find: ModelFinder) -> ModelInfo:
    try:
        return find(name)
    except UnknownModelError as error:
        raise UnknownModelError(f"{source}: {error.message}", hint=error.hint) from error


def _take_router_for_model(
    draft: Draft, routers: Mapping[str, Router], aliases: Mapping[str, tuple[ModelId, ...]]
) -> None:
    """Let a router be asked for by the name of a model, as LiteLLM's clients do."""
    said = draft.model
    if said is None or said.value not in draft.routers or said.value in aliases:
        return
    if said.value in routers and ModelId(said.value) not in draft.models:
        draft.router, draft.model = said, None


def _model(draft: Draft, find: ModelFinder, *, require_key: bool) -> ModelInfo | None:
    said = draft.model
    if said is None or said.value.casefold() == _AUTO:
        return None
    model = _find_at(said.source, said.value, find)
    choice.check_model(draft, model, require_key=require_key)
    draft.origins["model"] = said.source
    return model


def _warn_about_prices(draft: Draft, models: Sequence[ModelId]) -> None:
    if not draft.limits.is_limited:
        return
    for model in dict.fromkeys(models):
        if draft.models[model].price is None:
            near = near_models(model, draft.own_models)
            guess = f" (did you mean {near[0]}?)" if near else ""
            draft.warnings.append(
                f"no price is known for {model}{guess}, so it is refused under a budget; say it in "
                f'config.toml: [models."{model}"] price = {{ input = 0.10, output = 0.40 }}'
            )


def _warn_about_cache(draft: Draft) -> None:
    if draft.cache.agent and not draft.cache.enabled:
        place = draft.origins["cache.agent"]
        draft.warnings.append(
            f"{place}: cache.agent says nothing while cache.enabled is false; set both"
        )
