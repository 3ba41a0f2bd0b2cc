import traceback
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ralex.config.load import load_config
from ralex.errors import ConfigError
from tests.config.conftest import Configure

KEY = {"OPENAI_API_KEY": "sk-env"}
ROUTER = '[routers.mine]\ntiers = { SIMPLE = "openai/gpt-5.4" }\n'
RULE = ROUTER + "[[routers.mine.rules]]\n"

FAULTS = [
    pytest.param("dialy = 1", "line 1: unknown key 'dialy' at the top of the file", id="top"),
    pytest.param("daily_usd = 1", "at the top of the file; it belongs in [budget]", id="elsewhere"),
    pytest.param(
        "[budget]\n\n\ndialy_usd = 1",
        "line 4: unknown key 'dialy_usd' in [budget]; did you mean 'daily_usd'?",
        id="budget",
    ),
    pytest.param(
        '[providers.x]\nbase-url = "http://a/v1"',
        "line 2: unknown key 'base-url' in [providers.x]; did you mean 'base_url'?",
        id="provider",
    ),
    pytest.param(
        '[models."openai/x"]\nprice = { inputs = 1, output = 1 }',
        "line 2: [models.\"openai/x\".price] has no 'input'",
        id="price",
    ),
    pytest.param(
        '[routers.mine]\ntiers = { SIMPEL = "openai/gpt-5.4" }',
        "line 2: unknown key 'SIMPEL' in [routers.mine.tiers]; did you mean 'SIMPLE'?",
        id="tier",
    ),
    pytest.param(
        ROUTER + "weights = { tokencount = 1 }",
        "line 3: unknown key 'tokencount' in [routers.mine.weights]; did you mean 'tokenCount'?",
        id="weight",
    ),
    pytest.param(
        ROUTER + 'scorer = "litelm"', "line 3: 'scorer' in [routers.mine] must be", id="scorer"
    ),
    pytest.param(ROUTER + 'scorer = "litelm"', "did you mean 'litellm'?", id="scorer, nearest"),
    pytest.param(
        '[providers.x]\nbase_url = "http://a/v1"\napi = "openai"',
        "line 3: 'api' in [providers.x] must be",
        id="api",
    ),
    pytest.param('mode = "yollo"', "did you mean 'yolo'?", id="mode"),
    pytest.param("mode = 3", "line 1: 'mode' at the top of the file must be", id="mode's type"),
    pytest.param("max_steps = 0", "line 1: 'max_steps'", id="no steps"),
    pytest.param("max_steps = true", "must be a whole number", id="steps that are true"),
    pytest.param('budget = "5"', "line 1: 'budget'", id="a table that is text"),
    pytest.param(
        "[budget]\ndaily_usd = -1", "line 2: 'daily_usd' in [budget] must be", id="below 0"
    ),
    pytest.param("[budget]\ndaily_usd = nan", "must be a finite number", id="nan"),
    pytest.param("[budget]\ndaily_usd = inf", "must be a finite number", id="inf"),
    pytest.param("[budget]\ndaily_usd = true", "or false for no limit", id="limit true"),
    pytest.param('[budget]\ndaily_usd = "5"', "must be a number of USD", id="limit in quotes"),
    pytest.param("[timeouts]\nidle_s = 0", "line 2: 'idle_s' in [timeouts]", id="no time"),
    pytest.param(
        '[models."openai/x"]\nprice = { input = -0.1, output = 1 }',
        "line 2: 'input' in [models.\"openai/x\".price] must be between 0",
        id="negative price",
    ),
    pytest.param(
        '[models."openai/x"]\ncontext_window = 1.5', "must be a whole number", id="half a token"
    ),
    pytest.param('[models."acme/x"]', "belongs to no known provider", id="model without provider"),
    pytest.param("[models.x]", "it is not clear which provider", id="bare model"),
    pytest.param(
        "[providers.acme]", "line 1: the provider 'acme' needs a base_url", id="no address"
    ),
    pytest.param(
        '[providers.acme]\nbase_url = "127.0.0.1:8080"', "line 2: base_url", id="no scheme"
    ),
    pytest.param('[providers."a/b"]\nbase_url = "http://a/v1"', "no slash", id="provider's name"),
    pytest.param(
        "[routers.mine]\ntiers = {}", "line 2: the router 'mine' has no tiers", id="no tiers"
    ),
    pytest.param("[routers.mine]", "[routers.mine] has no 'tiers'", id="tiers missing"),
    pytest.param("[routers.mine]\ntiers = { SIMPLE = [] }", "must not be empty", id="empty chain"),
    pytest.param(
        '[routers.mine]\ntiers = { SIMPLE = ["openai/gpt-5.4", "nonesuch"] }',
        "line 2: routers.mine.tiers.SIMPLE: no model is named 'nonesuch'",
        id="unknown model in a tier",
    ),
    pytest.param(
        '[routers.mine]\ntiers = { SIMPLE = ["openai/gpt-5.5", "openai/gtp-5.5"] }',
        "SIMPLE: openai is not known to have a model 'gtp-5.5'; did you mean openai/gpt-5.5?",
        id="a vendor's model that is not listed",
    ),
    pytest.param(
        RULE + "pattern = 'a'\nmodel = \"anthropic/nonesuch\"",
        "line 5: routers.mine.rules.model: anthropic is not known to have a model 'nonesuch'",
        id="a rule's model that is not listed",
    ),
    pytest.param(
        '[fallbacks.general]\n"*" = "mistral/nonesuch"',
        "line 2: fallbacks.general: mistral is not known to have a model 'nonesuch'",
        id="a fallback that is not listed",
    ),
    pytest.param(
        ROUTER + "boundaries = { simple_medium = 0.3, medium_complex = 0.2 }",
        "routers.mine.boundaries must rise, but simple_medium is 0.3 and medium_complex is 0.2",
        id="falling boundaries",
    ),
    pytest.param(
        ROUTER + "boundaries = { simple_medium = 0.2, medium_complex = 0.2 }",
        "boundaries must rise",
        id="equal boundaries",
    ),
    pytest.param(
        RULE + "pattern = 'a(b'\ntier = \"SIMPLE\"", "line 4: the pattern of rule 1", id="regex"
    ),
    pytest.param(RULE + "pattern = 'a(b'\ntier = \"SIMPLE\"", "at character 2", id="regex's place"),
    pytest.param(
        RULE + "pattern = '(a+)+\\1$'\ntier = \"SIMPLE\"",
        "line 4: the pattern of rule 1 of 'mine' uses a back-reference",
        id="a regex without a bound",
    ),
    pytest.param(
        "new_task_after_minutes = 0",
        "line 1: 'new_task_after_minutes' at the top",
        id="no pause at all",
    ),
    pytest.param(RULE + "pattern = 'a'", "neither a tier nor a model", id="rule without effect"),
    pytest.param(
        RULE + 'tier = "SIMPLE"', "[routers.mine.rules #1] has no 'pattern'", id="no pattern"
    ),
    pytest.param(
        RULE + "pattern = 'a'\ntier = \"SIMPL\"",
        "line 5: 'tier' in [routers.mine.rules #1]",
        id="rule's tier",
    ),
    pytest.param(
        RULE + "pattern = 'a'\nmodel = \"nonesuch\"",
        "rules.model: no model is named",
        id="rule's model",
    ),
    pytest.param("a = [", "line 1", id="not TOML"),
    pytest.param("a = 1\nb = = 2\n", "line 2, column 5", id="not TOML, with its place"),
    pytest.param("a = 1\na = 2\n", "line 2", id="a key twice"),
    pytest.param("a = " + "[" * 5000, "nested too deeply", id="nested"),
    pytest.param("a = " + "9" * 5000, "too many digits", id="digits"),
    pytest.param("a = 1e999999999999999999999", "too many digits", id="exponent"),
    pytest.param("[budget]\ndaily_usd = 1e400", "between 0 and a billion", id="large"),
]


