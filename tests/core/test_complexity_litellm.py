"""LiteLLM's heuristic: the fast ruler against a slow, literal reading of its rules."""

import json
import re
import time
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralex.config.scorers import load_scorer
from ralex.core.complexity import Boundaries, ScorerOptions, score_ask
from ralex.core.complexity_litellm import with_options
from ralex.core.keywords import KeywordList
from ralex.core.tiers import Tier
from tests.conftest import ROOT, SHARED

SCORER = load_scorer("litellm")
CJK = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d"
    "\U00020000-\U0003ffff]"
)
STEPS = (
    re.compile(r"first.*?then", re.IGNORECASE),
    re.compile(r"step\s*\d", re.IGNORECASE),
    re.compile(r"\d+\.\s"),
    re.compile(r"[a-z]\)\s", re.IGNORECASE),
)
PUBLISHED_WEIGHTS = {
    "tokenCount": 0,
    "reasoningMarkers": 0.40,
    "technicalTerms": 0.25,
    "simpleIndicators": 0.20,
    "codePresence": 0.10,
    "multiStepPatterns": 0.03,
    "questionComplexity": 0.02,
}
PUBLISHED_BOUNDARIES = Boundaries(simple_medium=0.10, medium_complex=0.25, complex_reasoning=0.55)


class Expected(NamedTuple):
    tier: str
    score: float
    signals: list[str]
    cause: str


def keyword_lists() -> dict[str, list[str]]:
    with (ROOT / "rules" / "scorers" / "litellm.toml").open("rb") as file:
        table = tomllib.load(file)
    return {entry["list"]: entry["keywords"] for entry in table["keyword_dimensions"]}


LISTS = keyword_lists()


def occurs(low: str, keyword: str) -> bool:
    needle = keyword.lower()
    if " " in needle or CJK.search(needle):
        return needle in low
    return re.search(r"\b" + re.escape(needle) + r"\b", low) is not None


def reference(
    ask: str,
    *,
    weights: Mapping[str, float] | None = None,
    boundaries: tuple[float, float, float] = (0.15, 0.35, 0.60),
    lists: Mapping[str, list[str]] = LISTS,
    floor: float | None = None,
) -> Expected:
    low = ask.lower()
    tokens = len(ask) // 4
    raw: dict[str, float] = {}
    signals: list[str] = []
    raw["tokenCount"] = -1.0 if tokens < 15 else 1.0 if tokens > 400 else 0.0
    if raw["tokenCount"]:
        signals.append(f"{'short' if tokens < 15 else 'long'} ({tokens} tokens)")
    reasoning = 0
    for name, key, label, low_at, high_at, scores in (
        ("codePresence", "code", "code", 1, 2, (0.0, 0.5, 1.0)),
        ("reasoningMarkers", "reasoning", "reasoning", 1, 2, (0.0, 0.7, 1.0)),
        ("technicalTerms", "technical", "technical", 2, 4, (0.0, 0.5, 1.0)),
        ("simpleIndicators", "simple", "simple", 1, 2, (0.0, -1.0, -1.0)),
    ):
        found = [keyword for keyword in lists[key] if occurs(low, keyword)]
        if key == "reasoning":
            reasoning = len(found)
        raw[name] = scores[0 if len(found) < low_at else 1 if len(found) < high_at else 2]
        if len(found) >= low_at:
            signals.append(f"{label} ({', '.join(found[:3])})")
    has_steps = any(pattern.search(low) for pattern in STEPS)
    raw["multiStepPatterns"] = 0.5 if has_steps else 0.0
    signals += ["multi-step"] if has_steps else []
    questions = ask.count("?")
    raw["questionComplexity"] = 0.5 if questions > 3 else 0.0
    signals += [f"{questions} questions"] if questions > 3 else []
    used = weights if weights is not None else SCORER.weights
    score = 0.0
    for name, value in raw.items():
        score = score + value * used.get(name, 0)
    least = boundaries[0] if floor is None else floor
    if reasoning >= 2 and score >= least:
        return Expected("REASONING", score, signals, "reasoning_override")
    names = ("SIMPLE", "MEDIUM", "COMPLEX", "REASONING")
    return Expected(
        names[sum(score >= boundary for boundary in boundaries)], score, signals, "heuristic_scorer"
    )


