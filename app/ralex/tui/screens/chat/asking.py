"""What the prompt wants and cannot do itself: earlier prompts, an editor, the clipboard."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ralex.tui.past import PastPrompts, history_path

if TYPE_CHECKING:
    from ralex.tui.screens.chat.screen import ChatScreen

_logger = logging.getLogger(__name__)


class PromptDesk:
    """Serves one screen's prompt.

    Args:
        home: Folder of ralex's files; None keeps nothing.
    """

    def __init__(self, screen: "ChatScreen", home: Path | None) -> None:
        self._screen = screen
        self._home = home
        self._past: PastPrompts | None = None
        self._project = ""
        self._order = asyncio.Lock()
        self._has_complained = False

    def use(self, project: str) -> None:
        """Take up the prompts of a project; they are read when they are first wanted."""
        if project == self._project:
            return
        self._project = project
        prompt = self._screen.prompt
        prompt.project = project
        if self._home is not None:
            self._past = PastPrompts(history_path(self._home, project))
            prompt.sent.read_past = self._read

    def remember(self, text: str) -> None:
        """Keep a prompt that was sent."""
        if self._past is not None:
            self._screen.run_worker(
                self._append(self._past, text), group="history", exit_on_error=False
            )

    def serve(self, action: str) -> None:
        """Do what the prompt wants."""
        match action:
            case "history":
                self._screen.run_worker(self._search(), group="dialog", exit_on_error=False)
            case _:
                pass

    async def _append(self, past: PastPrompts, text: str) -> None:
        async with self._order:
            try:
                await asyncio.to_thread(past.append, text)
            except OSError as error:
                self._complain(f"Prompts are not remembered: {error.strerror or error}")

    async def _read(self) -> Sequence[str]:
        if self._past is None:
            return []
        try:
            return await asyncio.to_thread(self._past.read)
        except OSError as error:
            self._complain(f"Earlier prompts cannot be read: {error.strerror or error}")
            return []

    async def _search(self) -> None:
        from ralex.tui.screens.history.screen import HistoryScreen  # noqa: PLC0415

        prompt = self._screen.prompt
        own = await prompt.sent.all()
        others = [text for text in reversed(await self._read()) if text not in set(own)]
        found = await self._screen.host.push_screen_wait(
            HistoryScreen([*own, *others], sought=prompt.text)
        )
        if found is not None:
            prompt.put_whole(found)

    def _complain(self, text: str) -> None:
        _logger.warning("%s", text)
        if not self._has_complained:
            self._has_complained = True
            self._screen.notify(text, markup=False, severity="warning")
