"""What was sent before, to be sent again; the draft is the newest entry."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

ReadPast: TypeAlias = Callable[[], Awaitable[Sequence[str]]]


class History:
    """Prompts of earlier runs and of this one, oldest first; nothing is read until it is wanted.

    Attributes:
        read_past: Reads the prompts of earlier runs; None while there are none to read.
    """

    def __init__(self) -> None:
        self.read_past: ReadPast | None = None
        self._entries: list[str] = []
        self._at = 0
        self._draft = ""

    def add(self, text: str) -> None:
        """Remember a prompt; the same one twice in a row counts once."""
        if text and (not self._entries or self._entries[-1] != text):
            self._entries.append(text)
        self._at = len(self._entries)
        self._draft = ""

    async def older(self, current: str) -> str | None:
        """Go one back, or return None at the oldest."""
        await self._read()
        if self._at == 0:
            return None
        if self._at == len(self._entries):
            self._draft = current
        self._at -= 1
        return self._entries[self._at]

    def newer(self) -> str | None:
        """Go one forward, in the end to the draft; None if that is where we are."""
        if self._at >= len(self._entries):
            return None
        self._at += 1
        return self._draft if self._at == len(self._entries) else self._entries[self._at]

    async def all(self) -> list[str]:
        """Give every prompt once, the newest first."""
        await self._read()
        return list(dict.fromkeys(reversed(self._entries)))

    async def _read(self) -> None:
        """Put the prompts of earlier runs before those of this one, the first time."""
        if self.read_past is None:
            return
        read, self.read_past = self.read_past, None
        own = set(self._entries)
        past = [text for text in await read() if text not in own]
        self._entries[:0] = past
        self._at += len(past)
