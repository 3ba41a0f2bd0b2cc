"""From a name to the models that are tried for it: its deployments, then its fallbacks'."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field

from ralex.config.litellm_models import ModelList
from ralex.config.litellm_reading import Item, Table, nearest
from ralex.config.toml_text import KeyPath, TomlTable
from ralex.core.records import dataclass

_MOST_HOPS = 5
"""LiteLLM's own limit on fallbacks of one request (``max_fallbacks``)."""

_KINDS = {
    "fallbacks": "general",
    "content_policy_fallbacks": "content_policy",
    "context_window_fallbacks": "context_window",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A name to fall back to, and where that is said."""

    name: str
    item: Item


@dataclass(slots=True, kw_only=True)
class Fallbacks:
    """What follows what when it fails.

    Attributes:
        by_name: For each name what follows any failure, in order; ``*`` is for names that have
            none.
        special: The same for refusals and for requests that are too long, by ralex's word for each.
        by_router: What follows every tier of a router.
        default: What follows every name at last.
    """

    by_router: dict[str, list[Hop]] = field(default_factory=dict[str, list[Hop]])
    by_name: dict[str, list[Hop]] = field(default_factory=dict[str, list[Hop]])
    special: dict[str, dict[str, list[Hop]]] = field(
        default_factory=dict[str, dict[str, list[Hop]]]
    )
    default: list[Hop] = field(default_factory=list[Hop])
    most: int = _MOST_HOPS

    def hops(self, name: str) -> list[str]:
        """List the names to try after one, nearest first."""
        found: list[str] = []
        self._walk(name, found, name)
        for hop in self.default:
            if hop.name != name and hop.name not in found:
                found.append(hop.name)
        return found[: self.most]

    def _walk(self, name: str, found: list[str], start: str) -> None:
        for hop in self.by_name.get(name, self.by_name.get("*", [])):
            if hop.name != start and hop.name not in found:
                found.append(hop.name)
                self._walk(hop.name, found, start)


def read_fallbacks(models: ModelList, sections: list[Table]) -> Fallbacks:
    """Read all kinds of fallbacks from the sections that may hold them.

    Raises:
        ConfigError: For a name that does not exist, or names that fall back in a circle.
    """
    found = Fallbacks()
    routers = _routers(models)
    for kind, word in _KINDS.items():
        own: dict[str, list[Hop]] = {}
        for section in sections:
            given = section.take(kind)
            if given is None:
                continue
            for name, hops in _pairs(given, models):
                if name not in routers:
                    own.setdefault(name, []).extend(hops)
                elif word == "general":
                    found.by_router.setdefault(name, []).extend(hops)
                else:
                    hops[0].item.note(f"{name!r} is a router; name its models instead; left out")
        _check_circles(own)
        if word == "general":
            found.by_name = own
        else:
            found.special[word] = own
    for section in sections:
        given = section.take("default_fallbacks")
        if given is not None:
            found.default += [_hop(item, models) for item in given.one_or_more()]
        most = section.take("max_fallbacks")
        if most is not None:
            found.most = most.whole()
    return found


def chain_of(name: str, models: ModelList, fallbacks: Fallbacks) -> tuple[str, ...]:
    """List the models to try for a name, without repeating one."""
    ids = list(models.ids(name))
    for hop in fallbacks.hops(name):
        ids += models.ids(hop)
    return tuple(dict.fromkeys(ids))


def fallback_tables(
    models: ModelList, fallbacks: Fallbacks, names: Collection[str]
) -> tuple[dict[str, TomlTable], dict[KeyPath, int]]:
    """Write ``[fallbacks]``, for models that are asked for by name, and the line of each key.

    Args:
        names: What the configuration knows as a name of its own: aliases and deployments.
    """
    general = {name: list(hops) for name, hops in fallbacks.by_name.items()}
    for name in [*models.groups, "*"]:
        if name in general or name == "*":
            known = {hop.name for hop in general.get(name, [])}
            added = [hop for hop in fallbacks.default if hop.name not in known]
            if name == "*" and not added:
                continue
            general.setdefault(name, []).extend(
                hop for hop in added if hop.name != name and not _leads_to(general, hop.name, name)
            )
    written: dict[str, TomlTable] = {}
    lines: dict[KeyPath, int] = {}
    for kind, chains in {"general": general, **fallbacks.special}.items():
        for name, hops in chains.items():
            targets = [
                label
                for hop in hops[: fallbacks.most]
                for label in _labels(hop.name, models, names)
            ]
            labels = ("*",) if name == "*" else _labels(name, models, names)
            if not labels and hops:
                hops[0].item.note(f"no deployment of {name!r} can be called; left out here")
            for label in labels:
                rest = [one for one in dict.fromkeys(targets) if one != label]
                if rest:
                    written.setdefault(kind, {})[label] = rest
                    lines["fallbacks", kind, label] = hops[0].item.line
    return written, lines


def _leads_to(chains: Mapping[str, list[Hop]], name: str, target: str) -> bool:
    """Tell whether one name falls back to another in the end; that would close a circle."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        last = waiting.pop()
        if last == target:
            return True
        if last not in seen:
            seen.add(last)
            waiting += [hop.name for hop in chains.get(last, [])]
    return False


def _labels(name: str, models: ModelList, names: Collection[str]) -> tuple[str, ...]:
    """Say a name in the words of config.toml: as it is, or as the models behind it."""
    if name in names:
        return (name,)
    prefix, _, wire = name.partition("/")
    if not models.groups.get(name) and prefix in models.wildcards:
        return (f"{models.wildcards[prefix]}/{wire}",)
    return models.ids(name)


def known_name(item: Item, models: ModelList) -> str:
    """Read the name of a model of the list.

    Raises:
        ConfigError: If the list has none of this name.
    """
    name = item.text()
    if name in models.groups:
        return name
    if any(entry.name == name for entry in models.routers):
        raise item.error(f"{name!r} is a router; a model is wanted here")
    prefix, _, wire = name.partition("/")
    if wire and prefix in models.wildcards:
        models.groups[name] = []
        # The wildcard lets any name be asked for, so this one counts as listed.
        meant = f"{models.wildcards[prefix]}/{wire}"
        models.models.setdefault(meant, models.facts_under(prefix, wire))
        models.model_lines.setdefault(meant, item.line)
        return name
    names = list(models.groups)[:20]
    raise item.error(
        f"model_list has no model named {name[:80]!r}{nearest(name, models.groups)}",
        hint=f"names: {', '.join(names)}" if names else "the list names no model besides routers",
    )


def _pairs(given: Item, models: ModelList) -> Iterator[tuple[str, list[Hop]]]:
    """Read ``{a: [b, c]}`` or ``[a, b, c]``, one or a list of them."""
    entries = [given] if isinstance(given.node.value, dict) else given.entries()
    if entries and all(isinstance(entry.node.value, str) for entry in entries):
        entries = [given]
    for entry in entries:
        table = entry.as_table()
        if table is None:
            names = entry.entries()
            if len(names) < 2:
                raise entry.error("names a model but nothing to fall back to")
            yield _source(names[0], models), [_hop(item, models) for item in names[1:]]
            continue
        for name, targets in table.take_all():
            if name != "*" and name not in models.groups and name not in _routers(models):
                raise targets.error(
                    f"model_list has no model named {name[:80]!r}{nearest(name, models.groups)}"
                )
            yield name, [_hop(item, models) for item in targets.one_or_more()]


def _source(item: Item, models: ModelList) -> str:
    name = item.text()
    if name == "*" or name in _routers(models):
        return name
    return known_name(item, models)


def _routers(models: ModelList) -> set[str]:
    return {entry.name for entry in models.routers}


def _hop(item: Item, models: ModelList) -> Hop:
    table = item.as_table()
    if table is not None:
        model = table.need("model")
        for _, rest in table.rest():
            rest.note("is not changed for a fallback; left out")
        return Hop(name=known_name(model, models), item=item)
    return Hop(name=known_name(item, models), item=item)


def _check_circles(by_name: Mapping[str, list[Hop]]) -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        for hop in by_name.get(name, ()):
            if hop.name in path:
                circle = (*path[path.index(hop.name) :], hop.name)
                raise hop.item.error(
                    "these fallbacks go in a circle: " + " → ".join(circle),
                    hint="let the last one stand alone",
                )
            if hop.name not in done:
                visit(hop.name, (*path, hop.name))
        done.add(name)

    for name in by_name:
        if name != "*":
            visit(name, (name,))
