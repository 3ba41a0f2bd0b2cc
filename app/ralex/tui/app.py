"""The screen as an application: it wires the opener, the themes and the chat; nothing else."""

from __future__ import annotations  # the session's types are not needed for the first frame

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.driver import Driver
from textual.filter import Monochrome, NoColor
from textual.screen import Screen
from typing_extensions import override

from ralex.errors import ConfigError
from ralex.tui.ending import end_on_signals
from ralex.tui.keymap import screen_bindings, screen_keymap
from ralex.tui.preferences import Preferences
from ralex.tui.screens.chat.screen import ChatScreen
from ralex.tui.themes import DEFAULT_THEME, ThemeShelf

if TYPE_CHECKING:
    from ralex.tui.lobby import Lobby
    from ralex.tui.ports import SessionOpener


class RalexApp(App[None], inherit_bindings=False):
    """Ralex on the screen.

    Args:
        opener: Opens the session, after the first frame; closed at the end.
        theme: A theme's name; an unknown one is a warning, not an error.
        prompts: Sent one after the other once the session is open.
        home: Folder of ralex's files, for the user's own themes; None for none.
        warnings: Shown at the start.
        preferences: The user's keys and the like; None keeps nothing on disk.
        clock: Monotonic seconds.
        is_still: Draw no moving parts, for pictures.
        lobby: Asks what must be answered before the session opens; None asks nothing.
    """

    CSS_PATH = Path(__file__).parent / "screens" / "chat" / "chat.tcss"
    TITLE = "ralex"
    BINDINGS: ClassVar[list[BindingType]] = [
        each for each in screen_bindings() if each.id == "leave"
    ]
    ENABLE_COMMAND_PALETTE = False  # ours is the list behind the key of "commands"

    def __init__(
        self,
        opener: SessionOpener,
        *,
        theme: str = DEFAULT_THEME,
        prompts: Sequence[str] = (),
        home: Path | None = None,
        warnings: Sequence[str] = (),
        preferences: Preferences | None = None,
        clock: Callable[[], float] = time.monotonic,
        is_still: bool = False,
        lobby: Lobby | None = None,
    ) -> None:
        super().__init__()
        self.animation_level = "none"
        self._lobby = lobby
        self._early: list[events.Key | events.Paste] | None = []
        self._opener = opener
        self._prompts = prompts
        self._warnings = [*warnings]
        self._clock = clock
        self._preferences = preferences or Preferences()
        self.set_keymap(screen_keymap(self._preferences.keys))
        self._is_still = is_still
        self._themes = ThemeShelf(home / "themes" if home is not None else None)
        self._start_theme(theme)

    @override
    def get_default_screen(self) -> Screen[None]:
        """Start with the chat, of the terminal's size: the first resize has nothing to change."""
        return ChatScreen(
            self._opener,
            prompts=self._prompts,
            warnings=self._warnings,
            themes=self._themes,
            use_theme=self.use_theme,
            clock=self._clock,
            preferences=self._preferences,
            release_keys=self.release_keys,
            is_still=self._is_still,
            rows=self.size.height,
        )

    @override
    def refresh_css(self, animate: bool = True) -> None:
        """Apply the styles anew, unless nothing has them yet.

        The theme is chosen before there is a screen. Textual would read all styles for it, and
        once more for the screen: a sixth of the time between the imports and the first frame.
        """
        if self.screen_stack:
            super().refresh_css(animate)
        else:
            self.stylesheet.set_variables(self.get_css_variables())

    @override
    def get_driver_class(self) -> type[Driver]:
        """Take the terminal's driver that loses neither early keys nor the last size."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":  # in a browser, without a screen
            return chosen
        from ralex.tui.terminal import TerminalDriver  # noqa: PLC0415 - terminals only

        return TerminalDriver

    @override
    async def on_event(self, event: events.Event) -> None:
        """Keep what is typed before the prompt is there: nothing would receive it."""
        if self._early is not None and isinstance(event, events.Key | events.Paste):
            self._early.append(event)
            return
        await super().on_event(event)

    async def release_keys(self) -> None:
        """Give what was typed early to what has the focus now, in order."""
        early, self._early = self._early, None
        for event in early or ():
            await super().on_event(event)

    def on_mount(self) -> None:
        """Ask what has to be asked, behind the first frame."""
        if not self.is_headless:
            end_on_signals(self._end)
        self.app_resume_signal.subscribe(self, self._draw_again)  # pyright: ignore[reportUnknownMemberType]  # any App, to Textual
        if self._lobby is not None:
            receive = self._receive(self._lobby)
            self.call_after_refresh(self.run_worker, receive, group="lobby", exit_on_error=False)

    def on_app_blur(self) -> None:
        """Note that the terminal tells when it is not looked at."""
        self._hear_focus()

    def _hear_focus(self) -> None:
        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen):
            chat.closer.heard_focus()

    async def _receive(self, lobby: Lobby) -> None:
        warnings = await lobby.receive(self)
        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen):
            chat.warn(warnings)

    def _draw_again(self, _app: App[None]) -> None:
        """Draw everything: while the process was stopped, the terminal showed something else."""
        self.screen.refresh()
        for widget in self.screen.walk_children():
            widget.refresh()

    def _end(self, code: int) -> None:
        """Leave because the process is told to, whatever is on the screen."""
        self.run_worker(self._stop(code), group="end", exit_on_error=False)

    async def _stop(self, code: int) -> None:
        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen):
            await chat.stop_from_outside()
        self.exit(return_code=code)

    async def action_leave(self) -> None:
        """Stop what runs and leave, also from a dialog."""
        chat = self.screen_stack[0]
        if isinstance(chat, ChatScreen):
            await chat.action_leave()
        else:
            self.exit()

    @override
    async def action_quit(self) -> None:
        """Leave in the same way, whoever asks for it."""
        await self.action_leave()

    async def on_unmount(self) -> None:
        """Close the session's engine, however the app ends."""
        gc.unfreeze()
        await self._opener.aclose()

    def use_theme(self, name: str) -> None:
        """Change the colours; a theme is read when it is first used.

        Raises:
            ConfigError: If there is no such theme, or its file is wrong.
        """
        is_same = self.theme == name
        self.register_theme(self._themes.read(name).theme)
        if is_same:
            self.mutate_reactive(RalexApp.theme)  # the same name, with other colours behind it
        else:
            self.theme = name
        self._drop_colours()

    def _drop_colours(self) -> None:
        """Let NO_COLOR hold in every theme.

        Textual chooses how before the first theme is there, and never again: greys mixed from the
        terminal's own colours, which it does not know, come out black on black.
        """
        filters = self._filters
        for index, each in enumerate(filters):
            if isinstance(each, NoColor | Monochrome):
                filters[index] = NoColor() if self.native_ansi_color else Monochrome()

    def on_app_focus(self) -> None:
        """Read the theme again if its file was changed while the user was elsewhere."""
        self._hear_focus()
        if not self._themes.has_changed(self.theme):
            return
        try:
            self.use_theme(self.theme)
        except ConfigError as error:
            chat = self.screen_stack[0]
            if isinstance(chat, ChatScreen):
                chat.show_error(error.message, error.hint, is_answer=False)

    def _start_theme(self, name: str) -> None:
        try:
            self.use_theme(name)
        except ConfigError as error:
            self._warnings.append(f"{error.message}; {DEFAULT_THEME} is used")
            self.use_theme(DEFAULT_THEME)
