"""LiteLLM's ``model_list``: deployments behind names, as models, providers and aliases of ralex."""

from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from typing import cast

from ralex.config.catalogue import find_model, load_catalogue
from ralex.config.litellm_prices import facts_of, price_of
from ralex.config.litellm_providers import (
    Endpoint,
    Kind,
    ProviderBook,
    endpoint_of,
    is_usable_endpoint,
    split_model,
)
from ralex.config.litellm_reading import Item, Table
from ralex.config.litellm_retired import retired_price
from ralex.config.litellm_words import note_rest
from ralex.config.toml_text import TomlTable
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.errors import UnknownModelError

_AUTO = "auto_router/"
_COMPLEXITY = "auto_router/complexity_router"
_LAST = 1_000_000_000
"""The rank of a deployment without an ``order``: LiteLLM takes those that have one first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One model at one provider, behind a name.

    Attributes:
        rank: LiteLLM's ``order``: lower ones are tried first.
        output_price: USD per million tokens, or None if unknown.
    """

    model: str
    rank: int
    output_price: Decimal | None
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterEntry:
    """A complexity router of the list."""

    name: str
    config: Item | None
    default_model: Item | None
    item: Item


@dataclass(slots=True, kw_only=True)
class ModelList:
    """What the list says.

    Attributes:
        groups: For each name its deployments; none of which ralex can call leaves it empty.
        models: ``provider/name`` → what config.toml says of it.
        model_lines: Where each stands.
        wildcards: Prefixes, up to the slash, under which any name may be asked for, with their
            provider here.
        vendors: For each of these prefixes the provider whose models they are.
        is_open: Some wildcard lets models be asked for that are not listed.
    """

    book: ProviderBook
    groups: dict[str, list[Deployment]] = field(default_factory=dict[str, list[Deployment]])
    models: dict[str, TomlTable] = field(default_factory=dict[str, TomlTable])
    model_lines: dict[str, int] = field(default_factory=dict[str, int])
    routers: list[RouterEntry] = field(default_factory=list[RouterEntry])
    wildcards: dict[str, str] = field(default_factory=dict[str, str])
    vendors: dict[str, str] = field(default_factory=dict[str, str])
    is_open: bool = False

    def facts_under(self, prefix: str, wire: str) -> TomlTable:
        """Say what is known of a model that a wildcard lets through: what its vendor's is."""
        known, catalogue = ModelId(f"{self.vendors[prefix]}/{wire}"), load_catalogue()
        is_itself = ModelId(f"{self.wildcards[prefix]}/{wire}") in catalogue
        return {"like": known} if known in catalogue and not is_itself else {}

    def ids(self, name: str) -> tuple[str, ...]:
        """List the models behind a name, in the order in which they are tried."""
        return tuple(dict.fromkeys(one.model for one in self.groups[name]))


def read_model_list(
    given: Item, credentials: Mapping[str, Table], book: ProviderBook, *, cheapest_first: bool
) -> ModelList:
    """Read every entry.

    Args:
        cheapest_first: Order the deployments of a name by price, where all prices are known.

    Raises:
        ConfigError: For an entry without a name or a model, or a value that makes no sense.
    """
    found = ModelList(book=book)
    for entry in given.entries():
        _read_entry(found, entry, credentials)
    for group in found.groups.values():
        _order(group, cheapest_first=cheapest_first)
        _weigh(found, group, only_first=cheapest_first)
    taken = {entry.name for entry in found.routers}
    for name in taken & set(found.groups):
        entry = next(one for one in found.routers if one.name == name)
        raise entry.item.error(f"the name {name!r} stands for a router and for a model")
    return found


