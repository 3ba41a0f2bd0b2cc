"""The opened parts of one process: ledger, sessions, providers, and who hears of what they do.

Each opens when it is first needed and closes with the rest. What is built from them for a session
is in `wiring`.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from ralex.config.model import Config
from ralex.core.budget import BookedCharge
from ralex.core.models import Api, ModelInfo
from ralex.dispatch.ports import ChatProvider
from ralex.errors import ConfigError

if TYPE_CHECKING:
    from ralex.dispatch.callers import Callers
    from ralex.dispatch.candidates import CandidatePlan
    from ralex.observe.observer import Observer
    from ralex.store.cache import SqliteResponseCache
    from ralex.store.ledger import SqliteLedger
    from ralex.store.sessions import SqliteSessions


def local_now() -> datetime:
    """Give the moment with the user's own time zone; the day of a charge follows from it.

    Raises:
        ConfigError: If the zone is a day or more from UTC, which no place on Earth is.
    """
    try:
        return datetime.now().astimezone()
    except ValueError:
        raise ConfigError(
            "the time zone is a day or more away from UTC, so today's date is not known",
            hint="set TZ to a zone such as Europe/Berlin, or unset it",
        ) from None


class ClosableProvider(ChatProvider, Protocol):
    """A provider that holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class OpenedParts:
    """The opened parts of one process: ledger, sessions, providers and what is built from them.

    Args:
        providers: Adapters by provider name that stand in for those of the configuration.
        owns_providers: Close these with the rest; False leaves that to who gave them.
        on_charge: Told of each charge this engine books; must return at once and never fail.
    """

    def __init__(
        self,
        config: Config,
        *,
        environ: Mapping[str, str] | None = None,
        providers: Mapping[str, ClosableProvider] | None = None,
        owns_providers: bool = True,
        now: Callable[[], datetime] = local_now,
        on_charge: Callable[[BookedCharge], None] | None = None,
    ) -> None:
        import asyncio  # noqa: PLC0415

        self.config = config
        self._opening = asyncio.Lock()
        self._environ = os.environ if environ is None else environ
        self._stand_ins: dict[str, ClosableProvider] = dict(providers or {})
        self._owns_stand_ins = owns_providers
        self._providers: dict[tuple[str, Api], ClosableProvider] = {}
        self._now = now
        self._on_charge = on_charge
        self._stack = AsyncExitStack()
        self._ledger: SqliteLedger | None = None
        self._sessions: SqliteSessions | None = None
        self._callers: Callers | None = None
        self._observer: Observer | None = None

    async def __aenter__(self) -> Self:
        """Open nothing yet; parts open when they are first needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close what was opened; safe to call twice."""
        lent = self._stand_ins.values() if self._owns_stand_ins else ()
        for provider in (*lent, *self._providers.values()):
            await provider.aclose()
        await self._stack.aclose()

    def observer(self) -> "Observer":
        """Make the one that hears of what is booked and stored; closed after both."""
        if self._observer is None:
            import asyncio  # noqa: PLC0415

            from ralex.observe.observer import Observer  # noqa: PLC0415

            self._observer = Observer.make(
                self.config.home / "logs",
                logs=self.config.log.events,
                traces=self.config.log.otel,
                now=self._now,
                secrets=[one.api_key for one in self.config.providers.values() if one.api_key],
            )
            self._stack.push_async_callback(asyncio.to_thread, self._observer.close)
        return self._observer

    async def ledger(self) -> "SqliteLedger":
        """Open the ledger.

        Raises:
            LedgerUnavailableError: If it cannot be read or written.
        """
        async with self._opening:  # callers at once must not each open one
            if self._ledger is None:
                from ralex.store.ledger import SqliteLedger  # noqa: PLC0415
                from ralex.store.owner import clock_mark  # noqa: PLC0415

                self._ledger = await SqliteLedger.open(
                    self.config.home / "ledger.db",
                    limits=self.config.budget,
                    now=self._now,
                    on_charge=self._charged,
                    clocks=clock_mark if self._now is local_now else None,
                )
                self._stack.push_async_callback(self._ledger.aclose)
        return self._ledger

    def _charged(self, booked: BookedCharge) -> None:
        self.observer().charged(booked)
        if self._on_charge is not None:
            self._on_charge(booked)

    async def sessions(self) -> "SqliteSessions":
        """Open the session store.

        Raises:
            StoreError: If it cannot be read or written.
        """
        if self._sessions is None:
            from ralex.store.sessions import SqliteSessions  # noqa: PLC0415

            self._sessions = await SqliteSessions.open(
                self.config.home / "sessions.db",
                now=self._now,
                on_events=self.observer().stored,
            )
            self._stack.push_async_callback(self._sessions.aclose)
        return self._sessions

    async def notices(self) -> tuple[str, ...]:
        """Tell what the user should know of how the stores were opened; usually nothing."""
        ledger, sessions = await self.ledger(), await self.sessions()
        return (*ledger.notices, *sessions.notices)

    async def callers(self) -> "Callers":
        """Make what makes calls, over the ledger and the providers."""
        ledger = await self.ledger()
        if self._callers is None:
            from ralex.dispatch.callers import Callers  # noqa: PLC0415
            from ralex.dispatch.retries import RetryPolicy  # noqa: PLC0415

            self._callers = Callers(
                provider_of=self.provider,
                ledger=ledger,
                is_limited=self._is_limited,
                policy=RetryPolicy().but(self.config.retries),
                now=self._now,
                open_cache=self._open_cache,
            )
        return self._callers

    def _open_cache(self) -> "SqliteResponseCache":
        from ralex.store.cache import SqliteResponseCache  # noqa: PLC0415

        kept = self.config.cache
        cache = SqliteResponseCache(
            self.config.home / "cache.db", ttl_s=kept.ttl_s, max_bytes=kept.max_mb * 1_000_000
        )
        self._stack.push_async_callback(cache.aclose)
        return cache

    def plan(self) -> "CandidatePlan":
        """Tell which models stand beside and behind one another."""
        from ralex.dispatch.candidates import plan_over  # noqa: PLC0415

        config = self.config
        return plan_over(config.models, self.usable(), config.deployments, config.fallbacks)

    def provider(self, model: ModelInfo) -> ChatProvider:
        """Give the adapter that calls a model, made on first use.

        A provider may speak several dialects; the model says which one it is called in.

        Raises:
            ConfigError: If there is no such provider, or the dialect is not spoken.
        """
        if model.provider in self._stand_ins:
            return self._stand_ins[model.provider]
        key = (model.provider, model.api)
        if key not in self._providers:
            config = self.config.providers.get(model.provider)
            if config is None:
                raise ConfigError(
                    f"no provider named {model.provider!r} is configured",
                    hint=f"add [providers.{model.provider}] with a base_url to config.toml",
                )
            from ralex.providers.registry import build_provider  # noqa: PLC0415

            self._providers[key] = build_provider(
                replace(config, api=model.api), self.config.timeouts
            )
        return self._providers[key]

    def resolve(self, name: str) -> ModelInfo:
        """Find a model by the name a user typed.

        Raises:
            UnknownModelError: With the nearest names in the hint.
        """
        from ralex.config.catalogue import resolve_model  # noqa: PLC0415

        return resolve_model(name, self.config)

    def usable(self) -> frozenset[str]:
        """Name the providers that can be called."""
        from ralex.config.load import usable_providers  # noqa: PLC0415

        return usable_providers(self.config) | frozenset(self._stand_ins)

    def _is_limited(self) -> bool:
        limits = self.config.budget if self._ledger is None else self._ledger.limits
        return limits.is_limited
