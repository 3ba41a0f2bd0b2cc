import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.config.load import explain_config, load_config, usable_providers
from ralex.config.model import Config
from ralex.core.ids import ModelId
from ralex.core.models import Api
from ralex.core.tiers import Tier
from ralex.errors import ConfigError, MissingKeyError, UnknownModelError
from tests.config.conftest import Configure

KEY = {"OPENAI_API_KEY": "sk-env"}
ACME = '[providers.acme]\nbase_url = "http://127.0.0.1:8080/v1"\n'


def daily(config: Config) -> tuple[Decimal | None, Decimal | None]:
    return config.budget.daily_usd, config.budget.alert_usd


def test_each_layer_writes_over_the_one_below(configure: Configure) -> None:
    assert configure(environ=KEY).router == "openai"
    text = 'router = "openrouter"\n'
    assert configure(text, environ=KEY, require_key=False).router == "openrouter"
    with_variable = {**KEY, "RALEX_ROUTER": "frontier"}
    assert configure(text, environ=with_variable).router == "frontier"
    assert configure(text, environ=with_variable, router="openai").router == "openai"


def test_sources_name_the_layers_from_the_lowest(
    configure: Configure, home: Path, work: Path
) -> None:
    config = configure(
        'mode = "ask"\n', environ=KEY, project="[budget]\ndaily_usd = 1\n", router="openai"
    )
    assert config.sources == (
        "built-in",
        str(home / "config.toml"),
        f"{work / '.ralex' / 'config.toml'} (may only tighten)",
        "environment: OPENAI_API_KEY",
        "flags: --router",
    )


