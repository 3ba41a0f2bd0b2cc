"""The screen's side of a session: opens it, queues prompts, runs turns one after the other.

Everything runs in workers of the screen, and whatever goes wrong in one becomes an entry of the
transcript: no failure of a session ends the app.
"""

from __future__ import annotations  # what a session is made of is imported behind the first frame

import asyncio
import gc
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textual.worker import Worker, WorkerError

from ralex.behind import import_behind
from ralex.core.records import dataclass
from ralex.errors import RalexError
from ralex.slash import read_shell
from ralex.tui.rows import shown, shown_line
from ralex.tui.screens.chat.shell import shell_work
from ralex.tui.widgets.activity.activity import Activity
from ralex.tui.widgets.status.status import StatusBar
from ralex.tui.widgets.transcript.items import AnyItem, NoticeItem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ralex.core.events import (
        AgentEvent,
        ApprovalRequested,
        QuestionAsked,
        TurnFailed,
        TurnFinished,
    )
    from ralex.tui.ports import ChatSession, SessionOpener
    from ralex.tui.screens.chat.screen import ChatScreen
    from ralex.tui.widgets.transcript.scribe import Scribe

_logger = logging.getLogger(__name__)
_HEAVY: Final = (
    "ralex.tui.widgets.transcript.render",
    "ralex.tui.widgets.transcript.scribe",
    "ralex.tui.widgets.transcript.stream",
    "ralex.tui.screens.chat.following",
)
_STOP_WITHIN_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A prompt that waits for its turn: what is sent, and what the user sees of it."""

    text: str
    shown: str


class Conversation:
    """One session after another on one screen.

    Args:
        prompts: Sent one after the other once the first session is open.
        warnings: Shown once it is open.

    Attributes:
        session: The open session, or None while it opens.
        queue: Prompts that wait.
        is_drawable: What draws the transcript is loaded.
    """

    def __init__(
        self,
        screen: ChatScreen,
        opener: SessionOpener,
        *,
        prompts: Sequence[str],
        warnings: Sequence[str],
    ) -> None:
        self.session: ChatSession | None = None
        self.queue = [Waiting(prompt, prompt) for prompt in prompts if prompt.strip()]
        self.is_drawable = False
        self._screen = screen
        self._opener = opener
        self._warnings = list(warnings)
        self._scribe: Scribe | None = None
        self._opening: Worker[None] | None = None
        self._opened = asyncio.Event()
        self._turn: Worker[None] | None = None
        self._is_turn = False
        self._told: set[str] = set()

    def warn(self, warnings: Sequence[str]) -> None:
        """Show warnings once the session is open."""
        self._warnings += warnings

    @property
    def is_running(self) -> bool:
        """Tell whether a turn is under way, or something else that no turn may meet."""
        return self._turn is not None

    @property
    def waiting(self) -> list[str]:
        """What the user said and no model has heard yet, oldest first."""
        steered = self.session.waiting if self.session is not None else ()
        return [*steered, *(each.shown for each in self.queue)]

    def open(
        self, opens: Callable[[], Awaitable[ChatSession]] | None = None, *, told: str = ""
    ) -> None:
        """Open the session that was asked for, or another in the place of the open one.

        Args:
            told: Said once the other one is open.
        """
        if self._opening is None:
            self._opening = self._screen.run_worker(
                self._open(opens, told), group="session", exit_on_error=False
            )

    async def opened(self) -> None:
        """Wait until a session is open, or could not be opened."""
        await self._opened.wait()

    def submit(self, waiting: Waiting) -> None:
        """Send a prompt: into the turn that runs, else as soon as everything before it is done."""
        is_said = not self.queue and read_shell(waiting.text) is None
        if self._is_turn and self.session is not None and is_said:
            steer = self._steer(self.session, waiting)
            self._screen.run_worker(steer, group="steer", exit_on_error=False)
            return
        self.queue.append(waiting)
        if self.session is None:
            self.open()
        self._send_next()

    def take_back(self, index: int, *, is_dropped: bool = False) -> None:
        """Take back something that waits, into the prompt unless it is dropped.

        Args:
            index: Of ``waiting``; negative counts from the newest.
        """
        self._screen.run_worker(
            self._take_back(index, is_dropped=is_dropped), group="steer", exit_on_error=False
        )

    async def _take_back(self, index: int, *, is_dropped: bool) -> None:
        steered = len(self.session.waiting) if self.session is not None else 0
        count = steered + len(self.queue)
        at = index + count if index < 0 else index
        if not 0 <= at < count:
            return
        try:
            if at >= steered or self.session is None:
                text = self.queue.pop(at - steered).text
            else:
                text = await self.session.unsteer(at)
        except RalexError as error:
            self._screen.notify(error.message, markup=False)
        else:
            if not is_dropped:
                self._screen.prompt.put_back(text)
                self._screen.prompt.focus()
        self._screen.show_queue()

    def occupy(
        self, what: str, work: Callable[[ChatSession, Scribe], Awaitable[AnyItem | None]]
    ) -> None:
        """Do something with the session that no turn may meet; what it returns is shown.

        Args:
            what: Said in the activity line.
        """
        session, scribe = self.session, self._scribe
        if self.is_running:
            self._screen.say_that_a_turn_runs()
        elif session is None or scribe is None:
            self._screen.show_error("the session is not open yet", "try again in a moment")
        else:
            self._screen.transcript.follow()
            task = self._occupy(what, lambda: work(session, scribe))
            self._turn = self._screen.run_worker(task, group="turn", exit_on_error=False)

    def interrupt(self) -> None:
        """Stop the turn; leaving the session's block cancels model call and tools."""
        if self._turn is not None:
            self._turn.cancel()

    async def stop(self) -> None:
        """Stop the turn and wait for it, three seconds at most."""
        turn = self._turn
        if turn is not None:
            turn.cancel()
            try:
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await turn.wait()
            except (WorkerError, TimeoutError):
                return

    def count_second(self) -> None:
        """Show on the cards of what runs how long it has."""
        if self._scribe is not None:
            self._scribe.running.tick()

    async def _open(self, opens: Callable[[], Awaitable[ChatSession]] | None, told: str) -> None:
        try:
            if not self.is_drawable:
                await import_behind(_HEAVY)
                self.is_drawable = True
                self._screen.restyle()
            session = await (opens or self._opener.open)()
            events = await session.history()
            await self._use(session, events, is_other=opens is not None, told=told)
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
        except Exception as error:
            _logger.exception("the session could not be opened")
            hint = "the log file says more"
            self._screen.show_error(f"the session could not be opened: {error}", hint)
        finally:
            self._opening = None
            self._opened.set()
        self._send_next()

    async def _use(
        self, session: ChatSession, events: Sequence[AgentEvent], *, is_other: bool, told: str
    ) -> None:
        from ralex.tui.widgets.transcript.scribe import Scribe, items_of  # noqa: PLC0415
        from ralex.tui.widgets.transcript.stream import TextStream  # noqa: PLC0415

        transcript = self._screen.transcript
        activity = self._screen.query_one(Activity)
        self.session = session
        self._scribe = Scribe(
            transcript, pen=TextStream(transcript), elapsed=lambda: activity.elapsed_s
        )
        items = items_of(events)
        news = [text for text in session.notices if text not in self._told]
        warnings = [*self._warnings, *news]
        self._told.update(warnings)
        items += [NoticeItem(level="warning", text=shown(text)) for text in warnings]
        self._warnings.clear()
        if told:
            items.append(NoticeItem(level="info", text=shown(told)))
        gc.unfreeze()
        if items or is_other:
            transcript.load(items)
        # A full collection over a session of 2,000 turns stops the screen for 90 ms, every two
        # seconds while an answer arrives. What was loaded stays anyway: it need not be looked at.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        self._screen.show_session()
        self._screen.show_queue()
        await self.read_budget()

    async def read_budget(self) -> None:
        """Show the day's money as it is now."""
        if self.session is None:
            return
        try:
            budget = await self.session.budget()
        except RalexError as error:
            self._screen.show_error(error.message, error.hint, is_answer=False)
            return
        from ralex.tui.screens.chat.following import status_of  # noqa: PLC0415

        bar = self._screen.query_one(StatusBar)
        bar.status = replace(status_of(self.session, bar.status), budget=budget)

    def _send_next(self) -> None:
        session, scribe = self.session, self._scribe
        is_free = self._turn is None and self._opening is None
        if session is not None and scribe is not None and self.queue and is_free:
            waiting = self.queue.pop(0)
            if (typed := read_shell(waiting.text)) is not None:
                command, is_shared = typed
                work = shell_work(self._screen, command, is_shared=is_shared)
                task = self._occupy(f"running {shown_line(command)}", lambda: work(session, scribe))
            else:
                task = self._run_turn(session, scribe, waiting)
                self._is_turn = True
            self._turn = self._screen.run_worker(task, group="turn", exit_on_error=False)
        self._screen.show_queue()

    async def _steer(self, session: ChatSession, waiting: Waiting) -> None:
        try:
            await session.steer(waiting.text)
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
            self._screen.prompt.put_back(waiting.text)
        self._screen.show_queue()

    async def _occupy(self, what: str, work: Callable[[], Awaitable[AnyItem | None]]) -> None:
        activity = self._screen.query_one(Activity)
        activity.start(what)
        try:
            item = await work()
            if item is not None:  # whoever scrolled up meanwhile stays there
                self._screen.transcript.append(item)
        except asyncio.CancelledError:
            self._screen.show(NoticeItem(level="warning", text=f"Stopped: {what}."))
            self._screen.give_back(self.queue)
            raise
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
        except Exception as error:
            _logger.exception("%s failed", what)
            self._screen.show_error(f"{what} failed: {error}", "the log file says more")
        finally:
            self._free(activity)

    def _free(self, activity: Activity) -> None:
        """Let the next turn come."""
        self._turn, self._is_turn = None, False
        activity.stop()
        self._screen.show_session()
        self._screen.run_worker(self._after_turn(), group="after", exit_on_error=False)

    async def _run_turn(self, session: ChatSession, scribe: Scribe, waiting: Waiting) -> None:
        from ralex.core.events import TurnFailed, TurnFinished  # noqa: PLC0415
        from ralex.tui.screens.chat import at_limit  # noqa: PLC0415

        end: TurnFinished | TurnFailed | None = None
        activity = self._screen.query_one(Activity)
        before = session.last_failure
        scribe.announce(waiting.text, seen=waiting.shown)
        self._screen.transcript.follow()
        activity.start("choosing a model")
        try:
            async with session.turn(waiting.text) as events:
                async for event in events:
                    if isinstance(event, TurnFinished | TurnFailed):
                        end = event
                    self._show(scribe, event)
                    if isinstance(event, TurnFailed) and event.code == at_limit.CODE:
                        ask = at_limit.ask_at_limit(self._screen, session, event, waiting.text)
                        self._screen.run_worker(ask, group="limit", exit_on_error=False)
            if isinstance(end, TurnFinished):
                await self._take_late_words(session)
        except asyncio.CancelledError:
            failure = session.last_failure
            if end is None and failure is not None and failure is not before:
                scribe.write(failure)  # nobody heard it, and it tells what the turn has cost
            elif end is None:
                scribe.interrupt()
            self._screen.give_back(self.queue)
            raise
        except RalexError as error:
            scribe.fail(error.message, error.hint)
        except Exception as error:
            _logger.exception("a turn failed in a way nobody expected")
            scribe.fail(f"this turn failed: {error}", "the session is kept; the log file says more")
        else:
            elapsed_s = activity.elapsed_s
            self._screen.closer.close(end, waiting, elapsed_s=elapsed_s)
        finally:
            self._free(activity)

    async def _after_turn(self) -> None:
        await self.read_budget()
        self._send_next()

    async def _take_late_words(self, session: ChatSession) -> None:
        """Begin the next turn with what was said after the model had its last chance to hear."""
        while session.waiting and not self.queue:
            text = await session.unsteer(0)
            self.queue.append(Waiting(text, text))

    def _show(self, scribe: Scribe, event: AgentEvent) -> None:
        from ralex.core.events import (  # noqa: PLC0415
            ApprovalRequested,
            QuestionAsked,
            SteeringDelivered,
        )
        from ralex.tui.screens.chat import following  # noqa: PLC0415

        scribe.write(event)
        activity = self._screen.query_one(Activity)
        if (written := following.writing(event)) is not None:
            activity.write(*written)
            return  # hundreds come in a second, and nothing else changes by them
        bar = self._screen.query_one(StatusBar)
        bar.status = following.status_after(bar.status, event)
        if (what := following.activity_after(event)) is not None:
            activity.say(what)
        if isinstance(event, SteeringDelivered):
            self._screen.show_queue()
        if isinstance(event, ApprovalRequested):
            self._screen.closer.call(f"asks: {event.title}")
            self._screen.run_worker(self._ask(event), group="approval", exit_on_error=False)
        if isinstance(event, QuestionAsked):
            self._screen.closer.call(f"asks: {event.question}")
            self._screen.run_worker(self._put(event), group="approval", exit_on_error=False)

    async def _ask(self, request: ApprovalRequested) -> None:
        from ralex.tui.screens.dialogs.approval import ApprovalScreen  # noqa: PLC0415

        verdict = await self._screen.host.push_screen_wait(ApprovalScreen(request))
        if self.session is not None:
            self.session.answer(request.request_id, verdict.choice, verdict.message)

    async def _put(self, request: QuestionAsked) -> None:
        from ralex.tui.screens.dialogs.question import QuestionScreen  # noqa: PLC0415

        answer = await self._screen.host.push_screen_wait(QuestionScreen(request))
        if self.session is not None:
            self.session.answer(request.request_id, answer)
