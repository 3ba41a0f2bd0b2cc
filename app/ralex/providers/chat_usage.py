"""Token counts and prices as OpenAI-compatible servers report them, made disjoint.

On this wire the prompt includes cached tokens and the completion includes reasoning; the exceptions
are recognised by arithmetic rather than by name, because gateways pass them on unchanged.
"""

from decimal import Decimal

from ralex.core.usage import Usage
from ralex.providers.shapes import JsonObject, as_count, as_object, as_usd, object_in

_XAI_TICK_USD = Decimal("1e-10")


def read_usage(raw: JsonObject) -> Usage | None:
    """Convert a ``usage`` object; None if it says nothing, or nothing credible."""
    prompt = as_count(raw.get("prompt_tokens"))
    completion = as_count(raw.get("completion_tokens"))
    if prompt is None and completion is None:
        return None
    if any(_is_absurd(raw.get(key)) for key in ("prompt_tokens", "completion_tokens")):
        return None
    prompt, completion = prompt or 0, completion or 0
    prompt_details = object_in(raw, "prompt_tokens_details")
    completion_details = object_in(raw, "completion_tokens_details")
    cached = _first(
        prompt_details.get("cached_tokens"),
        raw.get("prompt_cache_hit_tokens"),
        raw.get("cached_tokens"),
        raw.get("cache_read_input_tokens"),
        raw.get("num_cached_tokens"),
    )
    written = _first(
        prompt_details.get("cache_write_tokens"), raw.get("cache_creation_input_tokens")
    )
    reasoning = _first(completion_details.get("reasoning_tokens"), raw.get("reasoning_tokens"))
    if reasoning and as_count(raw.get("total_tokens")) == prompt + completion + reasoning:
        completion += reasoning  # xAI counts reasoning beside the completion
    if cached > prompt:
        prompt += cached  # Grok on Azure counts the cache beside the prompt
    written = min(written, prompt - cached)  # Gemini's are written and read in the same call
    return Usage(
        input_tokens=prompt - cached - written,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=completion,
        reasoning_tokens=reasoning,
    )


def read_cost(usage: JsonObject, document: JsonObject) -> Decimal | None:
    """Find the provider's own price of the call in USD, in ``usage`` or beside it, if any."""
    cost = as_usd(usage.get("cost"))
    if cost is not None:
        if usage.get("is_byok") is True:
            # The rest is billed by the upstream provider to the user's own account.
            details = object_in(usage, "cost_details")
            cost += as_usd(details.get("upstream_inference_cost")) or Decimal(0)
        return cost
    nested = as_object(usage.get("cost"))
    if nested is not None:
        return as_usd(nested.get("total_cost"))
    ticks = as_usd(usage.get("cost_in_usd_ticks"))
    if ticks is not None:
        return ticks * _XAI_TICK_USD
    return as_usd(document.get("cost"))


def _first(*values: object) -> int:
    """Give the largest of the spellings of one count; absent and absurd ones count as 0."""
    return max((as_count(value) or 0 for value in values), default=0)


def _is_absurd(value: object) -> bool:
    return value is not None and as_count(value) is None
