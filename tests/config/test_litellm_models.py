from decimal import Decimal
from pathlib import Path

import pytest

from ralex.config.catalogue import resolve_model
from ralex.config.litellm import convert
from ralex.config.model import Retries
from ralex.core.ids import ModelId
from ralex.core.models import Api, Rates
from ralex.core.tiers import Tier
from ralex.errors import ConfigError, MissingKeyError, UnknownModelError
from tests.config.litellm_files import Files, notes


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def one(model: str, more: str = "", *, name: str = "m", info: str = "") -> str:
    text = f"model_list:\n  - model_name: {name}\n    litellm_params:\n      model: {model}\n"
    text += "".join(f"      {line}\n" for line in more.splitlines())
    if info:
        text += "    model_info:\n" + "".join(f"      {line}\n" for line in info.splitlines())
    return text


def rates_of(files: Files, text: str, name: str = "m") -> Rates:
    price = resolve_model(name, files.load(text, require_key=False)).price
    assert price is not None
    return price.dated[-1].rates


@pytest.mark.parametrize(
    ("model", "more", "expected"),
    [
        ("openai/gpt-5.4", "", ("openai", "gpt-5.4", "https://api.openai.com/v1")),
        ("opencode_go/glm-5", "", ("opencodego", "glm-5", "https://opencode.ai/zen/go/v1")),
        ("opencodego/glm-5", "", ("opencodego", "glm-5", "https://opencode.ai/zen/go/v1")),
        ("gemini/gemini-2.5-pro", "", ("gemini", "gemini-2.5-pro", None)),
        ("dashscope/qwen3.7-max", "", ("alibaba", "qwen3.7-max", None)),
        ("xiaomi_mimo/mimo-v2.5", "", ("xiaomi", "mimo-v2.5", None)),
        ("openrouter/x/y", "", ("openrouter", "x/y", "https://openrouter.ai/api/v1")),
        ("gpt-5.4", "", ("openai", "gpt-5.4", None)),
        ("claude-sonnet-4-6", "", ("anthropic", "claude-sonnet-4-6", None)),
        ("ollama/qwen3:8b", "", ("ollama", "qwen3:8b", "http://127.0.0.1:11434/v1")),
        (
            "ollama_chat/qwen3",
            "api_base: http://10.0.0.5:11434",
            ("ollama", "qwen3", "http://10.0.0.5:11434/v1"),
        ),
        (
            "lm_studio/x",
            "api_base: http://127.0.0.1:1234/v1",
            ("lm_studio", "x", "http://127.0.0.1:1234/v1"),
        ),
        (
            "hosted_vllm/org/x",
            "api_base: http://127.0.0.1:8000/v1/",
            ("hosted_vllm", "org/x", "http://127.0.0.1:8000/v1"),
        ),
        (
            "openai/own",
            "api_base: https://llm.example.com/v1\napi_key: os.environ/OWN_KEY",
            ("openai-compatible", "own", "https://llm.example.com/v1"),
        ),
        (
            "own",
            "api_base: https://llm.example.com/v1",
            ("openai-compatible", "own", "https://llm.example.com/v1"),
        ),
        (
            "org/own",
            "api_base: https://llm.example.com/v1\ncustom_llm_provider: openai",
            ("openai-compatible", "org/own", "https://llm.example.com/v1"),
        ),
        (
            "anthropic/claude-x",
            "api_base: https://proxy.example.com",
            ("anthropic-2", "claude-x", "https://proxy.example.com/v1"),
        ),
        ("groq/llama", "", ("groq", "llama", "https://api.groq.com/openai/v1")),
    ],
)
def test_prefixes_become_providers(
    files: Files, model: str, more: str, expected: tuple[str, str, str | None]
) -> None:
    config = files.load(one(model, more), {"OWN_KEY": "k"}, require_key=False)
    found = resolve_model("m", config)
    provider = config.providers[found.provider]
    assert (found.provider, found.name) == expected[:2]
    assert expected[2] in (None, provider.base_url)


