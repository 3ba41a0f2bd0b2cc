"""Change a limit for good: in the user's own file, and then as all layers together have it."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from ralex.config.load import ExplainedConfig, explain_config
from ralex.config.model import Config
from ralex.config.paths import CONFIG_NAME
from ralex.config.toml_edit import set_values
from ralex.core.budget import LimitChange, LimitName, Limits, format_usd
from ralex.errors import ConfigError, UsageError

LIMIT_KEYS: Mapping[LimitName, str] = MappingProxyType(
    {
        "daily": "daily_usd",
        "alert": "alert_usd",
        "session": "session_usd",
        "project": "project_usd",
        "monthly": "monthly_usd",
    }
)
"""From the name of a limit to its key under ``[budget]``."""

_MOST_USD = Decimal(1_000_000)
_LEAST_USD = Decimal("0.000000001")


def check_limit(usd: Decimal) -> Decimal:
    """Give back an amount that can be a limit; 0 means that nothing may be spent.

    Raises:
        UsageError: If it is no sum of money, below a nano-dollar, or absurd.
    """
    if not usd.is_finite() or not 0 <= usd <= _MOST_USD or 0 < usd < _LEAST_USD:
        raise UsageError(f"{usd} is not an amount in USD", hint="such as 5 or 0.50; off for none")
    return usd


def change_limit(
    config: Config,
    limits: Limits,
    name: LimitName,
    usd: Decimal | None,
    *,
    cwd: Path,
    environ: Mapping[str, str],
) -> LimitChange:
    """Write a limit to the user's file, and tell what is in force now.

    A project's file that is stricter, or the environment, still decides; the notes say so.

    Args:
        limits: What is in force so far; only the named limit changes (and with the day's an alert
            that nobody chose).
        usd: None is no limit.

    Raises:
        UsageError: If it is no sum of money.
        ConfigError: If the file cannot be read or written; then nothing changed.
    """
    key = LIMIT_KEYS[name]
    text = "false" if usd is None else f"{check_limit(usd):f}"
    path = config.home / CONFIG_NAME
    set_values(path, "budget", {key: text})
    try:
        explained = explain_config(
            cwd=cwd,
            environ={**environ, "RALEX_HOME": str(config.home)},
            config_file=config.extra_file,
            require_key=False,
        )
    except ConfigError as error:
        # Written it is; a fault elsewhere in a file must not keep the limit from counting now.
        now = _taken_over(limits, replace(limits, **{key: usd}), key)
        return LimitChange(limits=now, file=str(path), notes=(f"{error.message} ({error.hint})",))
    return LimitChange(
        limits=_taken_over(limits, explained.config.budget, key),
        file=str(path),
        notes=(*decided_elsewhere(explained, [key]), *_new_warnings(explained, config)),
    )


def decided_elsewhere(explained: ExplainedConfig, keys: list[str]) -> list[str]:
    """Say which keys under ``[budget]`` another layer decides, and what it says."""
    notes: list[str] = []
    for key in keys:
        origin = explained.origins.get(f"budget.{key}", "")
        if origin.startswith(str(explained.user_file)):
            continue
        amount: Decimal | None = getattr(explained.config.budget, key)
        value = "off" if amount is None else format_usd(amount)
        notes.append(f"here budget.{key} stays {value}: {origin or 'another layer'} decides")
    return notes


def _taken_over(before: Limits, after: Limits, key: str) -> Limits:
    changed = replace(before, **{key: getattr(after, key)})
    return replace(changed, alert_usd=after.alert_usd) if key == "daily_usd" else changed


def _new_warnings(explained: ExplainedConfig, config: Config) -> list[str]:
    return [one for one in explained.config.warnings if one not in config.warnings]
