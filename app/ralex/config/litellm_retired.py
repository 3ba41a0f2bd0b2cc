"""Prices, or bounds of them, of models that left the catalogue but not people's files.

Without a price a model is refused under a budget, and such files usually have one.
"""

import tomllib
from decimal import Decimal
from functools import cache
from typing import TypedDict, cast

from ralex.config.litellm_reading import Item
from ralex.config.toml_text import TomlTable
from ralex.errors import ResourceError
from ralex.resources import folder


class _Retired(TypedDict):
    models: dict[str, "_Price"]


class _Price(TypedDict):
    input: Decimal
    output: Decimal
    source: str


@cache
def _prices() -> dict[str, _Price]:
    path = folder("rules") / "retired.toml"
    try:
        raw = cast("_Retired", tomllib.loads(path.read_text("utf-8"), parse_float=Decimal))
        return raw["models"]
    except (OSError, ValueError, KeyError) as error:
        raise ResourceError(
            f"the prices of retired models cannot be read: {path}",
            hint="reinstall ralex; its files are incomplete",
        ) from error


def retired_price(model_id: str, place: Item) -> TomlTable | None:
    """Give the last known price of a model out of the catalogue, with a note, or None."""
    price = _prices().get(model_id)
    if price is None:
        return None
    rates: TomlTable = {"input": Decimal(price["input"]), "output": Decimal(price["output"])}
    place.note(
        f"{model_id} is not in the catalogue; taken as its price: {rates['input']} / "
        f"{rates['output']} USD per million tokens ({price['source']})"
    )
    return rates
