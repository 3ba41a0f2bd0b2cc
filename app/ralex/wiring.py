"""Where concrete classes meet: a Config becomes services for the agent and the client library.

Everything heavy is imported inside the functions that need it, so that a front end can show itself
before the HTTP library, the database or the tools are loaded.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from ralex.config.model import Config
from ralex.core.budget import BookedCharge, BudgetState
from ralex.core.ids import SessionId
from ralex.core.models import Api, ModelInfo, PriceList
from ralex.core.routing import Override, RouteDecision
from ralex.core.tiers import Tier
from ralex.dispatch.ports import ChatProvider
from ralex.errors import ConfigError, SessionNotFoundError, UsageError

if TYPE_CHECKING:
    from ralex.agent.limits import LimitDesk
    from ralex.agent.services import AgentServices
    from ralex.agent.session import Session
    from ralex.dispatch.callers import Callers
    from ralex.dispatch.candidates import CandidatePlan
    from ralex.observe.observer import Observer
    from ralex.store.cache import SqliteResponseCache
    from ralex.store.ledger import SqliteLedger
    from ralex.store.sessions import SqliteSessions
    from ralex.undo.log import UndoLog


_SHORTEST_KEY = 8
"""Shorter ones, such as a local server's ``x``, are words that may stand anywhere."""


def local_now() -> datetime:
    """Give the moment with the user's own time zone; the day of a charge follows from it."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a command line or a screen asks of a session.

    Attributes:
        resume: Id of a stored session, or its beginning.
        continues: Take up the project's last session.
        forks: Work in a copy of the session taken up, and leave that one as it is.
        model: A model for the whole run, or None for the router.
        tier: A tier for the whole run, or None.
        max_cost_usd: Limit on what one turn may cost, or None.
        label: Words that stay on screen, such as the demo's notice.
        extra_roots: Folders besides ``cwd`` that tools may read and change.
        answer_schema: JSON Schema that final answers must follow, or empty.
        tag: Kept with every charge, for reports, or empty.
        names_sessions: A cheap model may name the session, unless the configuration says no.
    """

    cwd: Path
    resume: str = ""
    continues: bool = False
    forks: bool = False
    model: str = ""
    tier: Tier | None = None
    max_cost_usd: Decimal | None = None
    label: str = ""
    extra_roots: tuple[Path, ...] = ()
    answer_schema: str = ""
    tag: str = ""
    names_sessions: bool = False


class ClosableProvider(ChatProvider, Protocol):
    """A provider that holds connections."""

    async def aclose(self) -> None:
        """Close them."""
        ...


