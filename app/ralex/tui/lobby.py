"""What comes before the first session: questions that must be answered before anything is opened.

The chat is on the screen behind them, and what the command line asked for waits there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from textual.app import App

from ralex.config.model import Config
from ralex.errors import ConfigError, MissingKeyError

if TYPE_CHECKING:
    from ralex.providers.local_servers import LocalServer
    from ralex.tui.screens.setup.desk import Loader, Trier

NO_KEY_EXIT = MissingKeyError.exit_code
_LEFT = "ralex: no provider is set up; start it again to choose one, or see it work: ralex demo"


class Holder(Protocol):
    """Who opens the session; ``ralex.opener.EngineOpener`` fits."""

    def hold(self) -> None:
        """Wait before opening."""
        ...

    def go_on(self, config: Config) -> None:
        """Open with this configuration now."""
        ...


class Lobby:
    """Asks what has to be asked, then lets the session open.

    Args:
        opener: Held until everything is answered.
        load: Reads the configuration again, once an answer changed it.
        trial: Makes the test call; None is the real one.
        find: Looks for servers on this machine; None is the real one.

    Attributes:
        wants_demo: The user chose the demo instead.
    """

    def __init__(
        self,
        opener: Holder,
        config: Config,
        *,
        environ: Mapping[str, str],
        load: "Loader",
        trial: "Trier | None" = None,
        find: "Callable[[], Sequence[LocalServer]] | None" = None,
    ) -> None:
        self.wants_demo = False
        self._opener = opener
        self._config = config
        self._environ = environ
        self._load = load
        self._trial = trial
        self._find = find
        opener.hold()

    async def receive(self, app: App[None]) -> Sequence[str]:
        """Ask, and give the warnings of the configuration that is used in the end."""
        from ralex.config.load import usable_providers  # noqa: PLC0415

        if self._config.untrusted:
            await self._ask_for_trust(app)
        if not usable_providers(self._config) and not await self._set_up(app):
            return ()
        self._opener.go_on(self._config)
        return self._config.warnings

    async def _ask_for_trust(self, app: App[None]) -> None:
        from ralex.config.trust import Trust, TrustBook  # noqa: PLC0415
        from ralex.tui.screens.dialogs.trust import TrustScreen  # noqa: PLC0415

        book = TrustBook(Path(self._config.home))
        failure = ""
        for file in self._config.untrusted:
            answer = await app.push_screen_wait(TrustScreen(file))
            try:
                if answer is not None:
                    book.remember(file.path, file.digest, answer)
                self._config = self._load(self._environ, None)
            except ConfigError as error:
                if answer is Trust.TRUSTED:
                    book.forget(file.path)
                failure = f"{file.path} could not be applied: {error.message}"
        if failure:
            self._config = replace(self._config, warnings=(*self._config.warnings, failure))

    async def _set_up(self, app: App[None]) -> bool:
        from ralex.tui.screens.setup.desk import SetupDesk, find_servers, try_model  # noqa: PLC0415
        from ralex.tui.screens.setup.screen import SetupScreen  # noqa: PLC0415

        desk = SetupDesk(
            home=Path(self._config.home),
            environ=self._environ,
            load=self._load,
            trial=self._trial or try_model,
            find=self._find or find_servers,
        )
        done = await app.push_screen_wait(SetupScreen(desk))
        if done is None:
            app.exit(return_code=NO_KEY_EXIT, message=_LEFT)
            return False
        if done.config is None:
            self.wants_demo = True
            app.exit()
            return False
        self._config = done.config
        return True
