"""Run the calls of one reply: read-only ones together, changing ones in order, one result each."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ralex.agent.approval import ALLOW, ALWAYS, NOBODY, Approvals
from ralex.agent.changes import Changes
from ralex.agent.live import Told, grown
from ralex.agent.loop_guard import STOP_AT, LoopGuard, Verdict, nudge
from ralex.agent.permissions import Permissions
from ralex.agent.restoring import Sights, stored_plan
from ralex.agent.totals import TurnTotals
from ralex.agent.turn_tools import TurnScope, TurnTool
from ralex.core.compaction import holds_stand_in
from ralex.core.events import (
    AgentEvent,
    ContextAdded,
    Notice,
    ToolCallFinished,
    ToolCallStarted,
    ToolOutputGrew,
)
from ralex.core.ids import CallId
from ralex.core.messages import ToolCall, ToolSpec
from ralex.core.permissions import Effect
from ralex.core.records import dataclass
from ralex.core.toolargs import parse_arguments
from ralex.errors import LoopError, RalexError, ToolError
from ralex.tools.base import Tool, ToolContext, ToolOutcome
from ralex.tools.more import MoreTool

Emit = Callable[[AgentEvent], Awaitable[None]]

_TRUNCATED = (
    "Not run: your reply was cut off by the output limit, so this call is incomplete. "
    "Send it again, in smaller pieces if it is long."
)

_STAND_IN = (
    "Not run: the arguments hold a note that stands in this conversation in the place of a longer "
    "text, not the text itself. Write the text out; read the file first if it is no longer above."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A call that may run: its tool and its decoded arguments."""

    call: ToolCall
    tool: Tool
    arguments: Mapping[str, object]

    @property
    def name(self) -> str:
        """The tool that runs; it may lie behind the one that was called."""
        return self.tool.spec.name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """The turn around a batch of calls."""

    guard: LoopGuard
    totals: TurnTotals
    emit: Emit


