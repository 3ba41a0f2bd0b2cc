"""The linear mode: ask, tell, ask again; no screen, no colours, nothing that moves.

The main thread asks and prints; the session lives on a loop of its own. Ctrl+C stops the turn that
runs, and leaves at the prompt. SIGTERM and SIGHUP stop it too, store it, and end the process.
"""

import queue
import signal
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from ralex.config.model import Config
from ralex.core.events import (
    AgentEvent,
    ApprovalRequested,
    QuestionAsked,
    TurnFailed,
    TurnFinished,
)
from ralex.core.terminal_text import clean_line, mask_secrets
from ralex.errors import RalexError
from ralex.logs import log_to_file
from ralex.opener import EngineOpener
from ralex.plain.commands import PlainCommands
from ralex.plain.loop_thread import LoopThread
from ralex.plain.narrator import Narrator, day_words
from ralex.plain.terminal import Terminal
from ralex.slash import Typed, read_command, read_shell
from ralex.version import __version__

if TYPE_CHECKING:
    from ralex.agent.session import Session
    from ralex.demo.stage import Stage
    from ralex.run_options import RunOptions

T = TypeVar("T")

INTERRUPTED = 130


class _KilledError(BaseException):
    """The process was told to end; no ordinary handler may take this for its own trouble."""

    def __init__(self, number: int) -> None:
        self.number = number


def run_plain(config: Config, options: "RunOptions", *, prompts: Sequence[str] = ()) -> int:
    """Talk until the user leaves, and give the exit code."""
    log_to_file(config.home)
    return _talk(config, EngineOpener(config, options), prompts)


def run_demo_plain() -> int:
    """Play the demo in lines, and let the user go on."""
    from ralex.demo.stage import set_stage  # noqa: PLC0415

    with set_stage() as stage:
        return _talk(stage.config, demo_opener(stage), stage.story.prompts)


def demo_opener(stage: "Stage") -> EngineOpener:
    """Open sessions with the scripted model."""
    from ralex.demo.story import LABEL  # noqa: PLC0415
    from ralex.run_options import RunOptions  # noqa: PLC0415

    options = RunOptions(cwd=stage.project, label=LABEL)
    return EngineOpener(stage.config, options, providers={"demo": stage.provider})


def _talk(config: Config, opener: EngineOpener, prompts: Sequence[str]) -> int:
    try:
        with _deadly_signals(), LoopThread() as loop:
            try:
                session = loop.call(opener.open())
                talk = _Talk(loop, PlainCommands(opener, session), config)
                return talk.run(prompts)
            finally:
                loop.call(opener.aclose())
    except _KilledError as killed:
        return 128 + killed.number
    except KeyboardInterrupt:
        return INTERRUPTED


