"""Time the scorers and the policy: ``python tests/bench/bench_complexity.py``.

Prints microseconds and, as machines differ, the ratio to one pass of ``str.lower().split()`` over
the same text. No test runs this.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "app"))

from ralex.config.scorers import load_followups, load_scorer
from ralex.core.complexity import score_ask
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import Router, TaskState, decide
from ralex.core.tiers import TIERS

SENTENCE = (
    "Refactor the pricing module so totals respect quantity and add tests. The handler in "
    "src/app.py calls `total()` twice; we saw it in production. "
)
TEXTS = {
    "22 characters": "Refactor the parser ok",
    "2 kB": (SENTENCE * 20)[:2_000],
    "100 kB": (SENTENCE * 1_000)[:100_000],
    "1 MB": (SENTENCE * 8_000)[:1_000_000],
    "1 MB of firsts": "first " * 170_000,
    "1 MB of Chinese": "为解析器模块添加单元测试。" * 80_000,
}


def median_us(call: Callable[[], object], *, rounds: int) -> float:
    """Give the median of some rounds in microseconds."""
    times: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def main() -> None:
    """Print one line for each scorer and text, and one for the whole policy."""
    for name in ("ralex", "litellm"):
        scorer = load_scorer(name)
        for label, text in TEXTS.items():
            rounds = 1_000 if len(text) < 5_000 else 5
            base = median_us(lambda text=text: text.lower().split(), rounds=rounds)
            took = median_us(
                lambda text=text, scorer=scorer: score_ask(text, scorer), rounds=rounds
            )
            print(f"{name:8} {label:16} {took:10.0f} us {took / base:7.1f} x")
    models = {
        ModelId(f"acme/{tier.lower()}"): ModelInfo(
            id=ModelId(f"acme/{tier.lower()}"),
            provider="acme",
            name=tier.lower(),
            price=flat_price(Rates(input=Decimal(place + 1), output=Decimal(5))),
        )
        for place, tier in enumerate(TIERS)
    }
    router = Router(name="bench", tiers=dict(zip(TIERS, ((one,) for one in models), strict=True)))
    scorer, followups = load_scorer("ralex"), load_followups()

    def policy() -> None:
        ask = TEXTS["22 characters"]
        decide(
            ask,
            complexity=score_ask(ask, scorer),
            router=router,
            models=models,
            usable=frozenset({"acme"}),
            now=datetime(2026, 11, 20, tzinfo=UTC),
            task=TaskState(tier=TIERS[0], model=ModelId("acme/simple")),
            is_followup=followups(ask),
            context_tokens=20_000,
        )

    print(f"policy as a whole         {median_us(policy, rounds=1_000):10.0f} us")


if __name__ == "__main__":
    main()