def test_the_names_of_the_list_are_selectable(files: Files) -> None:
    config = files.load(
        one("mistral/mistral-small-2603", name="my small one"), model="my small one"
    )
    assert config.model == "mistral/mistral-small-2603"
    with pytest.raises(UnknownModelError, match="--model: no model is named 'my small two'"):
        files.load(one("mistral/mistral-small-2603", name="my small one"), model="my small two")


def test_a_name_of_the_list_wins_over_a_like_name_elsewhere(files: Files) -> None:
    text = one("openrouter/openai/gpt-5.4", name="gpt-5.4")
    assert files.load(text, model="gpt-5.4").model == "openrouter/openai/gpt-5.4"


def test_a_name_that_is_another_models_id_does_not_take_its_place(files: Files) -> None:
    text = one("openrouter/anthropic/claude-sonnet-4.6", name="anthropic/claude-sonnet-4-6")
    config = files.load(text, model="anthropic/claude-sonnet-4-6")
    assert config.model == "anthropic/claude-sonnet-4-6"
    assert any("is the id of another model" in note for note in notes(files.convert(text)))


def test_prices_per_token_become_prices_per_million(files: Files) -> None:
    text = one(
        "openai/new",
        "input_cost_per_token: 0.00000015\noutput_cost_per_token: 6e-7\n"
        "cache_read_input_token_cost: 1.5e-08\ncache_creation_input_token_cost: 0.0000002\n"
        "cache_creation_input_token_cost_above_1hr: 0.0000003",
    )
    assert rates_of(files, text) == Rates(
        input=Decimal("0.15"),
        output=Decimal("0.6"),
        cache_read=Decimal("0.015"),
        cache_write=Decimal("0.2"),
        cache_write_1h=Decimal("0.3"),
    )


def test_one_price_for_both_directions(files: Files) -> None:
    assert rates_of(files, one("openai/new", "cost_per_token: 0.000015")) == Rates(
        input=Decimal(15), output=Decimal(15)
    )


def test_prices_of_model_info_count_below_those_beside_the_model(files: Files) -> None:
    text = one(
        "openai/new",
        "input_cost_per_token: 0.000001",
        info="input_cost_per_token: 0.000009\noutput_cost_per_token: 0.000002",
    )
    assert rates_of(files, text) == Rates(input=Decimal(1), output=Decimal(2))


def test_a_direction_without_a_price_takes_the_catalogues_or_stays_unknown(files: Files) -> None:
    known = rates_of(files, one("openai/gpt-5.4", "input_cost_per_token: 0.000009"))
    assert known.input == 9
    assert known.output > 9
    text = one("openai/new", "input_cost_per_token: 0.000009")
    assert resolve_model("m", files.load(text, require_key=False)).price is None
    assert notes(files.convert(text))[0].startswith("5 model_list[0].litellm_params.input_cost")


def test_long_requests_keep_their_own_rates(files: Files) -> None:
    text = one(
        "openai/new",
        "input_cost_per_token: 0.000001\noutput_cost_per_token: 0.000002\n"
        "input_cost_per_token_above_200k_tokens: 0.000004",
    )
    price = resolve_model("m", files.load(text, require_key=False)).price
    assert price is not None
    step = price.dated[0].long_context[0]
    assert (step.above_input_tokens, step.rates.input, step.rates.output) == (200_000, 4, 2)


def test_windows_and_abilities_are_taken_over(files: Files) -> None:
    info = (
        "max_input_tokens: 1000\nmax_output_tokens: 200\nsupports_vision: true\n"
        "supports_function_calling: false\nsupports_reasoning: true\nsupports_audio_input: true"
    )
    text = one("openai/new", "max_tokens: 100", info=info)
    found = resolve_model("m", files.load(text, require_key=False))
    assert (found.context_window, found.max_output_tokens) == (1000, 100)
    assert (found.vision, found.tools, found.reasoning) == (True, False, True)
    assert any("supports_audio_input" in note for note in notes(files.convert(text)))


