"""Cards of what runs now: how long it has, what it prints, where it is."""

from collections.abc import Callable
from typing import Protocol

from ralex.core.events import TaskProgressed, ToolOutputGrew
from ralex.tui import formats
from ralex.tui.rows import shown, shown_line
from ralex.tui.widgets.transcript.items import ToolItem, ToolState

_MOST_DOINGS = 40


class Board(Protocol):
    """Where the cards are."""

    def update_item(self, item: ToolItem) -> None:
        """Draw a card again."""
        ...


class RunningCards:
    """Keeps the cards of running calls up to date; empty while nothing runs.

    Args:
        elapsed: Seconds since the turn began, or None for a session that is read again.
    """

    def __init__(self, board: Board, elapsed: Callable[[], float] | None) -> None:
        self._board = board
        self._elapsed = elapsed
        self._cards: dict[int, ToolItem] = {}

    def begin(self, card: ToolItem) -> None:
        """Take a card whose call begins."""
        if self._elapsed is not None:
            card.begun_s = self._elapsed()
            self._cards[id(card)] = card

    def end(self, card: ToolItem) -> None:
        """Let a card go; whoever does this draws it."""
        self._cards.pop(id(card), None)
        card.doing, card.is_cut = "", False

    def tick(self) -> None:
        """Count the seconds; meant to be called about once in each."""
        if self._elapsed is None:
            return
        now = self._elapsed()
        for card in self._cards.values():
            seconds = int(now - card.begun_s)
            if seconds != card.running_s:
                card.running_s = seconds
                self._board.update_item(card)

    def grow(self, card: ToolItem, event: ToolOutputGrew) -> None:
        """Show the end of what a call has printed."""
        if card.state is not ToolState.RUNNING:
            return
        card.output, card.is_cut = shown(event.tail), event.is_cut
        card.doing = shown_line(card.output.rstrip().rpartition("\n")[2])
        self._board.update_item(card)

    def progress(self, card: ToolItem, event: TaskProgressed) -> None:
        """Show where a sub-agent is, and while the card is open what it did before."""
        if card.state is not ToolState.RUNNING:
            return
        doing = shown_line(event.doing)
        # What a narrow screen cuts off comes last.
        words = [formats.usd(event.cost_usd), doing, formats.count(event.steps, "step")]
        if event.model is not None:
            words.append(shown_line(formats.short_model(event.model)))
        card.doing = " · ".join(words)
        done = card.output.split("\n") if card.output else []
        if doing not in done[-1:]:
            done.append(doing)
        card.is_cut = card.is_cut or len(done) > _MOST_DOINGS
        card.output = "\n".join(done[-_MOST_DOINGS:])
        self._board.update_item(card)
