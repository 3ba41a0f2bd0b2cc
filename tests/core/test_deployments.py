"""Which of several deployments takes a call, and what stands beside a model."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.deployments import Groups, Standing, rank
from ralex.core.ids import ModelId

A, B, C, D = (ModelId(f"{name}/m") for name in "abcd")


def standing(
    model: ModelId,
    *,
    weight: float = 1.0,
    headroom: float = 1.0,
    wait_s: float = 0.0,
    is_cooling: bool = False,
    is_home: bool = False,
) -> Standing:
    return Standing(
        model=model,
        weight=weight,
        headroom=headroom,
        wait_s=wait_s,
        is_cooling=is_cooling,
        is_home=is_home,
    )


def first(*standings: Standing, draw: float = 0.0) -> ModelId:
    return rank(standings, group="m", draw=draw).order[0]


def test_the_load_follows_weight_times_headroom() -> None:
    members = standing(A, weight=3), standing(B), standing(C, weight=4, headroom=0.25)
    drawn = Counter(first(*members, draw=step / 1_000) for step in range(1_000))
    assert drawn == {A: 600, B: 200, C: 200}


def test_the_reason_names_the_terms() -> None:
    ranking = rank([standing(A, weight=3, headroom=0.8), standing(B)], group="sonnet", draw=0.1)
    assert ranking.why == (
        "sonnet has 2 deployments; a/m: drawn at 71% by weight × headroom, weight 3, headroom 80%"
    )


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999])
def test_a_session_stays_where_its_prompt_cache_is(draw: float) -> None:
    members = standing(A, weight=9), standing(B, weight=0.1, headroom=0.1, is_home=True)
    ranking = rank(members, group="m", draw=draw)
    assert ranking.order[0] == B
    assert "holds this session's prompt cache" in ranking.why


@pytest.mark.parametrize(
    "ill",
    [
        standing(B, is_home=True, is_cooling=True),
        standing(B, is_home=True, wait_s=3),
        standing(B, is_home=True, headroom=0),
    ],
    ids=["cooling", "at its limit", "no headroom"],
)
def test_a_session_leaves_a_deployment_that_cannot_serve_it(ill: Standing) -> None:
    assert first(standing(A), ill) == A


def test_a_weight_of_nought_only_stands_by() -> None:
    spare = standing(B, weight=0)
    assert {first(standing(A), spare, draw=step / 10) for step in range(10)} == {A}
    ranking = rank([standing(A, is_cooling=True), spare], group="m", draw=0.5)
    assert ranking.order == (B, A)
    assert "stands by" in ranking.why


def test_those_that_cool_down_or_wait_come_last() -> None:
    members = standing(A, is_cooling=True), standing(B, wait_s=5), standing(C, wait_s=2)
    assert rank([*members, standing(D)], group="m", draw=0.9).order == (D, C, B, A)


standings = st.builds(
    Standing,
    model=st.sampled_from([A, B, C, D]),
    weight=st.floats(0, 100),
    headroom=st.floats(0, 1),
    wait_s=st.sampled_from([0.0, 1.0, 30.0]),
    is_cooling=st.booleans(),
    is_home=st.booleans(),
)


@given(
    members=st.lists(standings, min_size=1, max_size=4, unique_by=lambda one: one.model),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_every_deployment_is_ranked_once_and_a_ready_one_first(
    members: list[Standing], draw: float
) -> None:
    order = rank(members, group="m", draw=draw).order
    assert sorted(order) == sorted(one.model for one in members)
    by_model = {one.model: one for one in members}
    if any(one.is_ready for one in members):
        assert by_model[order[0]].is_ready
    assert order == rank(members, group="m", draw=draw).order, "chance is only what is passed in"


@pytest.mark.parametrize(
    ("chain", "expanded"),
    [
        ((A, D), ((A, "g"), (B, "g"), (C, "g"), (D, ""))),
        ((B,), ((B, ""), (A, "g"), (C, "g"))),
        ((A, B, C), ((A, "g"), (B, "g"), (C, "g"))),
        ((D,), ((D, ""),)),
    ],
    ids=["the first stands for all", "a named one comes first", "each once", "in no group"],
)
def test_siblings_stand_behind_a_model(
    chain: tuple[ModelId, ...], expanded: tuple[tuple[ModelId, str], ...]
) -> None:
    groups = Groups(members={"g": (A, B, C)})
    assert groups.expand(chain, lambda _model: True) == expanded


def test_a_deployment_without_a_key_does_not_lead_its_group() -> None:
    groups = Groups(members={"g": (A, B, C)})
    assert groups.expand((B,), lambda model: model != A) == ((B, "g"), (C, "g"))
