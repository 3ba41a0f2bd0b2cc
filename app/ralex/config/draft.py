"""What the layers have said so far; each layer writes over the one below and leaves its name."""

from collections.abc import Callable
from dataclasses import field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ralex.config.endpoints import KNOWN_PROVIDERS
from ralex.config.model import (
    Caching,
    Logging,
    Notify,
    ProviderConfig,
    Retries,
    Timeouts,
    UntrustedFile,
    WebFetch,
)
from ralex.core.budget import Limits
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.records import dataclass
from ralex.core.routing import Router
from ralex.errors import ConfigError

if TYPE_CHECKING:
    from ralex.core.permissions import Rule

BUILT_IN = "built-in"
ALERT_SHARE = Decimal("0.8")
"""Where the alert is when only the limit is given: 4.00 of 5.00."""

ModelFinder = Callable[[str], ModelInfo]
_V = TypeVar("_V")
KeyPath: TypeAlias = tuple[str | int, ...]
"""As in ``toml_text``, which a start without a file does not need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A value and the layer that gave it, in words: ``config.toml line 4``."""

    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRouter:
    """A router of the user's, whose models are looked up once all layers are known."""

    name: str
    source: str
    build: Callable[[ModelFinder], Router]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedAlias:
    """A user's own name for models, which are looked up once all layers are known."""

    models: tuple[str, ...]
    source: str


@dataclass(slots=True, kw_only=True)
class Draft:
    """The configuration in the making.

    Attributes:
        own_models: Models the user described, in the order of the file.
        redirected: Providers known by name whose address the user changed.
        origins: For each setting the layer that gave it.
        refused: Places in a project's file that were not followed.
        untrusted: Projects' files that the user was not asked about yet.
    """

    router: Said | None = None
    model: Said | None = None
    mode: str = "yolo"
    theme: str = "ralex-dark"
    max_steps: int = 200
    escalation: str = "on"
    new_task_after_minutes: int | None = None
    titles: str = "model"
    permissions: "list[Rule]" = field(default_factory=list["Rule"])
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    retries: Retries = field(default_factory=Retries)
    cache: Caching = field(default_factory=Caching)
    log: Logging = field(default_factory=Logging)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    notify: Notify = field(default_factory=Notify)
    web_fetch: WebFetch = field(default_factory=WebFetch)
    aliases: dict[str, PlannedAlias] = field(default_factory=dict[str, PlannedAlias])
    deployments: dict[str, PlannedAlias] = field(default_factory=dict[str, PlannedAlias])
    fallbacks: dict[str, dict[str, PlannedAlias]] = field(
        default_factory=dict[str, dict[str, PlannedAlias]]
    )
    providers: dict[str, ProviderConfig] = field(default_factory=lambda: dict(KNOWN_PROVIDERS))
    models: dict[ModelId, ModelInfo] = field(default_factory=dict[ModelId, ModelInfo])
    own_models: list[ModelId] = field(default_factory=list[ModelId])
    routers: dict[str, PlannedRouter] = field(default_factory=dict[str, PlannedRouter])
    redirected: set[str] = field(default_factory=set[str])
    sources: list[str] = field(default_factory=lambda: [BUILT_IN])
    warnings: list[str] = field(default_factory=list[str])
    origins: dict[str, str] = field(default_factory=dict[str, str])
    refused: list[KeyPath] = field(default_factory=list[KeyPath])
    untrusted: list[UntrustedFile] = field(default_factory=list[UntrustedFile])

    def set_daily(self, amount: Decimal | None, source: str) -> None:
        """Take over a limit for the day; an alert that no longer fits below it moves along."""
        alert = self.limits.alert_usd
        is_chosen = "budget.alert_usd" in self.origins
        if amount is None:
            alert = alert if is_chosen else None
        elif not (is_chosen and alert is not None and alert <= amount):
            alert = amount * ALERT_SHARE if amount else None
            self.origins.pop("budget.alert_usd", None)
        self.limits = replace(self.limits, daily_usd=amount, alert_usd=alert)
        self.origins["budget.daily_usd"] = source

    def set_alert(self, amount: Decimal | None, source: str) -> None:
        """Take over where the day's spend is announced."""
        daily = self.limits.daily_usd
        if amount is not None and daily is not None and amount > daily:
            self.warnings.append(
                f"{source}: alert_usd {amount} is above the limit of {daily} and is never reached"
            )
        self.limits = replace(self.limits, alert_usd=amount)
        self.origins["budget.alert_usd"] = source

    def origin(self, setting: str) -> str:
        """Name the layer that gave a setting."""
        return self.origins.get(setting, BUILT_IN)


def parse_usd(text: str, *, where: str) -> Decimal | None:
    """Read a limit from a variable; ``off`` is no limit, 0 means that nothing may be spent.

    Raises:
        ConfigError: If it is neither.
    """
    if text.strip().casefold() in {"off", "false", "none"}:
        return None
    try:
        amount = Decimal(text.strip())
    except ArithmeticError:
        amount = Decimal("nan")
    if not amount.is_finite() or not 0 <= amount <= 1_000_000_000:
        raise ConfigError(
            f"{where} is not an amount of USD",
            hint="write it like 5.00, or off for no limit",
        )
    return amount
