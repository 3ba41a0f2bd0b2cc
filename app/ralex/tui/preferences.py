"""What the user's configuration says about the screen itself."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from ralex.core.keys import effective_keys, key_names
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Settings of the screen.

    Attributes:
        keys: The user's own keys for actions; see ``core.keys``.
        home: Folder of ralex's files; None keeps nothing.
        notify_by: ``bell``, ``osc9``, ``osc777`` or ``off``.
        notify_after_s: Turns that took less end silently.
        notify_focused: Call the user also while the terminal has the focus.
    """

    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    home: Path | None = None
    notify_by: str = "bell"
    notify_after_s: float = 20.0
    notify_focused: bool = False

    def key(self, action: str) -> str:
        """Name the first key of an action as people write it; empty if it has none."""
        return key_names(effective_keys(self.keys)[action][:1])

    @property
    def stop_key(self) -> str:
        """Name a key that stops what runs; empty if none does."""
        return self.key("interrupt") or self.key("copy_or_stop")
