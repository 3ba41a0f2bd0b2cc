"""Reads ``rules/models.toml``: what models achieved per task and for how much."""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import NotRequired, TypedDict, cast

from ralex.core.ids import ModelId
from ralex.core.model_table import Measured, Standing, standings
from ralex.errors import ResourceError
from ralex.resources import folder


class _Benchmark(TypedDict):
    title: str
    source: str
    date: date
    tasks: int


class _Measured(TypedDict):
    model: str
    also: NotRequired[list[str]]
    benchmark: str
    success: Decimal
    usd_per_task: Decimal


class _Table(TypedDict):
    benchmarks: dict[str, _Benchmark]
    measured: list[_Measured]


@cache
def load_model_table() -> tuple[Measured, ...]:
    """Read the table; a model that is sold under two ids is in it twice.

    Raises:
        ResourceError: If the file is missing or damaged.
    """
    path = folder("rules") / "models.toml"
    try:
        raw = cast("_Table", tomllib.loads(path.read_text("utf-8"), parse_float=Decimal))
        return tuple(_records(raw))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResourceError(
            f"the table of models cannot be read: {path}",
            hint="reinstall ralex; its files are incomplete",
        ) from error


@cache
def load_standings() -> Mapping[ModelId, Standing]:
    """Read what is known of models by whole tasks, and which another one beats.

    Raises:
        ResourceError: If the file is missing or damaged.
    """
    return MappingProxyType(standings(load_model_table()))


def _records(raw: _Table) -> Iterator[Measured]:
    for entry in raw["measured"]:
        benchmark = raw["benchmarks"][entry["benchmark"]]
        for model in (entry["model"], *entry.get("also", ())):
            yield Measured(
                model=ModelId(model),
                benchmark=benchmark["title"],
                success=Decimal(entry["success"]),
                usd_per_task=Decimal(entry["usd_per_task"]),
                tasks=benchmark["tasks"],
                source=benchmark["source"],
                date=benchmark["date"],
            )
