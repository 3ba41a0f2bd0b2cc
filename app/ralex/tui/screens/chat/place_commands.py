"""Commands about what belongs to the place: instruction files, own commands, background jobs."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ralex.agent.context import instruction_blocks
from ralex.agent.standards import agent_os_files
from ralex.config.paths import home_folder
from ralex.core.tokens import estimate_tokens
from ralex.custom_commands import CustomCommand, find_commands
from ralex.tui import formats
from ralex.tui.rows import shown, shown_line
from ralex.tui.widgets.transcript.items import NoticeItem, ReportItem

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen

_MOST_LISTED = 40


class PlaceCommands:
    """Runs ``/standards``, ``/commands`` and ``/jobs``; knows the user's own commands."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self.own: Mapping[str, CustomCommand] = {}
        self.table: dict[str, Callable[[str], Awaitable[None]]] = {
            "standards": self._standards,
            "commands": self._commands,
            "jobs": self._jobs,
        }

    async def read_own(self) -> Mapping[str, CustomCommand]:
        """Read the user's own commands anew; they are files that may change at any time."""
        session = self._screen.session
        if session is not None:
            project, home = Path(session.project), home_folder(os.environ)
            self.own = await asyncio.to_thread(find_commands, project, home, _user_home())
        return self.own

    async def _standards(self, _argument: str) -> None:
        session = self._session()
        if session is None:
            return
        project = Path(session.project)
        blocks = await asyncio.to_thread(instruction_blocks, project)
        lines = [
            (shown_line(block.label), f"~{formats.tokens(estimate_tokens(block.text))} tokens")
            for block in blocks
        ]
        if blocks:
            lines.append(("", "the nearest file has the last word"))
        else:
            lines.append(("none", "AGENTS.md (or CLAUDE.md) in the project would be read"))
        self._screen.show(ReportItem(title="Instructions in force", lines=tuple(lines)))
        standards = await asyncio.to_thread(agent_os_files, project)
        if standards:
            rows = [(shown_line(name), shown_line(about)) for name, about in standards]
            left_out = len(rows) - _MOST_LISTED
            rows = rows[:_MOST_LISTED]
            if left_out > 0:
                rows.append(("…", formats.count(left_out, "more file")))
            rows.append(("", "not sent by themselves: name one with @ to send it along"))
            self._screen.show(ReportItem(title="Agent OS", lines=tuple(rows)))

    async def _commands(self, _argument: str) -> None:
        own = await self.read_own()
        if not own:
            text = (
                "There are no commands of your own yet: a file .ralex/commands/review.md becomes "
                "/review; $ARGUMENTS in it is what you type behind the name."
            )
            self._screen.show(NoticeItem(level="info", text=text))
            return
        lines = [
            (shown_line(one.entry().usage), shown_line(one.help), shown_line(str(one.path.parent)))
            for one in own.values()
        ]
        self._screen.show(ReportItem(title="Commands of your own", lines=tuple(lines)))

    async def _jobs(self, argument: str) -> None:
        session = self._session()
        if session is None:
            return
        word, _, rest = argument.partition(" ")
        if word == "kill" and rest.strip().isdecimal():
            job = await session.kill_job(int(rest))
            self._say(f"Job {job.id} {job.ending}: {shown_line(job.command)}")
            return
        if argument:
            self._screen.show_error(f"/jobs does not know {argument}", "/jobs, or /jobs kill 2")
            return
        jobs = session.jobs()
        if not jobs:
            self._say("Nothing runs in the background.")
            return
        lines: list[tuple[str, str]] = []
        for job in jobs:
            lines.append((f"{job.id}", f"{job.ending}  {shown_line(job.command)}"))
            lines.append(("", shown_line(str(job.output))))
        self._screen.show(ReportItem(title="Background jobs", lines=tuple(lines)))

    def _session(self) -> "ChatSession | None":
        if self._screen.session is None:
            self._screen.show_error("the session is not open yet", "try again in a moment")
        return self._screen.session

    def _say(self, text: str) -> None:
        self._screen.show(NoticeItem(level="info", text=shown(text)))


def _user_home() -> Path | None:
    home = os.environ.get("HOME", "").strip()
    return Path(home) if home else None
