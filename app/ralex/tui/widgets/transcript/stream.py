"""Text that arrives, paced: many small pieces become at most thirty drawings a second.

A timer exists only while there is something to draw. After a drawing that took long the next one
waits three times as long, so that keys are always answered.
"""

import time
from typing import Final

from textual.timer import Timer

from ralex.core.terminal_text import StreamCleaner
from ralex.tui.markdown.feed import LiveMarkdown, split_source
from ralex.tui.rows import TAB_WIDTH
from ralex.tui.widgets.transcript.items import AnswerItem, FoldItem
from ralex.tui.widgets.transcript.view import Transcript

_FRAME_S: Final = 1 / 30
_REST: Final = 3.0
_MOST_AT_ONCE: Final = 6_000
"""Characters for one drawing: what comes faster than it can be drawn must not stop the keys."""


class TextStream:
    """The answer or reasoning that is arriving now; one at a time."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._item: AnswerItem | FoldItem | None = None
        self._cleaner = StreamCleaner()
        self._pending: list[str] = []
        self._timer: Timer | None = None
        self._cost_s = 0.0
        self._is_split = False

    @property
    def item(self) -> AnswerItem | FoldItem | None:
        """What is arriving."""
        return self._item

    def add_answer(self, text: str) -> None:
        """Take a piece of the answer."""
        if not isinstance(self._item, AnswerItem):
            self.finish()
            live = self._transcript.renderer.live(self._transcript.row_width)
            self._begin(AnswerItem(live=live))
        self._add(text)

    def add_reasoning(self, text: str) -> None:
        """Take a piece of the reasoning."""
        if not isinstance(self._item, FoldItem):
            self.finish()
            live = self._transcript.renderer.live_plain(self._transcript.row_width)
            self._begin(FoldItem(head="Thinking", live=live))
        self._add(text)

    def finish(self, *, text: str | None = None) -> None:
        """End what is arriving; it is drawn once more as a whole when next seen.

        Args:
            text: The whole clean text, where a completed event brought it; None keeps what came.
        """
        item, self._item = self._item, None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if item is None or item.live is None:
            return
        rest = "".join([*self._pending, self._cleaner.flush()])
        self._pending.clear()
        whole = item.live.source + rest.expandtabs(TAB_WIDTH)
        item.live = None
        if isinstance(item, FoldItem):
            item.head = "Thought"
            item.text = text or whole
            self._transcript.update_item(item)
            return
        first, *others = split_source(whole if text is None or self._is_split else text)
        item.text = first
        self._transcript.update_item(item)
        self._transcript.extend([AnswerItem(text=part, gap=0) for part in others])

    def _begin(self, item: AnswerItem | FoldItem) -> None:
        self._item = item
        self._is_split = False
        self._cleaner = StreamCleaner()
        self._transcript.append(item)

    def _add(self, text: str) -> None:
        self._pending.append(self._cleaner.feed(text))
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        wait_s = max(_FRAME_S, _REST * self._cost_s)
        self._timer = self._transcript.set_timer(wait_s, self._draw)

    def _draw(self) -> None:
        self._timer = None
        item = self._item
        if item is None or item.live is None or not self._pending:
            return
        start = time.perf_counter()
        text = "".join(self._pending)
        self._pending = [rest] if (rest := text[_MOST_AT_ONCE:]) else []
        item.live.feed(text[:_MOST_AT_ONCE].expandtabs(TAB_WIDTH))
        self._transcript.update_item(item)
        self._transcript.call_after_refresh(self._painted, start)
        if isinstance(item, AnswerItem) and isinstance(item.live, LiveMarkdown):
            self._hand_over(item, item.live)
        if self._pending:
            self._wait()

    def _painted(self, start: float) -> None:
        """Note what a drawing cost, the terminal's bytes included."""
        self._cost_s = time.perf_counter() - start

    def _hand_over(self, item: AnswerItem, live: LiveMarkdown) -> None:
        """Make the finished part of a long answer an entry of its own."""
        part = live.split()
        if part is None:
            return
        text, fence = part
        item.live, item.text = None, text
        self._transcript.hand_over(item, live.frozen_rows)
        following = self._transcript.renderer.live(self._transcript.row_width)
        rest = AnswerItem(live=following, gap=1 if live.has_gap else 0)
        following.feed((f"{fence.mark}{fence.info}\n" if fence else "") + live.tail)
        self._item = rest
        self._is_split = True
        self._transcript.append(rest)