@pytest.mark.parametrize("base", ["gpt-5.4", "openai/gpt-5.4", "azure/gpt-5.4"])
def test_base_model_lends_its_price_and_window(files: Files, base: str) -> None:
    text = one(
        "openai/deployment-7",
        "api_base: https://llm.example.com/v1\napi_key: os.environ/OPENAI_API_KEY",
        info=f"base_model: {base}",
    )
    config = files.load(text)
    found, known = resolve_model("m", config), resolve_model("openai/gpt-5.4", config)
    assert (found.id, found.name) == ("openai-compatible/deployment-7", "deployment-7")
    assert (found.price, found.context_window) == (known.price, known.context_window)


def test_a_server_of_ones_own_is_free_and_needs_no_key(files: Files) -> None:
    config = files.load(one("ollama/qwen3"), {}, model="m")
    assert config.model == "ollama/qwen3"
    assert rates_of(files, one("ollama/qwen3")) == Rates(input=Decimal(0), output=Decimal(0))


def test_a_stranger_is_not_given_the_vendors_key(files: Files) -> None:
    config = files.load(one("openai/own", "api_base: https://llm.example.com/v1"))
    assert config.providers["openai-compatible"].api_key is None


@pytest.mark.parametrize("reference", ["os.environ/OWN_KEY", "${OWN_KEY}", '"os.environ/OWN_KEY"'])
def test_references_are_resolved_at_load_and_never_written(files: Files, reference: str) -> None:
    text = one(
        "openai/own",
        f"api_base: ${{OWN_BASE}}\napi_key: {reference}\nextra_headers:\n  X-Team: ${{OWN_TEAM}}",
    )
    environ = {"OWN_KEY": "s3cret", "OWN_BASE": "https://own.example.com/v1", "OWN_TEAM": "blue"}
    provider = files.load(text, environ).providers["openai-compatible"]
    assert (provider.api_key, provider.base_url) == ("s3cret", "https://own.example.com/v1")
    assert provider.headers == {"X-Team": "blue"}
    written, moved = files.convert(text).to_toml()
    assert '"env:OWN_KEY"' in written
    assert '"env:OWN_BASE"' in written
    assert '"env:OWN_TEAM"' in written
    assert moved == ()
    assert not any(secret in written for secret in environ.values())


def test_an_address_whose_variable_is_unset_gets_no_key_and_no_call(files: Files) -> None:
    text = one("openai/own", "api_base: os.environ/OWN_BASE\napi_key: os.environ/OPENAI_API_KEY")
    with pytest.raises(MissingKeyError) as caught:
        files.load(text, model="m")
    assert caught.value.hint == "set OWN_BASE"
    provider = files.load(text, require_key=False).providers["openai-compatible"]
    assert (provider.api_key, provider.base_url) == (None, "")


def test_references_that_a_table_cannot_hold_are_resolved_with_config_and_refused_by_import(
    files: Files,
) -> None:
    text = one("os.environ/MODEL", "input_cost_per_token: ${PRICE}\noutput_cost_per_token: 0")
    found = resolve_model(
        "m", files.load(text, {"MODEL": "openai/x", "PRICE": "0.000001"}, require_key=False)
    )
    assert found.id == "openai/x"
    with pytest.raises(ConfigError, match=r"line 4: .*refers to the variable MODEL, which"):
        files.convert(text)
    with pytest.raises(ConfigError, match="MODEL, which is not set"):
        files.load(text, {})


def test_a_key_in_the_file_works_and_is_not_written(files: Files) -> None:
    text = one("openai/gpt-5.4", "api_key: sk-abcdef0123456789")
    assert files.load(text, {}).providers["openai"].api_key == "sk-abcdef0123456789"
    written, moved = files.convert(text).to_toml()
    assert "sk-abcdef" not in written
    assert moved == ("OPENAI_API_KEY",)


