"""Large pastes as chips: the text is kept aside, the prompt holds ``[paste 1: 13 kB]``."""

import re
from typing import Final

from ralex.core.patterns import lazy_pattern

LARGE_PASTE: Final = 4_000
"""Characters from which a paste becomes a chip; a text area gets slow with much text."""
_MOST_UNFOLDED: Final = 200_000
"""Characters that a text area still takes when a chip is opened in place."""
_CHIP = lazy_pattern(r"\[paste (\d+): [^\]\n]*\]")


class Chips:
    """The pastes of one prompt; they stay for as long as it, because history brings chips back."""

    def __init__(self) -> None:
        self._pastes: list[str] = []

    def folded(self, text: str) -> str:
        """Keep a text aside and give the chip that stands for it."""
        self._pastes.append(text)
        size = f"{len(text.encode('utf-8', 'replace')) / 1_000:,.0f} kB"
        return f"[paste {len(self._pastes)}: {size}]"

    def unfolded(self, text: str) -> str:
        """Put the kept texts in the places of their chips."""
        return _CHIP.sub(lambda chip: self._text(chip) or chip[0], text)

    def at(self, line: str, column: int) -> tuple[int, int, str] | None:
        """Find the chip on or before a column, else the line's last: start, end and its text.

        One that is too large for a text area is not given.
        """
        found = [chip for chip in _CHIP.finditer(line) if self._text(chip)]
        near = [chip for chip in found if chip.start() <= column]
        chip = (near or found or [None])[-1]
        text = self._text(chip) if chip is not None else ""
        if chip is None or not text or len(text) > _MOST_UNFOLDED:
            return None
        return chip.start(), chip.end(), text

    def _text(self, chip: "re.Match[str]") -> str:
        number = int(chip[1])
        return self._pastes[number - 1] if 0 < number <= len(self._pastes) else ""
