from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ralex.config.toml_text import TomlTable, parse_toml
from ralex.config.toml_write import write_toml

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.decimals(-1000, 1000, places=9),
    st.lists(texts, max_size=3),
)
tables = st.recursive(
    st.dictionaries(texts, values, max_size=3),
    lambda inner: st.dictionaries(texts, st.one_of(values, inner), max_size=3),
    max_leaves=10,
)


@given(table=tables)
def test_what_is_written_reads_back_the_same(table: TomlTable) -> None:
    assert parse_toml(write_toml(table), path=Path("x.toml")).table == table


def test_a_router_is_written_for_reading() -> None:
    table: TomlTable = {
        "budget": {"daily_usd": Decimal("5.00")},
        "models": {"a/b": {"price": {"input": Decimal("0.10"), "output": 3}}},
        "routers": {
            "mine": {
                "scorer": "litellm",
                "tiers": {"SIMPLE": ["a/b"]},
                "rules": [{"pattern": r"\bfix\b", "tier": "SIMPLE"}],
            }
        },
    }
    assert write_toml(table) == (
        "[budget]\ndaily_usd = 5.0\n"
        '\n[models."a/b"]\nprice = { input = 0.1, output = 3 }\n'
        '\n[routers.mine]\nscorer = "litellm"\n'
        '\n[routers.mine.tiers]\nSIMPLE = ["a/b"]\n'
        '\n[[routers.mine.rules]]\npattern = "\\\\bfix\\\\b"\ntier = "SIMPLE"\n'
    )