def test_every_setting_can_tell_where_it_is_from(home: Path, work: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('\nmode = "ask"\n[budget]\nsession_usd = 2\n')
    explained = explain_config(
        cwd=work, environ={"RALEX_HOME": str(home), "RALEX_DAILY_USD": "3", **KEY}
    )
    assert explained.origins["mode"] == f"{home / 'config.toml'} line 2"
    assert explained.origins["budget.session_usd"] == f"{home / 'config.toml'} line 4"
    assert explained.origins["budget.daily_usd"] == "RALEX_DAILY_USD"
    assert explained.origins["router"] == "OPENAI_API_KEY"
    assert "theme" not in explained.origins


def test_an_explicit_file_is_read_over_the_users_own(
    configure: Configure, home: Path, work: Path
) -> None:
    configure('mode = "ask"\nmax_steps = 7\n', environ=KEY)
    extra = work / "extra.toml"
    extra.write_text('mode = "plan"\n')
    config = load_config(cwd=work, environ={"RALEX_HOME": str(home), **KEY}, config_file=extra)
    assert (config.mode, config.max_steps) == ("plan", 7)


def test_an_explicit_file_that_is_missing_is_an_error(work: Path, home: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file .*nowhere\.toml"):
        load_config(cwd=work, environ={"RALEX_HOME": str(home)}, config_file=work / "nowhere.toml")


@pytest.mark.parametrize(
    ("text", "variable", "expected"),
    [
        pytest.param(None, None, ("5", "4"), id="built-in"),
        pytest.param("daily_usd = 10", None, ("10", "8"), id="the alert moves along"),
        pytest.param("daily_usd = 10\nalert_usd = 1", None, ("10", "1"), id="both"),
        pytest.param("alert_usd = 3", None, ("5", "3"), id="the alert alone"),
        pytest.param("alert_usd = 3", "2", ("2", "1.6"), id="a lower limit takes the alert along"),
        pytest.param("alert_usd = 3", "20", ("20", "3"), id="a chosen alert below it stays"),
        pytest.param("daily_usd = false", None, (None, None), id="false is no limit"),
        pytest.param("daily_usd = false\nalert_usd = 3", None, (None, "3"), id="only an alert"),
        pytest.param("daily_usd = 0", None, ("0", None), id="0 is nothing"),
        pytest.param("daily_usd = 1", "off", (None, None), id="off in the variable"),
    ],
)
def test_the_days_limit_and_its_alert(
    configure: Configure,
    text: str | None,
    variable: str | None,
    expected: tuple[str | None, str | None],
) -> None:
    environ = KEY if variable is None else {**KEY, "RALEX_DAILY_USD": variable}
    config = configure(None if text is None else f"[budget]\n{text}\n", environ=environ)
    assert daily(config) == tuple(None if one is None else Decimal(one) for one in expected)


def test_an_alert_above_the_limit_is_warned_about(configure: Configure) -> None:
    config = configure("[budget]\ndaily_usd = 2\nalert_usd = 3\n", environ=KEY)
    assert any("line 3" in one and "never reached" in one for one in config.warnings)


def test_all_scalar_settings_reach_the_config(configure: Configure) -> None:
    config = configure(
        'mode = "ask"\ntheme = "mine"\nmax_steps = 9\n'
        "[timeouts]\nconnect_s = 1\nfirst_byte_s = 2.5\nidle_s = 3\n"
        "[budget]\nsession_usd = 1\nproject_usd = 2\nmonthly_usd = 3.25\ncutoff = false\n",
        environ=KEY,
    )
    assert (config.mode, config.theme, config.max_steps) == ("ask", "mine", 9)
    waits = config.timeouts
    assert (waits.connect_s, waits.first_byte_s, waits.idle_s) == (1.0, 2.5, 3.0)
    budget = config.budget
    assert (budget.session_usd, budget.project_usd) == (Decimal(1), Decimal(2))
    assert (budget.monthly_usd, budget.cutoff) == (Decimal("3.25"), False)


# --- a project's file


def test_a_project_may_tighten(configure: Configure) -> None:
    config = configure(
        environ=KEY,
        project='mode = "plan"\nmax_steps = 5\n[budget]\ndaily_usd = 1.5\nsession_usd = 1\n',
    )
    assert (config.mode, config.max_steps, config.warnings) == ("plan", 5, ())
    assert daily(config) == (Decimal("1.5"), Decimal("1.2"))
    assert config.budget.session_usd == Decimal(1)


@pytest.mark.parametrize(
    "line",
    [
        'mode = "yolo"',
        "max_steps = 1000",
        "[budget]\ndaily_usd = 6",
        "[budget]\ndaily_usd = false",
        "[budget]\nsession_usd = 3",
        "[budget]\ncutoff = false",
        "[budget]\nother = 1",
    ],
)
def test_a_project_may_not_loosen(configure: Configure, line: str) -> None:
    text = 'mode = "ask"\n[budget]\nsession_usd = 2\n'
    before = configure(text, environ=KEY)
    after = configure(text, environ=KEY, project=line)
    assert (after.mode, after.budget, after.max_steps) == (
        before.mode,
        before.budget,
        before.max_steps,
    )
    assert len(after.warnings) == 1
    assert "is ignored" in after.warnings[0]
    assert f"line {1 + line.count(chr(10))}" in after.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        'router = "frontier"',
        'model = "openai/gpt-5.5"',
        '[providers.openai]\nbase_url = "http://evil.example/v1"',
        '[providers.evil]\nbase_url = "http://evil.example/v1"\napi_key = "env:OPENAI_API_KEY"',
        '[models."openai/gpt-5.4-mini"]\nprice = { input = 0, output = 0 }',
        '[routers.openai]\ntiers = { SIMPLE = "openai/gpt-5.5" }',
        "[timeouts]\nidle_s = 1",
        'hooks = ["rm -rf /"]',
    ],
    ids=lambda text: text.partition("\n")[0],
)
def test_a_project_may_not_redirect_or_choose(configure: Configure, text: str, work: Path) -> None:
    before = configure(environ=KEY)
    after = configure(environ=KEY, project=text)
    assert (after.providers, after.models, after.routers) == (
        before.providers,
        before.models,
        before.routers,
    )
    assert (after.router, after.model, after.timeouts) == ("openai", None, before.timeouts)
    assert str(work / ".ralex" / "config.toml") in after.warnings[0]
    assert "is ignored" in after.warnings[0]


def test_a_projects_file_above_the_working_directory_counts_up_to_the_git_root(
    tmp_path: Path, work: Path
) -> None:
    for folder, amount in ((tmp_path, 1), (work, 3), (work / "sub", 2)):
        (folder / ".ralex").mkdir(parents=True)
        (folder / ".ralex" / "config.toml").write_text(f"[budget]\ndaily_usd = {amount}\n")
    deep = work / "sub" / "deeper"
    deep.mkdir()
    config = load_config(cwd=deep, environ={"RALEX_HOME": str(tmp_path / "home"), **KEY})
    assert config.budget.daily_usd == 2