def test_two_keys_for_one_provider_make_two_providers(files: Files) -> None:
    text = (
        "model_list:\n"
        "  - model_name: a\n    litellm_params: {model: openai/gpt-5.4, api_key: os.environ/ONE}\n"
        "  - model_name: a\n    litellm_params: {model: openai/gpt-5.4, api_key: os.environ/TWO}\n"
    )
    config = files.load(text, {"ONE": "1", "TWO": "2"})
    assert config.aliases["a"] == ("openai/gpt-5.4", "openai-2/gpt-5.4")
    assert [config.providers[name].api_key for name in ("openai", "openai-2")] == ["1", "2"]
    first, second = (config.models[model] for model in config.aliases["a"])
    assert (first.price, first.context_window) == (second.price, second.context_window)
    assert resolve_model("a", files.load(text, {"TWO": "2"})).id == "openai-2/gpt-5.4"


def test_one_model_with_two_prices_stays_two_models(files: Files) -> None:
    text = (
        "model_list:\n"
        "  - model_name: day\n    litellm_params: {model: openai/x, cost_per_token: 0.000002}\n"
        "  - model_name: night\n    litellm_params: {model: openai/x, cost_per_token: 0.000001}\n"
    )
    config = files.load(text)
    day, night = resolve_model("day", config), resolve_model("night", config)
    assert (day.id, day.name) == ("openai/x", "x")
    assert (night.id, night.name) == ("openai/night", "x")
    assert rates_of(files, text, "night").input == 1


def test_deployments_of_a_name_share_its_load_and_later_ones_stand_by(files: Files) -> None:
    text = (
        "model_list:\n"
        "  - model_name: a\n    litellm_params: {model: openai/gpt-5.4, order: 2, weight: 3}\n"
        "  - model_name: a\n    litellm_params: {model: openrouter/openai/gpt-5.4, order: 1}\n"
        "  - model_name: a\n"
        "    litellm_params: {model: mistral/x, order: 1, weight: 2.5, rpm: 60, tpm: 9000}\n"
    )
    config = files.load(text)
    assert config.deployments["a"] == ("openrouter/openai/gpt-5.4", "mistral/x", "openai/gpt-5.4")
    members = [config.models[one] for one in config.deployments["a"]]
    assert [one.weight for one in members] == [1.0, 2.5, 0.0]
    assert (members[1].rpm, members[1].tpm) == (60, 9000)
    assert resolve_model("a", config).id == "openrouter/openai/gpt-5.4"
    converted = files.load(files.write(files.convert(text).to_toml()[0], "converted.toml"))
    assert converted.deployments == config.deployments
    assert [converted.models[one].weight for one in config.deployments["a"]] == [1.0, 2.5, 0.0]


def test_limits_count_for_weights_where_none_are_given(files: Files) -> None:
    text = (
        "model_list:\n"
        "  - model_name: a\n    litellm_params: {model: openai/x, rpm: 900}\n"
        "  - model_name: a\n    litellm_params: {model: mistral/x, rpm: 100}\n"
    )
    config = files.load(text)
    assert [config.models[one].weight for one in config.deployments["a"]] == [900.0, 100.0]


def test_cost_based_routing_puts_the_cheapest_deployment_first(files: Files) -> None:
    text = (
        "model_list:\n"
        "  - model_name: a\n    litellm_params: {model: openai/dear, cost_per_token: 0.000009}\n"
        "  - model_name: a\n    litellm_params: {model: openai/cheap, cost_per_token: 0.000001}\n"
        "router_settings: {routing_strategy: cost-based-routing}\n"
    )
    config = files.load(text)
    assert config.deployments["a"] == ("openai/cheap", "openai/dear")
    assert [config.models[one].weight for one in config.deployments["a"]] == [1.0, 0.0]


def test_wildcards_open_a_provider_under_its_prefix(files: Files) -> None:
    text = one("openai/*", "api_base: http://127.0.0.1:9/v1\napi_key: none", name='"acme/*"')
    config = files.load(text, {}, model="acme/anything-at-all")
    assert config.model == "acme/anything-at-all"
    assert config.providers["acme"].base_url == "http://127.0.0.1:9/v1"
    everything = files.load(one("'*'", name="'*'"), model="mistral/whatever", require_key=False)
    assert everything.model == "mistral/whatever"
    assert "pattern" in notes(files.convert(one("openai/*", name="gpt-*")))[0]


