"""What was sent before, to be sent again; the draft is the newest entry."""


class History:
    """Prompts of this run, oldest first."""

    def __init__(self) -> None:
        self._entries: list[str] = []
        self._at = 0
        self._draft = ""

    def add(self, text: str) -> None:
        """Remember a prompt; the same one twice in a row counts once."""
        if text and (not self._entries or self._entries[-1] != text):
            self._entries.append(text)
        self._at = len(self._entries)
        self._draft = ""

    def older(self, current: str) -> str | None:
        """Go one back, or return None at the oldest."""
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
