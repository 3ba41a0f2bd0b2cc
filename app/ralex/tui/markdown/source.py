"""The shape of a text that grows, known to items without loading the Markdown parser."""

from typing import Protocol

from ralex.tui.rows import Row


class LiveText(Protocol):
    """Rows of a text that is still arriving."""

    @property
    def rows(self) -> list[Row]:
        """All rows so far; the list is the object's own and grows."""
        ...

    @property
    def source(self) -> str:
        """Everything so far."""
        ...

    def feed(self, text: str) -> None:
        """Add clean text."""
        ...