class Toolbox:
    """The tools of one session, with the mode's permissions and the loop guard around them.

    Args:
        permissions: Judges each call by the mode and the rules.
        changes: Watches what calls change, so that it can be undone.
        secrets: Texts that no result may show, the provider keys.
    """

    def __init__(
        self,
        *,
        tools: Sequence[Tool],
        context: ToolContext,
        permissions: Permissions,
        approvals: Approvals,
        changes: Changes,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._tools = {tool.spec.name: tool for tool in tools}
        self._context = context
        self._permissions = permissions
        self._approvals = approvals
        self._changes = changes
        self._secrets = secrets
        self._sights = Sights()
        context.hides = partial(permissions.hidden_from, context=context)

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools as the model sees them, in fixed order."""
        return tuple(tool.spec for tool in self._tools.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that may be called, also those behind ``more``."""
        more = self._tools.get("more")
        return (*self._tools, *(more.names if isinstance(more, MoreTool) else ()))

    @property
    def context(self) -> ToolContext:
        """What the tools share: files seen, the plan."""
        return self._context

    def restore(self, events: Sequence[AgentEvent]) -> None:
        """Take up the plan and the files seen where stored events end."""
        self._context.todos = stored_plan(events)
        self._context.seen.update(self._sights.restore(events))

    @property
    def permissions(self) -> Permissions:
        """What the session's calls may do."""
        return self._permissions

    @property
    def changes(self) -> Changes:
        """What the session's calls changed."""
        return self._changes

    def tool(self, name: str) -> Tool | None:
        """Find a tool by its name, also one behind ``more``."""
        more = self._tools.get("more")
        behind = more.behind(name) if isinstance(more, MoreTool) else None
        return self._tools.get(name) or behind

    def job_news(self) -> list[ContextAdded]:
        """Word what the model must hear of background commands that ended; each is told once."""
        jobs = self._context.jobs
        return [
            ContextAdded(
                label=label, text=self.blotted(f"<job>\n{text}\n</job>"), is_standing=False
            )
            for label, text in (jobs.take_news() if jobs is not None else ())
        ]

    async def run(
        self,
        calls: Sequence[ToolCall],
        *,
        guard: LoopGuard,
        totals: TurnTotals,
        emit: Emit,
        is_truncated: bool,
    ) -> list[str]:
        """Run the calls and emit exactly one result for each.

        Args:
            is_truncated: The reply was cut by the output limit; nothing of it runs.

        Returns:
            Paths of files that were changed.

        Raises:
            LoopError: The model repeats itself although it was told.
        """
        changed: list[str] = []
        around = _Around(guard=guard, totals=totals, emit=emit)
        batch: list[_Ready] = []
        loop: LoopError | None = None
        guard.begin_batch()
        for call in calls:
            try:
                if is_truncated:
                    await _refuse_broken(call, _TRUNCATED, guard, emit, why="truncated")
                    continue
                ready = await self._prepare(call, guard, emit)
            except LoopError as error:
                loop = error  # the other calls of this reply get their results all the same
                continue
            if ready is None:
                continue
            if ready.tool.is_mutating:
                changed += await self._together(batch, around)
                batch = []
                changed += await self._together([ready], around)
            else:
                batch.append(ready)
        changed += await self._together(batch, around)
        if loop is not None:
            raise loop
        return changed

    async def _prepare(self, call: ToolCall, guard: LoopGuard, emit: Emit) -> _Ready | None:
        """Decode and check a call; a call that may not run is answered here."""
        tool = self.tool(call.name)
        if tool is None:
            names = ", ".join(self._tools)
            text = f"There is no tool {call.name!r}; the tools are: {names}."
            await _refuse_broken(call, text, guard, emit, why="unknown_tool")
            return None
        try:
            arguments = parse_arguments(call.arguments_json)
            if isinstance(tool, MoreTool):
                tool, arguments = tool.choose(arguments)
            if holds_stand_in(arguments):
                raise ToolError(_STAND_IN)
        except ToolError as error:
            await _refuse_broken(call, error.message, guard, emit, why="malformed")
            return None
        name = tool.spec.name
        match guard.judge(name, arguments):
            case Verdict.STOP:
                await _refuse(call, nudge(name, STOP_AT), emit, why="repeated")
                raise _too_often(name)
            case Verdict.NUDGE:
                await _refuse(call, nudge(name, STOP_AT - 2), emit, why="repeated")
                return None
            case Verdict.RUN:
                return _Ready(call=call, tool=tool, arguments=arguments)

    async def _together(self, batch: Sequence[_Ready], around: _Around) -> list[str]:
        if not batch:
            return []
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(ready, around)) for ready in batch]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return [path for task in tasks for path in task.result()]

    async def _one(self, ready: _Ready, around: _Around) -> tuple[str, ...]:
        call, tool, emit = ready.call, ready.tool, around.emit
        title = _title(ready)
        if refusal := await self._permission(ready, title, emit):
            shown = replace(call, name=ready.name)
            await _refuse(shown, refusal, emit, title=title, why="denied")
            return ()
        await emit(
            ToolCallStarted(
                call_id=call.id, name=ready.name, arguments_json=call.arguments_json, title=title
            )
        )
        started = time.monotonic()
        try:
            if isinstance(tool, TurnTool):
                scope = TurnScope(call_id=call.id, emit=emit, totals=around.totals)
                outcome = await tool.run_in(scope, ready.arguments)
            else:
                told = Told(
                    tool=tool,
                    call_id=call.id,
                    emit=emit,
                    blotted=self.blotted,
                    secrets=self._secrets,
                )
                outcome = await self._changes.run(told, ready.arguments, self._context, emit)
        except ToolError as error:
            text = f"{error.message}; {error.hint}" if error.hint else error.message
            outcome = ToolOutcome(text=text, summary=_first_line(error), is_error=True)
        except UnicodeError:
            text = f"{ready.name} refused: the arguments hold characters that are no text"
            outcome = ToolOutcome(text=text, summary=text, is_error=True)
        except OSError as error:
            text = f"{ready.name} failed: {error.strerror or error}"
            outcome = ToolOutcome(text=text, summary=text, is_error=True)
        outcome = self._without_secrets(outcome)
        around.guard.note(
            ready.name,
            ready.arguments,
            # A model never says the same twice, so an answer in other words is no new result.
            "" if isinstance(tool, TurnTool) else outcome.text,
            has_changed=bool(outcome.files_changed),
            may_have_changed=tool.is_mutating
            and (outcome.exit_code is not None or not outcome.is_error),
        )
        await emit(
            ToolCallFinished(
                call_id=call.id,
                name=ready.name,
                output=outcome.text,
                is_error=outcome.is_error,
                summary=outcome.summary,
                elapsed_ms=round((time.monotonic() - started) * 1000),
                diff=outcome.diff,
                exit_code=outcome.exit_code,
                files_changed=outcome.files_changed,
                seen=self._sights.news(self._context.seen),
                images=outcome.images,
            )
        )
        return outcome.files_changed

    def _without_secrets(self, outcome: ToolOutcome) -> ToolOutcome:
        """Blot out provider keys: a command may find one in a file or in another process."""
        shown = (outcome.text, outcome.diff, outcome.summary)
        text, diff, summary = map(self.blotted, shown)
        if (text, diff, summary) == shown:
            return outcome
        return replace(outcome, text=text, diff=diff, summary=summary)

    def blotted(self, text: str) -> str:
        """Blot provider keys out of a text."""
        for secret in self._secrets:
            text = text.replace(secret, "[key]")
        return text

    def grown(self, tail: str, total_bytes: int) -> ToolOutputGrew:
        """Say what of the output of a running command of the user's may be told already."""
        return grown(CallId(""), tail, total_bytes, blotted=self.blotted, secrets=self._secrets)

    async def _permission(self, ready: _Ready, title: str, emit: Emit) -> str:
        """Ask what mode and rules ask; returns why the call is refused, or an empty string."""
        call = replace(ready.call, name=ready.name)
        ruling = self._permissions.judge(ready.tool, ready.arguments, self._context)
        if ruling.effect is Effect.DENY:
            return f"Not run: {ruling.reason}."
        if ruling.effect is Effect.ALLOW:
            return ""
        pattern = ", ".join(ruling.patterns)
        answer = await self._approvals.ask(call, title, emit, pattern=pattern, reason=ruling.reason)
        if answer.choice == ALWAYS and ruling.patterns:
            try:
                await self._permissions.remember(ruling.patterns)
            except RalexError as error:
                await emit(Notice(level="warning", text=f"{error.message}; {error.hint}"))
            return ""
        if answer.choice == ALLOW:
            return ""
        if answer.choice == NOBODY:
            return (
                f"Not run: {ruling.reason} wants the user asked, and nobody is here to answer. Do "
                "without it, or finish and say what could not be done."
            )
        if answer.message.strip():
            return f"Not run: the user denied this call and says: {answer.message.strip()}"
        return "Not run: the user denied this call. Ask what they want instead, or stop."