def test_a_projects_file_that_is_not_toml_stops_the_run(configure: Configure) -> None:
    with pytest.raises(ConfigError, match=r"\.ralex/config\.toml line 1"):
        configure(environ=KEY, project="[budget\n")


# --- providers and keys


def test_the_users_file_may_add_an_endpoint_a_model_and_a_router(configure: Configure) -> None:
    config = configure(
        ACME
        + 'api_key = "env:ACME_KEY"\n'
        + '[models."acme/fast"]\nprice = { input = 0.10, output = 0.40 }\n'
        + "context_window = 128000\nmax_output_tokens = 8000\ntools = true\n"
        + '[routers.mine]\ntiers = { SIMPLE = ["acme/fast"], COMPLEX = ["openai/gpt-5.5", '
        + '"acme/big"] }\nweights = { reasoningMarkers = 0.40 }\n',
        environ={"ACME_KEY": "sk-acme", **KEY},
    )
    assert config.router == "mine"
    acme = config.providers["acme"]
    assert (acme.api, acme.api_key, acme.key_names) == (Api.OPENAI_CHAT, "sk-acme", ("ACME_KEY",))
    fast = config.models[ModelId("acme/fast")]
    assert fast.price is not None
    assert fast.price.dated[0].rates.output == Decimal("0.40")
    assert (fast.context_window, fast.max_output_tokens, fast.tools) == (128_000, 8000, True)
    mine = config.routers["mine"]
    assert mine.tiers[Tier.COMPLEX] == ("openai/gpt-5.5", "acme/big")
    assert mine.weights == {"reasoningMarkers": 0.40}
    assert mine.boundaries is None
    assert config.models[ModelId("acme/big")].price is None
    assert any("no price is known for acme/big" in one for one in config.warnings)


def test_a_vendors_model_is_taken_once_a_file_says_its_price(configure: Configure) -> None:
    config = configure(
        '[models."openai/gpt-9"]\nprice = { input = 1, output = 2 }\n'
        '[routers.mine]\ntiers = { SIMPLE = ["openai/gpt-9"] }\n',
        environ=KEY,
    )
    assert config.routers["mine"].tiers[Tier.SIMPLE] == ("openai/gpt-9",)


def test_a_vendor_at_another_address_may_have_any_model(configure: Configure) -> None:
    config = configure(
        '[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"\n'
        '[routers.mine]\ntiers = { SIMPLE = ["openai/whatever"] }\n'
    )
    assert config.routers["mine"].tiers[Tier.SIMPLE] == ("openai/whatever",)


def test_a_model_of_ones_own_that_is_mistyped_is_guessed(configure: Configure) -> None:
    config = configure(
        ACME
        + '[models."acme/fast"]\nprice = { input = 0.10, output = 0.40 }\n'
        + '[routers.mine]\ntiers = { SIMPLE = ["acme/fsat"] }\n',
    )
    assert any("acme/fsat (did you mean acme/fast?)" in one for one in config.warnings)


def test_a_users_model_changes_a_catalogue_entry_field_by_field(configure: Configure) -> None:
    plain = configure(environ=KEY).models[ModelId("openai/gpt-5.5")]
    config = configure('[models."openai/gpt-5.5"]\ncontext_window = 1000\n', environ=KEY)
    changed = config.models[ModelId("openai/gpt-5.5")]
    assert changed.context_window == 1000
    assert (changed.price, changed.max_output_tokens) == (plain.price, plain.max_output_tokens)


def test_a_bare_model_belongs_to_the_server_in_openai_base_url(configure: Configure) -> None:
    config = configure(
        "[models.scripted]\nprice = { input = 0, output = 0 }\n",
        environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1/", "OPENAI_API_KEY": "sk-scripted"},
    )
    assert config.providers["openai"].base_url == "http://127.0.0.1:9/v1"
    router = config.routers[config.router]
    assert set(router.tiers.values()) == {(ModelId("openai/scripted"),)}
    assert config.warnings == ()


def test_a_bare_model_belongs_to_the_only_custom_provider(configure: Configure) -> None:
    config = configure(ACME + "[models.fast]\nprice = { input = 0, output = 0 }\n")
    assert ModelId("acme/fast") in config.models
    assert config.routers[config.router].tiers[Tier.SIMPLE] == ("acme/fast",)
    assert usable_providers(config) == {"acme"}


