import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ralex.config.catalogue import custom_model, find_model, load_catalogue, resolve_model
from ralex.config.endpoints import KNOWN_PROVIDERS
from ralex.core.ids import ModelId
from ralex.core.models import Api
from ralex.core.pricing import rates_at
from ralex.errors import UnknownModelError
from tests.config.conftest import Configure
from tests.conftest import ROOT, SHARED

FLASH = ModelId("deepseek/deepseek-v4-flash")
OFF_PEAK = datetime(2026, 11, 18, 12, tzinfo=UTC)


def rate(model: str, when: datetime, tokens: int = 1000) -> Decimal:
    price = load_catalogue()[ModelId(model)].price
    assert price is not None
    return rates_at(price, when, total_input_tokens=tokens).input


@pytest.mark.skipif(not (SHARED / "models.json").is_file(), reason="the facts are not here")
def test_the_checked_in_catalogue_is_what_the_script_gives() -> None:
    script = ROOT / "docs" / "scripts" / "build_catalogue.py"
    done = subprocess.run(
        [sys.executable, str(script), "--facts", str(SHARED / "models.json"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not (SHARED / "models.json").is_file(), reason="the facts are not here")
def test_the_check_notices_another_price() -> None:
    script = ROOT / "docs" / "scripts" / "build_catalogue.py"
    facts = json.loads((SHARED / "models.json").read_text())
    facts["models"][0]["usd_per_mtok"]["input"] = 4.99
    done = subprocess.run(
        [sys.executable, str(script), "--facts", "/dev/stdin", "--check"],
        input=json.dumps(facts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1


def test_every_model_has_a_price_a_window_a_source_and_a_known_provider() -> None:
    for model in load_catalogue().values():
        assert model.price is not None, model.id
        assert model.price.dated
        assert model.context_window, model.id
        assert model.max_output_tokens, model.id
        assert model.source, model.id
        assert "20" in model.price.source, model.id
        assert model.provider in KNOWN_PROVIDERS, model.id


def test_every_model_speaks_a_dialect_of_its_provider() -> None:
    mixed = {"opencodego"}
    for model in load_catalogue().values():
        if model.provider not in mixed:
            assert model.api is KNOWN_PROVIDERS[model.provider].api, model.id
    apis = {model.api for model in load_catalogue().values() if model.provider == "opencodego"}
    assert apis == {Api.OPENAI_CHAT, Api.ANTHROPIC}


def test_openrouter_sells_at_the_vendors_list_price() -> None:
    models = load_catalogue()
    vendor = models[ModelId("anthropic/claude-sonnet-4-6")]
    copy = models[ModelId("openrouter/anthropic/claude-sonnet-4.6")]
    assert vendor.price is not None
    assert copy.price is not None
    assert copy.price.dated == vendor.price.dated
    assert "list price" in copy.price.source
    assert copy.name == "anthropic/claude-sonnet-4.6"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        pytest.param(datetime(2026, 8, 16, 12, tzinfo=UTC), "0.14", id="before August"),
        pytest.param(datetime(2026, 8, 17, 12, tzinfo=UTC), "0.22", id="from 17 August"),
        pytest.param(datetime(2026, 9, 10, 12, tzinfo=UTC), "0.15", id="from 10 September"),
        pytest.param(datetime(2026, 11, 18, 1, tzinfo=UTC), "0.3", id="the peak begins"),
        pytest.param(datetime(2026, 11, 18, 4, tzinfo=UTC), "0.15", id="the peak ends"),
        pytest.param(datetime(2026, 11, 18, 9, 59, tzinfo=UTC), "0.3", id="the second peak"),
    ],
)
def test_deepseeks_price_follows_date_and_hour(when: datetime, expected: str) -> None:
    assert rate(FLASH, when) == Decimal(expected)


def test_the_go_plans_peak_is_on_weekdays_only() -> None:
    saturday, monday = datetime(2026, 11, 21, 2, tzinfo=UTC), datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert rate("opencodego/deepseek-v4-flash", saturday) == Decimal("0.15")
    assert rate("opencodego/deepseek-v4-flash", monday) == Decimal("0.3")


def test_a_long_request_is_priced_as_a_whole_at_the_higher_rate() -> None:
    assert rate("openai/gpt-5.5", OFF_PEAK, 272_000) == 5
    assert rate("openai/gpt-5.5", OFF_PEAK, 272_001) == 10


def test_a_free_cache_write_is_billed_as_plain_input() -> None:
    price = load_catalogue()[ModelId("zai/glm-5")].price
    assert price is not None
    assert price.dated[0].rates.cache_write is None


def test_the_catalogue_cannot_be_changed_by_a_reader() -> None:
    with pytest.raises(TypeError):
        load_catalogue()[FLASH] = load_catalogue()[FLASH]  # pyright: ignore[reportIndexIssue] - the point


@pytest.mark.parametrize(
    ("keys", "name", "expected"),
    [
        pytest.param(["OPENAI"], "openai/gpt-5.4-mini", "openai/gpt-5.4-mini", id="exact"),
        pytest.param(["OPENAI"], "GPT-5.4-Mini", "openai/gpt-5.4-mini", id="short, other case"),
        pytest.param(
            ["OPENAI", "OPENROUTER"], "gpt-5.4-mini", "openai/gpt-5.4-mini", id="the vendor's own"
        ),
        pytest.param(
            ["OPENROUTER"],
            "gpt-5.4-mini",
            "openrouter/openai/gpt-5.4-mini",
            id="the one with a key",
        ),
        pytest.param(
            ["OPENROUTER"],
            "anthropic/claude-sonnet-4.6",
            "openrouter/anthropic/claude-sonnet-4.6",
            id="half an id",
        ),
        pytest.param(
            ["ANTHROPIC"], "claude-sonnet-4.6", "anthropic/claude-sonnet-4-6", id="dots for dashes"
        ),
        pytest.param(
            ["OPENAI"], "claude-opus-4-8", "anthropic/claude-opus-4-8", id="no key but no doubt"
        ),
        pytest.param(
            ["OPENROUTER"],
            "openrouter/new/thing",
            "openrouter/new/thing",
            id="unknown at OpenRouter",
        ),
        pytest.param(
            ["OPENAI"], "openai/my-finetune", "openai/my-finetune", id="unknown, known owner"
        ),
    ],
)
def test_a_name_finds_its_model(
    configure: Configure, keys: list[str], name: str, expected: str
) -> None:
    config = configure(environ={f"{key}_API_KEY": "sk-x" for key in keys})
    assert resolve_model(name, config).id == expected


def test_a_model_nobody_knows_has_no_price_and_no_window(configure: Configure) -> None:
    found = resolve_model("openrouter/new/thing", configure(environ={"OPENROUTER_API_KEY": "k"}))
    assert (found.price, found.context_window, found.name) == (None, None, "new/thing")


def test_a_name_that_fits_several_models_is_refused(configure: Configure) -> None:
    config = configure(environ={"DEEPSEEK_API_KEY": "k", "OPENCODE_API_KEY": "k"})
    with pytest.raises(UnknownModelError) as caught:
        resolve_model("deepseek-v4-flash", config)
    assert "opencodego/deepseek-v4-flash" in caught.value.hint
    assert "openrouter" not in caught.value.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("gpt-5.4-mni", "openai/gpt-5.4-mini", id="misspelt"),
        pytest.param("acme/fast", "[providers.acme]", id="unknown provider"),
        pytest.param("zzz", "openai/zzz", id="nothing near"),
    ],
)
def test_an_unknown_name_gets_the_nearest_or_the_way_to_add_it(
    configure: Configure, name: str, hint: str
) -> None:
    config = configure(environ={"OPENAI_API_KEY": "k"})
    with pytest.raises(UnknownModelError) as caught:
        resolve_model(name, config)
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 5000, "\x1b[31m"])
def test_a_name_that_is_no_name_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        find_model(name, models=load_catalogue(), providers=KNOWN_PROVIDERS)
    assert len(str(caught.value)) < 200
    assert "\x1b" not in str(caught.value)


def test_a_custom_model_speaks_its_providers_dialect() -> None:
    assert custom_model(KNOWN_PROVIDERS["anthropic"], "claude-next").api is Api.ANTHROPIC
