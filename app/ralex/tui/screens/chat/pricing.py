"""The price of the prompt that is being written, a moment after the last key; idle otherwise."""

from __future__ import annotations  # what a route is made of is imported behind the first frame

from typing import TYPE_CHECKING, Final

from ralex.slash import Typed, read_command
from ralex.tui import formats
from ralex.tui.widgets.status.status import NextPrice, StatusBar, price_text

if TYPE_CHECKING:
    from textual.timer import Timer

    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen

_AFTER_S: Final = 0.25
"""From the last key to the price."""
_MOST_CHARS: Final = 50_000
"""Of a prompt that is scored while someone types; the price of more is asked for with a key."""


class Pricer:
    """Keeps the price in a screen's status bar."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._timer: Timer | None = None

    def edited(self) -> None:
        """Look again in a moment; at once if there is nothing to price."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._ask():
            self._timer = self._screen.set_timer(_AFTER_S, self.show)
        else:
            self._screen.query_one(StatusBar).price = None

    def show(self) -> None:
        """Show the price of what is written now."""
        self._timer = None
        session, ask = self._screen.session, self._ask()
        bar = self._screen.query_one(StatusBar)
        if session is None or not ask or len(ask) > _MOST_CHARS:
            bar.price = None
            return
        prices = session.price_of_next_turn(ask)
        chosen = next((price for price in prices if price.is_chosen), None)
        if chosen is None:
            bar.price = None
        else:
            bar.price = NextPrice(tier=chosen.tier, model=chosen.model, usd=chosen.estimated_usd)

    def choose(self, session: ChatSession) -> None:
        """Show the price on every tier; the one that is chosen takes the next turn."""
        prices = session.price_of_next_turn(self._ask() or "")
        by_tier = {price.tier.value: price for price in prices if price.tier is not None}
        wide = max((len(formats.short_model(price.model)) for price in by_tier.values()), default=0)
        chosen = next((name for name, price in by_tier.items() if price.is_chosen), "")
        self._screen.pick(
            "Price of the next step, estimated",
            {
                name: f"{formats.short_model(price.model):<{wide}}"
                f"  {price_text(price.estimated_usd):>10}{'  ←' if price.is_chosen else '   '}"
                for name, price in by_tier.items()
            },
            current=chosen,
            then=self._take,
        )

    def _take(self, name: str) -> None:
        self._screen.run_command(Typed("tier", f"{name}!"))

    def _ask(self) -> str:
        """Give what would begin a turn; empty for commands, and while one runs."""
        prompt = self._screen.prompt
        shown = prompt.text.strip()
        is_command = shown in ("", "/") or shown.startswith("!") or read_command(shown) is not None
        return "" if is_command or self._screen.is_turn_running else prompt.whole_text.strip()