def check(ask: str) -> None:
    expected = reference(ask)
    found = score_ask(ask, SCORER)
    assert found.score == expected.score
    assert (found.tier, list(found.signals), found.cause) == (
        expected.tier,
        expected.signals,
        expected.cause,
    )


WORDS = [
    *(keyword for keywords in LISTS.values() for keyword in keywords),
    *("functions", "refactoring", "function_name", "my_class", "api's", "node.js", "first", "then"),
    *(
        "step 1",
        "STEP\n2",
        "1.",
        "a) b",
        "?",
        "????",
        "用python写",
        "firſt",
        "ſtep 3",
        "Kelvin\u212a) ",
        "İ",
    ),
    *("let\u2019s think", "step-by-step", "(python)", "x" * 90, "\ud800", "\u0301", "ı) ", "5. 6"),
]
ASKS = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", "", "\n", "  ", "-", ", ", "_"])),
        max_size=40,
    ).map(lambda pairs: "".join(word + gap for word, gap in pairs)),
).filter(lambda ask: ask.strip() != "")


@settings(max_examples=400)
@given(ask=ASKS)
def test_every_ask_is_scored_as_by_the_literal_rules(ask: str) -> None:
    check(ask)
    check(ask.upper())


@settings(max_examples=150)
@given(
    ask=ASKS,
    weights=st.dictionaries(st.sampled_from(sorted(SCORER.weights)), st.floats(-2, 2), min_size=1),
    cuts=st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(sorted),
)
def test_a_routers_weights_and_boundaries_replace_the_scorers(
    ask: str, weights: dict[str, float], cuts: list[float]
) -> None:
    low, middle, high = cuts
    expected = reference(ask, weights=weights, boundaries=(low, middle, high))
    found = score_ask(
        ask,
        SCORER,
        weights=weights,
        boundaries=Boundaries(simple_medium=low, medium_complex=middle, complex_reasoning=high),
    )
    assert (found.tier, found.score, found.cause) == (
        expected.tier,
        expected.score,
        expected.cause,
    )


@settings(max_examples=150)
@given(
    ask=ASKS,
    own=st.lists(
        st.one_of(
            st.sampled_from(WORDS), st.sampled_from(["c++", ".net", "", "Node.JS", "发票", "_x"])
        ),
        max_size=6,
    ),
)
def test_lists_of_ones_own_match_by_the_same_rules(ask: str, own: list[str]) -> None:
    lists = {**LISTS, "code": own or LISTS["code"], "technical": [*LISTS["technical"], "kubectl"]}
    scorer = with_options(
        SCORER,
        ScorerOptions(keywords={"code": tuple(own)}, custom_technical_keywords=("kubectl", "CPU")),
    )
    expected = reference(ask, lists=lists)
    found = score_ask(ask, scorer)
    assert (found.score, list(found.signals)) == (expected.score, expected.signals)


