from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ralex.config.catalogue import load_catalogue
from ralex.config.model_table import load_model_table
from ralex.config.presets import load_presets
from ralex.core.ids import ModelId
from ralex.core.model_table import Measured, dominated, dominated_tiers
from ralex.core.routing import Router
from ralex.core.tiers import Tier


def measured(name: str, success: str, usd: str, benchmark: str = "b") -> Measured:
    return Measured(
        model=ModelId(name),
        benchmark=benchmark,
        success=Decimal(success),
        usd_per_task=Decimal(usd),
        tasks=500,
        source="s",
        date=date(2025, 12, 1),
    )


def test_a_dearer_model_that_solves_less_is_dominated_by_the_cheapest_better_one() -> None:
    good, better = measured("good", "0.6", "0.03"), measured("better", "0.7", "0.5")
    poor = measured("poor", "0.5", "0.6")
    found = dominated([good, better, poor])
    assert set(found) == {"poor"}
    assert found[ModelId("poor")].better is good


def test_the_better_one_can_be_limited_to_what_the_user_has() -> None:
    good, better = measured("good", "0.6", "0.03"), measured("better", "0.7", "0.5")
    poor = measured("poor", "0.5", "0.6")
    found = dominated([good, better, poor], among={ModelId("better")})
    assert found[ModelId("poor")].better is better


def test_results_of_different_benchmarks_are_not_compared() -> None:
    assert not dominated([measured("a", "0.9", "0.1"), measured("b", "0.1", "0.9", "other")])


def test_equal_results_dominate_nothing() -> None:
    assert not dominated([measured("a", "0.5", "0.1"), measured("b", "0.5", "0.1")])


RECORDS = st.lists(
    st.builds(
        measured,
        st.sampled_from("abcdefgh"),
        st.integers(0, 10).map(lambda tenths: str(Decimal(tenths) / 10)),
        st.integers(0, 10).map(lambda tenths: str(Decimal(tenths) / 10)),
    ),
    unique_by=lambda one: one.model,
)


@given(table=RECORDS)
def test_the_frontier_is_never_empty_and_order_does_not_matter(table: list[Measured]) -> None:
    losers = dominated(table)
    assert len(losers) < max(1, len(table))
    assert losers == dominated(table[::-1])
    for one in losers.values():
        assert one.better.success >= one.worse.success
        assert one.better.usd_per_task <= one.worse.usd_per_task


def test_the_shipped_table_has_the_published_frontier() -> None:
    table = load_model_table()
    losers = dominated(table)
    frontier = {one.model for one in table} - set(losers)
    assert {
        "openrouter/deepseek/deepseek-v3.2",
        "openai/gpt-5",
        "openai/gpt-5.1",
        "gemini/gemini-3-pro-preview",
        "anthropic/claude-opus-4-5",
    } <= frontier
    assert {"openai/gpt-5-nano", "openai/o4-mini", "gemini/gemini-2.5-pro"} <= set(losers)
    assert all(one.source and one.tasks for one in table)


def test_the_tables_ids_are_written_like_those_of_the_catalogue() -> None:
    providers = {model.provider for model in load_catalogue().values()}
    for one in load_model_table():
        assert one.model.partition("/")[0] in providers


def test_a_tier_that_starts_with_a_dominated_model_is_found() -> None:
    router = Router(
        name="r",
        tiers={
            Tier.SIMPLE: (ModelId("openai/gpt-5-nano"),),
            Tier.COMPLEX: (ModelId("anthropic/claude-opus-4-5"),),
            Tier.REASONING: (ModelId("nobody/measured"),),
        },
    )
    found = list(dominated_tiers(router, load_model_table()))
    assert [one.tier for one in found] == [Tier.SIMPLE]
    assert found[0].why.better.model == "openrouter/deepseek/deepseek-v3.2"


def test_no_preset_has_a_tier_that_is_known_to_be_dominated() -> None:
    for preset in load_presets().values():
        assert not list(dominated_tiers(preset.router, load_model_table()))
