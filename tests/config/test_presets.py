import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.config.catalogue import load_catalogue
from ralex.config.load import usable_providers
from ralex.config.presets import BY_KEY, load_presets
from ralex.config.schema import RouterSection
from ralex.core.ids import ModelId
from ralex.core.tiers import Tier
from ralex.errors import MissingKeyError
from tests.config.conftest import Configure
from tests.conftest import ROOT

PRESETS = sorted((ROOT / "rules" / "presets").glob("*.toml"))


@pytest.mark.parametrize("name", sorted(load_presets()))
def test_every_model_of_a_preset_is_known_and_priced(name: str) -> None:
    preset = load_presets()[name]
    known = {**load_catalogue(), **preset.models}
    for chain in preset.router.tiers.values():
        assert chain
        for model in chain:
            assert known[model].price is not None
            assert known[model].provider in preset.needs
            assert not known[model].is_deprecated
            assert known[model].tools is not False


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_presets_router_is_what_a_user_could_write(path: Path) -> None:
    raw = tomllib.loads(path.read_text(), parse_float=Decimal)
    RouterSection.checked(raw["router"])


def test_the_presets_are_those_promised() -> None:
    promised = {"openrouter", "frontier", "opencodego", "mistral", "openai", "anthropic", "local"}
    assert promised <= set(load_presets())


def test_the_published_setups_keep_their_models() -> None:
    frontier = load_presets()["frontier"].router.tiers
    assert [frontier[tier][0] for tier in Tier] == [
        "openai/gpt-5.4-mini",
        "anthropic/claude-sonnet-4-6",
        "openai/gpt-5.5",
        "anthropic/claude-opus-4-8",
    ]
    mistral = load_presets()["mistral"].router.tiers
    assert mistral[Tier.SIMPLE][0] == "mistral/mistral-small-2603"
    assert mistral[Tier.COMPLEX][0] == "mistral/mistral-medium-3-5"
    go = load_presets()["opencodego"].router
    assert go.scorer == "litellm"
    assert go.weights["reasoningMarkers"] == 0.40
    assert go.boundaries is not None
    assert go.boundaries.complex_reasoning == 0.55
    assert [go.tiers[tier][0].partition("/")[2] for tier in Tier] == [
        "deepseek-v4-flash",
        "deepseek-v4-pro",
        "kimi-k2.6",
        "mimo-v2.5-pro",
    ]


def test_the_default_falls_back_from_cheap_to_smart_within_five_dollars(
    configure: Configure,
) -> None:
    config = configure(environ={"OPENROUTER_API_KEY": "sk-or"})
    chain = config.routers["openrouter"].tiers[Tier.SIMPLE]
    assert chain == (
        "openrouter/deepseek/deepseek-v4-flash",
        "openrouter/anthropic/claude-sonnet-4.6",
    )
    assert (config.budget.daily_usd, config.budget.alert_usd) == (Decimal(5), Decimal(4))
    assert config.budget.cutoff


@pytest.mark.parametrize(
    ("variables", "router"),
    [
        ("OPENROUTER_API_KEY", "openrouter"),
        ("OPENAI_API_KEY", "openai"),
        ("ANTHROPIC_API_KEY", "anthropic"),
        ("GEMINI_API_KEY", "gemini"),
        ("MISTRAL_API_KEY", "mistral"),
        ("OPENCODE_API_KEY", "opencodego"),
        ("OPENCODE_GO_API_KEY", "opencodego"),
        ("MISTRAL_API_KEY OPENAI_API_KEY", "openai"),
        ("ANTHROPIC_API_KEY OPENROUTER_API_KEY", "openrouter"),
    ],
)
def test_one_key_and_no_file_choose_the_matching_preset(
    configure: Configure, variables: str, router: str
) -> None:
    config = configure(environ=dict.fromkeys(variables.split(), "sk-x"))
    assert config.router == router
    assert router in usable_providers(config)
    assert config.warnings == ()


def test_a_key_of_a_vendor_without_a_preset_uses_that_vendors_models(configure: Configure) -> None:
    config = configure(environ={"DEEPSEEK_API_KEY": "sk-x"})
    tiers = config.routers[config.router].tiers
    assert tiers[Tier.SIMPLE][0] == "deepseek/deepseek-v4-flash"
    assert tiers[Tier.COMPLEX] == ("deepseek/deepseek-v4-pro",)


def test_an_empty_key_is_no_key(configure: Configure) -> None:
    with pytest.raises(MissingKeyError):
        configure(environ={"OPENAI_API_KEY": "  "})


def test_without_any_key_the_variables_to_set_are_named(configure: Configure) -> None:
    with pytest.raises(MissingKeyError) as caught:
        configure()
    assert caught.value.exit_code == 4
    for name in BY_KEY:
        assert {"opencodego": "OPENCODE"}.get(name, name.upper()) in caught.value.hint


def test_without_any_key_a_command_that_calls_nothing_still_works(configure: Configure) -> None:
    config = configure(require_key=False)
    assert config.router == "openrouter"
    assert usable_providers(config) == frozenset()


def test_a_preset_asked_for_without_its_key_says_which_to_set(configure: Configure) -> None:
    with pytest.raises(MissingKeyError) as caught:
        configure(environ={"MISTRAL_API_KEY": "k"}, router="frontier")
    assert "OPENAI_API_KEY or ANTHROPIC_API_KEY" in caught.value.hint


def test_a_preset_with_half_its_keys_works_and_says_what_it_cannot_reach(
    configure: Configure,
) -> None:
    config = configure(
        'router = "halves"\n[routers.halves.tiers]\nSIMPLE = "openai/gpt-5.4-mini"\n'
        'COMPLEX = "anthropic/claude-opus-4-8"\n',
        environ={"OPENAI_API_KEY": "k"},
    )
    assert any("COMPLEX" in one and "ANTHROPIC_API_KEY" in one for one in config.warnings)


def test_the_local_preset_is_free_and_needs_no_key(configure: Configure) -> None:
    config = configure(environ={"RALEX_ROUTER": "local"})
    model = config.models[ModelId("local/default")]
    assert model.price is not None
    assert model.price.dated[0].rates.output == 0
    assert usable_providers(config) == {"local"}


def test_the_local_preset_is_absent_unless_asked_for(configure: Configure) -> None:
    config = configure(environ={"OPENAI_API_KEY": "k"})
    assert "local" not in config.providers
    assert "local" not in config.routers