def test_several_models_of_ones_own_are_spread_over_tiers_by_price(configure: Configure) -> None:
    config = configure(
        ACME
        + "".join(
            f'[models."acme/{name}"]\nprice = {{ input = {price}, output = {price} }}\n'
            for name, price in (("big", 9), ("small", 1), ("middle", 4))
        )
        + '[models."acme/mystery"]\n'
    )
    tiers = config.routers[config.router].tiers
    assert tiers == {
        Tier.SIMPLE: ("acme/small", "acme/big"),
        Tier.MEDIUM: ("acme/middle", "acme/big"),
        Tier.COMPLEX: ("acme/big",),
    }


def test_a_preset_key_wins_over_models_of_ones_own(configure: Configure) -> None:
    text = ACME + '[models."acme/fast"]\nprice = { input = 0, output = 0 }\n'
    config = configure(text, environ={"OPENROUTER_API_KEY": "k"})
    assert config.router == "openrouter"
    assert config.routers["custom"].tiers[Tier.SIMPLE] == ("acme/fast",)


def test_openai_base_url_without_a_key_is_a_server_that_needs_none(configure: Configure) -> None:
    config = configure(environ={"OPENAI_BASE_URL": "http://localhost:8080/v1"})
    assert config.router == "openai"
    assert config.providers["openai"].api_key is None
    assert usable_providers(config) == {"openai"}


def test_naming_openais_own_address_does_not_do_away_with_the_key(configure: Configure) -> None:
    with pytest.raises(MissingKeyError):
        configure(environ={"OPENAI_BASE_URL": "https://api.openai.com/v1"})


def test_anthropic_base_url_gets_the_version_other_programs_leave_out(
    configure: Configure,
) -> None:
    config = configure(environ={"ANTHROPIC_BASE_URL": "http://127.0.0.1:1/"})
    assert config.providers["anthropic"].base_url == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("line", "environ", "expected"),
    [
        pytest.param('api_key = "sk-file"', {}, "sk-file", id="in the file"),
        pytest.param('api_key = "sk-file"', KEY, "sk-env", id="the environment is above it"),
        pytest.param(
            'api_key = "env:WORK"', {"WORK": "sk-work", **KEY}, "sk-work", id="a named variable"
        ),
        pytest.param('api_key = "env:WORK"', KEY, None, id="a named variable that is not set"),
        pytest.param('api_key = "none"', {}, None, id="none"),
    ],
)
def test_where_a_key_is_from(
    configure: Configure, line: str, environ: dict[str, str], expected: str | None
) -> None:
    config = configure(f"[providers.openai]\n{line}\n", environ=environ, require_key=False)
    assert config.providers["openai"].api_key == expected


def test_a_variable_that_is_not_set_is_a_warning(configure: Configure) -> None:
    config = configure('[providers.openai]\napi_key = "env:WORK"\n', require_key=False)
    assert len(config.warnings) == 1
    assert "line 2" in config.warnings[0]
    assert "WORK is not set" in config.warnings[0]


def test_headers_may_name_variables(configure: Configure) -> None:
    config = configure(
        ACME + 'headers = { X-Team = "blue", X-Token = "env:TOKEN" }\n',
        environ={"TOKEN": "sk-token"},
        require_key=False,
    )
    assert config.providers["acme"].headers == {"X-Team": "blue", "X-Token": "sk-token"}


def test_a_key_in_a_file_that_others_can_read_is_a_warning(home: Path, work: Path) -> None:
    home.mkdir()
    file = home / "config.toml"
    file.write_text('[providers.openai]\napi_key = "sk-file"\n')
    environ = {"RALEX_HOME": str(home)}
    file.chmod(0o644)
    assert "chmod 600" in load_config(cwd=work, environ=environ).warnings[0]
    file.chmod(0o600)
    assert load_config(cwd=work, environ=environ).warnings == ()


def test_a_key_over_an_open_line_is_a_warning(configure: Configure) -> None:
    config = configure(
        '[providers.acme]\nbase_url = "http://acme.example/v1"\napi_key = "sk-a"\n'
        '[models."acme/m"]\nprice = { input = 1, output = 1 }\n'
    )
    assert any("without encryption" in one for one in config.warnings)


def test_a_provider_without_models_says_how_to_add_one(configure: Configure) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(ACME)
    assert "acme" in str(caught.value)
    assert '[models."acme/NAME"]' in caught.value.hint