class Engine:
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

    async def limits(self, cwd: Path) -> "LimitDesk":
        """Make what changes limits, for good or for today, as seen from a folder."""
        from ralex.agent.limits import LimitDesk  # noqa: PLC0415
        from ralex.config.limits import change_limit  # noqa: PLC0415

        write = partial(change_limit, self.config, cwd=cwd, environ=self._environ)
        return LimitDesk(await self.ledger(), write=write, tell=self.observer().limited)

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

    async def services(self, options: RunOptions) -> "AgentServices":
        """Put together what the agent works with."""
        from ralex.agent.services import AgentServices  # noqa: PLC0415
        from ralex.config.model_table import load_standings  # noqa: PLC0415
        from ralex.config.remembered import FILE_NAME, RememberedAnswers  # noqa: PLC0415
        from ralex.config.scorers import AskJudge, load_followups  # noqa: PLC0415
        from ralex.core.followup import Followup  # noqa: PLC0415
        from ralex.tools.environment import tool_environment  # noqa: PLC0415
        from ralex.tools.jobs import jobs_in  # noqa: PLC0415
        from ralex.tools.registry import default_tools  # noqa: PLC0415

        router = self.config.routers[self.config.router]
        pause = self.config.new_task_after_minutes
        score = AskJudge()
        score.prepare(router)
        followups = load_followups()
        callers = await self.callers()
        return AgentServices(
            store=await self.sessions(),
            ledger=await self.ledger(),
            dispatcher=callers.choose(
                shares=False, caches=self.config.cache.enabled and self.config.cache.agent
            ),
            score=score,
            is_followup=followups,
            is_complaint=lambda ask: followups.kind_of(ask) is Followup.COMPLAINT,
            escalates=self.config.escalation != "off",
            standings=load_standings,
            new_task_after=None if pause is None else timedelta(minutes=pause),
            resolve=self.resolve,
            router=router,
            routers=self.config.routers,
            models=self.config.models,
            usable=self.usable(),
            tools=default_tools(web_private=self.config.web_fetch.allow_private),
            environment=tool_environment(self._environ),
            output_dir=self.config.home / "tool-output",
            cwd=options.cwd,
            mode=self.config.mode,
            tag=options.tag,
            names_sessions=options.names_sessions and self.config.titles == "model",
            max_steps=self.config.max_steps,
            max_cost_usd=options.max_cost_usd,
            now=self._now,
            label=options.label,
            extra_roots=options.extra_roots,
            answer_schema=options.answer_schema,
            notices=await self.notices(),
            plan=self.plan(),
            undo_of=lambda session_id: self._undo_of(session_id, options.cwd),
            limits=await self.limits(options.cwd),
            jobs_of=jobs_in(self.config.home, self._stack.push_async_callback),
            secrets=self._secrets(),
            rules=self.config.permissions,
            memory=RememberedAnswers(self.config.home / FILE_NAME),
        )

    def _secrets(self) -> tuple[str, ...]:
        keys = [one.api_key for one in self.config.providers.values() if one.api_key]
        return tuple(key for key in keys if len(key) >= _SHORTEST_KEY)

    def _undo_of(self, session_id: SessionId, cwd: Path) -> "UndoLog":
        from ralex.undo.log import UndoLog  # noqa: PLC0415

        home = self.config.home
        log = UndoLog(
            folder=home / "snapshots",
            cwd=cwd,
            session_id=session_id,
            environ=self._environ,
            left_out=home,
        )
        self._stack.push_async_callback(log.aclose)
        return log

    def route(
        self, ask: str, *, router: str, budget: BudgetState, context_tokens: int
    ) -> RouteDecision:
        """Choose a model for one ask that belongs to no session.

        Args:
            router: Name of a router of the configuration.
            context_tokens: Input of the request, for estimates.
        """
        from ralex.config.scorers import scorer_for  # noqa: PLC0415
        from ralex.core.complexity import score_ask  # noqa: PLC0415
        from ralex.core.routing import decide  # noqa: PLC0415

        chosen = self.config.routers[router]
        return decide(
            ask,
            complexity=score_ask(
                ask, scorer_for(chosen), weights=chosen.weights, boundaries=chosen.boundaries
            ),
            router=chosen,
            models=self.config.models,
            usable=self.usable(),
            now=self._now(),
            budget=budget,
            context_tokens=context_tokens,
        )

    def top_price(self, router: str) -> PriceList | None:
        """Give the prices of a router's top tier, for what was saved; None if unknown."""
        from ralex.core.routing import top_tier_model  # noqa: PLC0415

        top = top_tier_model(self.config.routers[router], self.config.models, self.usable())
        return top.price if top is not None else None

    def usable(self) -> frozenset[str]:
        """Name the providers that can be called."""
        from ralex.config.load import usable_providers  # noqa: PLC0415

        return usable_providers(self.config) | frozenset(self._stand_ins)

    async def session(self, options: RunOptions, *, first_prompt: str = "") -> "Session":
        """Open the session that the options ask for, with the user's choices set.

        Raises:
            SessionNotFoundError: If there is none to resume.
            SessionLockedError: If another living process writes it, and no copy is asked for.
            UnknownModelError: If no provider has the model asked for.
        """
        from ralex.agent.opening import resume_session, start_session  # noqa: PLC0415

        services = await self.services(options)
        stored = await self._stored_session(options)
        if stored is None:
            session = await start_session(services, first_prompt=first_prompt)
        else:
            info = await (await self.sessions()).get(stored)
            used = datetime.fromtimestamp(info.updated_s, UTC)
            session = await resume_session(services, stored, title=info.title, last_used=used)
        model = options.model or self.config.model
        if model is not None or options.tier is not None:
            session.set_override(
                Override(model=self.resolve(model).id if model else None, tier=options.tier)
            )
        return session

    async def _stored_session(self, options: RunOptions) -> SessionId | None:
        """Find the session to take up, and become its writer before anything is paid for."""
        store = await self.sessions()
        found = await self._named_session(options)
        if found is None:
            return None
        if options.forks:
            return await store.fork(found)
        await store.acquire(found)
        return found

    async def _named_session(self, options: RunOptions) -> SessionId | None:
        store = await self.sessions()
        if options.resume:
            return await store.find(options.resume)
        if not options.continues:
            return None
        latest = await store.latest(project=str(options.cwd))
        if latest is None:
            raise SessionNotFoundError(
                f"there is no session to continue in {options.cwd}",
                hint="leave --continue out to start one",
            )
        return latest

    def _is_limited(self) -> bool:
        limits = self.config.budget if self._ledger is None else self._ledger.limits
        return limits.is_limited


def check_folder(folder: Path, *, flag: str = "--cwd") -> Path:
    """Resolve a folder named on the command line.

    Raises:
        UsageError: If it is not a directory.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is not a directory", hint=f"name an existing folder with {flag}"
        )
    return folder.resolve()
