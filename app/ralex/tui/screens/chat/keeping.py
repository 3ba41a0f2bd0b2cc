"""Keeps what is not sent where the next start finds it, should this one end without being told."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ralex.tui.rows import shown_line
from ralex.tui.unsent import Unsent, UnsentFile
from ralex.tui.widgets.transcript.items import NoticeItem

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer

    from ralex.tui.screens.chat.screen import ChatScreen

_AFTER_S: Final = 0.5
"""Quiet after a key before something is written."""


class Keeper:
    """Keeps one screen's unsent words.

    Args:
        home: Folder of ralex's files; None keeps nothing.
        complain: Tells that nothing can be kept.
    """

    def __init__(
        self, screen: "ChatScreen", home: Path | None, complain: "Callable[[str], None]"
    ) -> None:
        self._screen = screen
        self._home = home
        self._complain = complain
        self._file: UnsentFile | None = None
        self._kept = Unsent()
        self._timer: Timer | None = None
        self._order = asyncio.Lock()

    def use(self, project: str) -> None:
        """Take up what was left behind in a project."""
        if self._home is not None:
            self._file = UnsentFile(self._home, project)
            work = self._restore(self._file)
            self._screen.run_worker(work, group="unsent", exit_on_error=False)

    def changed(self) -> None:
        """Write down what there is, once nothing was typed for a moment."""
        if self._file is not None and self._timer is None and self._now() != self._kept:
            self._timer = self._screen.set_timer(_AFTER_S, self._keep_soon)

    def leave(self) -> None:
        """Leave what is not sent to the next start: this one is told to end from outside.

        Whoever closes a terminal with nothing written in it has left, and needs no reminder.
        """
        file, self._file = self._file, None
        if file is None:
            return
        now = self._now()
        try:
            if now.text or self._screen.conversation.waiting:
                file.keep(now)
                file.leave()
            else:
                file.drop()
        except OSError as error:
            self._complain(f"What is not sent is not kept: {error.strerror or error}")

    async def drop(self) -> None:
        """Forget all: the user leaves."""
        file, self._file = self._file, None
        if file is not None:
            async with self._order:  # what is being written is written first
                file.drop()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.leave()

    def _now(self) -> Unsent:
        session, conversation = self._screen.session, self._screen.conversation
        is_used = session is not None and session.last_route is not None
        return Unsent(
            session=str(session.id) if session is not None and is_used else "",
            title=session.title if session is not None and is_used else "",
            draft=self._screen.prompt.whole_text,
            # What was said to a running turn is in its session already, and comes back with that.
            waiting=tuple(each.text for each in conversation.queue),
        )

    def _keep_soon(self) -> None:
        self._timer = None
        if self._file is not None:
            work = self._keep(self._file, self._now())
            self._screen.run_worker(work, group="unsent", exit_on_error=False)

    async def _keep(self, file: UnsentFile, now: Unsent) -> None:
        async with self._order:
            if self._file is not file:
                return
            self._kept = now
            try:
                await asyncio.to_thread(file.keep, now)
            except OSError as error:
                self._complain(f"What is not sent is not kept: {error.strerror or error}")

    async def _restore(self, file: UnsentFile) -> None:
        try:
            left = await asyncio.to_thread(file.take)
        except OSError as error:
            self._complain(f"What was not sent cannot be read: {error.strerror or error}")
            return
        text = "\n".join(each.text for each in left if each.text)
        if text:
            self._screen.prompt.put_back(text)
        session = self._screen.session
        own = str(session.id) if session is not None else ""
        others = [each for each in left if each.session and each.session != own]
        words = ["What you had not sent is in the prompt again."] if text else []
        if others:
            title = shown_line(others[-1].title)
            words.append(f"/resume {others[-1].session} goes on with: {title}")
        if words:
            told = f"ralex ended here without being told to. {' '.join(words)}"
            self._screen.transcript.append(NoticeItem(level="info", text=told))
