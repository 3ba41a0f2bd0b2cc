"""What the report says of LiteLLM's settings that ralex has no counterpart for."""

from collections.abc import Mapping
from types import MappingProxyType

from ralex.config.litellm_reading import Item, Table

_PLAIN = "has no counterpart here and is left out"
_PER_CALL = "ralex sets this itself for every call; left out"
_PROXY = "belongs to LiteLLM's server; ralex has none"
_STATED = "ralex has this for all models alike, not for one; left out"
_ALWAYS = "not needed: ralex does so by itself"
_CLASSIFIER = "only LiteLLM's heuristic is known; no model is asked to classify"
_TASK = "not needed: a task keeps its tier and its model until it ends"
_BY_HAND = "ralex moves up on evidence, on a complaint, and by /tier; left out"
_PARALLEL = "ralex limits requests and tokens a minute (rpm, tpm), not how many run at once"

NO_COUNTERPART: Mapping[str, str] = MappingProxyType(
    {
        "temperature": _PER_CALL,
        "top_p": _PER_CALL,
        "reasoning_effort": _PER_CALL,
        "thinking": _PER_CALL,
        "extra_body": _PER_CALL,
        "timeout": _STATED,
        "stream_timeout": _STATED,
        "num_retries": _STATED,
        "max_retries": _STATED,
        "cooldown_time": _STATED,
        "max_parallel_requests": _PARALLEL,
        "max_budget": "ralex limits all spending together, not a model's; left out",
        "budget_duration": "ralex limits all spending together, not a model's; left out",
        "provider_budget_config": "ralex limits all spending together, not a provider's; left out",
        "drop_params": "not needed: ralex sends a model only what it takes",
        "modify_params": "not needed: ralex sends a model only what it takes",
        "set_verbose": "not needed: see `ralex doctor` and the log file",
        "json_logs": "not needed: see `ralex --prompt … --output stream-json`",
        "disable_background_health_check": "not needed: ralex makes no background checks",
        "health_check_skip_disabled_background_models": (
            "not needed: ralex makes no background checks"
        ),
        "enable_pre_call_checks": "not needed: ralex checks the window before every call",
        "master_key": _PROXY,
        "database_url": "not needed: ralex keeps its ledger in files of its own",
        "store_model_in_db": _PROXY,
        "alerting": _PROXY,
        "callbacks": "ralex keeps its own log of decisions and charges",
        "success_callback": "ralex keeps its own log of decisions and charges",
        "failure_callback": "ralex keeps its own log of decisions and charges",
        "environment_variables": "set these variables yourself; a file's are not taken over",
        "include": "other files are not read along; import each of them",
        "api_version": "is not sent; an address that ends in /openai/v1 needs none",
        "id": "not needed: models are known by provider and name",
        "allowed_fails": "a model that fails is tried last for a while after the first failure",
        "classifier_type": "only LiteLLM's heuristic is known, and it is what decides here",
        "classifier_llm_config": _CLASSIFIER,
        "hybrid_boundary_margin": _CLASSIFIER,
        "heuristic_first_max_tier": _CLASSIFIER,
        "local_heuristic": _CLASSIFIER,
        "semantic_keyword_matching": "words are looked for as they stand, not by meaning; left out",
        "custom_dimensions": (
            "the score has no dimensions of one's own, so asks with these words may score lower "
            "here; a rule of [[routers.NAME.rules]] can send them to a tier"
        ),
        "escalation_keywords": _BY_HAND,
        "stall_escalation_enabled": "not needed: the loop guard is evidence for moving up",
        "session_affinity": _TASK,
        "session_affinity_ttl_seconds": _TASK,
        "deployment_affinity": _TASK,
        "classification_mode": _TASK,
        "cache_aware_routing": _ALWAYS,
        "enable_context_window_escalation": _ALWAYS,
        "context_compaction": _ALWAYS,
        "route_housekeeping_to_cheapest_tier": _ALWAYS,
        "max_tokens_from_tier_model": "ralex asks for what the model and the budget allow",
        "plan_mode_min_tier": "plan mode does not change the tier; left out",
        "reminder_markers": "ralex knows <system-reminder> alone; left out",
        "retry_policy": "ralex repeats by the kind of failure; num_retries counts for all of them",
        "model_group_retry_policy": (
            "ralex repeats by the kind of failure; num_retries counts for all of them"
        ),
        "retry_after": "a provider's own wait is kept to; there is no least wait besides",
        "disable_cooldowns": "a model that fails is tried last for a while; see cooldown_time",
        "allowed_fails_policy": (
            "a model that fails is tried last for a while after the first failure"
        ),
        "tags": "deployments are not chosen by tags; left out",
        "enable_tag_filtering": "deployments are not chosen by tags; left out",
        "mock_response": "answers are not invented; see `ralex demo`",
    }
)
"""Keys of any level, each with a sentence for the report."""


def note_rest(table: Table) -> None:
    """Report every key of a table that nobody read."""
    for name, item in table.rest():
        note_key(name, item)


def note_key(name: str, item: Item) -> None:
    """Report one key; one without a value says nothing."""
    if item.is_empty:
        return
    if name.startswith(("aws_", "vertex_", "azure_")):
        item.note("ralex does not log in to clouds; left out")
    elif name.startswith("redis_"):
        item.note(_PROXY)
    else:
        item.note(NO_COUNTERPART.get(name, _PLAIN))