@pytest.mark.parametrize(("text", "expected"), FAULTS)
def test_a_fault_is_named_with_its_place(
    configure: Configure, home: Path, text: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(text, environ=KEY)
    assert expected in str(caught.value)
    assert str(home / "config.toml") in str(caught.value)
    assert caught.value.exit_code == 2


def test_bytes_that_are_not_text_are_named_with_their_line(home: Path, work: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_bytes(b'mode = "ask"\ntheme = "\xff"\n')
    with pytest.raises(ConfigError, match=r"config\.toml line 2: this is not UTF-8"):
        load_config(cwd=work, environ={"RALEX_HOME": str(home)})


def test_a_folder_in_place_of_the_file_is_an_error(home: Path, work: Path) -> None:
    (home / "config.toml").mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(cwd=work, environ={"RALEX_HOME": str(home)})


def test_a_huge_file_is_refused(home: Path, work: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("#" * 1_000_001)
    with pytest.raises(ConfigError, match="1,000,001 bytes"):
        load_config(cwd=work, environ={"RALEX_HOME": str(home)})


@pytest.mark.parametrize("value", ["-1", "abc", "nan", "1e99", "Infinity"])
def test_a_limit_in_the_environment_that_is_no_amount_is_refused(
    configure: Configure, value: str
) -> None:
    with pytest.raises(ConfigError, match="RALEX_DAILY_USD is not an amount"):
        configure(environ={**KEY, "RALEX_DAILY_USD": value})


@pytest.mark.parametrize(
    "value",
    [
        "localhost:8080",
        "ftp://a/v1",
        "http://user:sk-pass@a/v1",
        "http://a/v1?key=sk-q",
        "http://[::1",
    ],
)
def test_an_address_in_the_environment_is_checked_and_not_repeated(
    configure: Configure, value: str
) -> None:
    with pytest.raises(ConfigError, match=r"^OPENAI_BASE_URL: ") as caught:
        configure(environ={"OPENAI_BASE_URL": value})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("value", ["sk-a b", "sk-a\nsk-b", "sk-ключ", "sk-\x00"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(
    configure: Configure, value: str
) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY: a key may not hold") as caught:
        configure(environ={"OPENAI_API_KEY": value})
    assert "sk-" not in str(caught.value)


SECRET = "sk-very-secret"
LEAKS = [
    f'[providers.openai]\napi_key = "{SECRET}"\napi = 7\n',
    f'[providers.openai]\napi_key = ["{SECRET}"]\n',
    f'[providers.openai]\napi_key = "{SECRET} x"\n',
    f'[providers.openai]\napi_key = {{ value = "{SECRET}" }}\n',
    f'[providers.openai]\napi_key = "{SECRET}\n',
    f"[providers.openai]\napi_key = {SECRET}\n",
    f'[providers.openai]\nheaders = {{ Authorization = "{SECRET}", B = 1 }}\n',
    f'[providers.openai]\nheaders = "{SECRET}"\n',
    f'[providers.acme]\nbase_url = "{SECRET}"\n',
    f'[providers.acme]\nbase_url = "http://u:{SECRET}@a/v1"\n',
    f'[providers.openai]\napi_key = "{SECRET}\\n{SECRET}"\n',
    f'[providers.openai]\napi_key = "env:{SECRET}!"\n',
]


@pytest.mark.parametrize("text", LEAKS)
def test_no_error_repeats_a_key_not_even_in_its_traceback(configure: Configure, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configure(text)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert SECRET not in shown


NAMES = st.sampled_from(
    ["router", "model", "mode", "theme", "max_steps", "budget", "timeouts", "providers", "models",
     "routers", "daily_usd", "alert_usd", "base_url", "api_key", "headers", "price", "input",
     "output", "tiers", "SIMPLE", "COMPLEX", "weights", "boundaries", "simple_medium", "rules",
     "pattern", "tier", "openai", "acme", "x"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["openai", "acme", "openai/gpt-5.4", "gpt-5.4", "env:NOPE", "http://127.0.0.1:1/v1", "yolo",
     "SIMPLE", "(a+)+", "[", "(?i)x", "", "ralex", "local", "none", "\x1b[0m", "ü"]
)  # fmt: skip
SCALARS = WORDS | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        escaped = "".join(
            f"\\U{ord(char):08x}" if char in '"\\' or not char.isprintable() else char
            for char in value
            if not 0xD800 <= ord(char) <= 0xDFFF
        )
        return f'"{escaped}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, cast("list[object]", value))) + "]"
    table = cast("dict[str, object]", value)
    pairs = (f"{toml_value(key)} = {toml_value(inner)}" for key, inner in table.items())
    return "{ " + ", ".join(pairs) + " }"


def load_text(folder: Path, text: bytes) -> None:
    (folder / "config.toml").write_bytes(text)
    with suppress(ConfigError):
        load_config(cwd=folder, environ={"RALEX_HOME": str(folder), **KEY})


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_table_loads_or_is_a_config_error(tmp_path: Path, table: dict[str, object]) -> None:
    text = "".join(f"{toml_value(name)} = {toml_value(value)}\n" for name, value in table.items())
    load_text(tmp_path, text.encode())


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.binary(max_size=60)
    | st.text(alphabet="[]{}=\"'.,#\n\\ a1-_:", max_size=60).map(str.encode)
)
def test_any_bytes_load_or_are_a_config_error(tmp_path: Path, raw: bytes) -> None:
    load_text(tmp_path, raw)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_project_table_keeps_the_money_and_the_endpoints(
    tmp_path: Path, table: dict[str, object]
) -> None:
    folder = tmp_path / "project"
    (folder / ".ralex").mkdir(parents=True, exist_ok=True)
    text = "".join(f"{toml_value(name)} = {toml_value(value)}\n" for name, value in table.items())
    (folder / ".ralex" / "config.toml").write_text(text, encoding="utf-8")
    environ = {"RALEX_HOME": str(tmp_path / "home"), **KEY}
    before = load_config(cwd=tmp_path, environ=environ)
    try:
        after = load_config(cwd=folder, environ=environ)
    except ConfigError:
        return
    assert after.budget.daily_usd is not None
    assert after.budget.daily_usd <= 5
    assert after.budget.cutoff
    assert (after.providers, after.models, after.routers, after.router) == (
        before.providers,
        before.models,
        before.routers,
        before.router,
    )