class _Talk:
    """One conversation in lines."""

    def __init__(self, loop: LoopThread, commands: PlainCommands, config: Config) -> None:
        self._loop = loop
        self._commands = commands
        self._config = config
        self._terminal = Terminal(config.home, commands.completions)
        self._narrator = Narrator()

    @property
    def _session(self) -> "Session":
        return self._commands.session

    def run(self, prompts: Sequence[str]) -> int:
        """Take prompts until there are no more."""
        self._terminal.open()
        try:
            self._greet()
            for prompt in prompts:
                self._say(f"You: {prompt}")
                self._turn(prompt)
            return self._take_prompts()
        finally:
            self._terminal.close()

    def _greet(self) -> None:
        session = self._session
        if session.label:
            self._say(session.label)
        branch = f", branch {session.branch}" if session.branch else ""
        budget = self._loop.call(session.budget())
        self._say(f"ralex {__version__}, plain mode. /help lists the commands; Ctrl+D leaves.")
        self._say(f"Project: {session.project}{branch}. Mode: {session.mode}.")
        self._say(f"Router: {session.router.name}. Today: {day_words(budget)}.")
        for text in (*self._config.warnings, *session.notices):
            self._say(f"Warning: {mask_secrets(text)}")
        if session.totals.turns:
            self._tell(self._loop.call(self._commands.retold()))

    def _take_prompts(self) -> int:
        while True:
            try:
                text = self._terminal.prompt().strip()
            except EOFError:
                self._say()
                return 0
            except KeyboardInterrupt:
                self._say()
                if self._terminal.typed:  # as a shell does: the line is dropped
                    continue
                return INTERRUPTED
            shell = read_shell(text)
            if shell is not None:
                self._shell(*shell)
                continue
            typed = read_command(text)
            if typed is not None and typed.name in {"quit", "exit"}:
                return 0
            own = None if typed is None else self._commands.prompt_of(typed)
            if own is not None:
                self._turn(own)
            elif typed is not None:
                self._command(typed)
            elif text:
                self._turn(text)

    def _shell(self, command: str, is_shared: bool) -> None:  # noqa: FBT001 - as read
        """Run a command of the user's; Ctrl+C ends it, and what it printed is kept."""
        try:
            ran = self._loop.call(self._session.run_shell(command, is_shared=is_shared))
        except KeyboardInterrupt:
            self._say("Stopped.")
        except RalexError as error:
            self._fail(error)
        else:
            self._tell(self._narrator.lines(ran))

    def _command(self, typed: Typed) -> None:
        try:
            self._tell(self._loop.call(self._commands.run(typed)))
        except KeyboardInterrupt:
            self._say(f"Stopped: /{typed.name}")
        except RalexError as error:
            self._fail(error)

    def _turn(self, prompt: str) -> None:
        """Run one turn; Ctrl+C stops it, and what was done is kept."""
        events: queue.SimpleQueue[AgentEvent | None] = queue.SimpleQueue()
        job = self._loop.begin(_play(self._session, prompt, events.put))
        has_ended = False
        try:
            while (event := events.get()) is not None:
                has_ended = isinstance(event, TurnFinished | TurnFailed)
                self._tell(self._narrator.lines(event))
                if isinstance(event, ApprovalRequested):
                    self._approve(event)
                elif isinstance(event, QuestionAsked):
                    self._answer(event)
            job.result()
        except KeyboardInterrupt:
            job.stop()
            self._say()
            failure = self._session.last_failure
            if failure is not None and not has_ended:
                self._tell(self._narrator.lines(failure))
        except RalexError as error:
            self._fail(error)
        except BaseException:
            job.stop()
            raise

    def _approve(self, request: ApprovalRequested) -> None:
        """Ask for one of the choices; the first, harmless one stands for no answer."""
        choices = request.choices
        self._say(f"Approval needed: {clean_line(request.name)} {clean_line(request.title)}")
        if request.reason:
            self._say(f"Why: {clean_line(request.reason)}")
        if request.pattern:
            self._say(f"Always would allow: {clean_line(request.pattern)}")
        answer = self._asked(f"Answer {' or '.join(choices)}: ").lower()
        chosen = next((each for each in choices if answer and each.startswith(answer)), choices[0])
        self._say(f"Chosen: {chosen}")
        told = (
            self._asked("What should the model know? (may be empty) ") if chosen == "deny" else ""
        )
        self._on_loop(lambda: self._session.answer(request.request_id, chosen, told))

    def _answer(self, asked: QuestionAsked) -> None:
        """Put the model's question; a number takes an option, and anything else is free text."""
        self._say(f"Question: {clean_line(asked.question)}")
        for number, option in enumerate(asked.options, start=1):
            self._say(f"{number}: {clean_line(option)}")
        answer = self._asked("Answer: ")
        if answer.isdecimal() and 1 <= int(answer) <= len(asked.options):
            answer = asked.options[int(answer) - 1]
        self._on_loop(lambda: self._session.answer(asked.request_id, answer))

    def _asked(self, question: str) -> str:
        """Ask for a line; the end of input is an empty one."""
        try:
            return self._terminal.ask(question).strip()
        except EOFError:
            return ""

    def _on_loop(self, action: Callable[[], T]) -> T:
        """Do something to the session on the thread it lives on."""

        async def act() -> T:
            return action()

        return self._loop.call(act())

    def _fail(self, error: RalexError) -> None:
        self._say(f"Error: {mask_secrets(error.message)}")
        if error.hint:
            self._say(f"Hint: {mask_secrets(error.hint)}")

    def _tell(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._say(line)

    def _say(self, line: str = "") -> None:
        self._terminal.say(line)


async def _play(session: "Session", prompt: str, put: Callable[[AgentEvent | None], None]) -> None:
    """Pass a turn's events on; None is after the last, however it ended."""
    try:
        async with session.turn(prompt) as events:
            async for event in events:
                put(event)
    finally:
        put(None)


@contextmanager
def _deadly_signals() -> Generator[None, None, None]:
    """Let SIGTERM and SIGHUP end the conversation in order, once."""

    def end(number: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise _KilledError(number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(each, end) for each in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