def _read_entry(found: ModelList, entry: Item, credentials: Mapping[str, Table]) -> None:
    table = entry.table()
    name = table.need("model_name").text()
    found.is_open = found.is_open or name == "*"
    params = table.need("litellm_params").table()
    info_item = table.take("model_info")
    info = Table(entry, {}) if info_item is None else info_item.table()
    credential = params.take("litellm_credential_name")
    if credential is not None:
        known = credentials.get(credential.text())
        if known is None:
            raise credential.error(f"there is no credential {credential.text()!r}")
        params = params.with_defaults(known)
    model = params.need("model")
    if model.text().startswith(_AUTO):
        info.take("mode")
        _read_router(found, name, model, params, entry)
    else:
        _read_deployment(found, name, model, params, info)
    note_rest(params)
    note_rest(info)
    note_rest(table)


def _read_router(found: ModelList, name: str, model: Item, params: Table, entry: Item) -> None:
    if model.text() != _COMPLEXITY:
        model.note("only complexity routers are read; this router is left out")
        default = params.take("auto_router_default_model")
        if default is not None:
            default.note(f"is not reached under the name {name!r}; select it by its own")
        return
    if any(one.name == name for one in found.routers):
        raise entry.error(f"there are two routers named {name!r}")
    found.routers.append(
        RouterEntry(
            name=name,
            config=params.take("complexity_router_config"),
            default_model=params.take("complexity_router_default_model"),
            item=entry,
        )
    )


def _read_deployment(found: ModelList, name: str, model: Item, params: Table, info: Table) -> None:
    split = None if _is_no_chat(info) else split_model(model, params, found.book)
    if split is None:
        found.groups.setdefault(name, [])
        _drop(params, info)
        return
    kind, wire = split
    endpoint = endpoint_of(kind, params)
    if not is_usable_endpoint(endpoint, model):
        found.groups.setdefault(name, [])
        _drop(params, info)
        return
    if "*" in wire or "*" in name:
        _read_wildcard(found, name, wire, endpoint, model)
        return
    rank = params.take("order")
    owner = found.book.name_of(endpoint)
    facts = _facts(endpoint, owner, wire, model, params, info)
    model_id = _settle(found, f"{owner}/{wire}", name, facts, model.line)
    found.groups.setdefault(name, []).append(
        Deployment(
            model=model_id,
            rank=rank.whole() if rank is not None else _LAST,
            output_price=_output_price(model_id, facts),
            item=model,
        )
    )


def _is_no_chat(info: Table) -> bool:
    mode = info.take("mode")
    if mode is None or mode.text() in {"chat", "completion", "responses"}:
        return False
    mode.note("is no chat model; ralex cannot use it and leaves the deployment out")
    return True


def _drop(params: Table, info: Table) -> None:
    """Take what belongs to a deployment that is reported as a whole."""
    params.take_all()
    info.take_all()


def _read_wildcard(found: ModelList, name: str, wire: str, endpoint: Endpoint, model: Item) -> None:
    prefix, _, rest = name.rpartition("/")
    if name == "*" and wire == "*":
        return  # any provider/name is selectable anyway
    if wire != "*" or rest != "*" or not prefix or "/" in prefix:
        model.note(
            f"the pattern {name!r} → {wire!r} is not read; name the models, or use PROVIDER/*"
        )
        return
    owner = found.book.name_of(endpoint, wanted=prefix)
    found.is_open = True
    found.wildcards[prefix] = owner
    found.vendors[prefix] = endpoint.kind.provider


def _facts(
    endpoint: Endpoint, owner: str, wire: str, model: Item, params: Table, info: Table
) -> TomlTable:
    kind = endpoint.kind
    own = load_catalogue().get(ModelId(f"{owner}/{wire}"))
    base = _base(kind, wire, info)
    facts: TomlTable = {}
    name = wire
    if wire.startswith("responses/"):
        name = wire.removeprefix("responses/")
        facts |= {"name": name, "api": "openai-responses"}
        base = base or load_catalogue().get(ModelId(f"{kind.provider}/{name}"))
    if own is None and base is not None:
        facts["like"] = base.id
        is_vendors = base.provider == kind.provider and endpoint.address is None
        if is_vendors and base.api is not kind.api and "api" not in facts:
            facts["api"] = base.api.value
    known = own or base
    rates = known.price.dated[-1].rates if known is not None and known.price is not None else None
    price = price_of(params, info, rates)
    if price is None and known is None:
        if kind.is_own:
            price = {"input": Decimal(0), "output": Decimal(0)}
            model.note("no price is given; a server of your own counts as free")
        else:
            price = retired_price(f"{kind.provider}/{name}", model)
    if price is not None:
        facts["price"] = price
    return facts | facts_of(params, info) | _limits_of(params, info)


