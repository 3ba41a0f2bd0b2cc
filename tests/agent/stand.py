"""A session over real stores, real tools and real files; only the model is scripted."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from ralex.agent.session import Session
from ralex.config.model import Config, ProviderConfig, Retries
from ralex.core.budget import Limits
from ralex.core.events import AgentEvent
from ralex.core.ids import ModelId
from ralex.core.models import Api, ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from ralex.run_options import RunOptions
from ralex.wiring import Engine


def model(name: str, usd: str, window: int = 128_000) -> ModelInfo:
    return ModelInfo(
        id=ModelId(f"test/{name}"),
        provider="test",
        name=name,
        api=Api.SCRIPTED,
        context_window=window,
        max_output_tokens=4_096,
        price=flat_price(Rates(input=Decimal(usd), output=Decimal(usd) * 4)),
    )


def make_config(home: Path, *, mode: str = "yolo", max_steps: int = 20) -> Config:
    models = [model("cheap", "0.1"), model("smart", "3")]
    router = Router(
        name="test",
        tiers={Tier.SIMPLE: (models[0].id,), Tier.COMPLEX: (models[1].id,)},
    )
    return Config(
        home=home,
        router="test",
        budget=Limits(daily_usd=Decimal(5), alert_usd=Decimal(4)),
        providers={
            "test": ProviderConfig(name="test", api=Api.SCRIPTED, base_url="", needs_key=False)
        },
        models={one.id: one for one in models},
        routers={"test": router},
        mode=mode,
        max_steps=max_steps,
    )


class Stand:
    """Opens sessions and plays turns.

    Attributes:
        project: The folder the agent works in.
    """

    def __init__(self, tmp_path: Path, stack: AsyncExitStack) -> None:
        self.home = tmp_path / "home"
        self.project = tmp_path / "project"
        self.project.mkdir()
        self._stack = stack
        self.provider = ScriptedProvider(())

    async def open(
        self,
        steps: Sequence[ScriptedStep],
        *,
        mode: str = "yolo",
        max_steps: int = 20,
        continues: bool = False,
        tokens_per_s: float | None = None,
        change: Callable[[Config], Config] = lambda config: config,
    ) -> Session:
        self.provider = (
            ScriptedProvider(steps)
            if tokens_per_s is None
            else ScriptedProvider(steps, tokens_per_s=tokens_per_s)
        )
        config = change(make_config(self.home, mode=mode, max_steps=max_steps))
        engine = Engine(
            config, providers={"test": self.provider}, environ={"PATH": "/usr/bin:/bin"}
        )
        await self._stack.aclose()  # one process at a time writes a session
        await self._stack.enter_async_context(engine)
        return await engine.session(RunOptions(cwd=self.project, continues=continues))


def impatient(config: Config) -> Config:
    """Give up after the first failure."""
    return replace(config, retries=Retries(count=0))


async def play(session: Session, prompt: str) -> list[AgentEvent]:
    async with session.turn(prompt) as events:
        return [event async for event in events]
