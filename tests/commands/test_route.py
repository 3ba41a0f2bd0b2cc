"""``ralex route``: the table, the object, and lines that stand each for itself."""

import asyncio
import io
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from ralex.commands import route
from ralex.core.budget import Limits
from ralex.errors import ConfigError, UsageError
from ralex.opened import local_now
from ralex.store.ledger import SqliteLedger
from tests.commands.command_line import call
from tests.conftest import ROOT
from tests.store.money import pay

PUBLISHED = {
    "weights": {
        "tokenCount": 0,
        "reasoningMarkers": 0.40,
        "technicalTerms": 0.25,
        "simpleIndicators": 0.20,
        "codePresence": 0.10,
        "multiStepPatterns": 0.03,
        "questionComplexity": 0.02,
    },
    "boundaries": {"simple_medium": 0.10, "medium_complex": 0.25, "complex_reasoning": 0.55},
}
FOUR = [
    ("Hello, can you help me?", -0.20, "SIMPLE"),
    ("Refactor the API to use async database queries with proper error handling", 0.10, "MEDIUM"),
    (
        "Design a distributed microservice architecture with container orchestration, high "
        "throughput, and low latency",
        0.25,
        "COMPLEX",
    ),
    (
        "Explain your reasoning for this authentication architecture. First, analyze the "
        "distributed design, then implement the container orchestration layer.",
        0.595,
        "REASONING",
    ),
]


