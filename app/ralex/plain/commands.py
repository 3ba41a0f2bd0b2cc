"""Slash commands of the linear mode: the same names and arguments as on the screen, told in lines.

What only a screen can do says so. Lists are printed, and the choice is typed with the command.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ralex.agent.context import instruction_blocks
from ralex.agent.standards import agent_os_files
from ralex.config.paths import home_folder
from ralex.core import formats
from ralex.core.budget import SpendRow
from ralex.core.chains import serving_tier
from ralex.core.ids import ModelId
from ralex.core.pricing import is_free, rates_at
from ralex.core.routing import Override, Router
from ralex.core.terminal_text import clean, clean_line
from ralex.core.tiers import TIERS, Tier
from ralex.custom_commands import CustomCommand, find_commands
from ralex.errors import UsageError
from ralex.plain.narrator import Narrator, day_words, diff_lines, route_words
from ralex.slash import COMMANDS, Typed, find_command, matching, nearest_name, read_length

if TYPE_CHECKING:
    from ralex.agent.session import Session
    from ralex.opener import EngineOpener
    from ralex.undo.model import UndoReport

Lines = list[str]

SCREEN_ONLY = frozenset({"theme", "find", "copy", "clear"})
"""Commands about the screen itself."""

_MOST_LISTED = 20
_LENGTHS = "with ! behind it, for one turn; with the word task, for a task."
_FORMS: dict[str, Literal["md", "json", "html"]] = {"md": "md", "json": "json", "html": "html"}


class PlainCommands:
    """Runs commands on the open session, which some of them replace.

    Attributes:
        session: The open session.
    """

    def __init__(self, opener: "EngineOpener", session: "Session") -> None:
        self.session = session
        self._opener = opener
        self._table: dict[str, Callable[[str], Awaitable[Lines]]] = {
            "model": self._model,
            "tier": self._tier,
            "jobs": self._jobs,
            "standards": self._standards,
            "auto": self._auto,
            "mode": self._mode,
            "router": self._router,
            "why": self._why,
            "budget": self._budget,
            "cost": self._cost,
            "new": self._new,
            "sessions": self._sessions,
            "resume": self._resume,
            "fork": self._fork,
            "rename": self._rename,
            "export": self._export,
            "undo": self._undo,
            "redo": self._redo,
            "diff": self._diff,
            "compact": self._compact,
            "context": self._context,
            "commands": self._commands,
            "help": self._help,
        }

    @property
    def names(self) -> frozenset[str]:
        """Commands that can be run here; ``quit`` belongs to the loop."""
        return frozenset(self._table) | {"quit"}

    def prompt_of(self, typed: Typed) -> str | None:
        """Give the prompt a command of the user's own stands for, or None if it is none."""
        if find_command(typed.name) is not None:
            return None
        command = self._own().get(typed.name.lower())
        return None if command is None else command.prompt(typed.argument)

    def _own(self) -> Mapping[str, CustomCommand]:
        """Read the user's own commands anew; they are files that may change at any time."""
        home = os.environ.get("HOME", "").strip()
        return find_commands(
            Path(self.session.project), home_folder(os.environ), Path(home) if home else None
        )

    async def run(self, typed: Typed) -> Lines:
        """Run a command and give what it has to say.

        Raises:
            RalexError: If it is no command, or cannot be done.
        """
        command = find_command(typed.name)
        if command is None:
            near = nearest_name(typed.name, self._own())
            raise UsageError(
                f"/{typed.name} is not a command",
                hint=f"did you mean /{near}?" if near else "/help lists the commands",
            )
        handler = self._table.get(command.name)
        if handler is None:
            raise UsageError(
                f"/{command.name} needs the screen", hint="start ralex without --plain for it"
            )
        return await handler(typed.argument)

    def completions(self, typed: str) -> Sequence[str]:
        """Give what may be meant by what was typed so far, the whole line each."""
        name, space, _ = typed[1:].partition(" ")
        if not space:
            return [f"/{each.name}" for each in matching(name) if each.name in self.names]
        words: Sequence[str] = ()
        if name == "tier":
            words = [tier.value for tier in TIERS]
        elif name == "model":
            words = [model.id for model in self.session.models]
        return [f"/{name} {word}" for word in words]

    async def _model(self, argument: str) -> Lines:
        if not argument:
            return self._models()
        name, once, for_task = read_length(argument)
        override = Override(model=ModelId(name), once=once, for_task=for_task)
        return self._override(override, clean_line(name))

    def _models(self) -> Lines:
        now = datetime.now(UTC)
        router, models = self.session.router, self.session.models
        lines: Lines = []
        for model in models[:_MOST_LISTED]:
            tiers = [tier.value for tier in TIERS if model.id in router.tiers.get(tier, ())]
            price = "price unknown"
            if model.price is not None:
                rates = rates_at(model.price, now, total_input_tokens=0)
                price = f"${rates.input:.2f} in, ${rates.output:.2f} out per million tokens"
                price = "free" if is_free(model.price) else price
            window = formats.tokens(model.context_window) if model.context_window else "unknown"
            serves = f", {' and '.join(tiers)}" if tiers else ""
            lines.append(f"{clean_line(model.id)}: {price}, window {window}{serves}")
        if len(models) > _MOST_LISTED:
            lines.append(f"and {len(models) - _MOST_LISTED} more; `ralex models` lists them")
        return [*lines, f"Choose one with /model and its name; {_LENGTHS}"]

    async def _tier(self, argument: str) -> Lines:
        name, once, for_task = read_length(argument)
        wanted = name.upper()
        tier = next((each for each in TIERS if wanted and each.value.startswith(wanted)), None)
        if tier is not None:
            override = Override(tier=tier, once=once, for_task=for_task)
            return self._override(override, f"tier {tier.value}")
        names = ", ".join(each.value for each in TIERS)
        if wanted:
            raise UsageError(f"{argument} is not a tier", hint=f"the tiers are {names}")
        router = self.session.router
        return [
            *(f"{each.value}: {_serving(router, each)}" for each in TIERS),
            f"Choose one with /tier and its name; {_LENGTHS}",
        ]

    def _override(self, override: Override, what: str) -> Lines:
        self.session.set_override(override)
        until = "for the next turn" if override.once else "until /auto"
        until = "until an ask begins another task" if override.for_task else until
        return [f"{what} answers {until}."]

    async def _jobs(self, argument: str) -> Lines:
        word, _, number = argument.partition(" ")
        if word == "kill" and number.strip().isdecimal():
            job = await self.session.kill_job(int(number))
            return [f"Job {job.id} {job.ending}: {clean_line(job.command)}"]
        if argument:
            raise UsageError(f"/jobs does not know {argument}", hint="/jobs, or /jobs kill 2")
        jobs = self.session.jobs()
        lines = [f"Job {job.id}, {job.ending}: {clean_line(job.command)}" for job in jobs]
        return lines or ["Nothing runs in the background."]

    async def _standards(self, _argument: str) -> Lines:
        project = Path(self.session.project)
        blocks = await asyncio.to_thread(instruction_blocks, project)
        lines = [f"In force: {clean_line(block.label)}" for block in blocks]
        files = await asyncio.to_thread(agent_os_files, project)
        lines += [f"Agent OS, {about}: {clean_line(name)}" for name, about in files[:_MOST_LISTED]]
        return lines or ["No instruction file is in force; AGENTS.md would be read."]

    async def _auto(self, _argument: str) -> Lines:
        self.session.set_override(None)
        return [f"The router {self.session.router.name} chooses again."]

    async def _mode(self, argument: str) -> Lines:
        if argument:
            self.session.set_mode(argument)
        return [f"The mode is {self.session.mode}; there are yolo, ask and plan."]

    async def _router(self, argument: str) -> Lines:
        if argument:
            self.session.set_router(argument)
        names = ", ".join(self.session.routers)
        return [f"The router is {self.session.router.name}; there are {names}."]

    async def _why(self, _argument: str) -> Lines:
        route = self.session.last_route
        if route is None:
            return ["No turn was routed yet."]
        lines = [f"Route: {route_words(route)}"]
        lines += [f"Reason: {clean_line(reason)}" for reason in route.reasons[1:]]
        if route.estimated_usd is not None:
            lines.append(f"Estimate: {_a_step(route.estimated_usd)}")
        for other in route.alternatives:
            who = f"{other.tier or 'no tier'}, {clean_line(other.model)}"
            why_not = clean_line(other.why_not)
            lines.append(f"Alternative: {who}, {_a_step(other.estimated_usd)}; {why_not}")
        return lines

    async def _budget(self, _argument: str) -> Lines:
        budget = await self.session.budget()
        lines = [f"Today: {day_words(budget)}."]
        if budget.left_usd is not None:
            lines.append(f"Left: {formats.usd_cents(budget.left_usd)}.")
        if budget.alert_usd is not None:
            lines.append(f"Alert at {formats.usd_cents(budget.alert_usd)}.")
        lines.append(f"Saved today: about {formats.usd_cents(budget.saved_usd)}.")
        for by in ("model", "tier"):
            rows = await self.session.spend(by, days=1)
            lines += [f"Today by {by}: {_spend_words(row)}" for row in rows]
        return lines

    async def _cost(self, _argument: str) -> Lines:
        rows = await self.session.spend("session", days=366)
        own = next((row for row in rows if row.key == self.session.id), None)
        budget = await self.session.budget()
        words = "no calls yet" if own is None else _spend_words(own).partition(": ")[2]
        return [f"This session: {words}", f"Today: {day_words(budget)}."]

    async def _new(self, _argument: str) -> Lines:
        before = self.session.router.name
        self.session = await self._opener.new()
        router = self.session.router.name
        again = "" if router == before else f" The router is {router} again."
        return [f"A new session begins.{again}"]

    async def _sessions(self, _argument: str) -> Lines:
        found = await self._opener.stored()
        if not found:
            return ["There is no other session in this project yet."]
        now = time.time()
        lines = [
            f"{each.id}: {clean_line(each.title)}, {formats.age(now - each.updated_s)}, "
            f"{formats.count(each.turns, 'turn')}"
            for each in found[:_MOST_LISTED]
        ]
        if len(found) > _MOST_LISTED:
            lines.append(f"and {len(found) - _MOST_LISTED} more; `ralex sessions` lists them")
        return [*lines, "Go on with one: /resume and its name, or as much of it as is unique."]

    async def _resume(self, argument: str) -> Lines:
        if not argument:
            return await self._sessions("")
        self.session = await self._opener.resume(argument)
        return await self.retold()

    async def _fork(self, argument: str) -> Lines:
        self.session = await self._opener.fork(argument or self.session.id)
        return ["This is a copy; the session it was made from stays as it is."]

    async def retold(self) -> Lines:
        """Tell where a session that was taken up stands: its title, and its last turn."""
        from ralex.core.events import TurnStarted  # noqa: PLC0415

        events = await self.session.history()
        starts = [at for at, event in enumerate(events) if isinstance(event, TurnStarted)]
        lines = [
            f"Session {self.session.id}: {clean_line(self.session.title)}, "
            f"{formats.count(len(starts), 'turn')}."
        ]
        if starts:
            narrator = Narrator()
            first = events[starts[-1]]
            asked = first.prompt if isinstance(first, TurnStarted) else ""
            lines += ["The last turn was:", f"You: {clean(asked)}"]
            lines += [line for event in events[starts[-1] :] for line in narrator.lines(event)]
            lines += narrator.break_off()
        lines += [f"Told with your next message: {clean(text)}" for text in self.session.waiting]
        return lines

    async def _rename(self, argument: str) -> Lines:
        title = clean_line(argument)
        if not title:
            raise UsageError("a title is missing", hint="/rename Discount codes")
        await self.session.rename(title)
        return [f"The session is called {title} now."]

    async def _export(self, argument: str) -> Lines:
        first, _, rest = argument.partition(" ")
        if first in _FORMS:
            form, path = _FORMS[first], rest.strip()
        else:
            form, path = _FORMS.get(argument.rpartition(".")[2].lower(), "md"), argument
        return [f"The session is in {await self._opener.export(form, path)}"]

    async def _undo(self, _argument: str) -> Lines:
        return _undo_lines(await self.session.undo())

    async def _redo(self, _argument: str) -> Lines:
        return _undo_lines(await self.session.redo())

    async def _diff(self, argument: str) -> Lines:
        if argument not in {"", "turn", "session"}:
            raise UsageError(f"/diff does not know {argument}", hint="/diff or /diff session")
        diff = await self.session.diff("session" if argument == "session" else "turn")
        return diff_lines(diff, names_files=True) or ["No file was changed."]

    async def _compact(self, argument: str) -> Lines:
        event = await self.session.compact(argument)
        if event is None:
            return ["There is too little to summarise yet."]
        return [*Narrator().lines(event)]

    async def _context(self, _argument: str) -> Lines:
        report = self.session.context_report()
        window = f" of {formats.tokens(report.window)}" if report.window else ""
        return [
            *(f"{one.kind}: about {formats.tokens(one.tokens)} tokens" for one in report.shares),
            f"together: about {formats.tokens(report.total_tokens)}{window} tokens, "
            f"{formats.count(report.messages, 'message')}",
        ]

    async def _commands(self, _argument: str) -> Lines:
        own = await asyncio.to_thread(self._own)
        lines = [f"{clean_line(one.entry().usage)}: {clean_line(one.help)}" for one in own.values()]
        return lines or [
            "There are no commands of your own yet. "
            "A file .ralex/commands/review.md becomes /review."
        ]

    async def _help(self, _argument: str) -> Lines:
        lines = [f"{each.usage}: {each.help}." for each in COMMANDS if each.name in self.names]
        return [
            *lines,
            "At-sign and a path in a prompt add a file, as in @src/app.py. "
            "A line that ends in a backslash goes on in the next.",
            "An exclamation mark and a command run it, and the model sees what it printed; "
            "after two exclamation marks it does not.",
            "Ctrl+C stops a turn; at the prompt it leaves, as Ctrl+D does.",
        ]


def _serving(router: Router, tier: Tier) -> str:
    """List the models of a tier; one without any names the tier that stands in for it."""
    serving = serving_tier(router, tier)
    models = clean_line(", then ".join(router.tiers.get(serving, ())))
    return models if serving is tier else f"as {serving.value}, {models}"


def _a_step(cost: Decimal | None) -> str:
    if cost is None:
        return "cost unknown"
    return f"about {formats.usd(cost)} a step"


def _undo_lines(report: "UndoReport") -> Lines:
    what = "Brought back" if report.is_redo else "Taken back"
    lines = [f"{what}: {clean_line(path)}" for path in report.restored]
    lines += [
        f"Left alone: {clean_line(each.path)}: {clean_line(each.reason)}"
        for each in report.conflicts
    ]
    if report.note:
        lines.append(clean(report.note))
    return lines or [f"There is nothing to {'bring back' if report.is_redo else 'undo'}."]


def _spend_words(row: SpendRow) -> str:
    return (
        f"{clean_line(row.key) or 'none'}: {formats.usd(row.cost_usd)}, "
        f"{formats.count(row.calls, 'call')}, "
        f"{formats.tokens(row.usage.total_tokens)} tokens, "
        f"saved about {formats.usd(row.saved_usd)}"
    )
