"""The routers that ship in ``rules/presets``: one file each, not checked as a user's files are.

They are ralex's own files, held by tests, so they are read as trusted data: every start needs them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import field
from decimal import Decimal
from functools import cache
from typing import NotRequired, TypedDict, cast

from ralex.config.model import ProviderConfig
from ralex.core.ids import ModelId
from ralex.core.models import Api, ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.records import dataclass
from ralex.core.routing import Boundaries, Router
from ralex.core.tiers import Tier
from ralex.errors import ResourceError
from ralex.resources import folder

DEFAULT_PRESET = "openrouter"
BY_KEY = ("openrouter", "openai", "anthropic", "gemini", "mistral", "opencodego")
"""Presets named after the one provider they need, in the order in which keys are looked for."""


class _Router(TypedDict):
    tiers: dict[str, list[str]]
    scorer: NotRequired[str]
    weights: NotRequired[dict[str, float]]
    boundaries: NotRequired[dict[str, float]]


class _Provider(TypedDict):
    base_url: str


class _Model(TypedDict):
    label: str
    price: dict[str, Decimal]


class _Preset(TypedDict):
    needs: list[str]
    router: _Router
    providers: NotRequired[dict[str, _Provider]]
    models: NotRequired[dict[str, _Model]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A shipped router and what it needs.

    Attributes:
        needs: Providers of its models.
        providers: Endpoints that belong to this preset alone.
        models: Models that belong to this preset alone, with their prices.
    """

    router: Router
    needs: tuple[str, ...]
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict[str, ProviderConfig])
    models: Mapping[ModelId, ModelInfo] = field(default_factory=dict[ModelId, ModelInfo])


@cache
def load_presets() -> Mapping[str, Preset]:
    """Read all presets, by name.

    Raises:
        ResourceError: If a file is missing or damaged.
    """
    place = folder("rules") / "presets"
    try:
        paths = sorted(place.glob("*.toml"))
        presets = {
            path.stem: _preset(
                path.stem,
                cast("_Preset", tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)),
            )
            for path in paths
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResourceError(
            f"the presets cannot be read: {place}",
            hint="reinstall ralex; its files are incomplete",
        ) from error
    if DEFAULT_PRESET not in presets:
        raise ResourceError(
            f"the presets are missing: {place}", hint="reinstall ralex; its files are incomplete"
        )
    return presets


def _preset(name: str, raw: _Preset) -> Preset:
    own = {
        owner: ProviderConfig(
            name=owner, api=Api.OPENAI_CHAT, base_url=section["base_url"], needs_key=False
        )
        for owner, section in raw.get("providers", {}).items()
    }
    models = [_model(model_id, section) for model_id, section in raw.get("models", {}).items()]
    return Preset(
        router=_router(name, raw["router"]),
        needs=tuple(raw["needs"]),
        providers=own,
        models={model.id: model for model in models},
    )


def _router(name: str, raw: _Router) -> Router:
    boundaries = raw.get("boundaries")
    return Router(
        name=name,
        tiers={
            Tier(tier): tuple(ModelId(model) for model in chain)
            for tier, chain in raw["tiers"].items()
        },
        scorer=raw.get("scorer", "ralex"),
        weights={key: float(weight) for key, weight in raw.get("weights", {}).items()},
        boundaries=None
        if boundaries is None
        else Boundaries(
            simple_medium=float(boundaries["simple_medium"]),
            medium_complex=float(boundaries["medium_complex"]),
            complex_reasoning=float(boundaries["complex_reasoning"]),
        ),
        source=f"preset {name}",
    )


def _model(model_id: str, raw: _Model) -> ModelInfo:
    provider, _, name = model_id.partition("/")
    price = raw["price"]
    return ModelInfo(
        id=ModelId(model_id),
        provider=provider,
        name=name,
        label=raw["label"],
        price=flat_price(
            Rates(input=Decimal(price["input"]), output=Decimal(price["output"])),
            source=f"preset of {provider}",
        ),
        source=f"preset of {provider}",
    )
