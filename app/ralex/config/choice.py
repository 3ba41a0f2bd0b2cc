"""Which router is in force, and which models it can reach with the keys at hand."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain

from ralex.config.catalogue import is_usable
from ralex.config.draft import BUILT_IN, Draft, PlannedRouter, Said
from ralex.config.presets import BY_KEY, DEFAULT_PRESET, Preset
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.errors import ConfigError, MissingKeyError

OWN_ROUTER = "custom"
"""The router made from the user's own models when nothing else is configured."""


def own_router(draft: Draft) -> Router | None:
    """Make a router from the models at the user's own addresses, or None if there are none."""
    own = [
        draft.models[model_id]
        for model_id in draft.own_models
        if _is_own(draft, draft.models[model_id].provider)
    ]
    return router_over(own, source="your own models") if own else None


def router_over(models: Sequence[ModelInfo], *, source: str) -> Router:
    """Spread models over tiers by price, cheapest first; those without a price only if none has.

    The cheaper tiers fall back to the dearest model.
    """
    priced = [model for model in models if model.price is not None]
    ranked = sorted(priced, key=_rate) if priced else list(models)
    ids = list(dict.fromkeys(model.id for model in ranked))
    tiers: dict[Tier, tuple[ModelId, ...]] = {Tier.SIMPLE: (ids[0],)}
    if len(ids) > 1:
        tiers[Tier.SIMPLE] = (ids[0], ids[-1])
        if len(ids) > 2:
            tiers[Tier.MEDIUM] = (ids[len(ids) // 2], ids[-1])
        tiers[Tier.COMPLEX] = (ids[-1],)
    return Router(name=OWN_ROUTER, tiers=tiers, source=source)


def choose_router(
    draft: Draft, routers: dict[str, Router], presets: Mapping[str, Preset], *, require_key: bool
) -> Said:
    """Choose the router in force, adding one to ``routers`` where only models are known.

    What was asked for by name; else the user's own router; else the preset of the first key that is
    set; else the user's own models; else the models of whatever provider has a key.

    Raises:
        ConfigError: If a router asked for does not exist, or a provider has no models.
        MissingKeyError: If nothing can be called and a key is required.
    """
    if draft.router is not None:
        if draft.router.value not in routers:
            raise _unknown_router(draft.router, routers)
        return draft.router
    if draft.routers:
        first = _first_within_reach(draft, routers)
        if len(draft.routers) > 1:
            draft.warnings.append(
                f"{first.source}: there are {len(draft.routers)} routers and no 'router' says "
                f"which; '{first.name}' is taken"
            )
        return Said(value=first.name, source=first.source)
    has_own = OWN_ROUTER in routers
    usable = [name for name, provider in draft.providers.items() if is_usable(provider)]
    for name in BY_KEY:
        if name not in usable:
            continue
        if has_own and name in draft.redirected and _has_own_models(draft, name):
            return Said(value=OWN_ROUTER, source="your own models")
        return Said(value=name, source=_why(draft, name))
    if has_own:
        return Said(value=OWN_ROUTER, source="your own models")
    models = [
        model
        for model in draft.models.values()
        if model.provider in usable and not model.is_deprecated
    ]
    if models:
        owner = models[0].provider
        routers[OWN_ROUTER] = router_over(
            [model for model in models if model.provider == owner], source=f"models of {owner}"
        )
        return Said(value=OWN_ROUTER, source=_why(draft, owner))
    if require_key and draft.model is None:
        raise _nothing_usable(draft, usable, presets)
    return Said(value=DEFAULT_PRESET, source=BUILT_IN)


def check_reach(draft: Draft, router: Router, *, require_key: bool) -> None:
    """Check that a router reaches a model with the keys at hand; warn about tiers that do not.

    Raises:
        MissingKeyError: If no tier reaches any and a key is required.
    """
    usable = {name for name, provider in draft.providers.items() if is_usable(provider)}
    reach = {
        tier: any(draft.models[model].provider in usable for model in models)
        for tier, models in router.tiers.items()
    }
    if all(reach.values()):
        return
    wanted = list(
        dict.fromkeys(
            draft.models[model].provider for model in chain.from_iterable(router.tiers.values())
        )
    )
    variables = _variables(draft, [name for name in wanted if name not in usable])
    if any(reach.values()):
        missing = ", ".join(tier for tier, is_met in reach.items() if not is_met)
        draft.warnings.append(
            f"the router '{router.name}' reaches no model for {missing}: set {variables}"
        )
    elif require_key:
        raise MissingKeyError(
            f"the router '{router.name}' has no provider with a key", hint=f"set {variables}"
        )


def check_model(draft: Draft, model: ModelInfo, *, require_key: bool) -> None:
    """Check that the model asked for by name can be called.

    Raises:
        MissingKeyError: If its provider has no key and a key is required.
    """
    if require_key and not is_usable(draft.providers[model.provider]):
        raise MissingKeyError(
            f"the model {model.id} has no key", hint=f"set {_variables(draft, [model.provider])}"
        )


def _first_within_reach(draft: Draft, routers: Mapping[str, Router]) -> PlannedRouter:
    """Take the first of the user's routers that has a provider to call, else the first."""
    usable = {name for name, provider in draft.providers.items() if is_usable(provider)}
    for planned in draft.routers.values():
        models = chain.from_iterable(routers[planned.name].tiers.values())
        if any(draft.models[model].provider in usable for model in models):
            return planned
    return next(iter(draft.routers.values()))


def _is_own(draft: Draft, provider: str) -> bool:
    return provider in draft.redirected and is_usable(draft.providers[provider])


def _has_own_models(draft: Draft, provider: str) -> bool:
    return any(draft.models[one].provider == provider for one in draft.own_models)


def _rate(model: ModelInfo) -> tuple[Decimal, Decimal]:
    if model.price is None:
        return Decimal(0), Decimal(0)
    rates = model.price.dated[-1].rates
    return rates.output, rates.input


def _why(draft: Draft, name: str) -> str:
    key = draft.origin(f"providers.{name}.api_key")
    address = draft.origin(f"providers.{name}.base_url")
    return next((one for one in (key, address) if one != BUILT_IN), BUILT_IN)


def _variables(draft: Draft, providers: Iterable[str]) -> str:
    """List what could be set: the first variable of each provider."""
    names = [draft.providers[name].key_names[:1] or (f"a key for {name}",) for name in providers]
    return " or ".join(dict.fromkeys(chain.from_iterable(names)))


def _unknown_router(said: Said, routers: Mapping[str, Router]) -> ConfigError:
    import difflib  # noqa: PLC0415 - only a mistyped name needs it

    near = difflib.get_close_matches(said.value, routers, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else ""
    return ConfigError(
        f"{said.source}: there is no router {said.value[:100]!r}{guess}",
        hint="routers: " + ", ".join(sorted(routers)),
    )


def _nothing_usable(
    draft: Draft, usable: Sequence[str], presets: Mapping[str, Preset]
) -> ConfigError:
    if usable:
        return ConfigError(
            f"the provider '{usable[0]}' has no models",
            hint=f'add [models."{usable[0]}/NAME"] with a price to config.toml, or use --model',
        )
    variables = _variables(draft, [name for name in BY_KEY if name in presets])
    return MissingKeyError(
        "no provider key was found", hint=f"set {variables}; or see it work with: ralex demo"
    )
