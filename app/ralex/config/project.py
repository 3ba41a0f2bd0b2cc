"""A project's own file, which may be anybody's: it can make a run safer or cheaper, no more."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import cast

from ralex.config.draft import Draft
from ralex.config.permission_rules import rules_of
from ralex.config.schema import BudgetSection, FileSection, check_table, known_keys
from ralex.config.toml_text import KeyPath, TomlFile, TomlTable
from ralex.core.permissions import Effect, Layer

MODES = ("yolo", "ask", "plan")
"""From the freest to the safest."""

_MAY_TIGHTEN = ("mode", "max_steps", "budget", "permissions")
_LIMITS = ("daily_usd", "alert_usd", "session_usd", "project_usd", "monthly_usd")


def apply_project_file(draft: Draft, file: TomlFile) -> None:
    """Let a project's file lower limits and choose a safer mode; warn about all else in it.

    Raises:
        ConfigError: If it is not TOML, or a value that would count is of the wrong type.
    """
    budget = file.table.get("budget")
    table: TomlTable = {name: file.table[name] for name in _MAY_TIGHTEN if name in file.table}
    if isinstance(budget, dict):
        known = known_keys(("budget",))
        given = cast("TomlTable", budget)
        table["budget"] = {name: given[name] for name in given if name in known}
    content = check_table(file, table)
    for key_path in _ignored(file.table):
        _warn(draft, file, key_path, "is ignored: a project's file may only tighten")
    _tighten_run(draft, file, content)
    _tighten_budget(draft, file, content.budget)
    _tighten_permissions(draft, file, content)


def _ignored(table: TomlTable) -> Iterator[KeyPath]:
    yield from ((name,) for name in table if name not in _MAY_TIGHTEN)
    budget = table.get("budget")
    if isinstance(budget, dict):
        known = known_keys(("budget",))
        yield from (("budget", name) for name in cast("TomlTable", budget) if name not in known)


def _tighten_run(draft: Draft, file: TomlFile, content: FileSection) -> None:
    if content.mode is not None:
        if MODES.index(content.mode) >= MODES.index(draft.mode):
            draft.mode = content.mode
            draft.origins["mode"] = file.place(("mode",))
        else:
            _warn(draft, file, ("mode",), f"is ignored: it is freer than '{draft.mode}'")
    if content.max_steps is not None:
        if content.max_steps <= draft.max_steps:
            draft.max_steps = content.max_steps
            draft.origins["max_steps"] = file.place(("max_steps",))
        else:
            _warn(draft, file, ("max_steps",), f"is ignored: it is above {draft.max_steps}")


def _tighten_budget(draft: Draft, file: TomlFile, budget: BudgetSection) -> None:
    given = budget.fields_given
    before = draft.limits  # a lower limit for the day moves the alert, which is not to count here
    for name in _LIMITS:
        if name not in given:
            continue
        place: KeyPath = ("budget", name)
        current = cast("Decimal | None", getattr(before, name))
        wanted = cast("Decimal | None", getattr(budget, name))
        if wanted is None or (current is not None and wanted > current):
            _warn(draft, file, place, "is ignored: a project's file may only lower a limit")
        elif name == "daily_usd":
            draft.set_daily(wanted, file.place(place))
        elif name == "alert_usd":
            draft.set_alert(wanted, file.place(place))
        else:
            draft.limits = replace(draft.limits, **{name: wanted})
            draft.origins[f"budget.{name}"] = file.place(place)
    if "cutoff" in given:
        if budget.cutoff:
            draft.limits = replace(draft.limits, cutoff=True)
        elif draft.limits.cutoff:
            _warn(draft, file, ("budget", "cutoff"), "is ignored: it would switch the limit off")


def _tighten_permissions(draft: Draft, file: TomlFile, content: FileSection) -> None:
    for name, effect in content.permissions.items():
        if effect == Effect.ALLOW:
            place = ("permissions", name)
            _warn(draft, file, place, "is ignored: a project's file may only ask or deny")
        else:
            draft.permissions += rules_of(file, {name: effect}, Layer.PROJECT)


def _warn(draft: Draft, file: TomlFile, key_path: KeyPath, text: str) -> None:
    name = ".".join(str(part)[:60] for part in key_path)
    draft.refused.append(key_path)
    draft.warnings.append(f"{file.place(key_path)}: {name!r} {text}")
