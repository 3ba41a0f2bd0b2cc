"""Where concrete classes meet: the opened parts become services for the agent, and sessions.

Everything heavy is imported inside the functions that need it, so that a front end can show itself
before the HTTP library, the database or the tools are loaded.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ralex.core.budget import BudgetState
from ralex.core.ids import SessionId
from ralex.core.models import PriceList
from ralex.core.routing import Override, RouteDecision
from ralex.errors import SessionNotFoundError
from ralex.opened import OpenedParts
from ralex.run_options import RunOptions

if TYPE_CHECKING:
    from ralex.agent.limits import LimitDesk
    from ralex.agent.services import AgentServices
    from ralex.agent.session import Session
    from ralex.undo.log import UndoLog


_SHORTEST_KEY = 8
"""Shorter ones, such as a local server's ``x``, are words that may stand anywhere."""


class Engine(OpenedParts):
    """The opened parts, and the sessions and decisions that are made with them."""

    async def limits(self, cwd: Path) -> "LimitDesk":
        """Make what changes limits, for good or for today, as seen from a folder."""
        from ralex.agent.limits import LimitDesk  # noqa: PLC0415
        from ralex.config.limits import change_limit  # noqa: PLC0415

        write = partial(change_limit, self.config, cwd=cwd, environ=self._environ)
        return LimitDesk(await self.ledger(), write=write, tell=self.observer().limited)

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
        callers = await self.callers()
        return AgentServices(
            store=await self.sessions(),
            ledger=await self.ledger(),
            dispatcher=callers.choose(
                shares=False, caches=self.config.cache.enabled and self.config.cache.agent
            ),
            score=score,
            # The words are read with the second ask: the first goes on with nothing.
            is_followup=lambda ask: load_followups().kind_of(ask) is not None,
            is_complaint=lambda ask: load_followups().kind_of(ask) is Followup.COMPLAINT,
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
