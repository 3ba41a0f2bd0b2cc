"""What follows a turn: a call to the user and a way on after a failure."""

from __future__ import annotations  # what a session is made of is imported behind the first frame

import os
from typing import TYPE_CHECKING, Final

from ralex.tui import formats
from ralex.tui.calling import call_sequence
from ralex.tui.rows import shown_line

if TYPE_CHECKING:
    from ralex.core.events import TurnFailed, TurnFinished
    from ralex.tui.preferences import Preferences
    from ralex.tui.screens.chat.conversation import Waiting
    from ralex.tui.screens.chat.screen import ChatScreen

GO_ON: Final = "continue"
_PASSING: Final = frozenset(
    {
        *("provider", "connect", "timeout", "rate_limit", "overloaded", "server", "stream_cut"),
        *("malformed_reply", "step_limit", "store", "interrupted"),
    }
)
"""Codes of failures after which the same task may simply go on."""


class TurnCloser:
    """Looks after one screen's turns once they are over."""

    def __init__(self, screen: ChatScreen, preferences: Preferences) -> None:
        self._screen = screen
        self._preferences = preferences
        self._knows_focus = False

    def heard_focus(self) -> None:
        """Note that the terminal tells whether it has the focus."""
        self._knows_focus = True

    def call(self, text: str, *, elapsed_s: float | None = None) -> None:
        """Call the user if nobody looks, and if what ended took long enough.

        Args:
            elapsed_s: None for what waits for an answer.
        """
        wish, host = self._preferences, self._screen.host
        is_watched = self._knows_focus and host.app_focus
        is_short = elapsed_s is not None and elapsed_s < wish.notify_after_s
        if is_short or (is_watched and not wish.notify_focused):
            return
        sequence = call_sequence(wish.notify_by, text, os.environ)
        driver = host._driver  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # Textual has no other way to write a sequence
        if sequence and driver is not None and not host.is_headless:
            driver.write(sequence)

    def close(
        self,
        end: TurnFinished | TurnFailed | None,
        waiting: Waiting,
        *,
        elapsed_s: float,
    ) -> None:
        """Do what the end of a turn asks for."""
        from ralex.core.events import TurnFailed  # noqa: PLC0415

        asked = formats.shortened(shown_line(waiting.shown), 60)
        if not isinstance(end, TurnFailed):
            self.call(f"done: {asked}", elapsed_s=elapsed_s)
            return
        self.call(f"stopped: {asked}: {end.message}", elapsed_s=elapsed_s)
        if end.code in _PASSING and (end.steps or end.text):
            self._screen.prompt.offer(GO_ON)
