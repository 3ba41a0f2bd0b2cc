"""Keeps a session's conversation within the model's window: masks, summarises, and says so."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from ralex.agent.history import History
from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.agent.summary import (
    SUMMARISER,
    SUMMARY_TOKENS,
    cut,
    flattened,
    plain_summary,
    summary_request,
)
from ralex.agent.totals import TurnTotals
from ralex.core.compaction import (
    KEPT_ASKS_TOKENS,
    KEPT_TAIL_TOKENS,
    KEPT_TOOL_TOKENS,
    LEAST_GAIN_TOKENS,
    compacted_text,
    marks_for,
    plan_masking,
    tail_start,
    within_limit,
)
from ralex.core.events import AgentEvent, ContextCompacted, ContextMasked, Notice
from ralex.core.ids import ModelId, SessionId
from ralex.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.models import ModelInfo
from ralex.core.pricing import rates_at
from ralex.core.records import dataclass
from ralex.core.tokens import estimate_tokens
from ralex.core.usage import Usage
from ralex.dispatch.dispatcher import AttemptFailed, Call, CallEvent, CallResult, Candidate
from ralex.errors import BudgetError, ContextOverflowError, ProviderError
from ralex.tools.base import TodoItem

Emit = Callable[[AgentEvent], Awaitable[None]]

_THRASHING_SHARE = 0.8
"""A compaction that leaves more than this share of the hard mark would soon be needed again."""

_CHEAPER_FACTOR = 2
"""Another model writes the summary only if it costs at most this part of the present one's."""

_UNKNOWN_WINDOW = 128_000
_MARKS = {"pending": "[ ]", "in_progress": "[>]", "done": "[x]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How a summary could be made."""

    model: ModelInfo
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...]
    input_tokens: int
    usd: float


