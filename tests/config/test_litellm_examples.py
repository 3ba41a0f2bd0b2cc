"""The example files, as their description says they must load and route."""

from decimal import Decimal
from pathlib import Path

import pytest

from ralex.config.catalogue import resolve_model
from ralex.config.litellm import convert
from ralex.core.routing import RouteReason
from ralex.core.tiers import Tier
from tests.config.litellm_files import KEYS, Files, route
from tests.conftest import SHARED

EXAMPLES = SHARED / "examples"
NAMES = ("litellm_config.yaml", "litellm_openrouter.yaml", "smart-routing.yaml")
pytestmark = pytest.mark.skipif(
    not (EXAMPLES / "litellm_config.yaml").exists(), reason=f"the examples are not in {EXAMPLES}"
)

SENTENCES = (
    ("Hello, can you help me?", Tier.SIMPLE, -0.20, "opencodego/deepseek-v4-flash"),
    (
        "Refactor the API to use async database queries with proper error handling",
        Tier.MEDIUM,
        0.10,
        "opencodego/deepseek-v4-pro",
    ),
    (
        "Design a distributed microservice architecture with container orchestration, "
        "high throughput, and low latency",
        Tier.COMPLEX,
        0.25,
        "opencodego/kimi-k2.6",
    ),
    (
        "Explain your reasoning for this authentication architecture. First, analyze the "
        "distributed design, then implement the container orchestration layer.",
        Tier.REASONING,
        0.595,
        "opencodego/mimo-v2.5-pro",
    ),
)
ASKS = (
    *(sentence[0] for sentence in SENTENCES),
    "fix the typo",
    "Quick: what is a monad?",
    "refactor this class",
    "review the architecture, it is urgent",
    "yolo",
    "write a poem",
    "Think step by step and weigh the options",
    "x" * 5000,
)


def test_the_providers_file_loads_by_itself(tmp_path: Path) -> None:
    key = {"OPENCODE_ZEN_API_KEY": "k"}
    config = Files(tmp_path).load(EXAMPLES / "providers.json", key, model="opencodezen/any")
    assert config.providers["opencodezen"].base_url == "https://opencode.ai/zen/v1"
    assert config.providers["opencodezen"].api_key == "k"
    assert config.providers["opencodego"].base_url == "https://opencode.ai/zen/go/v1"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_loads_with_one_line_on_what_has_no_counterpart(
    files: Files, name: str
) -> None:
    config = files.load(EXAMPLES / name, KEYS)
    assert sum("--report" in warning for warning in config.warnings) == 1
    assert all("price" not in warning for warning in config.warnings)


@pytest.mark.parametrize("name", NAMES)
def test_the_conversion_loads_and_routes_the_same(files: Files, name: str) -> None:
    config = files.load(EXAMPLES / name, KEYS)
    converted = files.load_converted(EXAMPLES / name, KEYS)
    assert converted.router == config.router
    assert converted.budget == config.budget
    assert converted.aliases == config.aliases
    for router in config.routers:
        for ask in ASKS:
            first, second = route(config, ask, router), route(converted, ask, router)
            assert first == second


def test_thirty_names_are_selectable(files: Files) -> None:
    config = files.load(EXAMPLES / "litellm_config.yaml", KEYS)
    text = (EXAMPLES / "litellm_config.yaml").read_text(encoding="utf-8")
    names = [line.split()[-1] for line in text.splitlines() if "model_name:" in line]
    routers = [name for name in names if name.endswith("-router")]
    assert (len(names), len(routers)) == (30, 3)
    for name in names:
        if name in routers:
            assert files.load(EXAMPLES / "litellm_config.yaml", KEYS, router=name).router == name
            by_model = files.load(EXAMPLES / "litellm_config.yaml", KEYS, model=name)
            assert (by_model.router, by_model.model) == (name, None)
        else:
            assert resolve_model(name, config).id == config.aliases[name][0]


@pytest.mark.parametrize(("ask", "tier", "score", "model"), SENTENCES)
def test_the_published_sentences_get_their_tiers(
    files: Files, ask: str, tier: Tier, score: float, model: str
) -> None:
    config = files.load(EXAMPLES / "litellm_config.yaml", {"OPENCODE_GO_API_KEY": "k"})
    assert config.router == "opencodego-router"
    decision = route(config, ask)
    assert (decision.tier, decision.model) == (tier, model)
    assert decision.complexity is not None
    assert decision.complexity.score == pytest.approx(score, abs=1e-9)


def test_two_reasoning_markers_go_straight_to_reasoning(files: Files) -> None:
    config = files.load(EXAMPLES / "litellm_config.yaml", {"OPENCODE_GO_API_KEY": "k"})
    decision = route(config, "Think it through step by step and weigh the options")
    assert decision.complexity is not None
    assert (decision.tier, decision.complexity.cause) == (Tier.REASONING, "reasoning_override")


def test_prices_of_the_file_count(files: Files) -> None:
    config = files.load(EXAMPLES / "litellm_config.yaml", KEYS)
    price = resolve_model("opencode-deepseek-v4-flash", config).price
    assert price is not None
    assert (price.dated[0].rates.input, price.dated[0].rates.output) == (
        Decimal("0.09"),
        Decimal("0.27"),
    )


def test_custom_providers_are_there(files: Files) -> None:
    config = files.load(EXAMPLES / "litellm_config.yaml", {**KEYS, "OPENCODE_ZEN_API_KEY": "zen"})
    zen = config.providers["opencodezen"]
    assert (zen.base_url, zen.api_key) == ("https://opencode.ai/zen/v1", "zen")
    assert config.providers["opencodego"].api_key == "k-opencode"


def test_smart_routing_has_rules_with_limits_and_a_budget(files: Files) -> None:
    config = files.load(EXAMPLES / "smart-routing.yaml", {"OPENROUTER_API_KEY": "k"})
    limits = config.budget
    assert (limits.daily_usd, limits.alert_usd, limits.cutoff) == (5, 4, True)
    cheap, smart = "openrouter/google/gemini-flash-1.5", "openrouter/anthropic/claude-3.5-sonnet"
    fix = route(config, "fix this bug")
    assert (fix.model, fix.max_cost_usd, fix.reason) == (cheap, Decimal("0.001"), RouteReason.RULE)
    hard = route(config, "analyze the code")
    assert (hard.model, hard.max_cost_usd) == (smart, Decimal("0.01"))
    yolo = route(config, "yolo, urgent")
    assert (yolo.model, yolo.max_tokens) == (cheap, 500)
    assert route(config, "hello").model == cheap
    price = resolve_model("auto-smart", config).price
    assert price is not None
    assert (price.dated[0].rates.input, price.dated[0].rates.output) == (15, 15)


def test_the_openrouter_example_falls_back_from_cheap_to_smart(files: Files) -> None:
    config = files.load(EXAMPLES / "litellm_openrouter.yaml", {"OPENROUTER_API_KEY": "k"})
    cheap, smart = "openrouter/google/gemini-flash-1.5", "openrouter/anthropic/claude-3.5-sonnet"
    quick = route(config, "quick question")
    assert (quick.model, quick.fallbacks) == (cheap, (smart,))
    assert route(config, "review this").model == smart
    assert config.budget.daily_usd == 5
    assert config.providers["openrouter"].api_key == "k"


@pytest.mark.parametrize("name", NAMES)
def test_no_key_is_ever_written(name: str) -> None:
    text, moved = convert(EXAMPLES / name).to_toml()
    assert moved == ()
    assert "os.environ" not in text
    assert "${" not in text