def test_a_router_may_name_whatever_a_wildcard_lets_through(files: Files) -> None:
    text = one("openrouter/*", name='"openrouter/*"') + (
        "  - model_name: r\n    litellm_params:\n      model: auto_router/complexity_router\n"
        "      complexity_router_config: {tiers: {SIMPLE: openrouter/new/one}}\n"
    )
    assert files.load(text).routers["r"].tiers[Tier.SIMPLE] == ("openrouter/new/one",)
    written, _ = files.convert(text).to_toml()
    toml = files.write(written, "out.toml")
    assert files.load(toml).routers["r"].tiers[Tier.SIMPLE] == ("openrouter/new/one",)


def test_anthropic_under_another_prefix_keeps_its_dialect(files: Files) -> None:
    config = files.load(one("anthropic/*", name='"claude/*"'), model="claude/claude-sonnet-4-6")
    assert config.providers["claude"].api is Api.ANTHROPIC


@pytest.mark.parametrize(
    "model", ["bedrock/anthropic.claude", "azure/gpt-5", "vertex_ai/gemini", "some-name"]
)
def test_a_provider_that_cannot_be_called_is_reported_with_its_line(
    files: Files, model: str
) -> None:
    text = one(model, "aws_region_name: us-east-1") + (
        "  - model_name: b\n    litellm_params: {model: openai/gpt-5.4}\n"
    )
    assert resolve_model("b", files.load(text)).id == "openai/gpt-5.4"
    told = notes(files.convert(text))
    assert any(note.startswith("4 model_list[0].litellm_params.model") for note in told)


def test_models_that_do_not_chat_are_left_out(files: Files) -> None:
    text = one("openai/text-embedding-3-small", info="mode: embedding")
    assert "is no chat model" in notes(files.convert(text))[0]


def test_credentials_are_merged_below_a_deployments_own(files: Files) -> None:
    text = one("openai/x", "litellm_credential_name: acme") + (
        "credential_list:\n  - credential_name: acme\n    credential_values:\n"
        "      api_key: os.environ/ACME_KEY\n      api_base: https://acme.example.com/v1\n"
    )
    provider = files.load(text, {"ACME_KEY": "k"}).providers["openai-compatible"]
    assert (provider.base_url, provider.api_key) == ("https://acme.example.com/v1", "k")
    with pytest.raises(ConfigError, match=r"line 5: .*there is no credential 'nope'"):
        files.load(one("openai/x", "litellm_credential_name: nope"))


def test_providers_json_beside_the_file_adds_providers(files: Files) -> None:
    files.write(
        '{\n "acme": {"base_url": "https://acme.example.com/v1", "api_key_env": "ACME_KEY",\n'
        '  "param_mappings": {"a": "b"}}\n}',
        "providers.json",
    )
    text = one("acme/fast", "cost_per_token: 0.000001")
    config = files.load(text, {"ACME_KEY": "k"})
    provider = config.providers["acme"]
    assert (provider.base_url, provider.api_key) == ("https://acme.example.com/v1", "k")
    assert resolve_model("m", config).id == "acme/fast"
    assert any(
        "param_mappings" in note and note.startswith("3 ") for note in notes(files.convert(text))
    )
    files.write('{"acme": {}, "version": 2}', "providers.json")
    told = [str(note) for note in files.convert(text).notes]
    assert any("providers.json line 1: acme: has no base_url" in note for note in told)
    assert any("cannot call the provider 'acme'" in note for note in told)
    files.write('{"acme": {"base_url": "nowhere"}}', "providers.json")
    with pytest.raises(ConfigError, match=r"providers.json line 1: acme.base_url: .*http"):
        files.load(text)
    files.write('{"acme": ', "providers.json")
    with pytest.raises(ConfigError, match=r"providers.json line"):
        files.load(text)


