"""The bundled catalogue of models, and how a name that someone typed finds its model.

The catalogue is ralex's own file, built and checked by a script, so it is read with the standard
library alone: every start needs it.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import NotRequired, TypedDict, cast

from ralex.config.endpoints import KNOWN_PROVIDERS
from ralex.config.model import Config, ProviderConfig
from ralex.core.ids import ModelId
from ralex.core.models import (
    Api,
    DatedRates,
    LongContextRates,
    ModelInfo,
    PeakRates,
    PriceList,
    Rates,
)
from ralex.errors import ResourceError, UnknownModelError
from ralex.resources import folder

_MAX_NAME = 200


class _Rates(TypedDict):
    input: str
    output: str
    cache_read: NotRequired[str]
    cache_write: NotRequired[str]
    cache_write_1h: NotRequired[str]


class _Long(TypedDict):
    above_input_tokens: int
    rates: _Rates


_Dated = TypedDict(
    "_Dated", {"from": NotRequired[str], "rates": _Rates, "long": NotRequired[list[_Long]]}
)


class _Peak(TypedDict):
    start: str
    end: str
    weekdays_only: bool
    rates: _Rates


class _Price(TypedDict):
    dated: list[_Dated]
    peaks: NotRequired[list[_Peak]]
    source: str


class _Entry(TypedDict):
    id: str
    label: str
    api: str
    context_window: NotRequired[int]
    max_output_tokens: NotRequired[int]
    tools: NotRequired[bool]
    vision: NotRequired[bool]
    reasoning: NotRequired[bool]
    response_schema: NotRequired[bool]
    prompt_caching: NotRequired[bool]
    temperature: NotRequired[bool]
    reasoning_field: NotRequired[str]
    retires: NotRequired[str]
    deprecated: NotRequired[bool]
    price: _Price
    source: str


class _Catalogue(TypedDict):
    models: list[_Entry]


@cache
def load_catalogue() -> Mapping[ModelId, ModelInfo]:
    """Read the models that ship with ralex, vendors first, OpenRouter's copies last.

    Raises:
        ResourceError: If the file is missing or damaged.
    """
    path = folder("rules") / "catalogue.json"
    try:
        raw = cast("_Catalogue", json.loads(path.read_text(encoding="utf-8")))
        models = [_model(entry) for entry in raw["models"]]
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise ResourceError(
            f"the catalogue of models cannot be read: {path}",
            hint="reinstall ralex; its files are incomplete",
        ) from error
    return MappingProxyType({model.id: model for model in models})


def resolve_model(name: str, config: Config) -> ModelInfo:
    """Find the model that a name means; see ``find_model``.

    Raises:
        UnknownModelError: If no model and no provider fits, or several fit equally well.
    """
    return find_model(
        name, models=config.models, providers=config.providers, aliases=config.aliases
    )


def find_model(
    name: str,
    *,
    models: Mapping[ModelId, ModelInfo],
    providers: Mapping[str, ProviderConfig],
    aliases: Mapping[str, tuple[ModelId, ...]] | None = None,
) -> ModelInfo:
    """Find the model that a name means.

    The exact id comes first, then the user's own names: of several models behind one, the first
    that can be called. Then, among providers that can be called and after that among all:
    the id but for case, or dots for dashes; ``provider/anything``, of which no price or window is
    known; a model whose id ends with the name, a whole name before a part of one.

    Raises:
        UnknownModelError: If no model and no provider fits, or several fit equally well.
    """
    exact = models.get(ModelId(name))
    if exact is not None:
        return exact
    named = [models[one] for one in (aliases or {}).get(name, ()) if one in models]
    if named:
        callable_ones = (one for one in named if is_usable(providers[one.provider]))
        return next(callable_ones, named[0])
    if not name or len(name) > _MAX_NAME or not name.isprintable() or name != name.strip():
        raise UnknownModelError(
            "a model's name is empty, too long or holds odd characters",
            hint="list the models with: ralex models",
        )
    usable = {provider.name for provider in providers.values() if is_usable(provider)}
    wanted = _plain(name)
    owner, _, rest = name.partition("/")
    reachable = [model for model in models.values() if model.provider in usable]
    for candidates, owners in ((reachable, usable), (models.values(), providers)):
        same = [model for model in candidates if _plain(model.id) == wanted]
        if len(same) == 1:
            return same[0]
        if rest and owner in owners:
            return custom_model(providers[owner], rest)
        found = _by_suffix(wanted, candidates)
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownModelError(
                f"the model name {name!r} fits {len(found)} models",
                hint="say which: " + ", ".join(model.id for model in found[:6]),
            )
    raise UnknownModelError(f"no model is named {name!r}", hint=_hint(name, models, usable))


def is_usable(provider: ProviderConfig) -> bool:
    """Tell whether a provider can be called: it has a key, or needs none."""
    return provider.api_key is not None or not provider.needs_key


def custom_model(provider: ProviderConfig, name: str) -> ModelInfo:
    """Describe a model of which nothing is known but where it is."""
    return ModelInfo(
        id=ModelId(f"{provider.name}/{name}"),
        provider=provider.name,
        name=name,
        api=provider.api,
        label=name,
    )


def check_listed(
    model: ModelInfo, *, known: Collection[ModelId], redirected: Collection[str]
) -> None:
    """Refuse a model that a vendor ralex has a list of does not have, such as a mistyped one.

    Its first call would be refused, because its price is unknown; so it is said where the name
    stands. A provider of the user's own, or at another address, may have what it likes.

    Args:
        known: The models of the catalogue and of the files.
        redirected: Providers at an address of the user's.

    Raises:
        UnknownModelError: If the vendor's models are listed and this is none of them.
    """
    if model.id in known or model.provider not in KNOWN_PROVIDERS or model.provider in redirected:
        return
    listed = [one for one in known if one.startswith(f"{model.provider}/")]
    if not listed:
        return
    near = near_models(model.id, listed)
    guess = f"; did you mean {near[0]}?" if near else ""
    raise UnknownModelError(
        f"{model.provider} is not known to have a model {model.name[:100]!r}{guess}",
        hint=f'if it does, say its price: [models."{model.id}"] '
        "price = { input = 0.10, output = 0.40 }",
    )


def near_models(name: ModelId, known: Iterable[ModelId]) -> Sequence[ModelId]:
    """Find the one model that a mistyped id is nearest to; none if none is near."""
    import difflib  # noqa: PLC0415 - only an unknown name needs it

    others = [one for one in known if one != name]
    return [ModelId(one) for one in difflib.get_close_matches(name, others, n=1, cutoff=0.85)]


def _by_suffix(wanted: str, models: Iterable[ModelInfo]) -> Sequence[ModelInfo]:
    ending = "/" + wanted
    found = [model for model in models if _plain(model.id).endswith(ending)]
    return [model for model in found if _plain(model.name) == wanted] or found


def _plain(name: str) -> str:
    """Fold what people write either way: case, and ``4.6`` for ``4-6``."""
    return name.casefold().replace(".", "-")


def _hint(name: str, models: Mapping[ModelId, ModelInfo], usable: set[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistyped name needs it

    owner, _, rest = name.rpartition("/")
    known = {_plain(model.id): model.id for model in models.values()}
    known |= {_plain(model.id.rpartition("/")[2]): model.id for model in models.values()}
    near = difflib.get_close_matches(_plain(name), known, n=3, cutoff=0.6)
    near += difflib.get_close_matches(_plain(rest), known, n=3, cutoff=0.6)
    ids = list(dict.fromkeys(known[one] for one in near))[:3]
    if ids:
        return "did you mean " + " or ".join(ids) + "?"
    if owner:
        return f"add [providers.{owner.partition('/')[0]}] to config.toml, or see: ralex models"
    if usable:
        return f"for a model of your own write provider/name, such as {min(usable)}/{name}"
    return "list the models with: ralex models"


def _model(entry: _Entry) -> ModelInfo:
    provider, _, name = entry["id"].partition("/")
    retires = entry.get("retires")
    return ModelInfo(
        id=ModelId(entry["id"]),
        provider=provider,
        name=name,
        api=Api(entry["api"]),
        label=entry["label"],
        context_window=entry.get("context_window"),
        max_output_tokens=entry.get("max_output_tokens"),
        price=_price(entry["price"]),
        tools=entry.get("tools"),
        vision=entry.get("vision"),
        reasoning=entry.get("reasoning"),
        response_schema=entry.get("response_schema"),
        prompt_caching=entry.get("prompt_caching"),
        temperature=entry.get("temperature"),
        reasoning_field=entry.get("reasoning_field", ""),
        retires=None if retires is None else date.fromisoformat(retires),
        is_deprecated=entry.get("deprecated", False),
        source=entry["source"],
    )


def _price(raw: _Price) -> PriceList:
    return PriceList(
        dated=tuple(_dated(entry) for entry in raw["dated"]),
        peaks=tuple(
            PeakRates(
                start=time.fromisoformat(peak["start"]),
                end=time.fromisoformat(peak["end"]),
                weekdays_only=peak["weekdays_only"],
                rates=_rates(peak["rates"]),
            )
            for peak in raw.get("peaks", ())
        ),
        source=raw["source"],
    )


def _dated(raw: _Dated) -> DatedRates:
    starts = raw.get("from")
    return DatedRates(
        effective_from=None if starts is None else date.fromisoformat(starts),
        rates=_rates(raw["rates"]),
        long_context=tuple(
            LongContextRates(
                above_input_tokens=step["above_input_tokens"], rates=_rates(step["rates"])
            )
            for step in raw.get("long", ())
        ),
    )


def _rates(raw: _Rates) -> Rates:
    read, write, write_1h = (
        raw.get("cache_read"),
        raw.get("cache_write"),
        raw.get("cache_write_1h"),
    )
    return Rates(
        input=Decimal(raw["input"]),
        output=Decimal(raw["output"]),
        cache_read=None if read is None else Decimal(read),
        cache_write=None if write is None else Decimal(write),
        cache_write_1h=None if write_1h is None else Decimal(write_1h),
    )
