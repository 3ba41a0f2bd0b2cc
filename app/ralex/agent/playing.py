"""Plays a session's turns one at a time, and sees to it that each ends with exactly one event."""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ralex.agent.context import (
    answer_block,
    environment_block,
    instruction_blocks,
    skill_blocks,
)
from ralex.agent.ending import drain, failed
from ralex.agent.mentions import mention_blocks, named_places, unseen_notice
from ralex.agent.recorder import Recorder
from ralex.agent.surroundings import Surroundings
from ralex.agent.totals import TurnTotals
from ralex.agent.turn import Turn
from ralex.core.events import (
    AgentEvent,
    ContextAdded,
    StepFinished,
    TurnFailed,
    TurnStarted,
)
from ralex.core.ids import TurnId
from ralex.core.pictures import images_of
from ralex.dispatch.finishing import ended, finish
from ralex.errors import InterruptedTurnError, RalexError

_log = logging.getLogger(__name__)
_QUEUED_EVENTS = 256
_PROMPTS_LOOKED_AT = 50


class TurnPlayer:
    """Runs the turns of one session; not safe for two at once.

    Args:
        on_first_prompt: Told of the session's first prompt once it is stored.
        events: What is stored of the session.

    Attributes:
        turns: Prompts so far.
        context_tokens: What the conversation held after the last step; 0 if nobody has counted.
        window: Of the model of the last step, or None.
        is_running: A turn, or something else that no turn may meet, is under way.
        last_failure: How the last turn failed, if it did.
        last_answer: The text of the last turn, if it was finished.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        on_first_prompt: Callable[[str], Awaitable[None]],
        events: Sequence[AgentEvent] = (),
    ) -> None:
        self._around = around
        self._on_first_prompt = on_first_prompt
        self.last_answer = ""
        self.is_running = False
        self.turns = 0
        self.context_tokens = 0
        self.window: int | None = None
        self.last_failure: TurnFailed | None = None
        # What the user named before holds on in a resumed session; old prompts are forgotten.
        self._prompts: deque[str] = deque(maxlen=_PROMPTS_LOOKED_AT)
        for event in events:
            match event:
                case TurnStarted():
                    self.turns += 1
                    self._prompts.append(event.prompt)
                case StepFinished():
                    self.context_tokens = event.context_tokens
                    self.window = event.window
                case _:
                    pass
        self._has_started = self.turns > 0

    @asynccontextmanager
    async def turn(
        self, prompt: str, *, attached: str = ""
    ) -> AsyncGenerator[AsyncIterator[AgentEvent], None]:
        """Run one turn; leaving the block early interrupts it, model call and tools included.

        What was said and done until then stays in the session. Expected failures arrive as
        TurnFailed.

        Args:
            attached: Text beside the prompt that is not the ask itself, such as piped input.
        """
        queue: asyncio.Queue[AgentEvent | None] = asyncio.Queue(maxsize=_QUEUED_EVENTS)
        # Not a task group: it would wrap what the caller's block raises, a broken pipe for one.
        loop = asyncio.create_task(self._play(prompt, attached, queue), name="turn")
        try:
            yield drain(queue)
        finally:
            await ended(loop)

    async def _play(
        self, prompt: str, attached: str, queue: "asyncio.Queue[AgentEvent | None]"
    ) -> None:
        """Run a turn and see to it that exactly one last event is stored, whatever happens."""
        failure, self.last_failure = self.last_failure, None
        self.last_answer = ""
        turn_id = TurnId(secrets.token_hex(6))
        recorder = self._around.recorder(queue)
        turn: Turn | None = None
        self.is_running = True
        try:
            await self._around.services.limits.answer_leap(failure)
            turn = await self._prepare(prompt, attached, turn_id, recorder)
            try:
                await turn.run()
                self.last_answer = turn.totals.text
            except BaseException:  # a cancelled turn included; nothing may follow a finished one
                await self._around.toolbox.changes.end(turn.totals.files_changed)
                raise
        except asyncio.CancelledError:
            error = InterruptedTurnError("interrupted", hint="what was done so far is kept")
            await finish(self._store_last(recorder, turn, turn_id, error))
            raise
        except RalexError as error:
            await self._fail(recorder, queue, await self._failure(turn, turn_id, error))
        except Exception as error:  # noqa: BLE001 - the edge of a turn: shown, logged, never fatal
            _log.exception("a turn failed unexpectedly")
            wrapped = RalexError(
                f"something unexpected failed: {type(error).__name__}: {error}",
                hint="the details are in the log; the session is kept",
            )
            await self._fail(recorder, queue, await self._failure(turn, turn_id, wrapped))
        finally:
            self.is_running = False
            if turn is not None:
                self.context_tokens = turn.context_tokens or self.context_tokens
                self.window = turn.window or self.window
        await queue.put(None)

    async def _prepare(
        self,
        prompt: str,
        attached: str,
        turn_id: TurnId,
        recorder: Recorder,
    ) -> Turn:
        around = self._around
        services, toolbox = around.services, around.toolbox
        await recorder.emit(
            TurnStarted(session_id=around.session_id, turn_id=turn_id, prompt=prompt)
        )
        self.turns += 1
        if not self._has_started:
            self._has_started = True
            await self._on_first_prompt(prompt)
            blocks = [environment_block(services.cwd, services.now(), services.extra_roots)]
            blocks += instruction_blocks(services.cwd)
            blocks += await skill_blocks(toolbox.context)
            for block in blocks:
                await recorder.emit(block)
        if attached:
            text = f"<stdin>\n{attached.rstrip()}\n</stdin>"
            await recorder.emit(ContextAdded(label="stdin", text=text, is_standing=False))
        if services.answer_schema:
            await recorder.emit(answer_block(services.answer_schema))
        news = (
            *toolbox.changes.begin(turn_id),
            *toolbox.permissions.news(),
            *toolbox.job_news(),
        )
        for block in news:
            await recorder.emit(block)
        reader = toolbox.tool("read")
        context = toolbox.context
        self._prompts.append(prompt)
        home = Path(context.environment.get("HOME", "/"))
        while self._prompts:
            named = named_places(self._prompts.popleft(), context.cwd, home)
            context.readable_roots = tuple(dict.fromkeys((*context.readable_roots, *named)))
        if reader is not None:
            blocks = await mention_blocks(
                prompt,
                reader=reader,
                lister=toolbox.tool("ls"),
                context=context,
                forbids=toolbox.permissions.forbids,
            )
            # A file named may be edited at once, so what holds for its folder must be known.
            blocks += around.nested.near(tuple(context.seen), known=around.history.labels)
            for block in blocks:
                await recorder.emit(block)
        complexity = services.score(prompt, around.desk.router)
        await services.store.record_complexity(around.session_id, turn_id, complexity)
        around.sizer.follow(around.history.rewrites)
        messages = around.history.messages
        route = around.desk.decide(
            prompt,
            complexity,
            budget=await services.ledger.state(),
            size=lambda model: around.sizer.estimate(messages, model),
        )
        model = services.resolve(route.model)
        if images_of(around.history.messages[-1]) and not model.vision:
            await recorder.emit(unseen_notice(model.id))
        return Turn(
            around=around,
            turn_id=turn_id,
            prompt=prompt,
            recorder=recorder,
            route=route,
            top=around.desk.top_price(),
            tag=services.tag,
        )

    async def _failure(self, turn: Turn | None, turn_id: TurnId, error: RalexError) -> TurnFailed:
        """Describe a failed turn with the day's money as it now is, held calls included."""
        event = failed(turn_id, error, TurnTotals(), None) if turn is None else turn.failed(error)
        with suppress(RalexError):
            event = replace(event, budget=await self._around.services.ledger.state())
        self.last_failure = event
        return event

    async def _fail(
        self, recorder: Recorder, queue: "asyncio.Queue[AgentEvent | None]", event: TurnFailed
    ) -> None:
        try:
            await recorder.emit(event)
        except RalexError as error:
            # The store itself failed: the screen must hear of it all the same.
            _log.warning("the end of a turn could not be stored: %s", error)
            await queue.put(event)

    async def _store_last(
        self, recorder: Recorder, turn: Turn | None, turn_id: TurnId, error: RalexError
    ) -> None:
        try:
            await recorder.record(await self._failure(turn, turn_id, error))
        except RalexError as failure:
            _log.warning("the end of a turn could not be stored: %s", failure)
