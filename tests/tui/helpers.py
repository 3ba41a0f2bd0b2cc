"""Drive the app in tests: fixed clock, fixed size, and waiting for what happens."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from ralex.tui.app import RalexApp
from ralex.tui.lobby import Lobby
from ralex.tui.preferences import Preferences
from ralex.tui.screens.chat.screen import ChatScreen
from ralex.tui.widgets.status.status import StatusBar
from tests.tui.fake_session import FakeOpener, FakeSession


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Driver:
    """A running app with shortcuts for tests."""

    def __init__(self, app: RalexApp, pilot: Pilot[None], opener: FakeOpener, clock: Clock) -> None:
        self.app = app
        self.pilot = pilot
        self.opener = opener
        self.clock = clock

    @property
    def session(self) -> FakeSession:
        return self.opener.session

    @property
    def chat(self) -> ChatScreen:
        screen = self.app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        return screen

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the app work until something holds."""
        async with asyncio.timeout(60):
            while not condition():
                await self.pilot.pause()
                await asyncio.sleep(0.002)
        await self.pilot.pause()

    async def ready(self) -> None:
        await self.until(lambda: self.chat.session is not None)
        await self.until(lambda: self.chat.query_one(StatusBar).status.budget is not None)

    async def idle(self) -> None:
        """Wait until no turn runs and nothing is queued."""
        await self.ready()
        await self.until(lambda: not self.chat.is_turn_running and not self.chat.conversation.queue)

    async def type(self, text: str) -> None:
        for letter in text:
            await self.pilot.press(
                {" ": "space", "/": "slash", "!": "exclamation_mark"}.get(letter, letter)
            )

    async def send(self, text: str) -> None:
        self.chat.prompt.put(text)
        self.chat.prompt.submit()
        await self.pilot.pause()

    def rows(self) -> list[str]:
        """The transcript as it is on the screen."""
        transcript = self.chat.transcript
        return [transcript.render_line(y).text.rstrip() for y in range(transcript.size.height)]

    def text(self) -> str:
        return "\n".join(self.rows())

    def bar(self) -> str:
        return self.chat.query_one(StatusBar).render().plain


@asynccontextmanager
async def running(
    *sessions: FakeSession,
    opener: FakeOpener | None = None,
    size: tuple[int, int] = (80, 24),
    prompts: Sequence[str] = (),
    theme: str = "ralex-dark",
    warnings: Sequence[str] = (),
    home: Path | None = None,
    lobby: Lobby | None = None,
    preferences: Preferences | None = None,
) -> AsyncGenerator[Driver, None]:
    """Run the app without a terminal."""
    opener = opener or FakeOpener(sessions[0] if sessions else FakeSession())
    clock = Clock()
    app = RalexApp(
        opener,
        theme=theme,
        prompts=prompts,
        warnings=warnings,
        home=home,
        preferences=preferences or Preferences(home=home),
        clock=clock,
        is_still=True,
        lobby=lobby,
    )
    async with app.run_test(size=size) as pilot:
        yield Driver(app, pilot, opener, clock)
