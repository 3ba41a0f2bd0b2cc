"""Whatever an ask holds, it gets a valid tier, the same one each time, and in bounded time."""

import pytest

from ralex.config.scorers import load_followups, load_scorer, scorer_names
from ralex.core.ask import ask_of, human_text
from ralex.core.complexity import score_ask
from ralex.core.routing import RouteReason, TaskState, decide
from ralex.core.tiers import TIERS, Tier
from tests.core.test_routing import BOTH, MODELS, NOW, ROUTER

BAD = {
    "empty": "",
    "spaces": " \t\r\n\u3000\u200b" * 100,
    "10 MB of words": "Refactor the parser. " * 500_000,
    "10 MB of one letter": "a" * 10_000_000,
    "10 MB of marks": "\u0301" * 10_000_000,
    "10 MB of question marks": "?" * 10_000_000,
    "a lone surrogate": "fix \ud83d the parser \udc00",
    "only surrogates": "\ud800\udfff" * 5_000,
    "control characters": "".join(map(chr, range(32))) * 200 + "\x7f\x9b31m\x1b[2J fix it",
    "right to left": "אנא תקן את הבאג ב-parser.py \u202egnp.exe\u202c عدّل الدالة" * 50,
    "firsts": "first " * 100_000,
    "firsts and a then": "first " * 100_000 + "then",
    "steps": "step " * 100_000,
    "numbers": "1. " * 100_000,
    "brackets": "a)" * 500_000,
    "open tags": "<system-reminder>" * 50_000,
    "backticks": "`" * 1_000_000,
    "quotes": '"a' * 500_000,
    "one line of json": '{"a":' * 100_000,
    "nuls": "\x00" * 100_000,
    "emoji": "👩‍👩‍👧‍👦" * 50_000,
}


@pytest.mark.parametrize("ask", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("name", scorer_names())
def test_any_ask_is_judged_and_routed(name: str, ask: str) -> None:
    scorer = load_scorer(name)
    complexity = score_ask(ask, scorer)
    assert complexity.tier in TIERS
    if not ask.strip():
        assert (complexity.tier, complexity.cause) == (Tier.MEDIUM, "default_fallback")
    followups = load_followups()
    found = decide(
        ask,
        complexity=complexity,
        router=ROUTER,
        models=MODELS,
        usable=BOTH,
        now=NOW,
        task=TaskState(tier=Tier.SIMPLE, model=None),
        is_followup=followups(ask),
    )
    assert found.model in MODELS
    assert found.reason in (RouteReason.SCORE, RouteReason.STICKY)
    if len(ask) < 1_000_000:
        assert score_ask(ask, scorer) == complexity


@pytest.mark.parametrize("ask", BAD.values(), ids=BAD.keys())
def test_the_ask_is_found_in_any_message(ask: str) -> None:
    text = human_text([{"type": "text", "text": ask}, {"type": "image_url"}])
    assert ask_of([{"role": "user", "content": text}]) == ask_of(
        [{"role": "user", "content": [{"type": "text", "text": ask}]}]
    )