def _limits_of(params: Table, info: Table) -> TomlTable:
    """Read a deployment's part of the load and its limits."""
    found: TomlTable = {}
    weight = params.take("weight")
    if weight is not None:
        found["weight"] = min(weight.amount(), Decimal(1_000_000))
    for name in ("rpm", "tpm"):
        for table in (info, params):
            item = table.take(name)
            if item is not None and item.whole():
                found[name] = min(item.whole(), 1_000_000_000)
    return found


def _base(kind: Kind, wire: str, info: Table) -> ModelInfo | None:
    """Find the model of the catalogue whose facts apply: ``base_model``, else its namesake."""
    catalogue = load_catalogue()
    given = info.take("base_model")
    if given is None:
        return catalogue.get(ModelId(f"{kind.provider}/{wire}"))
    name = given.text()
    for one in (name, name.partition("/")[2]):
        try:
            return find_model(one, models=catalogue, providers={})
        except UnknownModelError:
            continue
    given.note("is not in the catalogue, so its prices and windows are not known")
    return None


def _settle(found: ModelList, model_id: str, name: str, facts: TomlTable, line: int) -> str:
    """Enter a model; one that says other things under the same id gets an id of its own."""
    owner, _, wire = model_id.partition("/")
    tried, number = model_id, 1
    while tried in found.models and found.models[tried] != _renamed(facts, tried, wire):
        number += 1
        tried = f"{owner}/{name}" if number == 2 else f"{owner}/{name}-{number - 1}"
    known = load_catalogue()
    if tried != model_id and "like" not in facts and ModelId(model_id) in known:
        facts = {"like": model_id, **facts}
    found.models.setdefault(tried, _renamed(facts, tried, wire))
    found.model_lines.setdefault(tried, line)
    return tried


def _renamed(facts: TomlTable, model_id: str, wire: str) -> TomlTable:
    if model_id.partition("/")[2] == wire or "name" in facts:
        return facts
    return {"name": wire, **facts}


def _output_price(model_id: str, facts: TomlTable) -> Decimal | None:
    price = facts.get("price")
    if isinstance(price, dict):
        return Decimal(str(cast("TomlTable", price)["output"]))
    known = load_catalogue().get(ModelId(str(facts.get("like", model_id))))
    return None if known is None or known.price is None else known.price.dated[-1].rates.output


def _order(group: list[Deployment], *, cheapest_first: bool) -> None:
    prices = [one.output_price for one in group if one.output_price is not None]
    if cheapest_first and len(prices) == len(group):
        group.sort(key=lambda one: (one.rank, one.output_price or Decimal(0)))
    else:
        group.sort(key=lambda one: one.rank)


def _weigh(found: ModelList, group: list[Deployment], *, only_first: bool) -> None:
    """Give the deployments of a name their parts of the load.

    Limits count for weights where no weights are given, as LiteLLM does it. What comes later by
    ``order`` or by price only stands by.
    """
    models = list(dict.fromkeys(one.model for one in group))
    if len(models) < 2:
        return
    tables = [found.models[one] for one in models]
    if not any("weight" in one for one in tables):
        limit = next((word for word in ("rpm", "tpm") if all(word in one for one in tables)), "")
        for one in tables if limit else ():
            one["weight"] = min(Decimal(str(one[limit])), Decimal(1_000_000))
    later = models[1:] if only_first else [one.model for one in group if one.rank > group[0].rank]
    for model in later:
        found.models[model]["weight"] = Decimal(0)
