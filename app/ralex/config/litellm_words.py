"""What the report says of LiteLLM's settings that ralex has no counterpart for."""

from collections.abc import Mapping
from types import MappingProxyType

from ralex.config.litellm_reading import Item, Table

_PLAIN = "has no counterpart here and is left out"
_PER_CALL = "ralex sets this itself for every call; left out"
_PROXY = "belongs to LiteLLM's server; ralex has none"
_STATED = "ralex has this for all models alike, not for one; left out"
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
