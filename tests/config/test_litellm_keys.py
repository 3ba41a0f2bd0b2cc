import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ralex.config.litellm import convert
from ralex.config.litellm_yaml import YamlNode, read_yaml
from tests.config.litellm_files import Files

ROUTER = "model_list.litellm_params.complexity_router_config"
READ = (
    "litellm_settings.budget_duration",
    "litellm_settings.cache_params.ttl",
    "litellm_settings.default_fallbacks",
    "litellm_settings.max_budget",
    "litellm_settings.num_retries",
    "model_list.litellm_params",
    "model_list.litellm_params.api_base",
    "model_list.litellm_params.api_key",
    "model_list.litellm_params.cache_creation_input_token_cost",
    "model_list.litellm_params.cache_read_input_token_cost",
    "model_list.litellm_params.extra_headers",
    "model_list.litellm_params.extra_headers.X-A",
    "model_list.litellm_params.input_cost_per_token",
    "model_list.litellm_params.input_cost_per_token_above_200k_tokens",
    "model_list.litellm_params.model",
    "model_list.litellm_params.order",
    "model_list.litellm_params.organization",
    "model_list.litellm_params.output_cost_per_token",
    "model_list.litellm_params.rpm",
    "model_list.litellm_params.tpm",
    "model_list.litellm_params.weight",
    "model_list.model_info.base_model",
    "model_list.model_info.max_input_tokens",
    "model_list.model_info.max_output_tokens",
    "model_list.model_info.mode",
    "model_list.model_info.supports_function_calling",
    "model_list.model_info.supports_prompt_caching",
    "model_list.model_info.supports_reasoning",
    "model_list.model_info.supports_response_schema",
    "model_list.model_info.supports_vision",
    "model_list.model_name",
    "router_settings.content_policy_fallbacks",
    "router_settings.content_policy_fallbacks.cheap",
    "router_settings.context_window_fallbacks",
    "router_settings.context_window_fallbacks.cheap",
    "router_settings.cooldown_time",
    "router_settings.default_fallbacks",
    "router_settings.fallbacks",
    "router_settings.fallbacks.cheap",
    "router_settings.max_fallbacks",
    "router_settings.model_group_alias",
    "router_settings.model_group_alias.gpt",
    "router_settings.num_retries",
)
READ_OF_ROUTERS = (
    "code_keywords",
    "custom_technical_keywords",
    "dimension_weights.codePresence",
    "dimension_weights.tokenCount",
    "keyword_tier_rules",
    "keyword_tier_rules.keywords",
    "keyword_tier_rules.tier",
    "reasoning_keywords",
    "reasoning_override_min_score",
    "simple_keywords",
    "technical_keywords",
    "tier_boundaries",
    "tier_boundaries.medium_complex",
    "tier_boundaries.simple_medium",
    "tiers.COMPLEX.model_name",
    "tiers.REASONING.model_name",
    "tiers.SIMPLE",
    "token_thresholds",
    "token_thresholds.complex",
    "token_thresholds.simple",
)
DROPPED = "model_list.litellm_params.aws_region_name"
"""Belongs to a deployment that is reported as a whole."""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_every_key_that_litellm_documents_is_read_or_reported(files: Files) -> None:
    path = Path(__file__).parent / "every_litellm_key.yaml"
    told = {note.key for note in convert(files.write(path.read_text("utf-8"))).notes}
    found = set(_keys(read_yaml(path), ""))
    silent = {
        re.sub(r"\[\d+\]", "", key)
        for key in found
        if not any(note == key or key.startswith((f"{note}.", f"{note}[")) for note in told)
        and not any(note.startswith((f"{key}.", f"{key}[")) for note in told)
    }
    assert silent == {*READ, *(f"{ROUTER}.{key}" for key in READ_OF_ROUTERS), DROPPED}


def _keys(node: YamlNode, path: str) -> Iterator[str]:
    if isinstance(node.value, dict):
        for name, child in node.value.items():
            key = f"{path}.{name}" if path else name
            yield key
            yield from _keys(child, key)
    elif isinstance(node.value, list):
        for number, child in enumerate(node.value):
            yield from _keys(child, f"{path}[{number}]")