def shared_prompts() -> Iterator[str]:
    for path in sorted((SHARED / "routing").glob("dev_*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file):
                if number % 40 == 0:
                    yield cast("str", json.loads(line)["prompt"])


@pytest.mark.skipif(not (SHARED / "routing").is_dir(), reason="the routing data is not beside us")
def test_real_prompts_are_scored_as_by_the_literal_rules() -> None:
    prompts = list(shared_prompts())
    assert len(prompts) > 100
    for prompt in prompts:
        check(prompt)


@pytest.mark.skipif(not (SHARED / "routing").is_dir(), reason="the routing data is not beside us")
def test_the_rules_hold_the_published_words_and_numbers() -> None:
    facts = json.loads((SHARED / "routing" / "litellm_complexity_keywords.json").read_text())
    assert facts["keywords"] == LISTS
    assert list(SCORER.weights.items()) == [
        (name, facts["weights"][name]) for name in facts["dimension_order"]
    ]
    bounds = facts["tier_boundaries"]
    assert SCORER.boundaries == Boundaries(**bounds)


@pytest.mark.parametrize(
    ("ask", "score", "tier"),
    [
        ("Hello, can you help me?", -0.20, Tier.SIMPLE),
        (
            "Refactor the API to use async database queries with proper error handling",
            0.10,
            "MEDIUM",
        ),
        (
            "Design a distributed microservice architecture with container orchestration, "
            "high throughput, and low latency",
            0.25,
            Tier.COMPLEX,
        ),
        (
            "Explain your reasoning for this authentication architecture. First, analyze the "
            "distributed design, then implement the container orchestration layer.",
            0.595,
            Tier.REASONING,
        ),
    ],
    ids=["greeting", "refactor", "architecture", "reasoning"],
)
def test_the_published_figures_come_out_exactly(ask: str, score: float, tier: str) -> None:
    found = score_ask(ask, SCORER, weights=PUBLISHED_WEIGHTS, boundaries=PUBLISHED_BOUNDARIES)
    assert found.score == pytest.approx(score, abs=1e-12)
    assert found.tier == tier


def test_the_sum_is_added_from_left_to_right() -> None:
    ask = "Hello: def class"  # short, two code words, one simple word
    found = score_ask(ask, SCORER)
    assert found.score == 0.14999999999999997
    assert found.tier is Tier.SIMPLE


def test_everyday_words_count_as_code_as_they_do_there() -> None:
    found = score_ask("let me try to catch the bus", SCORER)
    assert (found.tier, found.score) == (Tier.MEDIUM, pytest.approx(0.20))
    assert found.signals == ("short (6 tokens)", "code (let, try, catch)")


def test_two_reasoning_words_go_straight_to_reasoning_above_the_floor() -> None:
    ask = "Evaluate the python function and conclude whether the api is sound enough for this use"
    assert score_ask(ask, SCORER).cause == "reasoning_override"
    raised = with_options(SCORER, ScorerOptions(reasoning_override_min_score=0.9))
    assert score_ask(ask, raised).cause == "heuristic_scorer"


def test_a_keyword_tier_rule_wins_and_the_highest_tier_wins_among_rules() -> None:
    scorer = with_options(
        SCORER,
        ScorerOptions(
            keyword_tiers=((("Invoice",), Tier.MEDIUM), (("audit", "ledger"), Tier.REASONING))
        ),
    )
    found = score_ask("hello, the INVOICE of the ledger", scorer)
    assert (found.tier, found.cause) == (Tier.REASONING, "keyword_rule")
    assert found.signals[-1] == "keyword (ledger)"
    assert score_ask("hello invoices", scorer).tier is Tier.SIMPLE


def test_token_thresholds_of_ones_own_are_kept() -> None:
    scorer = with_options(SCORER, ScorerOptions(token_thresholds=(2, 3)))
    assert score_ask("x" * 7, scorer).signals == ("short (1 tokens)",)
    assert score_ask("x" * 16, scorer).signals == ("long (4 tokens)",)


@pytest.mark.parametrize("ask", ["", " \n\t", "\u3000"])
def test_an_ask_without_text_gets_the_middle_tier_and_says_why(ask: str) -> None:
    found = score_ask(ask, SCORER)
    assert (found.tier, found.cause, found.dimensions) == (Tier.MEDIUM, "default_fallback", ())


@pytest.mark.parametrize(
    "ask",
    ["first " * 170_000, "1" * 1_000_000, "a)" * 500_000, "step " * 200_000, "\ud800" * 1_000_000],
    ids=["firsts", "digits", "brackets", "steps", "surrogates"],
)
def test_a_million_characters_take_no_longer_than_a_million_should(ask: str) -> None:
    started = time.perf_counter()
    score_ask(ask, SCORER)
    # Quadratic time would be minutes; this leaves twenty times what is measured.
    assert time.perf_counter() - started < 20


@given(
    st.lists(st.sampled_from(["a", "ab", "a b", "b", "ab ab", "a+"]), max_size=6), st.text("ab +")
)
def test_overlapping_keywords_are_all_found(keywords: list[str], text: str) -> None:
    expected = tuple(keyword for keyword in keywords if occurs(text, keyword))
    assert KeywordList.compile(keywords).found_in(text) == expected
