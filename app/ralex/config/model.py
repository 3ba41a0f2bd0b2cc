"""The one frozen configuration that everything else is built from."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from ralex.core.budget import Limits
from ralex.core.fallbacks import Fallbacks
from ralex.core.ids import ModelId
from ralex.core.models import Api, ModelInfo
from ralex.core.records import dataclass
from ralex.core.routing import Router

if TYPE_CHECKING:
    from ralex.core.permissions import Rule


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
class Retries:
    """What to do when a call fails; None keeps ralex's own.

    Attributes:
        count: Further attempts at the same model after the first.
        cooldown_s: Seconds for which a model that failed is tried last.
        limit_wait_s: The longest that a call waits for the user's own ``rpm`` and ``tpm``.
    """

    count: int | None = None
    cooldown_s: float | None = None
    limit_wait_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """Whether whole answers are kept and given again to the same question.

    Attributes:
        enabled: For calls of the library that do not say otherwise.
        agent: Also for the steps of agent turns, if enabled.
        ttl_s: How long an answer is good, in seconds.
        max_mb: What the stored answers may take together.
    """

    enabled: bool = False
    agent: bool = False
    ttl_s: float = 3_600.0
    max_mb: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """What is written down for the user's own dashboards; never what was said.

    Attributes:
        events: One line for each charge, route, failure and turn in ``logs/events.jsonl``.
        otel: OpenTelemetry spans; needs the extra ``otel``.
    """

    events: bool = True
    otel: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UntrustedFile:
    """A project's file that asks for more than a project may without the user's trust.

    Attributes:
        digest: Of its text; what is trusted is this text and no other.
        asks: What it asks for, a line each: ``providers.acme.base_url = "http://…"``.
    """

    path: Path
    digest: str
    asks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """How the screen calls a user who looks elsewhere.

    Attributes:
        by: ``bell``, ``osc9`` or ``osc777`` (terminals that show notifications), or ``off``.
        after_s: Turns that took less end silently.
        focused: Also while the terminal has the focus.
    """

    by: str = "bell"
    after_s: float = 20.0
    focused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFetch:
    """What the model may fetch.

    Attributes:
        allow_private: Private addresses and this machine too; never those of clouds' metadata.
    """

    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything a run of ralex is told from outside, layered and checked.

    Attributes:
        home: Where ralex keeps its files.
        router: Name of the router in force; always a key of ``routers``.
        model: A model that overrides the router, or None.
        models: The catalogue with the user's own entries on top.
        mode: ``yolo``, ``ask`` or ``plan``.
        aliases: The user's own names for models, each with the models to take, first choice first.
        permissions: Rules for tool calls, of the user and of the project.
        deployments: Names for several deployments of one model, which share its load.
        fallbacks: What follows a model that fails, by kind of failure.
        escalation: ``on``, or ``off``: no advice from better models and no moving up.
        keys: The user's own keys for actions of the screen; see ``core.keys``.
        new_task_after_minutes: After a pause this long a prompt begins a new task; None never.
        titles: ``model``: a cheap model names sessions; ``first-line`` of the ask otherwise.
        sources: What was read, lowest layer first, for ``ralex config show``.
        warnings: What was noticed and is not fatal.
        extra_file: What ``--config`` named, or None.
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
    escalation: str = "on"
    new_task_after_minutes: int | None = None
    titles: str = "model"
    permissions: "tuple[Rule, ...]" = ()
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    cache: Caching = field(default_factory=Caching)
    log: Logging = field(default_factory=Logging)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    notify: Notify = field(default_factory=Notify)
    web_fetch: WebFetch = field(default_factory=WebFetch)
    aliases: Mapping[str, tuple[ModelId, ...]] = field(
        default_factory=dict[str, tuple[ModelId, ...]]
    )
    deployments: Mapping[str, tuple[ModelId, ...]] = field(
        default_factory=dict[str, tuple[ModelId, ...]]
    )
    fallbacks: Fallbacks = field(default_factory=Fallbacks)
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    untrusted: tuple[UntrustedFile, ...] = ()
    extra_file: Path | None = None