def test_providers_json_by_itself_adds_its_providers_and_routes_nothing(files: Files) -> None:
    path = files.write(
        '{\n "acme": {"base_url": "https://acme.example.com/v1", "api_key_env": "ACME_KEY"}\n}',
        "providers.json",
    )
    environ = {"ACME_KEY": "k", "MISTRAL_API_KEY": "k"}
    config = files.load(path, environ, model="acme/fast")
    provider = config.providers["acme"]
    assert (provider.base_url, provider.api_key) == ("https://acme.example.com/v1", "k")
    assert (config.model, config.router) == ("acme/fast", "mistral")
    warnings = files.load(path, {"MISTRAL_API_KEY": "k"}).warnings
    assert not any("ACME_KEY" in one for one in warnings), "said where the key is needed"
    text, moved = convert(path).to_toml()
    assert (text.splitlines()[0], moved) == ("[providers.acme]", ())


@pytest.mark.parametrize("text", ['{"version": 1}', '{"a": {"url": "x"}}', "[1]"])
def test_a_json_file_of_something_else_is_refused(files: Files, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files.load(files.write(text, "other.json"))
    assert "other.json" in caught.value.message


def test_settings_become_budget_retries_and_waits(files: Files) -> None:
    text = one("openai/gpt-5.4") + (
        "router_settings:\n  num_retries: 1\n  cooldown_time: 30\n  timeout: 45\n"
        "  budget_manager: {daily_limit: 3, alert_threshold: 2.5, auto_cutoff: false}\n"
        "litellm_settings: {max_budget: 40, budget_duration: 30d}\n"
    )
    config = files.load(text)
    assert config.retries == Retries(count=1, cooldown_s=30.0)
    assert config.timeouts.first_byte_s == 45
    limits = config.budget
    assert (limits.daily_usd, limits.alert_usd, limits.monthly_usd) == (3, Decimal("2.5"), 40)
    assert limits.cutoff is False


def test_aliases_of_groups_are_names_as_well(files: Files) -> None:
    text = one("openai/gpt-5.4") + (
        "router_settings:\n  model_group_alias: {gpt-4: m, old: {model: m, hidden: true}}\n"
    )
    config = files.load(text)
    assert config.aliases["gpt-4"] == config.aliases["old"] == ("openai/gpt-5.4",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n", "litellm.yaml line 1: there is no model_list"),
        ("- 1\n", "litellm.yaml line 1: must be a mapping"),
        ("model_list: 3\n", "line 1: model_list: must be a list"),
        ("model_list:\n  - x\n", "line 2: model_list.0.: must be a mapping"),
        ("model_list:\n  - model_name: a\n", "line 2: model_list.0.: has no litellm_params"),
        (one("openai/x", "input_cost_per_token: cheap"), "line 5: .*must be a number"),
        (one("openai/x", "output_cost_per_token: -1"), "line 5: .*must not be negative"),
        (one("openai/x", "api_base: ftp://x"), "line 5: .*api_base: this is not an http"),
        (one("openai/x", "api_key: Bearer ${X}"), "line 5: .*must be the whole value"),
        (one("openai/x", "api_key: os.environ/A-B"), "line 5: .*names no variable"),
        (one("openai/x", "api_key: two words"), "line 5: .*a key may not hold blanks"),
        (one("openai/x", info="supports_vision: maybe"), "line 6: .*must be true or false"),
        (one("openai/x", info="max_input_tokens: 1.5"), "line 6: .*must be a whole number"),
    ],
)
def test_faults_name_file_line_and_key(files: Files, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        files.load(text)


def test_what_has_no_counterpart_is_one_warning_that_says_where_to_look(files: Files) -> None:
    text = one("openai/gpt-5.4", "temperature: 0.2\nseed: 5\nnew_thing: 1")
    config = files.load(text)
    assert [one for one in config.warnings if "counterpart" in one] == [
        f"{files.folder / 'litellm.yaml'}: 3 settings have no exact counterpart; see them with: "
        f"ralex import litellm {files.folder / 'litellm.yaml'} --report"
    ]
    assert [note.partition(":")[0] for note in notes(files.convert(text))] == [
        "5 model_list[0].litellm_params.temperature",
        "6 model_list[0].litellm_params.seed",
        "7 model_list[0].litellm_params.new_thing",
    ]


def test_a_cache_of_answers_is_taken_over(files: Files) -> None:
    text = one("openai/gpt-5.4") + (
        "litellm_settings:\n  cache: true\n  cache_params: {type: redis, ttl: 600, host: h}\n"
    )
    cache = files.load(text).cache
    assert (cache.enabled, cache.agent, cache.ttl_s) == (True, False, 600.0)
    told = [note.partition(":")[0] for note in notes(files.convert(text))]
    assert "7 litellm_settings.cache_params.type" in told
    assert "7 litellm_settings.cache_params.host" in told


@pytest.mark.parametrize(
    ("orders", "first"),
    [((None, 1), "b"), ((2, 1), "b"), ((1, None), "a"), ((1, 1), "both")],
    ids=["one with an order before one without", "lower first", "as they stand", "alike"],
)
def test_what_has_a_later_order_or_none_stands_by(
    files: Files, orders: tuple[int | None, int | None], first: str
) -> None:
    text = "".join(
        one(f"openai/{name}", "" if order is None else f"order: {order}").removeprefix(
            "model_list:\n" if number else ""
        )
        for number, (name, order) in enumerate(zip("ab", orders, strict=True))
    )
    config = files.load(text)
    weights = {name: config.models[ModelId(f"openai/{name}")].weight for name in "ab"}
    assert weights == {name: 1.0 if first in (name, "both") else 0.0 for name in "ab"}


def test_a_model_behind_a_wildcard_has_the_price_of_its_vendors(files: Files) -> None:
    text = one("openai/*", "api_base: http://127.0.0.1:9/v1\napi_key: none", name='"eu/*"') + (
        "  - model_name: r\n    litellm_params:\n      model: auto_router/complexity_router\n"
        "      complexity_router_config: {tiers: {SIMPLE: eu/gpt-5.4-mini}}\n"
    )
    config = files.load(text)
    theirs = config.models[ModelId("openai/gpt-5.4-mini")]
    ours = config.models[ModelId("eu/gpt-5.4-mini")]
    assert ours.price == theirs.price
    assert ours.context_window == theirs.context_window


def test_what_is_said_of_a_wildcard_is_reported(files: Files) -> None:
    told = notes(files.convert(one("openai/*", "rpm: 5\ninput_cost_per_token: 1", name='"o/*"')))
    assert [note.partition(":")[0].rpartition(".")[2] for note in told] == [
        "rpm",
        "input_cost_per_token",
    ]


def test_reasoning_that_is_dearer_than_output_counts_for_all_output(files: Files) -> None:
    prices = "input_cost_per_token: 0.000001\noutput_cost_per_token: 0.000002\n"
    text = one("openai/x", f"{prices}output_cost_per_reasoning_token: 0.000005")
    price = files.load(text).models[ModelId("openai/x")].price
    assert price is not None
    assert price.dated[0].rates.output == 5
    assert "is dearer" in notes(files.convert(text))[0]
    text = one("openai/x", f"{prices}output_cost_per_reasoning_token: 0.000001")
    price = files.load(text).models[ModelId("openai/x")].price
    assert price is not None
    assert price.dated[0].rates.output == 2


@pytest.mark.parametrize(
    "text", ["model_list: []\n", one("bedrock/x")], ids=["an empty list", "nothing callable"]
)
def test_a_file_without_a_model_is_no_reason_to_use_the_keys_that_are_set(
    files: Files, text: str
) -> None:
    with pytest.raises(ConfigError, match="names no model that ralex can call"):
        files.load(text)
    files.convert(text)  # its report is still to be had
