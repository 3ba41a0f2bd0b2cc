"""The client library: one paid call, routed or direct, over the same ledger as the screen.

Making a Client loads nothing; the first call reads the configuration and opens what it needs.
"""

from __future__ import annotations  # with the lines below it keeps `typing` from being loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal
    from types import TracebackType
    from typing import Literal, Self, TypeAlias

    from ralex.client_calls import Calls, Reply, ReplyStream
    from ralex.config.model import Config
    from ralex.core.budget import BookedCharge
    from ralex.opened import ClosableProvider

    Messages: TypeAlias = Sequence[Mapping[str, object]]
    Moment: TypeAlias = Literal["success", "failure", "charge"]

__all__ = ["Client", "Reply", "ReplyStream"]


class Client:
    """Calls models by ``provider/name``, or routes with ``"auto"`` or a router's name.

    Every call is reserved and settled in the ledger of the user's home, under its limits. A client
    belongs to one event loop at a time; close it with ``await client.aclose()`` or ``async with``.

    Args:
        config: A finished configuration; read from files and the environment by default.
        providers: Adapters by provider name that stand in for configured ones, for tests; they stay
            the caller's own, who closes them.
    """

    def __init__(
        self,
        *,
        config: Config | None = None,
        providers: Mapping[str, ClosableProvider] | None = None,
    ) -> None:
        self._config = config
        self._providers = providers
        self._listeners: dict[str, list[Callable[[object], None]]] = {}
        self._models: dict[str, dict[str, object]] = {}
        self._calls: Calls | None = None

    async def complete(
        self,
        model: str,
        messages: Messages,
        *,
        tools: Sequence[Mapping[str, object]] = (),
        response_format: object = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tag: str = "",
        share: bool = True,
        cache: bool | None = None,
    ) -> Reply:
        """Make one call and return its whole reply.

        Args:
            model: ``provider/name``, ``"auto"``, or a router's name.
            messages: In the form of OpenAI's chat API.
            response_format: A pydantic model class, a dataclass, a TypedDict, or a JSON Schema as
                a mapping; ``parsed`` is of that type then.
            max_tokens: Cap on the output; 16,384 by default, less where the budget says so.
            tag: Kept with the charge, for reports.
            share: Take the answer of an identical call of this client that is under way, at no
                cost; False asks anew, as for several answers to choose from.
            cache: Take the answer to the same question from the cache, or keep it there; by default
                as ``[cache]`` says, and then not with a temperature above 0 or ``share=False``.

        Raises:
            BudgetError: The call may cost more than is left.
            ProviderError: The provider failed, retries and fallbacks included.
            ConfigError: No such model, or no key.
        """
        async with self.stream(
            model,
            messages,
            tools=tools,
            response_format=response_format,
            max_tokens=max_tokens,
            temperature=temperature,
            tag=tag,
            share=share,
            cache=cache,
        ) as stream:
            async for _ in stream:
                pass
            return stream.reply

    def stream(
        self,
        model: str,
        messages: Messages,
        *,
        tools: Sequence[Mapping[str, object]] = (),
        response_format: object = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tag: str = "",
        share: bool = True,
        cache: bool | None = None,
    ) -> ReplyStream:
        """Make one call and yield its parts as they come; ``stream.reply`` is whole afterwards.

        Leaving the block early closes the connection and settles what came.
        """
        from ralex.client_calls import Ask, ReplyStream  # noqa: PLC0415

        ask = Ask(
            model=model,
            messages=messages,
            tools=tools,
            response_format=response_format,
            max_tokens=max_tokens,
            temperature=temperature,
            tag=tag,
            share=share,
            cache=cache,
        )
        return ReplyStream(self._opened, ask, self._tell)

    def complete_sync(
        self,
        model: str,
        messages: Messages,
        *,
        tools: Sequence[Mapping[str, object]] = (),
        response_format: object = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        tag: str = "",
        share: bool = True,
        cache: bool | None = None,
    ) -> Reply:
        """Do what ``complete`` does, without an event loop of the caller's own."""
        import asyncio  # noqa: PLC0415
        from contextlib import suppress  # noqa: PLC0415

        from ralex.errors import UsageError  # noqa: PLC0415

        async def once() -> Reply:
            async with Client(config=self._config, providers=self._providers) as client:
                client._listeners = self._listeners
                client._models = self._models
                return await client.complete(
                    model,
                    messages,
                    tools=tools,
                    response_format=response_format,
                    max_tokens=max_tokens,
                    temperature=temperature,
                    tag=tag,
                    share=share,
                    cache=cache,
                )

        with suppress(RuntimeError):
            asyncio.get_running_loop()
            raise UsageError(
                "complete_sync was called inside a running event loop",
                hint="await client.complete(…) there",
            )
        return asyncio.run(once())

    def on(self, moment: Moment, listener: Callable[[object], None]) -> None:
        """Call a function after each call of this client, never of another.

        Args:
            moment: ``success`` (gets the Reply), ``failure`` (gets the error) or ``charge``: gets
                a record of everything the ledger books for this client, broken-off attempts and
                retries included, with ``cost`` in USD, ``usage`` in tokens (or None), ``model``,
                ``tag``, ``day`` and ``id``. Their costs add up to the ``cost`` of the Reply.
        """
        if moment not in ("success", "failure", "charge"):
            from ralex.errors import UsageError  # noqa: PLC0415

            raise UsageError(
                f"there is no moment {moment!r}", hint="moments are success, failure and charge"
            )
        self._listeners.setdefault(moment, []).append(listener)

    def register_model(
        self,
        model: str,
        *,
        input: Decimal | float | None = None,  # noqa: A002 - the field's own word for the price
        output: Decimal | float | None = None,
        context_window: int | None = None,
        max_output_tokens: int | None = None,
    ) -> None:
        """Tell this client of a model, or correct the catalogue.

        Args:
            model: ``provider/name``.
            input: USD per million input tokens; 0 if it is free.
            output: USD per million output tokens.
            context_window: In tokens.
            max_output_tokens: In tokens.

        Raises:
            UsageError: For a price below 0 or a number of tokens that is none.
        """
        from ralex.client_models import check_model  # noqa: PLC0415

        check_model(
            model,
            input_usd=input,
            output_usd=output,
            context_window=context_window,
            max_output_tokens=max_output_tokens,
        )
        self._models[model] = {
            "input": input,
            "output": output,
            "context_window": context_window,
            "max_output_tokens": max_output_tokens,
        }
        self._calls = None if self._calls is None else self._calls.with_models(self._models)

    async def aclose(self) -> None:
        """Close connections and the ledger."""
        if self._calls is not None:
            await self._calls.aclose()
            self._calls = None

    async def __aenter__(self) -> Self:
        """Open nothing yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        await self.aclose()

    def _opened(self) -> Calls:
        if self._calls is None:
            from ralex.client_calls import open_calls  # noqa: PLC0415

            self._calls = open_calls(self._config, self._providers, self._models, self._tell_charge)
        return self._calls

    def _tell_charge(self, booked: BookedCharge) -> None:
        if not booked.is_nothing:
            self._tell("charge", booked)

    def _tell(self, moment: str, value: object) -> None:
        for listener in self._listeners.get(moment, ()):
            try:
                listener(value)
            except Exception:
                from logging import getLogger  # noqa: PLC0415

                # The answer is paid for; a listener's fault must not take it away.
                getLogger(__name__).exception("a %s listener failed", moment)


def __getattr__(name: str) -> object:
    if name in ("Reply", "ReplyStream"):
        from ralex import client_calls  # noqa: PLC0415

        return getattr(client_calls, name)
    raise AttributeError(f"module 'ralex.client' has no attribute {name!r}")
