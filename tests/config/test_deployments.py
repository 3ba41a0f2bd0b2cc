"""Deployments, limits and fallback chains in config.toml."""

from dataclasses import replace
from pathlib import Path

import pytest

from ralex.cli import run
from ralex.commands.config import STARTER
from ralex.config.catalogue import resolve_model
from ralex.config.model import Caching
from ralex.config.toml_text import read_toml
from ralex.core.fallbacks import ANY
from ralex.errors import ConfigError
from tests.config.conftest import Configure

KEY = {"OPENAI_API_KEY": "sk-env"}
TWO = """
[providers.eu]
base_url = "http://127.0.0.1:1/v1"
[providers.us]
base_url = "http://127.0.0.1:2/v1"
[models."eu/sonnet"]
like = "anthropic/claude-sonnet-4-6"
weight = 3
rpm = 60
tpm = 90_000
[models."us/sonnet"]
like = "anthropic/claude-sonnet-4-6"
weight = 0.5
[models."eu/long"]
price = { input = 1, output = 2 }
"""
GROUP = '[deployments]\nsonnet = ["eu/sonnet", "us/sonnet"]\n'


def test_weights_and_limits_belong_to_each_deployment(configure: Configure) -> None:
    config = configure(TWO + GROUP)
    first, second = (config.models[one] for one in config.deployments["sonnet"])
    assert (first.weight, first.rpm, first.tpm) == (3.0, 60, 90_000)
    assert (second.weight, second.rpm, second.tpm) == (0.5, None, None)
    assert replace(first, id=second.id).context_window == second.context_window


def test_the_group_has_a_name_that_models_are_asked_for_by(configure: Configure) -> None:
    config = configure(TWO + GROUP + '[routers.mine]\ntiers = { SIMPLE = "sonnet" }\n')
    assert resolve_model("sonnet", config).id == "eu/sonnet"
    assert list(config.routers["mine"].tiers.values()) == [("eu/sonnet",)]


def test_each_kind_of_fallback_is_a_chain_of_its_own(configure: Configure) -> None:
    config = configure(
        TWO
        + GROUP
        + '[fallbacks]\ngeneral = { "*" = "eu/long" }\n'
        + 'context_window = { sonnet = ["eu/long"] }\n'
        + '[fallbacks.content_policy]\n"eu/long" = ["sonnet"]\n'
    )
    chains = config.fallbacks
    assert chains.general == {ANY: ("eu/long",)}
    assert chains.context_window == {"eu/sonnet": ("eu/long",), "us/sonnet": ("eu/long",)}
    assert chains.content_policy == {"eu/long": ("eu/sonnet", "us/sonnet")}


def test_a_sibling_or_a_fallback_without_a_price_is_told_of(configure: Configure) -> None:
    text = TWO + '[deployments]\nx = ["eu/sonnet", "eu/new"]\n[fallbacks]\ngeneral = '
    config = configure(text + '{ "*" = "us/newer" }\n[routers.r]\ntiers = { SIMPLE = "x" }\n')
    told = " ".join(config.warnings)
    assert "no price is known for eu/new" in told
    assert "no price is known for us/newer" in told


def test_the_cache_is_off_until_it_is_switched_on(configure: Configure) -> None:
    assert not configure(TWO).cache.enabled
    config = configure(TWO + "[cache]\nenabled = true\nttl_s = 1.5\nmax_mb = 7\n")
    assert config.cache == Caching(enabled=True, agent=False, ttl_s=1.5, max_mb=7)
    assert not config.warnings


def test_a_cache_for_the_agent_alone_is_told_to_be_off(configure: Configure) -> None:
    (told,) = configure(TWO + "[cache]\nagent = true\n", environ=KEY).warnings
    assert "line 17: cache.agent says nothing while cache.enabled is false" in told
    both = configure(TWO + "[cache]\nenabled = true\nagent = true\n", environ=KEY)
    assert not both.warnings


