"""Commands that choose, copy, name and write out sessions."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from ralex.tui.rows import shown, shown_line
from ralex.tui.widgets.transcript.items import NoticeItem

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession, ExportForm
    from ralex.tui.screens.chat.screen import ChatScreen

EXPORT_FORMS: Final["Mapping[str, ExportForm]"] = {"md": "md", "json": "json", "html": "html"}
_SUFFIXES: Final["Mapping[str, ExportForm]"] = {".json": "json", ".html": "html", ".htm": "html"}


class SessionCommands:
    """Runs ``/new``, ``/sessions``, ``/resume``, ``/fork``, ``/rename`` and ``/export``."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self.table: dict[str, Callable[[str], Awaitable[None]]] = {
            "new": self._new,
            "sessions": self._sessions,
            "resume": self._resume,
            "fork": self._fork,
            "rename": self._rename,
            "export": self._export,
        }

    async def _new(self, _argument: str) -> None:
        self._open(self._screen.opener.new)

    async def _sessions(self, _argument: str) -> None:
        from ralex.tui.screens.sessions.screen import SessionsScreen  # noqa: PLC0415

        found = await self._screen.opener.stored()
        if not found:
            self._say("There is no other session in this project yet.")
            return
        session = self._screen.session
        current = session.id if session is not None else ""
        screen = SessionsScreen(self._screen.opener, found, current=current)
        chosen = await self._screen.host.push_screen_wait(screen)
        self._screen.show_session()
        if chosen is not None and chosen.way == "fork":
            await self._fork(chosen.id)
        elif chosen is not None:
            self._take_up(chosen.id)

    async def _resume(self, argument: str) -> None:
        if argument:
            self._take_up(argument)
        else:
            await self._sessions("")

    def _take_up(self, name: str) -> None:
        session = self._screen.session
        if session is not None and session.id == name:
            self._say("This session is the one that is open.")
        else:
            self._open(lambda: self._screen.opener.resume(name))

    async def _fork(self, argument: str) -> None:
        session = self._screen.session
        name = argument or (session.id if session is not None else "")
        if name:
            told = "This is a copy; the session it was made from stays as it is."
            self._open(lambda: self._screen.opener.fork(name), told=told)

    async def _rename(self, argument: str) -> None:
        session = self._screen.session
        title = shown_line(argument)
        if session is None or not title:
            self._screen.show_error("a title is missing", "/rename Discount codes")
            return
        await session.rename(title)
        self._screen.show_session()
        self._say(f"The session is called “{title}” now.")

    async def _export(self, argument: str) -> None:
        first, _, rest = argument.partition(" ")
        if first in EXPORT_FORMS:
            form, path = EXPORT_FORMS[first], rest.strip()
        else:
            suffix = argument[argument.rfind(".") :].lower() if "." in argument else ""
            form, path = _SUFFIXES.get(suffix, "md"), argument
        written = await self._screen.opener.export(form, path)
        self._say(f"The session is in {written}")

    def _open(self, opens: "Callable[[], Awaitable[ChatSession]]", *, told: str = "") -> None:
        if self._screen.is_turn_running:
            self._screen.say_that_a_turn_runs()
        else:
            self._screen.conversation.open(opens, told=told)

    def _say(self, text: str) -> None:
        self._screen.show(NoticeItem(level="info", text=shown(text)))
