"""What the prompt wants and cannot do itself: earlier prompts, an editor, the clipboard."""

import asyncio
import logging
import signal
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from textual.app import SuspendNotSupported

from ralex.core.terminal_text import clean
from ralex.errors import RalexError, UsageError
from ralex.tui.past import PastPrompts, history_path
from ralex.tui.screens.chat.keeping import Keeper

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen

_MODES: Final = {
    "yolo": "acts without asking",
    "ask": "asks before each change",
    "plan": "reads only",
}
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
        self.keeper = Keeper(screen, home, self._complain)

    def use(self, project: str) -> None:
        """Take up the prompts of a project; they are read when they are first wanted."""
        if project == self._project:
            return
        self._project = project
        self.keeper.use(project)
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

    def next_mode(self, session: "ChatSession") -> None:
        """Change to the next mode, from the freest to the safest and around."""
        modes = tuple(_MODES)
        at = modes.index(session.mode) if session.mode in modes else -1
        mode = modes[(at + 1) % len(modes)]
        try:
            session.set_mode(mode)
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
            return
        self._screen.show_session()
        self._screen.notify(f"{mode}: {_MODES[mode]}", markup=False, timeout=2)

    def serve(self, action: str) -> None:
        """Do what the prompt wants."""
        match action:
            case "history":
                self._screen.run_worker(self._search(), group="dialog", exit_on_error=False)
            case "editor":
                self._screen.run_worker(self._edit(), group="dialog", exit_on_error=False)
            case "paste":
                self._screen.run_worker(self._paste(), group="paste", exit_on_error=False)
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

    async def _edit(self) -> None:
        from ralex.tui.editor import edited, editor_command, environment  # noqa: PLC0415

        prompt, host = self._screen.prompt, self._screen.host
        before = prompt.whole_text
        try:
            command = editor_command(environment())
            # A turn may be running: the loop goes on, but nothing is drawn over the editor.
            # The terminal is taken back after the block only if nothing was raised in it.
            with host.suspend(), host.batch_update(), _unmoved_by_interrupts():
                work = asyncio.to_thread(edited, command, before)
                (text,) = await asyncio.gather(work, return_exceptions=True)
            if isinstance(text, BaseException):
                raise text
        except SuspendNotSupported:
            self._screen.show_error("an editor cannot be opened here", "this is no terminal")
        except UsageError as error:
            self._screen.show_error(error.message, error.hint)
        else:
            text = clean(text.replace("\r\n", "\n").replace("\r", "\n"))
            if text != before:
                prompt.put_whole(text)
        finally:
            prompt.focus()
            host.refresh(layout=True)

    async def _paste(self) -> None:
        from ralex.tui.clipboard import clipboard_picture  # noqa: PLC0415
        from ralex.tui.editor import environment  # noqa: PLC0415
        from ralex.tui.widgets.prompt.images import mention  # noqa: PLC0415

        prompt = self._screen.prompt
        try:
            folder = self._home / "pictures" if self._home is not None else None
            found = (
                await asyncio.to_thread(clipboard_picture, environment(), folder)
                if folder is not None
                else None
            )
        except UsageError as error:
            if not self._screen.host.clipboard:
                self._screen.notify(f"{error.message}: {error.hint}", markup=False)
                return
            found = None
        if found is not None:
            prompt.insert_text(mention(str(found), self._project))
        else:
            prompt.action_paste()

    def _complain(self, text: str) -> None:
        _logger.warning("%s", text)
        if not self._has_complained:
            self._has_complained = True
            self._screen.notify(text, markup=False, severity="warning")


@contextmanager
def _unmoved_by_interrupts() -> Generator[None]:
    """Let Ctrl+C in the editor be the editor's: it goes to all who share the terminal.

    A handler, and not "ignore": that would be handed down to the editor.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _do_nothing)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Take a signal and go on."""