# --- models and routers by name


def test_a_model_by_flag_is_resolved(configure: Configure) -> None:
    assert configure(environ=KEY, model="gpt-5.4").model == "openai/gpt-5.4"
    assert configure(environ={**KEY, "RALEX_MODEL": "gpt-5.4"}).model == "openai/gpt-5.4"
    assert configure('model = "gpt-5.4"\n', environ=KEY).model == "openai/gpt-5.4"


def test_auto_means_the_router(configure: Configure) -> None:
    assert configure('model = "gpt-5.4"\n', environ=KEY, model="auto").model is None


def test_an_unknown_model_says_who_asked_for_it(configure: Configure) -> None:
    with pytest.raises(UnknownModelError, match=r"--model: .*'gpt-5.4-mni'"):
        configure(environ=KEY, model="gpt-5.4-mni")


def test_a_model_without_a_key_says_which_to_set(configure: Configure) -> None:
    with pytest.raises(MissingKeyError) as caught:
        configure(environ=KEY, model="claude-opus-4-8")
    assert caught.value.hint == "set ANTHROPIC_API_KEY"


def test_a_model_at_a_server_of_ones_own_needs_no_routers_key(configure: Configure) -> None:
    config = configure(ACME, model="acme/anything")
    assert config.model == "acme/anything"
    assert ModelId("acme/anything") in config.models


def test_an_unknown_router_gets_the_nearest(configure: Configure) -> None:
    with pytest.raises(ConfigError, match=r"RALEX_ROUTER: .*did you mean 'openrouter'"):
        configure(environ={**KEY, "RALEX_ROUTER": "openruter"})


def test_of_several_routers_without_a_word_the_first_is_taken_and_said(
    configure: Configure,
) -> None:
    config = configure(
        '[routers.b.tiers]\nSIMPLE = "openai/gpt-5.4"\n[routers.a.tiers]\nSIMPLE = '
        '"openai/gpt-5.5"\n',
        environ=KEY,
    )
    assert config.router == "b"
    assert "no 'router' says which" in config.warnings[0]


def test_boundaries_that_are_not_given_are_the_scorers_own(configure: Configure) -> None:
    config = configure(
        '[routers.mine]\nscorer = "litellm"\ntiers = { SIMPLE = "openai/gpt-5.4" }\n'
        "boundaries = { simple_medium = 0.1 }\n",
        environ=KEY,
    )
    boundaries = config.routers["mine"].boundaries
    assert boundaries is not None
    assert (boundaries.simple_medium, boundaries.medium_complex) == (0.1, 0.35)


def test_rules_are_compiled_in_order(configure: Configure) -> None:
    config = configure(
        '[routers.mine]\ntiers = { SIMPLE = "openai/gpt-5.4" }\n'
        "[[routers.mine.rules]]\npattern = '(?i)\\btypo\\b'\ntier = \"SIMPLE\"\n"
        "max_cost_usd = 0.01\nmax_tokens = 500\n"
        "[[routers.mine.rules]]\npattern = 'x'\nmodel = \"gpt-5.5\"\n",
        environ=KEY,
    )
    first, second = config.routers["mine"].rules
    assert first.pattern.search("a Typo here")
    assert (first.tier, first.max_cost_usd, first.max_tokens) == (
        Tier.SIMPLE,
        Decimal("0.01"),
        500,
    )
    assert (second.tier, second.model) == (None, "openai/gpt-5.5")


# --- weight and secrecy


def test_without_a_file_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ralex.config.load import load_config;"
        f"load_config(cwd=Path({str(tmp_path)!r}), environ={{'RALEX_HOME': {str(tmp_path)!r},"
        "'OPENAI_API_KEY': 'k'});"
        "heavy = {'pydantic', 'asyncio', 'ssl', 'httpx', 'textual', 'sqlite3', 'difflib'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_key_is_in_what_is_shown_of_a_config(configure: Configure) -> None:
    config = configure(
        ACME
        + 'api_key = "sk-in-file"\nheaders = { Authorization = "Bearer sk-in-header" }\n'
        + '[models."acme/m"]\nprice = { input = 0, output = 0 }\n',
        environ={"MISTRAL_API_KEY": "sk-in-env"},
    )
    shown = repr(config) + str(config) + "".join(config.sources) + "".join(config.warnings)
    assert "sk-in" not in shown