def _title(ready: _Ready) -> str:
    try:
        return ready.tool.title(ready.arguments)
    except ToolError:
        return ready.call.name


def _too_often(name: str) -> LoopError:
    return LoopError(
        f"the model made the same {name} call {STOP_AT} times",
        hint="say what is wrong in your next message, or choose a stronger tier with /tier",
    )


async def _refuse_broken(
    call: ToolCall, text: str, guard: LoopGuard, emit: Emit, *, why: str
) -> None:
    """Answer a call that cannot be run as it is; sent again and again it is a loop like any other.

    Raises:
        LoopError: The model sent it for the fifth time.
    """
    verdict = guard.judge_broken(call.name, call.arguments_json)
    if verdict is not Verdict.RUN:
        text = f"{text} You sent this very call before: sending it again ends the turn."
    await _refuse(call, text, emit, why=why)
    if verdict is Verdict.STOP:
        raise _too_often(call.name)


def _first_line(error: ToolError) -> str:
    return error.message.split("\n", 1)[0][:120]


async def _refuse(call: ToolCall, text: str, emit: Emit, *, why: str, title: str = "") -> None:
    """Answer a call that does not run; the card shows it as refused."""
    await emit(
        ToolCallStarted(
            call_id=call.id,
            name=call.name,
            arguments_json=call.arguments_json,
            title=title or "not run",
        )
    )
    await emit(
        ToolCallFinished(
            call_id=call.id,
            name=call.name,
            output=text,
            is_error=True,
            summary=text.split("\n", 1)[0][:120],
            elapsed_ms=0,
            refusal=why,
        )
    )
