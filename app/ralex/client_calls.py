"""What a client's call is made of: the question, the route, the stream and the reply."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from types import TracebackType
from typing import Self, cast

from ralex.client_forms import follows, parsed, schema_of
from ralex.client_messages import read_messages, read_tools
from ralex.config.model import Config
from ralex.core.budget import BookedCharge
from ralex.core.ids import ModelId
from ralex.core.messages import Message, ToolCall, ToolSpec
from ralex.core.models import ModelInfo, PriceList, Rates
from ralex.core.pricing import flat_price
from ralex.core.records import dataclass
from ralex.core.routing import RouteDecision
from ralex.core.stream import (
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ralex.core.usage import Usage
from ralex.dispatch.dispatcher import (
    DEFAULT_OUTPUT_TOKENS,
    AttemptFailed,
    Call,
    CallEvent,
    CallResult,
    Candidate,
    Emit,
)
from ralex.errors import ProviderError, RalexError, UsageError
from ralex.opened import ClosableProvider
from ralex.wiring import Engine

ClientPart = TextDelta | ReasoningDelta | ToolCallDelta | UsageReport
_QUEUED_PARTS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question as the caller put it; see ``Client.complete``."""

    model: str
    messages: Sequence[Mapping[str, object]]
    tools: Sequence[Mapping[str, object]] = ()
    response_format: object = None
    max_tokens: int | None = None
    temperature: float | None = None
    tag: str = ""
    share: bool = True
    cache: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole answer.

    Attributes:
        cost: In USD; 0 for a shared reply.
        model: ``provider/name`` of the model that answered.
        route: The router's decision, or None for a model named by the caller.
        parsed: The answer read into ``response_format``, or None.
        is_shared: An identical call of this client was under way and paid for; this one took its
            answer and cost nothing.
        is_cached: The answer is from the cache and cost nothing; ``usage`` is what it took when it
            was made.
    """

    text: str
    reasoning: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: FinishReason
    usage: Usage
    cost: Decimal
    model: ModelId
    route: RouteDecision | None = None
    parsed: object = None
    is_shared: bool = False
    is_cached: bool = False


class Calls:
    """The opened side of a client: configuration, ledger, providers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def with_models(self, models: Mapping[str, Mapping[str, object]]) -> "Calls":
        """Keep what is open and know other models."""
        self._engine.config = _with_models(self._engine.config, models)
        return self

    async def make(self, ask: Ask, emit: Emit) -> tuple[CallResult, RouteDecision | None]:
        """Route and make a call."""
        try:
            return await self._make(ask, emit)
        except RalexError as error:
            if isinstance(error, ProviderError) and error.partial:
                error.hint += (
                    "; what came is the error's `partial`: send it back as the assistant's "
                    "message and ask to continue"
                )
            self._engine.observer().failed(error, model=ask.model)
            raise

    async def _make(self, ask: Ask, emit: Emit) -> tuple[CallResult, RouteDecision | None]:
        messages, tools = read_messages(ask.messages), read_tools(ask.tools)
        route = await self._route(ask, messages, tools)
        if route is not None:
            self._engine.observer().routed(route)
        names = (route.model, *route.fallbacks) if route else (ask.model,)
        if ask.max_tokens is not None and ask.max_tokens < 1:
            raise UsageError(f"max_tokens is {ask.max_tokens}", hint="pass a number above 0")
        cap = ask.max_tokens or (route.max_tokens if route else None) or DEFAULT_OUTPUT_TOKENS
        schema = schema_of(ask.response_format)
        call = Call(
            candidates=self._engine.plan().candidates(
                (self._engine.resolve(name).id for name in names),
                lambda model: self._candidate(model, messages, tools, schema),
            ),
            messages=messages,
            tools=tools,
            tier=(route.tier or "") if route else "",
            router=route.router if route else "",
            purpose="client",
            tag=ask.tag,
            output_tokens=cap,
            temperature=ask.temperature,
            response_schema_json=schema,
            max_cost_usd=route.max_cost_usd if route else None,
            counterfactual=self._engine.top_price(route.router) if route else None,
            refuses_empty=True,
            moves_on_overflow=True,
        )
        callers = await self._engine.callers()
        is_same = ask.share and not ask.temperature
        caches = self._engine.config.cache.enabled and is_same if ask.cache is None else ask.cache
        runner = callers.choose(
            shares=is_same,
            caches=caches,
            accepts=lambda text: follows(text, ask.response_format),
        )
        return await runner.run(call, emit), route

    async def aclose(self) -> None:
        """Close everything."""
        await self._engine.aclose()

    async def _route(
        self, ask: Ask, messages: tuple[Message, ...], tools: tuple[ToolSpec, ...]
    ) -> RouteDecision | None:
        if ask.model != "auto" and ask.model not in self._engine.config.routers:
            return None
        from ralex.agent.sizing import RequestSizer  # noqa: PLC0415
        from ralex.core.ask import ask_of_conversation  # noqa: PLC0415

        name = self._engine.config.router if ask.model == "auto" else ask.model
        ledger = await self._engine.ledger()
        return self._engine.route(
            ask_of_conversation(messages),
            router=name,
            budget=await ledger.state(),
            context_tokens=RequestSizer(tools).rough(messages),
        )

    def _candidate(
        self,
        name: str,
        messages: tuple[Message, ...],
        tools: tuple[ToolSpec, ...],
        schema: str,
    ) -> Candidate:
        from ralex.agent.sizing import RequestSizer  # noqa: PLC0415
        from ralex.core.tokens import estimate_tokens, max_tokens_bound  # noqa: PLC0415

        model = self._engine.resolve(name)
        sizer = RequestSizer(tools)
        return Candidate(
            model=model,
            input_tokens=sizer.estimate(messages, model) + estimate_tokens(schema),
            input_bound_tokens=sizer.bound(messages, model) + max_tokens_bound(schema) + 64,
        )


