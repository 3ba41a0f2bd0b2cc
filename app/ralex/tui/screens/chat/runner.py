"""Slash commands: one method for each, found by the command's name."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from ralex.custom_commands import matching_commands
from ralex.errors import RalexError
from ralex.slash import COMMANDS, Command, Typed, find_command, nearest_name
from ralex.tui import formats
from ralex.tui.ports import ChatSession
from ralex.tui.screens.chat.choosing_commands import ChoosingCommands
from ralex.tui.screens.chat.conversation import Waiting
from ralex.tui.screens.chat.place_commands import PlaceCommands
from ralex.tui.screens.chat.session_commands import EXPORT_FORMS, SessionCommands
from ralex.tui.screens.chat.work_commands import WorkCommands
from ralex.tui.widgets.transcript.items import NoticeItem, ReportItem, RouteItem

if TYPE_CHECKING:
    from ralex.tui.screens.chat.screen import ChatScreen

_NEED_NO_SESSION: Final = frozenset({"clear", "copy", "find", "help", "quit", "theme"})

_logger = logging.getLogger(__name__)


class CommandRunner:
    """Runs commands on a screen."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self._choosing = ChoosingCommands(screen)
        self._place = PlaceCommands(screen)
        self._commands: dict[str, Callable[[str], Awaitable[None]]] = {
            "why": self._why,
            "budget": self._budget,
            "cost": self._cost,
            **self._choosing.table,
            **SessionCommands(screen).table,
            **WorkCommands(screen).table,
            **self._place.table,
            "theme": self._theme,
            "find": self._find,
            "copy": self._copy,
            "clear": self._clear,
            "help": self._help,
            "quit": self._quit,
        }

    @property
    def names(self) -> set[str]:
        """Commands that can be run; the same as those in the registry."""
        return set(self._commands)

    async def run(self, typed: Typed) -> None:
        """Run a command; whatever goes wrong becomes an entry of the transcript."""
        command = find_command(typed.name)
        if command is None:
            await self._run_own(typed)
            return
        if command.name not in _NEED_NO_SESSION:
            await self._screen.conversation.opened()
        try:
            await self._commands[command.name](typed.argument)
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
        except Exception as error:
            _logger.exception("/%s failed", command.name)
            self._screen.show_error(f"/{command.name} failed: {error}", "the log file says more")

    async def _run_own(self, typed: Typed) -> None:
        """Send the text of a command of the user's own as a prompt."""
        own = await self._place.read_own()
        command = own.get(typed.name.lower())
        if command is None:
            near = nearest_name(typed.name, own)
            hint = f"did you mean /{near}?" if near else "type / to see all commands"
            self._screen.show_error(f"/{typed.name} is not a command", hint)
            return
        seen = f"/{typed.name} {typed.argument}".rstrip()
        self._screen.transcript.follow()
        self._screen.conversation.submit(Waiting(command.prompt(typed.argument), seen))

    async def offer(self) -> None:
        """List all commands to choose one; one that needs words goes into the prompt."""
        await self.refresh()
        commands = {command.name: command for command in (*self.own(""), *COMMANDS)}

        def run(name: str) -> None:
            argument = commands[name].argument
            is_own = find_command(name) is None
            if argument and (is_own or not argument.startswith("[")):
                self._screen.prompt.put(f"/{name} ")
            else:
                self._screen.run_command(Typed(name, ""))

        self._screen.pick(
            "Commands",
            {name: command.help for name, command in commands.items()},
            labels={name: command.usage for name, command in commands.items()},
            then=run,
        )

    async def refresh(self) -> None:
        """Read what may have changed on the disk since commands were listed last."""
        await self._place.read_own()

    def own(self, typed: str) -> Sequence[Command]:
        """List commands of the user's own for what was typed after the slash."""
        return matching_commands(typed, self._place.own)

    def arguments(self) -> dict[str, dict[str, str]]:
        """Possible arguments of commands, for completion."""
        known = self._choosing.arguments()
        known["theme"] = dict.fromkeys(self._screen.themes.names(), "")
        known["export"] = dict.fromkeys(EXPORT_FORMS, "")
        known["diff"] = {"session": "everything since the session began"}
        return known

    async def _why(self, _argument: str) -> None:
        session = self._session()
        if session is None:
            return
        if session.last_route is None:
            self._screen.show(NoticeItem(level="info", text="No turn was routed yet."))
            return
        last = self._screen.transcript.newest(RouteItem)
        receipt = last.receipt if isinstance(last, RouteItem) else None
        self._screen.show(RouteItem(route=session.last_route, receipt=receipt, is_open=True))

    async def _budget(self, _argument: str) -> None:
        self._screen.action_budget()

    async def _cost(self, _argument: str) -> None:
        session = self._session()
        if session is None:
            return
        rows = await session.spend("session", days=366)
        own = next((row for row in rows if row.key == session.id), None)
        budget = await session.budget()
        lines: list[tuple[str, ...]] = []
        if own is None:
            lines.append(("this session", formats.usd_cents(budget.spent_usd * 0), "no calls yet"))
        else:
            used = f"{formats.tokens(own.usage.total_tokens)} tokens"
            calls = formats.count(own.calls, "call")
            saved = f"~{formats.usd(own.saved_usd)} saved"
            lines.append(("this session", formats.usd(own.cost_usd), used, calls, saved))
        limit = (
            "no limit" if budget.limit_usd is None else f"of {formats.usd_cents(budget.limit_usd)}"
        )
        saved = f"{formats.about_cents(budget.saved_usd)} saved"
        lines.append(("today", formats.usd_cents(budget.spent_usd), limit, "", saved))
        if budget.held_usd:
            lines.append(("held", formats.usd_cents(budget.held_usd), "for calls in flight"))
        self._screen.show(ReportItem(title="Cost", lines=tuple(lines)))

    async def _theme(self, argument: str) -> None:
        if argument:
            self._screen.set_theme(argument)
            return
        before = self._screen.host.theme
        self._screen.pick(
            "Theme",
            self._screen.themes.hints(),
            current=before,
            preview=self._screen.set_theme,
            then=self._screen.set_theme,
            otherwise=lambda: self._screen.set_theme(before),
        )

    async def _find(self, argument: str) -> None:
        await self._screen.open_search(argument)

    async def _copy(self, _argument: str) -> None:
        self._screen.action_copy_code()

    async def _clear(self, _argument: str) -> None:
        if self._screen.is_turn_running:
            self._screen.say_that_a_turn_runs()
            return
        self._screen.transcript.load([])

    async def _help(self, _argument: str) -> None:
        self._screen.action_help()

    async def _quit(self, _argument: str) -> None:
        await self._screen.action_leave()

    def _session(self) -> ChatSession | None:
        if self._screen.session is None:
            self._screen.show_error("the session is not open yet", "try again in a moment")
        return self._screen.session
