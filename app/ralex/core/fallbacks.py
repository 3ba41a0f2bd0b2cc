"""What follows a model that fails, by kind of failure: three chains that are never mixed."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TypeAlias

from ralex.core.ids import ModelId
from ralex.core.records import dataclass

ChainMap: TypeAlias = Mapping[ModelId, tuple[ModelId, ...]]

ANY = ModelId("*")
"""Stands for every model that has no chain of its own."""


def _none() -> dict[ModelId, tuple[ModelId, ...]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallbacks:
    """For each model what follows it, first choice first.

    Attributes:
        general: After any failure that another model may survive.
        context_window: After a request that proved too long.
        content_policy: After a refusal for what the request says.
    """

    general: ChainMap = field(default_factory=_none)
    context_window: ChainMap = field(default_factory=_none)
    content_policy: ChainMap = field(default_factory=_none)

    def targets(self) -> tuple[ModelId, ...]:
        """List every model that something falls back to."""
        kinds = (self.general, self.context_window, self.content_policy)
        found = (one for chains in kinds for chain in chains.values() for one in chain)
        return tuple(dict.fromkeys(found))


def following(chains: ChainMap, model: ModelId) -> tuple[ModelId, ...]:
    """List what follows a model, and what follows that, nearest first and each model once."""
    found: dict[ModelId, None] = {}
    waiting = [model]
    while waiting:
        last = waiting.pop(0)
        for one in chains.get(last, chains.get(ANY, ())):
            if one != model and one not in found:
                found[one] = None
                waiting.append(one)
    return tuple(found)


def circle(chains: ChainMap) -> tuple[ModelId, ...]:
    """Find models that fall back in a circle, the first one repeated at the end; empty if none."""
    done: set[ModelId] = set()

    def walk(model: ModelId, path: tuple[ModelId, ...]) -> Iterator[tuple[ModelId, ...]]:
        if model in path:
            yield (*path[path.index(model) :], model)
            return
        if model not in done:
            for one in chains.get(model, ()):
                yield from walk(one, (*path, model))
            done.add(model)

    for model in chains:
        if model != ANY and (found := next(walk(model, ()), None)):
            return found
    return ()