class ReplyStream:
    """A reply while it comes: an async context manager and an async iterator of its parts."""

    def __init__(
        self, opened: Callable[[], Calls], ask: Ask, tell: Callable[[str, object], None]
    ) -> None:
        self._opened = opened
        self._ask = ask
        self._tell = tell
        self._parts: deque[ClientPart] = deque()
        self._has_news, self._has_room = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[Reply] | None = None
        self._reply: Reply | None = None
        self._lost_usd = Decimal(0)

    @property
    def reply(self) -> Reply:
        """Give the whole reply; only after the last part.

        Raises:
            RuntimeError: If the stream has not ended.
        """
        if self._reply is None:
            raise RuntimeError("the reply is not whole yet: iterate to the end first")
        return self._reply

    async def __aenter__(self) -> Self:
        """Begin the call."""
        self._task = asyncio.create_task(self._run(), name="ralex-call")
        self._task.add_done_callback(lambda _task: self._has_news.set())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the call; one that still runs is cancelled and settled."""
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        elif task is not None and not task.cancelled():
            task.exception()  # seen, or told to the iterator already

    def __aiter__(self) -> Self:
        """Iterate over the parts."""
        return self

    async def __anext__(self) -> ClientPart:
        """Give the next part, or raise what ended the call."""
        task = self._task
        if task is None:
            raise RuntimeError("use `async with client.stream(…) as stream`")
        if self._reply is not None:
            raise StopAsyncIteration
        while not self._parts:
            if task.done():
                self._reply = await task
                raise StopAsyncIteration
            self._has_news.clear()
            await self._has_news.wait()
        self._has_room.set()
        return self._parts.popleft()

    async def _run(self) -> Reply:
        try:
            result, route = await self._opened().make(self._ask, self._take)
            reply = _reply(result, route)
            reply = replace(reply, cost=reply.cost + self._lost_usd)
            reply = replace(reply, parsed=parsed(reply.text, self._ask.response_format))
        except RalexError as error:
            self._tell("failure", error)
            raise
        self._tell("success", reply)
        return reply

    async def _take(self, event: CallEvent) -> None:
        if isinstance(event, AttemptFailed):
            self._lost_usd += event.cost_usd
        if isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta | UsageReport):
            while len(self._parts) >= _QUEUED_PARTS:  # the caller is slow: so is the provider then
                self._has_room.clear()
                await self._has_room.wait()
            self._parts.append(event)
            self._has_news.set()


def open_calls(
    config: Config | None,
    providers: Mapping[str, ClosableProvider] | None,
    models: Mapping[str, Mapping[str, object]],
    on_charge: Callable[[BookedCharge], None],
) -> Calls:
    """Read the configuration if none was given, and prepare to call."""
    if config is None:
        import os  # noqa: PLC0415
        from pathlib import Path  # noqa: PLC0415

        from ralex.config.load import load_config  # noqa: PLC0415

        config = load_config(cwd=Path.cwd(), environ=os.environ, require_key=not providers)
    if not isinstance(config, Config):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(
            f"config is a {type(config).__name__}, not a configuration that was read",
            hint="ralex.config.load.load_config(config_file=...) reads a file",
        )
    return Calls(
        Engine(
            _with_models(config, models),
            providers=providers,
            owns_providers=False,
            on_charge=on_charge,
        )
    )


def _with_models(config: Config, models: Mapping[str, Mapping[str, object]]) -> Config:
    known = dict(config.models)
    for name, facts in models.items():
        model_id = ModelId(name)
        provider, _, wire_name = name.partition("/")
        info = known.get(model_id) or ModelInfo(id=model_id, provider=provider, name=wire_name)
        price: PriceList | None = info.price
        if facts["input"] is not None and facts["output"] is not None:
            rates = Rates(input=Decimal(str(facts["input"])), output=Decimal(str(facts["output"])))
            price = flat_price(rates, source="register_model")
        known[model_id] = replace(
            info,
            price=price,
            context_window=cast("int | None", facts["context_window"]) or info.context_window,
            max_output_tokens=cast("int | None", facts["max_output_tokens"])
            or info.max_output_tokens,
        )
    return replace(config, models=known)


def _reply(result: CallResult, route: RouteDecision | None) -> Reply:
    message = result.reply.message
    return Reply(
        text=message.text,
        reasoning=message.reasoning,
        tool_calls=message.tool_calls,
        finish_reason=result.reply.finish_reason,
        usage=result.usage,
        cost=result.cost_usd,
        model=result.model.id,
        route=route,
        is_shared=result.is_shared,
        is_cached=result.is_cached,
    )
