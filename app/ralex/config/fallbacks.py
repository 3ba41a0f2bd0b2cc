"""Names of deployments and fallback chains turned into models, once all layers are known."""

from collections.abc import Mapping, Sequence

from ralex.config.draft import Draft, ModelFinder, PlannedAlias
from ralex.core.fallbacks import ANY, Fallbacks, circle
from ralex.core.ids import ModelId
from ralex.errors import ConfigError, UnknownModelError

Aliases = dict[str, tuple[ModelId, ...]]


def find_aliases(planned: Mapping[str, PlannedAlias], find: ModelFinder, known: Aliases) -> None:
    """Look up the models behind names and add them to what is known.

    Raises:
        ConfigError: If a model does not exist, with file and key.
    """
    for name, alias in planned.items():
        ids = (_find(alias.source, one, find, known) for one in alias.models)
        known[name] = tuple(dict.fromkeys(one for found in ids for one in found))


def find_deployments(draft: Draft, find: ModelFinder, known: Aliases) -> Aliases:
    """Look up the groups of deployments; their names become known as well.

    Raises:
        ConfigError: If a model does not exist, or a group's name means something else already.
    """
    for name, planned in draft.deployments.items():
        taken = "an alias" if name in draft.aliases else ""
        taken = "the id of a model" if ModelId(name) in draft.models else taken
        if taken:
            raise ConfigError(
                f"{planned.source}: the name of the deployments '{name}' is {taken} already",
                hint="give the group another name",
            )
    find_aliases(draft.deployments, find, known)
    return {name: known[name] for name in draft.deployments}


def find_fallbacks(draft: Draft, find: ModelFinder, known: Aliases) -> Fallbacks:
    """Look up every chain; a name that stands for several models stands for each of them.

    Raises:
        ConfigError: If a model does not exist, or models fall back in a circle; with file and key.
    """
    chains: dict[str, dict[ModelId, tuple[ModelId, ...]]] = {}
    for kind, planned in draft.fallbacks.items():
        own: dict[ModelId, tuple[ModelId, ...]] = {}
        chains[kind] = own
        sources: dict[ModelId, str] = {}
        for name, chain in planned.items():
            source = f"{chain.source}: fallbacks.{kind}"
            targets = [_find(source, one, find, known) for one in chain.models]
            ids = tuple(dict.fromkeys(one for found in targets for one in found))
            froms = (ANY,) if name == ANY else _find(source, name, find, known)
            for model in froms:
                rest = tuple(one for one in ids if one not in froms)
                if not rest:
                    raise ConfigError(
                        f"{chain.source}: [fallbacks.{kind}] lets '{name}' fall back to itself",
                        hint="name another model, or leave the key out",
                    )
                own[model] = rest
                sources[model] = chain.source
        found = circle(own)
        if found:
            raise ConfigError(
                f"{sources[found[0]]}: [fallbacks.{kind}] goes in a circle: " + " → ".join(found),
                hint="let the last one stand alone",
            )
    return Fallbacks(**chains)


def _find(source: str, name: str, find: ModelFinder, known: Aliases) -> Sequence[ModelId]:
    if name in known:
        return known[name]
    try:
        return (find(name).id,)
    except UnknownModelError as error:
        raise UnknownModelError(f"{source}: {error.message}", hint=error.hint) from error
