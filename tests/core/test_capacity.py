"""Does a request fit? The arithmetic, and nothing but the arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.capacity import CapacityAction, judge
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo


def model(name: str, window: int | None, most: int | None = None) -> ModelInfo:
    return ModelInfo(
        id=ModelId(f"acme/{name}"),
        provider="acme",
        name=name,
        context_window=window,
        max_output_tokens=most,
    )


SMALL = model("small", 10_000, 4_000)


def test_a_request_with_room_for_its_answer_fits() -> None:
    found = judge(SMALL, request_tokens=6_000, output_tokens=4_000)
    assert (found.action, found.output_tokens) == (CapacityAction.FITS, 4_000)
    assert found.arithmetic == "6,000 + 4,000 of 10,000 tokens"


def test_the_answer_is_shortened_before_anything_else_is_done() -> None:
    found = judge(SMALL, request_tokens=8_000, output_tokens=9_000, larger=[model("big", 10**6)])
    assert (found.action, found.output_tokens) == (CapacityAction.FITS, 2_000)
    assert found.arithmetic.endswith("the answer shortened from 4,000")


def test_the_first_larger_model_that_takes_it_is_proposed() -> None:
    larger = [
        model("same", 10_000),
        model("unknown", None),
        model("mid", 20_000),
        model("big", 10**6),
    ]
    found = judge(SMALL, request_tokens=9_500, output_tokens=4_000, larger=larger)
    assert (found.action, found.upsize_model) == (CapacityAction.UPSIZE, "acme/mid")
    assert found.arithmetic == (
        "9,500 + 1,024 > 10,000 tokens of acme/small; acme/mid takes it with 20,000"
    )


def test_without_a_larger_model_the_conversation_is_compacted() -> None:
    found = judge(SMALL, request_tokens=30_000, output_tokens=4_000, fixed_tokens=3_000)
    assert found.action is CapacityAction.COMPACT
    assert found.arithmetic.endswith("compaction must bring the request under 8,976")


@pytest.mark.parametrize("fixed", [9_500, 30_000, 40_000])
def test_what_compaction_cannot_remove_is_refused(fixed: int) -> None:
    found = judge(SMALL, request_tokens=30_000, output_tokens=4_000, fixed_tokens=fixed)
    assert found.action is CapacityAction.REFUSE


def test_an_unknown_window_is_tried_and_said() -> None:
    found = judge(model("new", None), request_tokens=10**6, output_tokens=4_000)
    assert (found.action, found.window) == (CapacityAction.FITS, None)
    assert "unknown" in found.arithmetic


@given(
    request=st.integers(0, 10**6),
    output=st.integers(1, 10**5),
    window=st.integers(1, 10**6),
    least=st.integers(1, 5_000),
)
def test_what_fits_never_passes_the_window(
    request: int, output: int, window: int, least: int
) -> None:
    found = judge(
        model("x", window), request_tokens=request, output_tokens=output, min_output_tokens=least
    )
    if found.action is CapacityAction.FITS:
        assert request + found.output_tokens <= window
        assert found.output_tokens >= min(least, output)
    else:
        assert request + min(least, output) > window