def lines(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *requests: object, argv: tuple[str, ...] = ()
) -> list[dict[str, object]]:
    """Feed requests, one per line, and read the answers."""
    text = "".join(
        (request if isinstance(request, str) else json.dumps(request)) + "\n"
        for request in requests
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    done = call(route, folder, "--jsonl", *argv)
    assert done.code == 0
    return [cast("dict[str, object]", json.loads(line)) for line in done.out.splitlines()]


async def _spend(folder: Path, usd: str) -> None:
    ledger = await SqliteLedger.open(folder / "home/ledger.db", limits=Limits(), now=local_now)
    await pay(ledger, usd)
    await ledger.aclose()


class TestLines:
    @pytest.mark.parametrize("named", [True, False], ids=["scorer named", "weights alone"])
    def test_the_published_figures_come_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool
    ) -> None:
        extra = {"scorer": "litellm"} if named else {}
        answers = lines(
            tmp_path, monkeypatch, *({"user": ask, **PUBLISHED, **extra} for ask, _, _ in FOUR)
        )
        for answer, (_, score, tier) in zip(answers, FOUR, strict=True):
            assert answer["tier"] == tier
            assert answer["score"] == pytest.approx(score, abs=1e-12)

    def test_an_answer_has_exactly_the_promised_keys(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (answer,) = lines(tmp_path, monkeypatch, {"user": "refactor the parser", "id": 7})
        assert list(answer) == [
            "id", "tier", "score", "signals", "dimensions", "override", "rule", "model", "capacity",
            "reasons",
        ]  # fmt: skip
        assert answer["id"] == 7
        dimensions = cast("dict[str, dict[str, object]]", answer["dimensions"])
        assert len(dimensions) == 7
        assert all(
            set(one) == {"raw", "weight", "contribution", "matched"} for one in dimensions.values()
        )
        assert set(cast("dict[str, object]", answer["capacity"])) == {
            "action", "request_tokens", "window",
        }  # fmt: skip

    def test_a_bad_line_is_answered_and_the_rest_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad: list[object] = [
            "garbage",
            "[1]",
            "[" * 100_000,
            {"id": "a"},
            {"id": "b", "user": 5},
            {"id": "c", "user": "x", "messages": []},
            {"id": "d", "messages": ["x"]},
            {"id": "e", "user": "x", "router": "nowhere"},
            {"id": "f", "user": "x", "scorer": "nobody"},
            {"id": "g", "user": "x", "weights": {"codePresense": 1}},
            '{"id": "h", "user": "x", "weights": {"codePresence": NaN}}',
            {"id": "i", "user": "x", "weights": {"codePresence": 10**400}},
            {"id": "j", "user": "x", "boundaries": {"simple_medium": 2, "medium_complex": 1}},
            {"id": "k", "user": "x", "previous_tier": "HUGE"},
            {"id": "l", "user": "x", "context_tokens": -1},
            {"id": "m", "user": "x", "context_tokens": True},
            {"id": "n", "user": "x", "boundaries": [0.1, 0.2]},
        ]
        answers = lines(tmp_path, monkeypatch, *bad, "", {"id": "last", "user": "hi"})
        assert len(answers) == len(bad) + 1
        for answer in answers[:-1]:
            assert set(answer) == {"id", "error"}
        assert [answer["id"] for answer in answers[3:]] == [*"abcdefghijklmn", "last"]
        assert answers[-1]["tier"] == "SIMPLE"

    def test_boundaries_may_be_a_list_and_other_keys_are_the_callers_own(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ask = {"user": FOUR[1][0], "weights": PUBLISHED["weights"], "want": "MEDIUM"}
        (answer,) = lines(tmp_path, monkeypatch, {**ask, "boundaries": [0.05, 0.08, 0.5]})
        assert answer["tier"] == "COMPLEX"

    def test_messages_are_read_for_the_newest_ask(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        messages = [
            {"role": "user", "content": "refactor the parser module and add tests"},
            {"role": "assistant", "content": "done"},
            {"role": "user", "content": [{"type": "tool_result", "content": "a result"}]},
        ]
        one, two = lines(
            tmp_path, monkeypatch, {"messages": messages}, {"user": messages[0]["content"]}
        )
        assert (one["tier"], one["score"]) == (two["tier"], two["score"])

    def test_messages_tell_their_own_size_unless_it_is_given(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        call = {"type": "tool_use", "id": "x", "name": "read", "input": {"path": "a " * 500}}
        picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9000}}
        messages = [
            {"role": "user", "content": [{"type": "text", "text": "word " * 1000}, picture]},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [{"type": "tool_result", "content": "word " * 2000}]},
            {"role": "user", "content": "hi"},
        ]
        answers = lines(
            tmp_path,
            monkeypatch,
            {"messages": messages},
            {"messages": messages, "context_tokens": 50},
            {"user": "hi", "context_tokens": 50},
        )
        sizes = [cast("dict[str, int]", one["capacity"])["request_tokens"] for one in answers]
        assert 3000 < sizes[0] < 3500
        assert sizes[1] == sizes[2]

    def test_null_is_as_good_as_no_key_and_tiers_may_be_in_lower_case(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = ("messages", "system", "router", "scorer", "weights", "boundaries")
        empty = dict.fromkeys((*keys, "context_tokens"))
        one, two, three = lines(
            tmp_path,
            monkeypatch,
            {"user": "yes", "previous_tier": "complex", **empty},
            {"user": "yes", "previous_tier": "COMPLEX"},
            {"user": None, "messages": [{"role": "user", "content": "yes"}]},
        )
        assert one == two
        assert three["tier"] == "SIMPLE"

    @pytest.mark.parametrize("request_", [{"user": ""}, {"messages": []}, {"user": " "}])
    def test_no_ask_gets_the_middle_tier(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: dict[str, object]
    ) -> None:
        (answer,) = lines(tmp_path, monkeypatch, request_)
        assert (answer["tier"], answer["override"]) == ("MEDIUM", "default_fallback")

    def test_a_short_answer_keeps_the_previous_tier_and_a_new_task_does_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers = lines(
            tmp_path,
            monkeypatch,
            {"user": "yes", "previous_tier": "COMPLEX"},
            {"user": "furt nic", "previous_tier": "REASONING"},
            {"user": "What is the capital of France?", "previous_tier": "COMPLEX"},
            {"user": "yes"},
        )
        assert [one["tier"] for one in answers] == ["COMPLEX", "REASONING", "SIMPLE", "SIMPLE"]

    def test_a_long_conversation_never_raises_the_tier_but_is_judged_for_size(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        short, long, huge = lines(
            tmp_path,
            monkeypatch,
            *({"user": "Hi", "context_tokens": size} for size in (0, 200_000, 50_000_000)),
        )
        assert short["tier"] == long["tier"] == huge["tier"] == "SIMPLE"
        assert short["score"] == long["score"] == huge["score"]
        sizes = [cast("dict[str, object]", one["capacity"]) for one in (short, long, huge)]
        assert [one["action"] for one in sizes] == ["fits", "fits", "compact"]
        assert cast("int", sizes[1]["request_tokens"]) >= 200_000

    def test_defaults_come_from_the_command_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (answer,) = lines(
            tmp_path,
            monkeypatch,
            {"user": "yes"},
            argv=("--previous-tier", "complex", "--context-tokens", "1000"),
        )
        assert answer["tier"] == "COMPLEX"

    def test_two_reasoning_words_are_shown_as_an_override(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (answer,) = lines(
            tmp_path,
            monkeypatch,
            {"user": "Evaluate the python api step by step please", "scorer": "litellm"},
        )
        assert (answer["tier"], answer["override"]) == ("REASONING", "reasoning_override")


class TestOneText:
    def test_the_table_names_tier_score_model_and_reasons(self, tmp_path: Path) -> None:
        done = call(route, tmp_path, "Refactor the pricing module and add tests")
        assert done.code == 0
        for part in ("COMPLEX", "score", "codePresence", "refactor", "model", "why", "instead"):
            assert part in done.out

    def test_it_works_without_any_key_and_says_so(self, tmp_path: Path) -> None:
        assert "no key is set for" in call(route, tmp_path, "Hello").out

    def test_with_a_key_nothing_is_missing(self, tmp_path: Path) -> None:
        done = call(route, tmp_path, "Hello", OPENROUTER_API_KEY="sk-or-test")
        assert "no key is set" not in done.out

    def test_json_is_one_object(self, tmp_path: Path) -> None:
        done = call(route, tmp_path, "--json", "Hello")
        assert json.loads(done.out)["tier"] == "SIMPLE"

    def test_a_dash_reads_stdin(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("Hello\n"))
        assert "SIMPLE" in call(route, tmp_path, "-").out

    def test_a_rule_of_ones_own_decides_and_is_named(self, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / "config.toml").write_text(
            'router = "mine"\n[routers.mine]\n'
            'tiers = { SIMPLE = ["openai/gpt-5.4-mini"], COMPLEX = ["openai/gpt-5.4"] }\n'
            '[[routers.mine.rules]]\npattern = "(?i)\\\\btypo\\\\b"\ntier = "SIMPLE"\n'
        )
        done = call(route, tmp_path, "--json", "refactor all modules and the Typo")
        answer = json.loads(done.out)
        assert (answer["tier"], answer["rule"]) == ("SIMPLE", "(?i)\\btypo\\b")

    def test_one_ask_is_told_what_the_other_ways_would_cost(self, tmp_path: Path) -> None:
        answer = json.loads(call(route, tmp_path, "--json", "Hello").out)
        assert Decimal(answer["estimated_usd"]) > 0
        others = answer["alternatives"]
        assert all(set(one) == {"model", "tier", "estimated_usd", "why_not"} for one in others)
        assert answer["model"] not in {one["model"] for one in others}
        assert Decimal(others[0]["estimated_usd"]) > 0

    @pytest.mark.parametrize("argv", [("--router", "frontier")])
    def test_the_days_money_counts_for_one_ask_as_it_does_in_a_session(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
    ) -> None:
        hard = "Refactor the API to use async database queries with proper error handling"
        keys = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}

        def tier() -> object:
            return json.loads(call(route, tmp_path, "--json", *argv, hard, **keys).out)["tier"]

        assert tier() == "COMPLEX"
        asyncio.run(_spend(tmp_path, "4.50"))
        said = call(route, tmp_path, *argv, hard, **keys).out
        assert "90% of today's $5.00 is used, so the tier goes down from COMPLEX" in said
        assert "COMPLEX was asked for, but today's money runs low" in said
        assert tier() == "MEDIUM"
        # Lines are asks of any day: what today has cost does not change them.
        (answer,) = lines(tmp_path, monkeypatch, {"user": hard}, argv=argv)
        assert answer["tier"] == "COMPLEX"

    @pytest.mark.parametrize(
        "argv", [("x", "--previous-tier", "huge"), ("x", "--context-tokens", "-1")]
    )
    def test_wrong_usage_is_told(self, tmp_path: Path, argv: tuple[str, ...]) -> None:
        with pytest.raises(UsageError):
            call(route, tmp_path, *argv)

    @pytest.mark.parametrize("ask", ["", " \n\t "])
    def test_an_empty_ask_gets_the_middle_tier_and_says_why(self, tmp_path: Path, ask: str) -> None:
        done = call(route, tmp_path, ask)
        assert done.code == 0
        assert done.out.startswith("tier      MEDIUM (score)\n")
        assert "the message has no text to judge" in done.out
        assert "dimension" not in done.out

    def test_no_ask_at_all_is_wrong_usage(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
        with pytest.raises(UsageError):
            call(route, tmp_path)

    def test_an_unknown_router_is_a_configuration_error(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError):
            call(route, tmp_path, "--router", "nowhere", "x")


def ralex(folder: Path, *argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environ = {
        "RALEX_HOME": str(folder),
        "PYTHONPATH": str(ROOT / "app"),
        "PATH": os.environ["PATH"],
    }
    return subprocess.run(
        [sys.executable, "-m", "ralex", "route", *argv],
        input=stdin,
        env=environ,
        cwd=folder,
        capture_output=True,
        check=False,
    )


def test_stray_bytes_and_lone_surrogates_stay_within_their_line(tmp_path: Path) -> None:
    stdin = b'\xff\xfe\n{"user": "\\ud800 hello"}\n{"user": "caf\xe9 hello"}\n{"user": "hello"}\n'
    done = ralex(tmp_path, "--jsonl", stdin=stdin)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert ["error" in answer for answer in answers] == [True, False, False, False]


def test_without_a_configuration_file_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys, runpy\nsys.argv = ['ralex', 'route', 'Hello']\n"
        "try:\n    runpy.run_module('ralex', run_name='__main__')\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pydantic', 'httpx', 'textual', 'asyncio', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"RALEX_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "app")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
