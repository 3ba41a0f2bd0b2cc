"""The one frozen configuration that everything else is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ralex.core.budget import Limits
from ralex.core.ids import ModelId
from ralex.core.models import Api, ModelInfo
from ralex.core.routing import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """One endpoint.

    Attributes:
        base_url: Up to and including ``/v1`` or its like, without a slash at the end.
        api_key: The key itself, or None where none is needed; never shown.
        key_names: Environment variables that would hold the key, for messages.
        headers: Sent with every request; may hold secrets, never shown.
    """

    name: str
    api: Api
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    key_names: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    needs_key: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits on waiting for a provider, in seconds.

    Attributes:
        first_byte_s: Until the reply begins.
        idle_s: Between two pieces of it.
    """

    connect_s: float = 10.0
    first_byte_s: float = 120.0
    idle_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a run of ralex is told from outside, layered and checked.

    Attributes:
        home: Where ralex keeps its files.
        router: Name of the router in force; always a key of ``routers``.
        model: A model that overrides the router, or None.
        models: The catalogue with the user's own entries on top.
        mode: ``yolo``, ``ask`` or ``plan``.
        sources: What was read, lowest layer first, for ``ralex config show``.
        warnings: What was noticed and is not fatal.
    """

    home: Path
    router: str
    budget: Limits
    providers: Mapping[str, ProviderConfig]
    models: Mapping[ModelId, ModelInfo]
    routers: Mapping[str, Router]
    model: ModelId | None = None
    mode: str = "yolo"
    theme: str = "ralex-dark"
    max_steps: int = 200
    timeouts: Timeouts = field(default_factory=Timeouts)
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