FAULTS = [
    pytest.param(
        '[fallbacks.context_window]\n"eu/long" = ["eu/sonnet"]\n"eu/sonnet" = ["eu/long"]',
        r"line 17: \[fallbacks.context_window\] goes in a circle: "
        "eu/long → eu/sonnet → eu/long",
        id="circle",
    ),
    pytest.param(
        '[fallbacks]\ngeneral = { "eu/long" = "eu/long" }',
        r"line 17: \[fallbacks.general\] lets 'eu/long' fall back to itself",
        id="itself",
    ),
    pytest.param(
        '[fallbacks.content_policy]\n"eu/long" = ["eu/long", "nobody"]',
        "line 17: fallbacks.content_policy: no model is named 'nobody'",
        id="missing model",
    ),
    pytest.param(
        '[fallbacks.content_policy]\nnobody = ["eu/long"]',
        "line 17: fallbacks.content_policy: no model is named 'nobody'",
        id="missing key",
    ),
    pytest.param("[fallbacks]\ncontext = {}", "did you mean 'context_window'", id="kind"),
    pytest.param(
        '[deployments]\nx = ["eu/long", "nobody"]', "line 17: no model is named", id="deployment"
    ),
    pytest.param(
        '[deployments]\n"eu/long" = ["eu/sonnet"]',
        "line 17: the name of the deployments 'eu/long' is the id of a model already",
        id="name of a model",
    ),
    pytest.param(
        '[aliases]\nx = "eu/long"\n[deployments]\nx = ["eu/sonnet"]',
        "line 19: the name of the deployments 'x' is an alias already",
        id="name of an alias",
    ),
    pytest.param("[deployments]\nx = []", "'x' in .deployments. must not be empty", id="empty"),
    pytest.param('[models."us/sonnet".x]', "unknown key 'x'", id="unknown"),
    pytest.param('[models."eu/x"]\nweight = -1', "must be between 0 and 1000000", id="weight"),
    pytest.param('[models."eu/x"]\nweight = true', "must be a number", id="no weight"),
    pytest.param('[models."eu/x"]\nrpm = 0', "'rpm' in .* must be greater than 0", id="rpm"),
    pytest.param('[models."eu/x"]\ntpm = 1.5', "must be a whole number", id="tpm"),
    pytest.param("[cache]\nenable = true", "did you mean 'enabled'", id="cache key"),
    pytest.param("[cache]\nenabled = 1", "must be true or false", id="cache switch"),
    pytest.param("[cache]\nttl_s = 0", "must be more than 0 and at most a year", id="lifetime"),
    pytest.param("[cache]\nmax_mb = 0", "must be greater than 0", id="cache size"),
    pytest.param("[retries]\nlimit_wait_s = 0", "'limit_wait_s' in .retries.", id="wait"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_names_file_line_and_key(configure: Configure, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        configure(TWO + text, environ=KEY)
    assert caught.value.exit_code == 2


def test_the_command_line_refuses_a_circle_before_anything_is_sent(
    home: Path, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    text = '[fallbacks.general]\n"eu/long" = ["us/sonnet"]\n"us/sonnet" = ["eu/long"]\n'
    (home / "config.toml").write_text(TWO + text, encoding="utf-8")
    monkeypatch.setenv("RALEX_HOME", str(home))
    monkeypatch.chdir(work)
    assert run(["--prompt", "hi"]) == 2
    told = capsys.readouterr().err
    assert "config.toml line 17" in told
    assert "circle" in told


def test_every_line_of_the_file_to_start_from_loads(configure: Configure, tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") if _is_setting(line) else line for line in STARTER.splitlines()
    ]
    text = "\n".join(lines)
    config = configure(text, environ={**KEY, "ANTHROPIC_API_KEY": "k", "ACME_KEY": "k"})
    assert config.deployments
    assert config.fallbacks.context_window
    file = tmp_path / "all.toml"
    file.write_text(text, encoding="utf-8")
    named = read_toml(file).table
    for table in ("budget", "timeouts", "retries", "cache", "log", "aliases", "fallbacks"):
        assert table in named, f"[{table}] is not documented"


def _is_setting(line: str) -> bool:
    """Tell a setting that is commented out from a comment in words."""
    rest = line.removeprefix("# ")
    return rest != line and (rest.startswith("[") or " = " in rest.split("#")[0])
