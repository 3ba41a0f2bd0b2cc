"""The chat screen: keys become calls, events become entries.

It talks to a session through ``ralex.tui.ports`` only. The first frame holds the prompt and nothing
heavy; the session opens in a worker behind it, and what is sent before that waits in the queue.
"""

from __future__ import annotations  # the session's types are not needed for the first frame

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import DescendantFocus, Resize
from typing_extensions import override

from ralex.core.terminal_text import mask_secrets
from ralex.errors import ConfigError
from ralex.slash import Typed, read_command
from ralex.tui.keymap import action_keys, prompt_keys, screen_bindings
from ralex.tui.palette import Palette, palette
from ralex.tui.preferences import Preferences
from ralex.tui.rows import shown
from ralex.tui.screens.chat.asking import PromptDesk
from ralex.tui.screens.chat.assist import Assistant
from ralex.tui.screens.chat.closing import TurnCloser
from ralex.tui.screens.chat.conversation import Conversation, Waiting
from ralex.tui.screens.chat.pricing import Pricer
from ralex.tui.screens.chat.reading import ReadingScreen
from ralex.tui.screens.chat.welcome import welcome_lines
from ralex.tui.widgets.activity.activity import Activity
from ralex.tui.widgets.completion.completion import Completion
from ralex.tui.widgets.header.header import Header
from ralex.tui.widgets.prompt.prompt import Prompt
from ralex.tui.widgets.queue.queue import Queue
from ralex.tui.widgets.status.status import StatusBar
from ralex.tui.widgets.transcript.items import AnyItem, ErrorItem
from ralex.tui.widgets.transcript.view import Transcript

_QUIT_WITHIN_S = 2.0
_TALL = 20

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession, SessionOpener
    from ralex.tui.themes import ThemeShelf


