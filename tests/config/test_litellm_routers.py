from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.complexity import Boundaries
from ralex.core.tiers import Tier
from ralex.errors import ConfigError
from tests.config.litellm_files import KEYS, Files, notes, route

MODELS = """\
model_list:
  - model_name: small
    litellm_params: {model: openai/small, cost_per_token: 0.000001}
  - model_name: middle
    litellm_params: {model: openai/middle, cost_per_token: 0.000002}
  - model_name: big
    litellm_params: {model: anthropic/big, cost_per_token: 0.000009}
"""


def router(config: str, *, name: str = "brain", params: str = "") -> str:
    lines = "".join(f"        {line}\n" for line in config.splitlines())
    return MODELS + (
        f"  - model_name: {name}\n    litellm_params:\n      model: auto_router/complexity_router\n"
        f"{params}      complexity_router_config:\n{lines}"
    )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_tiers_may_be_names_objects_or_lists(files: Files) -> None:
    text = router(
        "tiers:\n  SIMPLE: small\n"
        "  MEDIUM: {model_name: middle, litellm_params: {temperature: 0}}\n"
        "  COMPLEX: [middle, big]\n  REASONING: [{model_name: big}]"
    )
    tiers = files.load(text).routers["brain"].tiers
    assert tiers == {
        Tier.SIMPLE: ("openai/small",),
        Tier.MEDIUM: ("openai/middle",),
        Tier.COMPLEX: ("openai/middle", "anthropic/big"),
        Tier.REASONING: ("anthropic/big",),
    }
    told = " ".join(notes(files.convert(text)))
    assert "MEDIUM.litellm_params.temperature" in told
    assert "picks one of these at random" in told


@pytest.mark.parametrize(
    ("config", "params", "filled"),
    [
        ("tiers: {SIMPLE: small, COMPLEX: big}\ndefault_model: middle", "", "openai/middle"),
        (
            "tiers: {SIMPLE: small, COMPLEX: big}\ndefault_model: small",
            "      complexity_router_default_model: middle\n",
            "openai/middle",
        ),
        ("tiers: {SIMPLE: small, MEDIUM: middle, COMPLEX: big}", "", "openai/middle"),
    ],
    ids=["default_model", "the deployment's default wins", "else MEDIUM"],
)
def test_missing_tiers_are_filled_as_litellm_does(
    files: Files, config: str, params: str, filled: str
) -> None:
    tiers = files.load(router(config, params=params)).routers["brain"].tiers
    assert tiers[Tier.REASONING] == (filled,)


def test_weights_boundaries_lists_and_rules_decide_as_they_do_there(files: Files) -> None:
    text = router(
        "tiers: {SIMPLE: small, MEDIUM: middle, COMPLEX: middle, REASONING: big}\n"
        "dimension_weights: {tokenCount: 0, codePresence: 1.0}\n"
        "tier_boundaries: {medium_complex: 0.6, complex_reasoning: 0.9}\n"
        "token_thresholds: {simple: 3, complex: 8}\n"
        "code_keywords: [flux]\ncustom_technical_keywords: [capacitor]\nsimple_keywords: []\n"
        "reasoning_override_min_score: 0.2\n"
        "keyword_tier_rules:\n  - {keywords: [urgent, asap], tier: COMPLEX}"
    )
    config = files.load(text)
    brain = config.routers["brain"]
    assert brain.scorer == "litellm"
    assert brain.weights == {"tokenCount": 0.0, "codePresence": 1.0}
    assert brain.boundaries == Boundaries(
        simple_medium=0.15, medium_complex=0.6, complex_reasoning=0.9
    )
    options = brain.scorer_options
    assert options is not None
    assert options.token_thresholds == (3, 8)
    assert options.keywords == {"code": ("flux",)}
    assert options.custom_technical_keywords == ("capacitor",)
    assert options.reasoning_override_min_score == 0.2
    assert options.keyword_tiers == ((("urgent", "asap"), Tier.COMPLEX),)
    assert route(config, "a flux for a good time").tier is Tier.MEDIUM
    assert route(config, "the function of a class").tier is Tier.SIMPLE
    assert route(config, "hello, ASAP").tier is Tier.COMPLEX
    assert notes(files.convert(text)) == []


