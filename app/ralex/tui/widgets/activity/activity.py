"""What runs now, for how long, how fast, and how to stop it; hidden while nothing does."""

from collections.abc import Callable

from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from ralex.core.terminal_text import clean_line
from ralex.tui import formats

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_EVERY_S = 0.25


class Activity(Static):
    """The line above the prompt while a turn runs.

    Args:
        clock: Monotonic seconds.
        stop_key: What stops it, named for people; empty if no key does.
        is_still: Draw no moving parts, for pictures and for people who asked for none.
    """

    class SecondPassed(Message):
        """What runs goes on for another second."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        stop_key: str = "Esc",
        is_still: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__("", id=id, markup=False)
        self._clock = clock
        self._stop_key = stop_key
        self._is_still = is_still
        self._what = ""
        self._started = 0.0
        self._letters = 0
        self._first_letter: float | None = None
        self._frame = 0
        self._second = 0
        self._timer: Timer | None = None
        self.display = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the turn began."""
        return self._clock() - self._started

    def start(self, what: str) -> None:
        """Show the line; the only timer of the screen runs until ``stop``."""
        self._started = self._clock()
        self._letters, self._first_letter = 0, None
        self.display = True
        self.say(what)
        if self._timer is None:
            self._timer = self.set_interval(_EVERY_S, self._tick)

    def say(self, what: str) -> None:
        """Name what runs."""
        self._what = clean_line(what)
        self._letters, self._first_letter = 0, None
        self._draw()

    def write(self, what: str, letters: int) -> None:
        """Say that the model writes, and count for the speed."""
        if what != self._what:
            self.say(what)
        if self._first_letter is None:
            self._first_letter = self._clock()
        self._letters += letters

    def stop(self) -> None:
        """Hide the line."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.display = False

    def _tick(self) -> None:
        self._frame += 1
        self._draw()
        if (second := int(self.elapsed_s)) != self._second:
            self._second = second
            self.post_message(self.SecondPassed())

    def _draw(self) -> None:
        mark = "⠿" if self._is_still else _FRAMES[self._frame % len(_FRAMES)]
        parts = [
            formats.seconds(float(int(self.elapsed_s)) if self.elapsed_s >= 10 else self.elapsed_s)
        ]
        if speed := self._speed():
            parts.append(f"~{speed} tokens/s")
        if self._stop_key:
            parts.append(f"{self._stop_key} to stop")
        rest = " · ".join(parts)
        what = formats.shortened(self._what, max(8, self.content_size.width - len(rest) - 6))
        self.update(
            Content.assemble(
                (f"{mark} ", "$accent"), (what, "$foreground"), (f"  {rest}", "$text-muted")
            ),
            layout=False,
        )

    def _speed(self) -> int:
        if self._first_letter is None:
            return 0
        seconds = self._clock() - self._first_letter
        return round(self._letters / 4 / seconds) if seconds >= 0.5 else 0
