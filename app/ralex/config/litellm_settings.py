"""LiteLLM's settings outside ``model_list``: budgets, retries, cooldowns and waits."""

import re

from ralex.config.litellm_reading import Item, Table
from ralex.config.litellm_words import note_rest
from ralex.config.toml_text import KeyPath, TomlTable

_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w|mo)")
_DAY_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 2_592_000}


_LONGEST_TTL_S = 31_536_000


class SettingsWriter:
    """Turns settings into ``[budget]``, ``[retries]``, ``[timeouts]`` and ``[cache]``."""

    def __init__(self) -> None:
        self.budget: TomlTable = {}
        self.retries: TomlTable = {}
        self.timeouts: TomlTable = {}
        self.cache: TomlTable = {}
        self.lines: dict[KeyPath, int] = {}

    def read(self, section: Table) -> None:
        """Read what a section (``router_settings``, ``litellm_settings``) says of these."""
        manager = section.take("budget_manager")
        if manager is not None:
            self._manager(manager.table())
        self._global_budget(section)
        count = section.take("num_retries")
        if count is not None:
            self._put(self.retries, ("retries", "count"), min(count.whole(), 20), count)
        cooldown = section.take("cooldown_time")
        if cooldown is not None and cooldown.amount():
            self._put(self.retries, ("retries", "cooldown_s"), cooldown.amount(), cooldown)
        self._cache(section)
        for name in ("stream_timeout", "timeout", "request_timeout"):
            wait = section.take(name)
            if wait is None or not wait.amount():
                continue
            if "first_byte_s" in self.timeouts:
                wait.note("another timeout of this file goes before it; left out")
                continue
            self._put(self.timeouts, ("timeouts", "first_byte_s"), min(wait.amount(), 86_400), wait)
            wait.note("is taken as the wait for the first byte; a reply that flows is not cut off")

    def _manager(self, table: Table) -> None:
        for theirs, ours in (("daily_limit", "daily_usd"), ("alert_threshold", "alert_usd")):
            item = table.take(theirs)
            if item is not None:
                self._put(self.budget, ("budget", ours), item.amount(), item)
        cutoff = table.take("auto_cutoff")
        if cutoff is not None:
            self._put(self.budget, ("budget", "cutoff"), cutoff.flag(), cutoff)
        note_rest(table)

    def _cache(self, section: Table) -> None:
        switch, params = section.take("cache"), section.take("cache_params")
        if switch is not None:
            self._put(self.cache, ("cache", "enabled"), switch.flag(), switch)
            if switch.flag():
                switch.note("holds for calls of the library; [cache] agent = true adds the agent")
        table = None if params is None else params.table()
        if table is None:
            return
        kind, ttl = table.take("type"), table.take("ttl")
        if kind is not None and kind.text() not in {"local", "disk"}:
            kind.note("answers to the very same question are kept in a file of this machine")
        if ttl is not None and 0 < ttl.amount() <= _LONGEST_TTL_S:
            self._put(self.cache, ("cache", "ttl_s"), ttl.amount(), ttl)
        note_rest(table)

    def _global_budget(self, section: Table) -> None:
        """Read ``max_budget`` for a day or a month."""
        amount, duration = section.take("max_budget"), section.take("budget_duration")
        if amount is None:
            return
        if duration is None:
            amount.note("has no budget_duration; ralex limits days and months; left out")
            return
        seconds = _seconds(duration)
        if seconds == _DAY_S["d"]:
            self._put(self.budget, ("budget", "daily_usd"), amount.amount(), amount)
        elif 28 * _DAY_S["d"] <= seconds <= 31 * _DAY_S["d"]:
            self._put(self.budget, ("budget", "monthly_usd"), amount.amount(), amount)
        else:
            amount.note(f"ralex limits days and months, not {duration.text()}; left out")

    def _put(self, table: TomlTable, path: KeyPath, value: object, item: Item) -> None:
        table.setdefault(str(path[-1]), value)
        self.lines.setdefault(path, item.line)


def _seconds(item: Item) -> int:
    found = _DURATION.fullmatch(item.text())
    if found is None:
        raise item.error("must be a time such as 1d or 30d")
    return int(found[1]) * _DAY_S[found[2]]