class ChatScreen(ReadingScreen):
    """One conversation.

    Args:
        prompts: Sent one after the other once the session is open.
        warnings: Shown at the start.
        themes: Those that can be chosen, for ``/theme``.
        use_theme: Changes the colours; raises a ``ConfigError`` for a theme that cannot be used.
        clock: Monotonic seconds.
        preferences: The user's keys and the like.
        release_keys: Called once, when the prompt can take what was typed before it was there.
        is_still: Draw no moving parts.
        rows: Height of the terminal when it starts; 0 if it is not known.
    """

    AUTO_FOCUS = "#prompt"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (_TALL, "-tall")]  # noqa: RUF012 - an instance variable to Textual
    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings()]

    def __init__(
        self,
        opener: SessionOpener,
        *,
        prompts: Sequence[str] = (),
        warnings: Sequence[str] = (),
        themes: ThemeShelf,
        use_theme: Callable[[str], None],
        clock: Callable[[], float],
        preferences: Preferences,
        release_keys: Callable[[], Awaitable[None]] | None = None,
        is_still: bool = False,
        rows: int = 0,
    ) -> None:
        super().__init__(classes="-tall" if rows >= _TALL else "-short" if rows else None)
        self._preferences = preferences
        self._release_keys = release_keys
        self.themes = themes
        self._use_theme = use_theme
        self.opener = opener
        self.conversation = Conversation(self, opener, prompts=prompts, warnings=warnings)
        self._clock = clock
        self._is_still = is_still
        self._last_ctrl_c = -_QUIT_WITHIN_S
        self._assistant = Assistant(self)
        self._desk = PromptDesk(self, preferences.home)
        self._pricer = Pricer(self)
        self.closer = TurnCloser(self, preferences)

    @override
    def compose(self) -> ComposeResult:
        """Header, transcript, what belongs to the prompt, the status bar.

        The line to search in and the list over the prompt come when they are first wanted.
        """
        yield Header()
        yield Transcript(id="transcript")
        with Vertical(id="foot"):
            yield Activity(
                self._clock,
                stop_key=self._preferences.stop_key,
                is_still=self._is_still,
                id="activity",
            )
            yield Queue(id="queue")
            yield Prompt(id="prompt", keys=prompt_keys(self._preferences.keys))
        yield StatusBar()

    @property
    def prompt(self) -> Prompt:
        """The input."""
        return self.query_one(Prompt)

    @override
    def focus_prompt(self) -> None:
        """Go back to where the user writes."""
        self.prompt.focus()

    def seconds(self) -> float:
        """Read the clock, which is monotonic."""
        return self._clock()

    @property
    def is_turn_running(self) -> bool:
        """Tell whether a turn is under way."""
        return self.conversation.is_running

    @property
    def session(self) -> ChatSession | None:
        """The open session."""
        return self.conversation.session

    def on_mount(self) -> None:
        """Show the prompt first; the rest comes behind the first frame."""
        self.show_queue()
        self.host.theme_changed_signal.subscribe(self, lambda _theme: self.restyle())
        self.call_after_refresh(self.conversation.open)

    def on_resize(self, _event: Resize) -> None:
        """Fit the hints of an empty transcript."""
        self.show_queue()
        self.call_after_refresh(self._assistant.place)
        self._welcome(palette(self.host.theme_variables))

    def show_session(self) -> None:
        """Show the session's names and numbers."""
        session = self.session
        if session is None:
            return
        self._take_keys()
        self._desk.use(session.project)
        header = self.query_one(Header)
        header.project = session.project.rstrip("/").rpartition("/")[2] or session.project
        header.branch, header.title, header.label = session.branch, session.title, session.label
        from ralex.tui.screens.chat.following import status_of  # noqa: PLC0415

        bar = self.query_one(StatusBar)
        bar.status = status_of(session, bar.status)

    def restyle(self) -> None:
        """Draw the transcript in the colours of the theme."""
        styles = palette(self.host.theme_variables)
        self._welcome(styles)
        if self.conversation.is_drawable:
            from ralex.tui.widgets.transcript.render import ItemRenderer  # noqa: PLC0415

            self.transcript.restyle(ItemRenderer(styles), styles)

    def _welcome(self, styles: Palette) -> None:
        self.transcript.welcome(welcome_lines(styles, self.size.width, self._preferences))

    def on_descendant_focus(self, _event: DescendantFocus) -> None:
        """Say that there is a place for what was typed so far."""
        self._take_keys()

    def _take_keys(self) -> None:
        release, self._release_keys = self._release_keys, None
        if release is not None:
            self.call_later(release)

    @on(Prompt.Submitted)
    def _submit(self, event: Prompt.Submitted) -> None:
        event.stop()
        self._assistant.close()
        self._desk.remember(event.text)
        typed = read_command(event.shown)
        if typed is not None:
            self.run_command(typed)
        else:
            self.transcript.follow()
            self.conversation.submit(Waiting(event.text, event.shown))

    def warn(self, warnings: Sequence[str]) -> None:
        """Show warnings once the session is open."""
        self.conversation.warn(warnings)

    def show_queue(self) -> None:
        """Show what waits to be sent."""
        waiting = self.conversation.waiting
        self.prompt.has_waiting = bool(waiting)
        self.query_one(Queue).show(waiting)
        self._desk.keeper.changed()

    @on(Queue.Picked)
    def _pick_waiting(self, event: Queue.Picked) -> None:
        event.stop()
        self.conversation.take_back(event.index, is_dropped=event.is_dropped)

    def give_back(self, waiting: list[Waiting]) -> None:
        """Put what was queued back into the prompt: after a stop nothing is sent by itself."""
        if waiting:
            self.prompt.put_back("\n".join(each.text for each in waiting))
            waiting.clear()

    def show(self, item: AnyItem) -> None:
        """Add an entry that answers what the user just did, and go to it."""
        self.transcript.append(item)
        self.transcript.show_newest()

    def show_error(self, message: str, hint: str = "", *, is_answer: bool = True) -> None:
        """Add an error.

        Args:
            is_answer: It answers what the user just did; otherwise whoever reads stays there.
        """
        item = ErrorItem(message=shown(mask_secrets(message)), hint=shown(mask_secrets(hint)))
        if is_answer:
            self.show(item)
        else:
            self.transcript.append(item)

    @work(group="command", exit_on_error=False)
    async def run_command(self, typed: Typed) -> None:
        """Run a slash command."""
        await self._assistant.commands.run(typed)

    @work(group="picker", exit_on_error=False)
    async def pick(
        self,
        title: str,
        entries: Mapping[str, str],
        *,
        then: Callable[[str], None],
        current: str = "",
        labels: Mapping[str, str] | None = None,
        preview: Callable[[str], None] | None = None,
        otherwise: Callable[[], None] | None = None,
        head: str = "",
        shorts: tuple[str, Mapping[str, str]] = ("", {}),
        about: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        """Let the user choose one of some values, each with a hint beside it.

        Args:
            entries: Values with their hints.
            labels: What is shown in the place of values that say nothing to people.
            head: Names the columns of the hints.
            shorts: A head and hints for where there is little room.
            about: Tells more of the value under the cursor, a line each.
        """
        from ralex.tui.screens.dialogs.picker import Entry, PickerScreen  # noqa: PLC0415

        names, (short_head, short) = labels or {}, shorts
        shown_entries = [
            Entry(value=value, hint=hint, short=short.get(value, ""), label=names.get(value, ""))
            for value, hint in entries.items()
        ]
        picker = PickerScreen(
            title,
            shown_entries,
            current=current,
            preview=preview,
            head=head,
            short_head=short_head,
            about=about,
        )
        chosen = await self.host.push_screen_wait(picker)
        if chosen is not None:
            then(chosen)
        elif otherwise is not None:
            otherwise()

    def set_theme(self, name: str) -> None:
        """Change the colours."""
        try:
            self._use_theme(name)
        except ConfigError as error:
            self.show_error(error.message, error.hint)

    @on(Prompt.Edited)
    def _complete(self, event: Prompt.Edited) -> None:
        event.stop()
        self.prompt.set_class(self.prompt.text.startswith("!"), "-shell")
        self._pricer.edited()
        self._desk.keeper.changed()
        self._assistant.complete()

    @on(Prompt.Wanted)
    def _serve_prompt(self, event: Prompt.Wanted) -> None:
        event.stop()
        if event.action == "recall":
            self.conversation.take_back(-1)
        else:
            self._desk.serve(event.action)

    @on(Prompt.KeyWanted)
    def _steer_completion(self, event: Prompt.KeyWanted) -> None:
        event.stop()
        self._assistant.steer(event.key)

    @on(Completion.Picked)
    def _take_choice(self, event: Completion.Picked) -> None:
        event.stop()
        self._assistant.take(event.choice)
        self.prompt.focus()

    @on(StatusBar.Wanted)
    def _serve_bar(self, event: StatusBar.Wanted) -> None:
        event.stop()
        match event.part:
            case "mode":
                self.action_mode()
            case "route":
                self.run_command(Typed("model", ""))
            case "context":
                self.run_command(Typed("context", ""))
            case _:
                self.action_budget()

    @on(Activity.SecondPassed)
    def _count_second(self, event: Activity.SecondPassed) -> None:
        event.stop()
        self.conversation.count_second()

    def say_that_a_turn_runs(self) -> None:
        """Tell why something cannot be done now."""
        key = self._preferences.stop_key
        self.show_error("a turn is still running", f"stop it with {key} first" if key else "")

    def action_mode(self) -> None:
        """Go on to the next mode."""
        if self.session is not None:
            self._desk.next_mode(self.session)

    def action_prices(self) -> None:
        """Show what the prompt would cost on each tier."""
        if self.session is not None:
            self._pricer.choose(self.session)

    def action_interrupt(self) -> None:
        """Stop the turn."""
        self.conversation.interrupt()

    def action_copy_or_stop(self) -> None:
        """Copy what is selected, else stop the turn, else leave if pressed twice."""
        text = self.prompt.selected_text or self.get_selected_text()
        if text:
            self.copy_text(text)
            self.clear_selection()
            return
        if self.is_turn_running:
            self.action_interrupt()
            return
        now = self._clock()
        if now - self._last_ctrl_c <= _QUIT_WITHIN_S:
            self.run_command(Typed("quit", ""))
            return
        self._last_ctrl_c = now
        text = f"Press {self._preferences.key('copy_or_stop')} again to quit"
        self.notify(text, markup=False, timeout=_QUIT_WITHIN_S)

    async def action_leave(self) -> None:
        """Stop what runs and leave."""
        await self.conversation.stop()
        await self._desk.keeper.drop()
        self.host.exit()

    def on_unmount(self) -> None:
        """Let go of what is kept on disk."""
        self._desk.keeper.close()

    async def stop_from_outside(self) -> None:
        """Stop what runs; what was not sent waits for the next start."""
        self._desk.keeper.leave()
        await self.conversation.stop()

    async def action_leave_if_empty(self) -> None:
        """Leave, or delete to the right if something is written."""
        if self.prompt.text:
            self.prompt.action_delete_right()
        else:
            await self.action_leave()

    def action_suspend(self) -> None:
        """Leave the terminal to the shell until ``fg``."""
        self.host.action_suspend_process()

    def action_help(self) -> None:
        """Show all commands and keys."""
        from ralex.tui.screens.dialogs.help import HelpScreen  # noqa: PLC0415

        self.host.push_screen(HelpScreen(action_keys(self._preferences.keys)))

    @work(group="command", exit_on_error=False)
    async def action_commands(self) -> None:
        """List all commands."""
        await self._assistant.commands.offer()

    def action_budget(self) -> None:
        """Show the money."""
        from ralex.tui.screens.budget.screen import BudgetScreen  # noqa: PLC0415

        if self.session is not None:
            self.host.push_screen(BudgetScreen(self.session), self._follow_money)

    def _follow_money(self, _result: None) -> None:
        """Show what the panel may have changed."""
        self.run_worker(self.conversation.read_budget(), group="money", exit_on_error=False)
