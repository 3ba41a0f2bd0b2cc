"""Commands that choose what answers, and how freely it acts."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ralex.core.chains import serving_tier
from ralex.core.ids import ModelId
from ralex.core.routing import Override
from ralex.core.tiers import TIERS, Tier
from ralex.errors import RalexError
from ralex.slash import read_length
from ralex.tui.models import HEAD, SHORT_HEAD, model_hint, model_story, short_model_hint
from ralex.tui.rows import shown_line
from ralex.tui.widgets.transcript.items import NoticeItem

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen

MODES: Final[Mapping[str, str]] = {
    "yolo": "acts without asking, within the workspace",
    "ask": "asks before each call that changes something",
    "plan": "reads and plans, changes nothing",
}
_HOW_LONG: Final[Mapping[str, str]] = {
    "": "until /auto",
    "!": "for the next turn only",
    " task": "until an ask begins another task",
}


class ChoosingCommands:
    """Runs ``/model``, ``/tier``, ``/router``, ``/auto`` and ``/mode``."""

    def __init__(self, screen: "ChatScreen") -> None:
        self._screen = screen
        self.table: dict[str, Callable[[str], Awaitable[None]]] = {
            "model": self._model,
            "tier": self._tier,
            "router": self._router,
            "auto": self._auto,
            "mode": self._mode,
        }

    def arguments(self) -> dict[str, dict[str, str]]:
        """Possible arguments, with a hint for each."""
        known = {"tier": {tier.value: self._chain(tier) for tier in TIERS}, "mode": dict(MODES)}
        session = self._screen.session
        if session is not None:
            now = datetime.now(UTC)
            known["model"] = {
                model.id: model_hint(model, session.router, now=now) for model in session.models
            }
            known["router"] = {
                name: "in force" if name == session.router.name else "" for name in session.routers
            }
        return known

    async def _model(self, argument: str) -> None:
        session = self._session()
        if session is None:
            return
        if argument:
            self._choose(argument)
            return
        override, route = session.override, session.last_route
        current = (override.model if override else None) or (route.model if route else "")
        now = datetime.now(UTC)
        models = {model.id: model for model in session.models}

        shorts = {
            name: short_model_hint(model, session.router, now=now) for name, model in models.items()
        }

        def about(name: str) -> list[str]:
            return model_story(models[ModelId(name)], session.router)

        self._screen.pick(
            "Model",
            self.arguments()["model"],
            current=current or "",
            head=HEAD,
            shorts=(SHORT_HEAD, shorts),
            about=about,
            then=self._ask_how_long,
        )

    def _ask_how_long(self, name: str) -> None:
        self._screen.pick(
            f"{shown_line(name)} answers",
            {f"{name}{suffix}": "" for suffix in _HOW_LONG},
            labels={f"{name}{suffix}": words for suffix, words in _HOW_LONG.items()},
            then=self._choose,
        )

    def _choose(self, typed: str) -> None:
        name, once, for_task = read_length(typed)
        model = ModelId(name)
        override = Override(model=model, once=once, for_task=for_task)
        self._override(override, shown_line(model))

    async def _tier(self, argument: str) -> None:
        if self._session() is None:
            return
        if argument:
            self._choose_tier(argument)
        else:
            self._screen.pick("Tier", self.arguments()["tier"], then=self._choose_tier)

    def _choose_tier(self, typed: str) -> None:
        name, once, for_task = read_length(typed)
        wanted = name.upper()
        tier = next((tier for tier in TIERS if wanted and tier.value.startswith(wanted)), None)
        if tier is None:
            names = ", ".join(known.value for known in TIERS)
            self._screen.show_error(f"{name} is not a tier", f"the tiers are {names}")
            return
        override = Override(tier=tier, once=once, for_task=for_task)
        self._override(override, f"tier {tier.value}")

    def _override(self, override: Override, what: str) -> None:
        session = self._session()
        if session is None:
            return
        try:
            session.set_override(override)
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
            return
        until = _HOW_LONG["!" if override.once else " task" if override.for_task else ""]
        self._say(f"From now on {what} answers, {until.removesuffix(' only')}.")

    async def _auto(self, _argument: str) -> None:
        if (session := self._session()) is not None:
            session.set_override(None)
            self._say(f"The router {shown_line(session.router.name)} chooses again.")

    async def _router(self, argument: str) -> None:
        session = self._session()
        if session is None:
            return
        if argument:
            self._choose_router(argument)
        else:
            self._screen.pick(
                "Router",
                self.arguments()["router"],
                current=session.router.name,
                then=self._choose_router,
            )

    def _choose_router(self, name: str) -> None:
        session = self._session()
        if session is None:
            return
        try:
            session.set_router(name)
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
            return
        self._say(f"The router {shown_line(session.router.name)} chooses from the next turn on.")

    async def _mode(self, argument: str) -> None:
        session = self._session()
        if session is None:
            return
        if argument:
            self._choose_mode(argument)
        else:
            self._screen.pick("Mode", MODES, current=session.mode, then=self._choose_mode)

    def _choose_mode(self, name: str) -> None:
        session = self._session()
        if session is None:
            return
        try:
            session.set_mode(name.strip().lower())
        except RalexError as error:
            self._screen.show_error(error.message, error.hint)
            return
        self._say(f"Mode {session.mode}: {MODES.get(session.mode, '')}.")

    def _session(self) -> "ChatSession | None":
        if self._screen.session is None:
            self._screen.show_error("the session is not open yet", "try again in a moment")
        return self._screen.session

    def _chain(self, tier: Tier) -> str:
        session = self._screen.session
        if session is None:
            return ""
        serving = serving_tier(session.router, tier)
        models = " → ".join(session.router.tiers.get(serving, ()))
        return models if serving is tier else f"as {serving}: {models}"

    def _say(self, text: str) -> None:
        self._screen.show(NoticeItem(level="info", text=text))
        self._screen.show_session()
