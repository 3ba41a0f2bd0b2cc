"""Opens, copies and writes out the sessions of one engine, for front ends in which people talk.

Everything heavy is imported when the first session is opened, so that a first frame or a first
prompt need not wait for it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ralex.config.model import Config
from ralex.core.ids import SessionId
from ralex.errors import SessionLockedError, SessionNotFoundError, UsageError

if TYPE_CHECKING:
    import asyncio

    from ralex.agent.session import Session
    from ralex.core.events import AgentEvent
    from ralex.opened import ClosableProvider
    from ralex.run_options import RunOptions
    from ralex.store.session_search import SearchHit, SessionPreview
    from ralex.store.sessions import StoredSession
    from ralex.wiring import Engine

_MOST_LISTED = 500
_PARTS = (
    "ralex.agent.opening",
    "ralex.config.scorers",
    "ralex.tools.registry",
    "ralex.store.ledger",
    "ralex.store.sessions",
    "ralex.dispatch.callers",
    "ralex.observe.observer",
)
"""What opening a session takes longest to import; on the event loop no key would be heard."""


class EngineOpener:
    """Opens sessions of one engine; imports and opens nothing until asked.

    Args:
        providers: Adapters that stand in for configured ones, as the demo's does.
    """

    def __init__(
        self,
        config: Config,
        options: "RunOptions",
        *,
        providers: "dict[str, ClosableProvider] | None" = None,
    ) -> None:
        self._config = config
        self._options = options
        self._providers = providers
        self._engine: Engine | None = None
        self._session: Session | None = None
        self._is_held: asyncio.Event | None = None

    def hold(self) -> None:
        """Let ``open`` wait for ``go_on``: there are questions to be answered first."""
        import asyncio  # noqa: PLC0415

        self._is_held = asyncio.Event()

    def go_on(self, config: Config) -> None:
        """Open with this configuration now."""
        self._config = config
        if self._is_held is not None:
            self._is_held.set()

    async def open(self) -> "Session":
        """Open the session the command line asked for."""
        from ralex.behind import import_behind  # noqa: PLC0415

        await import_behind(_PARTS)
        if self._is_held is not None:
            await self._is_held.wait()
        return await self._use(self._options)

    async def new(self) -> "Session":
        """Start a fresh session in the same project, with the router in charge again."""
        return await self._use(self._other())

    async def stored(self) -> "list[StoredSession]":
        """List this project's sessions in which something was asked, the newest first."""
        store = await self._open_engine().sessions()
        return await store.list_sessions(str(self._options.cwd), _MOST_LISTED)

    async def search(self, text: str) -> "list[SearchHit]":
        """Find this project's sessions whose title or content holds a text."""
        store = await self._open_engine().sessions()
        return await store.search(text, project=str(self._options.cwd))

    async def look(self, session_id: SessionId) -> "list[AgentEvent]":
        """Read what was said in a stored session, without opening it.

        Raises:
            SessionNotFoundError: If there is none.
        """
        return await (await self._open_engine().sessions()).load(session_id)

    async def rename(self, session_id: SessionId, title: str) -> None:
        """Give a stored session another title; the open one is told as well.

        Raises:
            SessionNotFoundError: If there is none.
        """
        if self._session is not None and self._session.id == session_id:
            await self._session.rename(title)
        else:
            await (await self._open_engine().sessions()).rename(session_id, title)

    async def delete(self, session_id: SessionId) -> None:
        """Delete a stored session for good, and the outputs that were kept for it.

        Raises:
            UsageError: If it is the open one.
            SessionLockedError: If another living process writes it.
        """
        if self._session is not None and self._session.id == session_id:
            raise UsageError("this session is open", hint="open another one first")
        engine = self._open_engine()
        await (await engine.sessions()).delete(session_id)
        from ralex.tools.kept_outputs import forget  # noqa: PLC0415

        forget(engine.config.home / "tool-output", session_id)

    async def preview(self, name: str) -> "SessionPreview":
        """Show a stored session in a few lines.

        Args:
            name: Its id, or as much of it as is unique.

        Raises:
            SessionNotFoundError: If there is none, or more than one.
        """
        store = await self._open_engine().sessions()
        return await store.preview(await store.find(name))

    async def resume(self, name: str) -> "Session":
        """Take up a stored session in the place of the open one.

        Raises:
            SessionNotFoundError: If there is none, or more than one.
            SessionLockedError: If another living process writes it.
        """
        found = await (await self._open_engine().sessions()).find(name)
        if self._session is not None and found == self._session.id:
            raise UsageError("this session is the one that is open")
        try:
            return await self._use(self._other(found))
        except SessionLockedError as error:
            hint = f"close it there, or go on in a copy: /fork {found}"
            raise SessionLockedError(error.message, hint=hint) from error

    async def fork(self, name: str) -> "Session":
        """Go on in a copy of a stored session, which may be open elsewhere.

        Raises:
            SessionNotFoundError: If there is none, or more than one.
        """
        before = self._session
        copy = await self._use(self._other(name, forks=True))
        if before is not None and before.id == name:
            copy.set_override(before.override)
        return copy

    async def export(self, form: Literal["md", "json", "html"], path: str) -> Path:
        """Write the open session to a file, and tell which.

        Raises:
            UsageError: If the file exists already or cannot be written.
        """
        import asyncio  # noqa: PLC0415

        from ralex.store.transcript import exported  # noqa: PLC0415

        if self._session is None:
            raise SessionNotFoundError("no session is open")
        session_id = self._session.id
        store = await self._open_engine().sessions()
        session, events = await store.get(session_id), await store.load(session_id)
        return await asyncio.to_thread(
            lambda: _write_new(
                self._options.cwd,
                path,
                default=f"ralex-{session_id}.{form}",
                text=exported(form, session, events),
            )
        )

    async def aclose(self) -> None:
        """Close everything that was opened."""
        if self._engine is not None:
            await self._engine.aclose()

    def _other(self, name: str = "", *, forks: bool = False) -> "RunOptions":
        from dataclasses import replace  # noqa: PLC0415

        return replace(
            self._options, resume=name, continues=False, forks=forks, model="", tier=None
        )

    async def _use(self, options: "RunOptions") -> "Session":
        """Open a session, and only then let other processes have the one before."""
        engine, before = self._open_engine(), self._session
        self._session = await engine.session(options)
        if before is not None and before.id != self._session.id:
            await before.aclose()
            await (await engine.sessions()).release(before.id)
        return self._session

    def _open_engine(self) -> "Engine":
        if self._engine is None:
            from ralex.wiring import Engine  # noqa: PLC0415

            self._engine = Engine(self._config, providers=self._providers)
        return self._engine


def _write_new(folder: Path, path: str, *, default: str, text: str) -> Path:
    """Write a file that did not exist; one named by us gets a number if it did."""
    target = folder / (Path(path).expanduser() if path else default)
    number = 1
    while not path and target.exists():
        number += 1
        target = folder / f"{Path(default).stem}-{number}{Path(default).suffix}"
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{target} exists already", hint="name another file") from error
    except OSError as error:
        text = f"{target} cannot be written: {error.strerror or error}"
        raise UsageError(text, hint="name another file") from error
    return target
