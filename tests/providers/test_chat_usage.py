"""Counts and prices of every provider become disjoint buckets and dollars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.usage import Usage
from ralex.providers.chat_usage import read_cost, read_usage
from ralex.providers.shapes import decode


def raw(prompt: object, completion: object, **more: object) -> dict[str, object]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            raw(100, 9, prompt_tokens_details={"cached_tokens": 40, "cache_write_tokens": 10}),
            Usage(input_tokens=50, cache_read_tokens=40, cache_write_tokens=10, output_tokens=9),
            id="the prompt includes the cache",
        ),
        pytest.param(
            raw(100, 9, prompt_cache_hit_tokens=40, prompt_cache_miss_tokens=60),
            Usage(input_tokens=60, cache_read_tokens=40, output_tokens=9),
            id="deepseek",
        ),
        pytest.param(
            raw(100, 9, cached_tokens=40),
            Usage(input_tokens=60, cache_read_tokens=40, output_tokens=9),
            id="moonshot",
        ),
        pytest.param(
            raw(100, 9, cache_read_input_tokens=40, cache_creation_input_tokens=10),
            Usage(input_tokens=50, cache_read_tokens=40, cache_write_tokens=10, output_tokens=9),
            id="databricks",
        ),
        pytest.param(
            raw(10, 2, total_tokens=17, completion_tokens_details={"reasoning_tokens": 5}),
            Usage(input_tokens=10, output_tokens=7, reasoning_tokens=5),
            id="xai counts reasoning beside the completion",
        ),
        pytest.param(
            raw(10, 7, total_tokens=17, completion_tokens_details={"reasoning_tokens": 5}),
            Usage(input_tokens=10, output_tokens=7, reasoning_tokens=5),
            id="others count it inside",
        ),
        pytest.param(
            raw(7, 8, prompt_tokens_details={"cached_tokens": 161}),
            Usage(input_tokens=7, cache_read_tokens=161, output_tokens=8),
            id="grok on azure counts the cache beside the prompt",
        ),
        pytest.param(raw(10, None), Usage(input_tokens=10), id="no completion yet"),
        pytest.param(raw(Decimal("10.0"), 1), Usage(input_tokens=10, output_tokens=1), id="10.0"),
        pytest.param(raw(-5, 3), None, id="negative"),
        pytest.param(raw(10, 10**12), None, id="absurd"),
        pytest.param(raw("10", 3), None, id="text"),
        pytest.param(raw(10, 3, cached_tokens=-4), Usage(input_tokens=10, output_tokens=3),
                     id="a negative detail counts as none"),
        pytest.param({}, None, id="nothing"),
    ],
)  # fmt: skip
def test_usage_becomes_disjoint(usage: dict[str, object], expected: Usage | None) -> None:
    assert read_usage(usage) == expected


counts = st.integers(0, 10**6)


@given(prompt=counts, completion=counts, cached=counts, written=counts)
def test_no_bucket_is_ever_negative_and_no_prompt_token_is_lost(
    prompt: int, completion: int, cached: int, written: int
) -> None:
    details = {"cached_tokens": cached, "cache_write_tokens": written}
    usage = read_usage(raw(prompt, completion, prompt_tokens_details=details))
    assert usage is not None
    assert min(usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) >= 0
    assert usage.total_input_tokens == (prompt if cached <= prompt else prompt + cached)


@pytest.mark.parametrize(
    ("usage", "document", "expected"),
    [
        ('{"cost": 0.00012}', "{}", "0.00012"),
        ('{"cost": 0.01, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.2}}', "{}",
         "0.21"),
        ('{"cost_in_usd_ticks": 37756000}', "{}", "0.0037756"),
        ('{"cost": {"total_cost": 0.006}}', "{}", "0.006"),
        ("{}", '{"cost": "0.00012"}', "0.00012"),
        ("{}", '{"cost": {"usd": 1}}', None),
        ('{"cost": -1}', "{}", None),
        ('{"cost": "free"}', "{}", None),
        ('{"cost": NaN}', "{}", None),
        ('{"cost": 0}', "{}", "0"),
    ],
)  # fmt: skip
def test_prices_are_read_exactly(usage: str, document: str, expected: str | None) -> None:
    cost = read_cost(as_dict(usage), as_dict(document))
    assert cost == (None if expected is None else Decimal(expected))


def as_dict(text: str) -> dict[str, object]:
    value = decode(text)
    assert isinstance(value, dict)
    return value  # pyright: ignore[reportUnknownVariableType]  # JSON of a test