def test_the_space_at_the_end_of_a_keyword_counts_as_it_does_there(files: Files) -> None:
    config = files.load(
        router(
            "tiers: {SIMPLE: small, COMPLEX: big}\n"
            'technical_keywords: ["node "]\ncustom_technical_keywords: [" k8s"]\n'
            "dimension_weights: {technicalTerms: 1.0}"
        )
    )
    assert route(config, "the anode of a k8sy one").tier is Tier.COMPLEX
    assert route(config, "a node-k8s").tier is Tier.SIMPLE


def test_the_conversion_of_every_option_routes_the_same(files: Files) -> None:
    path = files.write(
        router(
            "tiers: {SIMPLE: small, REASONING: big}\ndefault_model: middle\n"
            "dimension_weights: {codePresence: 0.7, simpleIndicators: 0.2}\n"
            "tier_boundaries: {simple_medium: 0.1}\ntoken_thresholds: {simple: 3}\n"
            'reasoning_keywords: ["why \\"so\\"", "warum"]\n'
            "keyword_tier_rules: [{keywords: [prod], tier: REASONING}]"
        )
    )
    config, converted = files.load(path), files.load_converted(path)
    for ask in ("hi", "a function", "python class def", 'why "so" warum', "in prod", "x " * 900):
        first, second = route(config, ask), route(converted, ask)
        assert (first.tier, first.model, first.fallbacks, first.complexity) == (
            second.tier,
            second.model,
            second.fallbacks,
            second.complexity,
        )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("tiers: {SIMPEL: small}", "line 12: .*there is no tier 'SIMPEL'; did you mean 'SIMPLE'"),
        ("tiers: {simple: small}", "there is no tier 'simple'; did you mean 'SIMPLE'"),
        ("tiers:\n  SIMPLE: smal", "line 13: .*no model named 'smal'; did you mean 'small'"),
        ("tiers:\n  SIMPLE: small\n  COMPLEX: [big, huge]", "line 14: .*no model named 'huge'"),
        ("tiers: {SIMPLE: brain}", "'brain' is a router; a model is wanted"),
        ("tiers: {}", "line 12: .*the router has no tiers"),
        ("tiers: {SIMPLE: []}", "line 12: .*the tier has no model"),
        ("default_model: small", "has no tiers"),
        ("tiers: {SIMPLE: small}\ndefault_model: nope", "line 13: .*no model named 'nope'"),
        (
            "tiers: {SIMPLE: small}\ntier_boundaries:\n  simple_medium: 0.5\n  medium_complex: 0.2",
            "line 15: .*boundaries must rise, but simple_medium is 0.5 and medium_complex is 0.2",
        ),
        (
            "tiers: {SIMPLE: small}\ntier_boundaries: {simple_medium: 0.4}",
            "line 13: .*boundaries must rise",
        ),
        ("tiers: {SIMPLE: small}\ntier_boundaries: {low: 0.4}", "there is no boundary 'low'"),
        (
            "tiers: {SIMPLE: small}\nkeyword_tier_rules:\n  - {keywords: [a], tier: TOP}",
            "line 14: .*there is no tier 'TOP'",
        ),
        ("tiers: {SIMPLE: small}\ntoken_thresholds: {simple: 9, complex: 3}", "must rise"),
        ("tiers: {SIMPLE: small}\ndimension_weights: {codePresence: lots}", "must be a number"),
    ],
)
def test_faults_of_a_router_name_file_line_and_key(files: Files, config: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        files.load(router(config))
    with pytest.raises(ConfigError, match=message):
        files.convert(router(config))


def test_what_a_router_cannot_do_here_is_told_by_line(files: Files) -> None:
    text = router(
        "tiers: {SIMPLE: small}\nsession_affinity: true\nclassifier_type: llm\n"
        "dimension_weights: {codePresense: 1}"
    )
    told = notes(files.convert(text))
    assert [note.partition(" ")[0] for note in told] == ["12", "13", "14", "15"]
    assert "did you mean 'codePresence'" in told[3]


def test_the_first_router_with_a_usable_provider_is_taken(files: Files) -> None:
    text = router("tiers: {SIMPLE: big}", name="one") + (
        "  - model_name: two\n    litellm_params:\n      model: auto_router/complexity_router\n"
        "      complexity_router_config: {tiers: {SIMPLE: small}}\n"
    )
    assert files.load(text, KEYS).router == "one"
    config = files.load(text, {"OPENAI_API_KEY": "k"})
    assert config.router == "two"
    assert any("'two' is taken" in warning for warning in config.warnings)
    assert files.load(text, KEYS, router="two").router == "two"
    assert files.load(text, {}, require_key=False).router == "one"


def test_a_router_can_be_asked_for_as_a_model(files: Files) -> None:
    text = router("tiers: {SIMPLE: big}", name="one") + (
        "  - model_name: two\n    litellm_params:\n      model: auto_router/complexity_router\n"
        "      complexity_router_config: {tiers: {SIMPLE: small}}\n"
    )
    config = files.load(text, model="two")
    assert (config.router, config.model) == ("two", None)


def test_the_file_decides_over_the_users_own_choice_of_router(files: Files) -> None:
    home = files.folder / "home"
    home.mkdir()
    (home / "config.toml").write_text('router = "openai"\nmodel = "openai/gpt-5.4"\n')
    config = files.load(router("tiers: {SIMPLE: small}"))
    assert (config.router, config.model) == ("brain", None)


@pytest.mark.parametrize(
    "fallbacks",
    ['[{"small": ["middle", "big"]}]', "[[small, middle, big]]", "{small: [middle, big]}"],
)
def test_fallbacks_follow_in_the_chain(files: Files, fallbacks: str) -> None:
    text = router("tiers: {SIMPLE: small}") + f"router_settings:\n  fallbacks: {fallbacks}\n"
    assert files.load(text).routers["brain"].tiers[Tier.SIMPLE] == (
        "openai/small",
        "openai/middle",
        "anthropic/big",
    )


def test_fallbacks_of_fallbacks_follow_as_well(files: Files) -> None:
    text = router("tiers: {SIMPLE: small}") + (
        "litellm_settings:\n  fallbacks: [{small: [middle]}, {middle: [big]}]\n"
    )
    assert files.load(text).routers["brain"].tiers[Tier.SIMPLE][2] == "anthropic/big"


def test_each_kind_of_fallback_keeps_its_own_chain(files: Files) -> None:
    text = router("tiers: {SIMPLE: small, COMPLEX: middle}") + (
        "router_settings:\n  context_window_fallbacks: [{small: [big]}]\n"
        "  content_policy_fallbacks: [{small: [middle]}]\n  default_fallbacks: [big]\n"
    )
    config = files.load(text)
    tiers = config.routers["brain"].tiers
    assert tiers[Tier.SIMPLE] == ("openai/small", "anthropic/big")
    assert tiers[Tier.COMPLEX] == ("openai/middle", "anthropic/big")
    chains = config.fallbacks
    assert chains.context_window == {"openai/small": ("anthropic/big",)}
    assert chains.content_policy == {"openai/small": ("openai/middle",)}
    assert chains.general == {"*": ("anthropic/big",)}
    assert not any("fallbacks" in note for note in notes(files.convert(text)))
    converted = files.write(files.convert(text).to_toml()[0], "converted.toml")
    assert files.load(converted).fallbacks == chains


def test_fallbacks_hold_for_a_model_that_is_asked_for_by_name(files: Files) -> None:
    text = router("tiers: {SIMPLE: small}") + (
        "router_settings:\n  fallbacks: [{small: [middle]}, {big: [small]}]\n"
        "  default_fallbacks: [big]\n"
    )
    chains = files.load(text, model="small").fallbacks.general
    assert chains == {
        "openai/small": ("openai/middle",),  # big leads back to small
        "anthropic/big": ("openai/small",),
        "*": ("anthropic/big",),
    }


@pytest.mark.parametrize("form", ["[{brain: [big]}]", "[[brain, big]]"])
def test_fallbacks_of_a_router_follow_each_of_its_tiers(files: Files, form: str) -> None:
    text = router("tiers: {SIMPLE: small, COMPLEX: middle}") + (
        f"router_settings:\n  fallbacks: {form}\n  context_window_fallbacks: [{{brain: [big]}}]\n"
    )
    tiers = files.load(text).routers["brain"].tiers
    assert tiers[Tier.SIMPLE] == ("openai/small", "anthropic/big")
    assert tiers[Tier.COMPLEX] == ("openai/middle", "anthropic/big")
    assert any("'brain' is a router" in note for note in notes(files.convert(text)))


@pytest.mark.parametrize("kind", ["context_window", "content_policy"])
def test_a_circle_in_any_chain_is_refused(files: Files, kind: str) -> None:
    text = router("tiers: {SIMPLE: small}") + (
        f"router_settings:\n  {kind}_fallbacks: [{{small: [big]}}, {{big: [small]}}]\n"
    )
    with pytest.raises(ConfigError, match=r"line 14: .*circle: small → big → small"):
        files.load(text)


@pytest.mark.parametrize(
    ("fallbacks", "message"),
    [
        ("[{small: [middle]}, {middle: [small]}]", "line 14: .*circle: small → middle → small"),
        ("[{small: [small]}]", "circle: small → small"),
        ("[{small: [nope]}]", "line 14: .*no model named 'nope'"),
        ("[{nope: [small]}]", "no model named 'nope'"),
        ("[[small]]", "nothing to fall back to"),
        ("[3]", "must be a list"),
    ],
)
def test_fallbacks_that_make_no_sense_are_refused(
    files: Files, fallbacks: str, message: str
) -> None:
    text = router("tiers: {SIMPLE: small}") + f"router_settings:\n  fallbacks: {fallbacks}\n"
    with pytest.raises(ConfigError, match=message):
        files.load(text)


def test_a_tier_of_a_model_that_cannot_be_called_is_told_and_left_to_the_others(
    files: Files,
) -> None:
    text = MODELS.replace("anthropic/big", "bedrock/big") + (
        "  - model_name: brain\n    litellm_params:\n      model: auto_router/complexity_router\n"
        "      complexity_router_config: {tiers: {SIMPLE: small, COMPLEX: big}}\n"
    )
    assert set(files.load(text).routers["brain"].tiers) == {Tier.SIMPLE}
    assert any("no deployment of 'big' can be called" in one for one in notes(files.convert(text)))


def test_rules_without_a_router_make_one_whose_default_is_the_cheapest(files: Files) -> None:
    text = MODELS + (
        "routing_rules:\n  - {pattern: refactor|analyze, model: big, max_cost: 0.5}\n"
        "  - {pattern: 'typo', model: small, max_tokens: 100}\n"
    )
    config = files.load(text)
    assert config.router == "litellm"
    hard = route(config, "Please Refactor this")
    assert (hard.model, hard.tier, hard.reason) == ("anthropic/big", Tier.COMPLEX, "rule")
    assert hard.max_cost_usd == Decimal("0.5")
    assert route(config, "a typo").max_tokens == 100
    deep = "Think step by step, weigh the options and evaluate the distributed architecture"
    assert route(config, deep).model == "openai/small"


def test_a_pattern_with_flags_of_its_own_is_taken_as_it_is(files: Files) -> None:
    text = MODELS + (
        "routing_rules:\n  - {pattern: '(?m)^FIX$', model: big}\n"
        "  - {pattern: '(?:zebra)', model: middle}\n"
    )
    config = files.load(text)
    assert route(config, "a\nFIX").model == "anthropic/big"
    assert route(config, "a\nfix").model == "openai/small"
    assert route(config, "ZEBRA").model == "openai/middle"


def test_rules_of_a_file_with_routers_belong_to_each(files: Files) -> None:
    text = router("tiers: {SIMPLE: small}") + "routing_rules: [{pattern: zebra, model: big}]\n"
    assert route(files.load(text), "a zebra").model == "anthropic/big"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{pattern: '(a', model: big}", "line 9: the pattern of rule 1"),
        ("{pattern: '(a+)\\1', model: big}", "uses a back-reference"),
        ("{model: big}", "line 9: routing_rules.0.: has no pattern"),
        ("{pattern: a}", "has no model"),
        ("{pattern: a, model: nope}", "line 9: .*no model named 'nope'"),
        ("{pattern: a, model: big, max_cost: -1}", "must not be negative"),
        ("{pattern: a, model: big, max_tokens: 0}", "must be more than 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(files: Files, rule: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        files.load(MODELS + f"routing_rules:\n  - {rule}\n")


def test_a_file_of_models_alone_gets_a_router_by_price(files: Files) -> None:
    config = files.load(MODELS)
    tiers = config.routers[config.router].tiers
    assert (tiers[Tier.SIMPLE], tiers[Tier.COMPLEX]) == (("openai/small",), ("anthropic/big",))
    assert tiers[Tier.MEDIUM] == ("openai/middle",)
    assert any("made from its models" in note for note in notes(files.convert(MODELS)))


def test_other_kinds_of_router_are_told(files: Files) -> None:
    text = MODELS + (
        "  - model_name: semantic\n    litellm_params:\n      model: auto_router/router1\n"
        "      auto_router_default_model: small\n"
    )
    told = " ".join(notes(files.convert(text)))
    assert "only complexity routers are read" in told
    assert "auto_router_default_model" in told


def test_a_router_without_models_to_name_says_so(files: Files) -> None:
    text = (
        "model_list:\n  - model_name: r\n    litellm_params:\n"
        "      model: auto_router/complexity_router\n"
        "      complexity_router_config: {tiers: {SIMPLE: nope}}\n"
    )
    with pytest.raises(ConfigError, match="no model named 'nope'") as caught:
        files.load(text)
    assert caught.value.hint == "the list names no model besides routers"


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            "tiers: {SIMPLE: small, MEDIUM: middle}\ndefault_model: big",
            "default_model: an ask without any text goes to MEDIUM here",
        ),
        (
            "tiers: {NON_REASONING: small, SIMPLE: middle}\nenable_non_reasoning_tier: true",
            "tiers.NON_REASONING: only a model that classifies",
        ),
        ("tiers: {SIMPLE: small}\nclassifier_type: heuristic_first", "classifier_type: only"),
    ],
    ids=["asks without text", "a tier below SIMPLE", "a classifier for some asks"],
)
def test_what_a_router_decides_otherwise_is_reported(files: Files, config: str, told: str) -> None:
    text = router(config)
    assert any(told in note for note in notes(files.convert(text)))
    assert Tier.SIMPLE in files.load(text).routers["brain"].tiers


def test_a_router_with_tiers_of_its_own_is_left_out_and_reported(files: Files) -> None:
    text = router("tiers: {EASY: small, HARD: big}\ntier_definitions: [{name: EASY}, {name: HARD}]")
    assert any("the router 'brain' is left out" in note for note in notes(files.convert(text)))
    assert "brain" not in files.load(text).routers


def test_a_second_timeout_is_reported(files: Files) -> None:
    text = MODELS + "router_settings: {timeout: 50, stream_timeout: 30}\n"
    assert files.load(text).timeouts.first_byte_s == 30
    told = notes(files.convert(text))
    assert any("timeout: another timeout of this file" in note for note in told)
