"""Chains of fallbacks: what follows what, and circles."""

from ralex.core.fallbacks import ANY, circle, following
from ralex.core.ids import ModelId

A, B, C, D = (ModelId(f"{name}/m") for name in "abcd")


def test_what_follows_is_followed_in_turn_nearest_first() -> None:
    chains = {A: (B, C), B: (D,), ANY: (C,)}
    assert following(chains, A) == (B, C, D)


def test_a_star_is_for_those_without_a_chain_of_their_own() -> None:
    assert following({A: (B,), ANY: (C,)}, D) == (C,)
    assert following({A: (B,), ANY: (A,)}, A) == (B,)


def test_a_circle_is_found_and_told_in_its_order() -> None:
    assert circle({A: (B,), B: (C, D), D: (A,)}) == (A, B, D, A)
    assert circle({A: (B, C), B: (C,), C: (D,), ANY: (A,)}) == ()
