"""The demo's surroundings: a temporary project, a home of its own and simulated prices.

Router, ledger, tools and screen are the real ones; only the model is scripted. Nothing of the
user's own home is read or written, so real spend stays untouched.
"""

import math
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from ralex.config.model import Config, ProviderConfig
from ralex.core.budget import Limits
from ralex.core.ids import ModelId
from ralex.core.models import Api, ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.records import dataclass
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.demo.story import LAST_WORDS, Story, lay_out, load_story
from ralex.providers.scripted import ScriptedProvider

_CHEAP = ModelId("demo/cheap")
_SMART = ModelId("demo/smart")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything the demo needs.

    Attributes:
        project: The sample project's temporary folder.
    """

    story: Story
    config: Config
    project: Path
    provider: ScriptedProvider


@contextmanager
def set_stage(*, tokens_per_s: float = math.inf) -> Generator[Stage, None, None]:
    """Build the stage, and remove it at the end.

    Args:
        tokens_per_s: Speed of the scripted model.
    """
    with tempfile.TemporaryDirectory(prefix="ralex-demo-") as folder:
        story = load_story()
        project = Path(folder) / "shop"
        project.mkdir()
        lay_out(story, project)
        provider = ScriptedProvider(story.steps, tokens_per_s=tokens_per_s, last_words=LAST_WORDS)
        yield Stage(
            story=story,
            config=_config(Path(folder) / "home"),
            project=project.resolve(),
            provider=provider,
        )


def _config(home: Path) -> Config:
    models = {
        _CHEAP: _model(_CHEAP, "0.15", "0.60", "Demo cheap"),
        _SMART: _model(_SMART, "3", "15", "Demo smart"),
    }
    router = Router(
        name="demo",
        tiers={
            Tier.SIMPLE: (_CHEAP,),
            Tier.MEDIUM: (_CHEAP,),
            Tier.COMPLEX: (_SMART,),
            Tier.REASONING: (_SMART,),
        },
        source="the demo",
    )
    return Config(
        home=home,
        router=router.name,
        budget=Limits(daily_usd=Decimal("1.00"), alert_usd=Decimal("0.80")),
        providers={
            "demo": ProviderConfig(name="demo", api=Api.SCRIPTED, base_url="", needs_key=False)
        },
        models=models,
        routers={router.name: router},
    )


def _model(model_id: ModelId, input_usd: str, output_usd: str, label: str) -> ModelInfo:
    rates = Rates(
        input=Decimal(input_usd),
        output=Decimal(output_usd),
        cache_read=Decimal(input_usd) / 10,
    )
    return ModelInfo(
        id=model_id,
        provider="demo",
        name=model_id.partition("/")[2],
        api=Api.SCRIPTED,
        label=label,
        context_window=128_000,
        max_output_tokens=8_192,
        price=flat_price(rates, source="simulated for the demo"),
        tools=True,
        source="the demo",
    )