class ContextKeeper:
    """Watches one session's conversation.

    Args:
        plan: Gives the todo list as it stands.
        cheapest: Gives the model of the router's cheapest tier.
        router_name: Names the router in force, for the ledger.
    """

    def __init__(
        self,
        *,
        services: AgentServices,
        session_id: SessionId,
        project: str,
        history: History,
        sizer: RequestSizer,
        tools: tuple[ToolSpec, ...],
        plan: Callable[[], tuple[TodoItem, ...]],
        cheapest: Callable[[], ModelInfo | None],
        router_name: Callable[[], str],
    ) -> None:
        self._services = services
        self._session_id = session_id
        self._project = project
        self._history = history
        self._sizer = sizer
        self._tools = tools
        self._plan = plan
        self._cheapest = cheapest
        self._router_name = router_name
        self._caps: dict[ModelId, int] = {}
        self._is_thrashing = False

    def begin_turn(self) -> None:
        """Give compaction another chance: the user has said something new."""
        self._is_thrashing = False

    def known(self, model: ModelInfo) -> ModelInfo:
        """Give a model with the window that its provider has proved to have."""
        cap = self._caps.get(model.id)
        return model if cap is None else replace(model, context_window=cap)

    def tokens(self, model: ModelInfo) -> int:
        """Estimate the next request to a model."""
        self._sizer.follow(self._history.rewrites)
        return self._sizer.estimate(self._history.messages, model)

    async def make_room(self, model: ModelInfo, emit: Emit, totals: TurnTotals) -> None:
        """Mask or summarise if the next request comes near the window; called before each step."""
        window = self.known(model).context_window
        if window is None:
            return
        marks = marks_for(window)
        tokens = self.tokens(model)
        if tokens <= marks.soft:
            return
        kept = min(KEPT_TOOL_TOKENS, window // 4)
        enough = min(LEAST_GAIN_TOKENS, window // 5)
        if tokens > marks.hard:
            enough = max(enough, tokens - int(marks.hard * _THRASHING_SHARE))
        if await self._mask(kept, enough, emit) or tokens <= marks.hard or self._is_thrashing:
            return
        try:
            await self.compact(model, emit, totals)
        except BudgetError as error:  # there is still room for steps, and they may be affordable
            self._is_thrashing = True
            await emit(Notice(level="warning", text=f"not summarised: {error.message}"))

    async def recover(
        self, model: ModelInfo, emit: Emit, totals: TurnTotals, *, is_proven: bool
    ) -> bool:
        """Shrink a conversation that is too long for its model; False if nothing helps.

        Args:
            is_proven: The provider said so, whatever the window should be.

        Raises:
            BudgetError: The summary cannot be paid.
        """
        tokens = self.tokens(model)
        if is_proven:
            self._caps[model.id] = max(tokens * 9 // 10, 1)
        target = tokens * 7 // 10
        for kept in (min(KEPT_TOOL_TOKENS, tokens // 4), tokens // 10):
            if await self._mask(kept, tokens - target, emit):
                return True
        if not self._is_thrashing:
            event = await self.compact(model, emit, totals, is_too_long=True)
            if event is not None and event.tokens_after < tokens:
                return True
        return await self._mask(0, 1, emit)

    async def compact(
        self,
        model: ModelInfo,
        emit: Emit,
        totals: TurnTotals,
        *,
        focus: str = "",
        is_too_long: bool = False,
    ) -> ContextCompacted | None:
        """Put a summary in the place of all but the newest messages; None if there is nothing to.

        Args:
            focus: What the user wants kept in mind.
            is_too_long: The model has refused the conversation, so it cannot read it whole.

        Raises:
            BudgetError: The summary cannot be paid.
        """
        messages = self._history.messages
        before = self.tokens(model)
        window = self.known(model).context_window or _UNKNOWN_WINDOW
        sizes = self._sizer.sizes(messages)
        # A short conversation is only summarised when the user wants it: then most of it goes.
        kept = min(KEPT_TAIL_TOKENS, window * 15 // 100, sum(sizes[2:]) // 4)
        start = tail_start(messages, sizes, keep_tokens=kept)
        has_history = bool(messages[2:])
        if not has_history:
            return None
        await emit(Notice(level="info", text="summarising the conversation to make room"))
        result = await self._ask_for_summary(model, totals, focus, is_too_long=is_too_long)
        summary = result.reply.message.text.strip() if result is not None else ""
        written_by = result.model.id if result is not None and summary else None
        summary = summary or plain_summary(messages, self._history.summary)
        text = self._text(summary, start, min(KEPT_ASKS_TOKENS, window // 10))
        tail = messages[start:]
        event = ContextCompacted(
            text=text,
            summary=summary,
            kept_messages=len(tail),
            tokens_before=before,
            tokens_after=self._size_of((messages[0], UserMessage(text=text), *tail)),
            focus=focus,
            model=written_by,
            usage=result.usage if result is not None else Usage(),
            cost_usd=result.cost_usd if result is not None else Decimal(0),
        )
        await emit(event)
        await self._watch_for_thrashing(event, window, emit)
        return event

    async def _mask(self, keep_tokens: int, least_gain: int, emit: Emit) -> bool:
        self._sizer.follow(self._history.rewrites)
        messages = self._history.messages
        plan = plan_masking(
            messages,
            self._sizer.sizes(messages),
            keep_tokens=keep_tokens,
            least_gain=least_gain,
        )
        if plan is None:
            return False
        await emit(
            ContextMasked(
                before=plan.before,
                results=plan.results,
                freed_tokens=plan.freed_tokens,
                calls=plan.calls,
            )
        )
        return True

    async def _watch_for_thrashing(self, event: ContextCompacted, window: int, emit: Emit) -> None:
        if event.tokens_after < marks_for(window).hard * _THRASHING_SHARE:
            return
        self._is_thrashing = True
        await emit(
            Notice(
                level="warning",
                text=f"even summarised the conversation holds {event.tokens_after:,} of {window:,} "
                "tokens, so it is not summarised again in this turn; choose a model with a larger "
                "window with /model, or start afresh with /new",
            )
        )

    def _text(self, summary: str, start: int, ask_tokens: int) -> str:
        asks = self._history.asks_before(start)
        place, last_ask = self._history.last_ask
        newest = self._history.messages[-1]
        is_answered = isinstance(newest, AssistantMessage) and not newest.tool_calls
        is_told = place >= start or is_answered or not last_ask
        earlier = asks if is_told else asks[:-1]
        sizes = [estimate_tokens(ask) for ask in earlier]
        kept = within_limit(earlier, sizes, keep_tokens=ask_tokens)
        return compacted_text(
            standing=self._history.standing,
            summary=summary,
            asks=kept,
            left_out_asks=len(earlier) - len(kept),
            plan="\n".join(f"{_MARKS[item.status]} {item.text}" for item in self._plan()),
            last_ask="" if is_told else last_ask,
        )

    def _size_of(self, messages: tuple[Message, ...]) -> int:
        return RequestSizer(self._tools).rough(messages)

    async def _ask_for_summary(
        self, model: ModelInfo, totals: TurnTotals, focus: str, *, is_too_long: bool
    ) -> CallResult | None:
        """Make the call; None if no model could write it, which must not end the work."""
        way = self._way(model, focus, is_too_long=is_too_long)

        async def note(event: CallEvent) -> None:
            if isinstance(event, AttemptFailed):
                totals.bill(event.usage, event.cost_usd, None)

        def size(name: ModelId) -> Candidate:
            model = way.model if name == way.model.id else self._services.resolve(name)
            return Candidate(
                model=model,
                input_tokens=way.input_tokens,
                input_bound_tokens=RequestSizer(way.tools).bound(way.messages, model),
            )

        call = Call(
            candidates=self._services.plan.siblings(way.model.id, size),
            messages=way.messages,
            tools=way.tools,
            router=self._router_name(),
            session_id=self._session_id,
            project=self._project,
            purpose="summary",
            tag=self._services.tag,
            output_tokens=SUMMARY_TOKENS,
            max_cost_usd=totals.left_usd,
            counterfactual=totals.top,
            restarts_after_content=True,
        )
        try:
            result = await self._services.dispatcher.run(call, note)
        except ProviderError as error:
            if isinstance(error, ContextOverflowError) and not is_too_long:
                return await self._ask_for_summary(model, totals, focus, is_too_long=True)
            return None
        totals.bill(result.usage, result.cost_usd, result.counterfactual_usd)
        totals.budget = result.budget
        return result

    def _way(self, model: ModelInfo, focus: str, *, is_too_long: bool) -> _Way:
        """Choose the cheaper: reading on in the cached conversation, or its text made short."""
        request = summary_request(focus)
        ways: list[_Way] = []
        window = self.known(model).context_window or _UNKNOWN_WINDOW
        whole = self.tokens(model) + estimate_tokens(request)
        has_whole = not is_too_long and whole + SUMMARY_TOKENS <= window
        if has_whole:
            messages = (*self._history.messages, UserMessage(text=request))
            ways.append(self._priced(model, messages, self._tools, whole, is_cached=True))
        whole_text = flattened(self._history.messages)
        other = self._cheapest() or model
        for writer in dict.fromkeys((model.id, other.id)):
            one = model if writer == model.id else other
            room = (self.known(one).context_window or _UNKNOWN_WINDOW) - SUMMARY_TOKENS - 2_000
            most_chars = max(room, 2_000) * 3
            if has_whole and len(whole_text) > most_chars:
                continue  # a summary of a part is no bargain
            text = cut(whole_text, most_chars)
            short: tuple[Message, ...] = (
                SystemMessage(text=SUMMARISER),
                UserMessage(text=f"<conversation>\n{text}\n</conversation>\n\n{request}"),
            )
            tokens = RequestSizer(()).estimate(short, one)
            ways.append(self._priced(one, short, (), tokens, is_cached=False))
        first = ways[0]
        cheapest = min(ways, key=lambda way: way.usd)
        return cheapest if cheapest.usd * _CHEAPER_FACTOR <= first.usd else first

    def _priced(
        self,
        model: ModelInfo,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        tokens: int,
        *,
        is_cached: bool,
    ) -> _Way:
        usd = float("inf")
        if model.price is not None:
            rates = rates_at(model.price, self._services.now(), total_input_tokens=tokens)
            reading = (
                rates.cache_read if is_cached and rates.cache_read is not None else rates.input
            )
            usd = float(tokens * reading + SUMMARY_TOKENS // 4 * rates.output)
        return _Way(model=model, messages=messages, tools=tools, input_tokens=tokens, usd=usd)
