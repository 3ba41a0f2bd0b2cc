"""Any value in any place of a LiteLLM file is understood, reported or refused in ralex's words."""

import copy
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ralex.config.litellm import check, convert
from ralex.config.toml_text import parse_toml
from ralex.errors import ConfigError

WHOLE: dict[str, object] = {
    "model_list": [
        {
            "model_name": "small",
            "litellm_params": {
                "model": "openai/small",
                "api_base": "https://llm.example.com/v1",
                "api_key": "os.environ/KEY",
                "input_cost_per_token": 1e-06,
                "output_cost_per_token": 2e-06,
                "extra_headers": {"X-A": "${B}"},
                "order": 1,
                "max_tokens": 100,
            },
            "model_info": {"base_model": "gpt-5.4", "max_input_tokens": 10, "mode": "chat"},
        },
        {"model_name": "big", "litellm_params": {"model": "anthropic/claude-sonnet-4-6"}},
        {"model_name": "acme/*", "litellm_params": {"model": "openai/*"}},
        {
            "model_name": "brain",
            "litellm_params": {
                "model": "auto_router/complexity_router",
                "complexity_router_default_model": "small",
                "complexity_router_config": {
                    "tiers": {"SIMPLE": "small", "COMPLEX": ["big", {"model_name": "small"}]},
                    "dimension_weights": {"tokenCount": 0.1},
                    "tier_boundaries": {"simple_medium": 0.1},
                    "token_thresholds": {"simple": 3, "complex": 9},
                    "code_keywords": ["a"],
                    "keyword_tier_rules": [{"keywords": ["x"], "tier": "MEDIUM"}],
                },
            },
        },
    ],
    "router_settings": {
        "fallbacks": [{"small": ["big"]}],
        "context_window_fallbacks": [["small", "big"]],
        "default_fallbacks": ["big"],
        "model_group_alias": {"old": "small"},
        "num_retries": 1,
        "cooldown_time": 2,
        "timeout": 3,
        "routing_strategy": "cost-based-routing",
        "budget_manager": {"daily_limit": 5, "alert_threshold": 4, "auto_cutoff": True},
        "routing_rules": [{"pattern": "a|b", "model": "small", "max_cost": 1, "max_tokens": 5}],
    },
    "litellm_settings": {"max_budget": 3, "budget_duration": "1d"},
    "credential_list": [{"credential_name": "a", "credential_values": {"api_key": "k"}}],
}


def places(tree: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    if isinstance(tree, dict):
        for key, value in cast("dict[str, object]", tree).items():
            yield from places(value, (*path, key))
    elif isinstance(tree, list):
        for index, value in enumerate(cast("list[object]", tree)):
            yield from places(value, (*path, index))


def with_value(path: tuple[str | int, ...], value: object) -> dict[str, object]:
    tree = copy.deepcopy(WHOLE)
    at: object = tree
    for key in path[:-1]:
        at = cast("dict[str | int, object]", at)[key]
    cast("dict[str | int, object]", at)[path[-1]] = value
    return tree


def convert_text(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(text, encoding="utf-8")
        conversion = convert(path)
        check(conversion)
        written, _ = conversion.to_toml()
        parse_toml(written, path=Path("config.toml"))


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**30),
    st.floats(allow_nan=True),
    st.text(max_size=6),
    st.sampled_from(
        [
            "small",
            "big",
            "brain",
            "*",
            "/",
            "a/",
            "/a",
            "openai/",
            "${X}",
            "os.environ/",
            "(a+)+",
            "env:",
        ]
    ),
    st.just([]),
    st.just({}),
    st.lists(st.sampled_from(["small", "brain", 3, None, {}]), max_size=3),
    st.dictionaries(st.sampled_from(["a", "", "model", "SIMPLE"]), st.none(), max_size=2),
)


@settings(max_examples=250)
@given(path=st.sampled_from(list(places(WHOLE))), value=junk)
def test_junk_in_any_place_is_a_config_error_or_a_configuration(
    path: tuple[str | int, ...], value: object
) -> None:
    text = yaml.safe_dump(with_value(path, value), allow_unicode=True)
    with suppress(ConfigError):
        convert_text(text)


@pytest.mark.parametrize("name", [[], {}, ["small"], None, 3])
def test_a_fallback_of_something_without_a_name_is_a_config_error(name: object) -> None:
    path = ("router_settings", "context_window_fallbacks", 0)
    with pytest.raises(ConfigError, match="context_window_fallbacks"):
        convert_text(yaml.safe_dump(with_value(path, [name, "small"])))


def test_the_whole_file_is_fine_as_it_is() -> None:
    convert_text(yaml.safe_dump(WHOLE))
