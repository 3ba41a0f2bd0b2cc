"""What moving up on evidence is worth, over recorded outcomes and with the real policy."""

import pytest

from tests.bench.replay_outcomes import ROUTERS, Bench, Figures, load
from tests.conftest import SHARED

RECORDINGS = SHARED / "routing" / "dev_swebench.jsonl"
pytestmark = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recorded outcomes are not part of this checkout"
)


def figures(name: str, *, helps: float = 0.0) -> Figures:
    return Bench(ROUTERS[name], d=0.7, f=0.1, helps=helps).figures(load(RECORDINGS))


@pytest.mark.parametrize(
    ("name", "most"),
    [
        pytest.param("three tiers: DeepSeek V3.2, GPT-5 mini, Opus 4.5", 0.35, id="three tiers"),
        pytest.param(
            "two tiers, a sibling: DeepSeek V3.2 + GPT-5 mini, Opus 4.5",
            0.35,
            id="second cheap one",
        ),
        pytest.param("two tiers: DeepSeek V3.2, Gemini 3 Pro", 0.50, id="two models, Gemini"),
        pytest.param("two tiers: DeepSeek V3.2, Opus 4.5", 0.50, id="two models, Opus"),
        pytest.param("two tiers: GPT-5 mini, Opus 4.5", 0.50, id="two models, mini and Opus"),
    ],
)
def test_cheap_first_keeps_the_success_for_a_part_of_the_bill(name: str, most: float) -> None:
    found = figures(name)
    assert found.share_of_success >= 0.95
    assert found.share_of_bill <= most
    assert found.over_mixing >= 0.04


@pytest.mark.parametrize("cheap", ["DeepSeek V3.2", "GPT-5 mini"])
def test_advice_that_helps_one_time_in_ten_pays_for_itself(cheap: str) -> None:
    name = f"two tiers: {cheap}, Opus 4.5"
    assert figures(name, helps=0.1).share_of_bill <= 0.50
    assert figures(name, helps=0.1).usd < figures(name).usd
