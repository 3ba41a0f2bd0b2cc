"""The token estimate against a real tokenizer, and its bound."""

import time
from pathlib import Path
from statistics import median

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Image,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    ToolSpec,
    UserMessage,
)
from ralex.core.pictures import USUAL_TOKENS
from ralex.core.tokens import (
    estimate_long_text,
    estimate_message_tokens,
    estimate_request_tokens,
    estimate_tokens,
    factor_for,
    max_tokens_bound,
)
from tests.conftest import ROOT
from tests.tokenizer import real_tokenizer

SENTENCES = {
    "english": "The quick brown fox jumps over the lazy dog while nobody is watching the garden. ",
    "german": "Die Tests schlagen nur auf dem Server fehl, finde heraus, woran das liegen könnte. ",
    "czech": "Oprav prosím únik paměti, který se objevuje jen v produkci po několika hodinách. ",
    "russian": "Исправь утечку памяти в рабочем процессе, она появляется через несколько часов. ",
    "chinese": "修复工作进程中的内存泄漏，它只在生产环境运行几个小时后才会出现。",
    "japanese": "ワーカーのメモリリークを修正してください。数時間後に本番環境でだけ発生します。",
}


@pytest.fixture(scope="module")
def o200k() -> tiktoken.Encoding:
    return real_tokenizer()


def own_files() -> list[Path]:
    return sorted((ROOT / "app").rglob("*.py")) + sorted(
        (ROOT / "rules" / "presets").glob("*.toml")
    )


def test_source_files_are_estimated_within_a_tenth(o200k: tiktoken.Encoding) -> None:
    errors: list[float] = []
    for path in own_files():
        text = path.read_text("utf-8")
        if len(text) > 500:
            real = len(o200k.encode(text, disallowed_special=()))
            errors.append(abs(estimate_tokens(text) - real) / real)
    assert median(errors) < 0.06
    assert sorted(errors)[int(len(errors) * 0.9)] < 0.15


@pytest.mark.parametrize("language", SENTENCES)
def test_prose_is_estimated_within_a_third_in_any_script(
    o200k: tiktoken.Encoding, language: str
) -> None:
    text = SENTENCES[language] * 3
    real = len(o200k.encode(text, disallowed_special=()))
    assert abs(estimate_tokens(text) - real) / real < 0.34


@given(st.text(max_size=500), st.text(max_size=500))
def test_an_estimate_grows_with_its_text_and_never_passes_the_bound(one: str, two: str) -> None:
    assert 0 <= estimate_tokens(one) <= 2 * max_tokens_bound(one) + 1
    assert estimate_tokens(one + "\n" + two) >= estimate_tokens(one) - 2


@given(st.text(alphabet=st.characters(), max_size=200))
def test_the_bound_is_the_number_of_bytes_even_of_broken_text(text: str) -> None:
    assert max_tokens_bound(text) == len(text.encode("utf-8", errors="surrogatepass"))


def test_a_request_counts_every_part() -> None:
    tool = ToolSpec(name="read", description="Read a file.", schema_json='{"type":"object"}')
    call = ToolCall(id=CallId("1"), name="read", arguments_json='{"path":"src/app/main.py"}')
    messages = (
        SystemMessage(text="You are careful."),
        UserMessage(text="Look.", images=(Image(media_type="image/png", data_base64="AAAA"),)),
        AssistantMessage(text="I will.", tool_calls=(call,)),
        ToolResultMessage(call_id=call.id, name="read", text="print(1)"),
    )
    sizes = [estimate_message_tokens(message) for message in messages]
    assert sizes[1] > USUAL_TOKENS
    assert sizes[2] > estimate_message_tokens(AssistantMessage(text="I will.")) + 5
    assert estimate_request_tokens(messages) == sum(sizes)
    assert estimate_request_tokens(messages, (tool,)) > sum(sizes) + 24


@pytest.mark.parametrize(
    ("provider", "name", "factor"),
    [
        ("openai", "gpt-5.4", 1.0),
        ("anthropic", "claude-sonnet-4-6", 1.18),
        ("openrouter", "anthropic/claude-opus-4.8", 1.45),
        ("gemini", "gemini-3.1-pro-preview", 1.08),
        ("acme", "unheard-of", 1.0),
    ],
)
def test_families_have_their_factor(provider: str, name: str, factor: float) -> None:
    assert factor_for(provider, name) == factor


def test_a_megabyte_is_estimated_in_linear_time() -> None:
    for text in (
        "a(" * 500_000,
        " " * 1_000_000,
        "\n " * 500_000,
        "A" * 1_000_000,
        "é" * 1_000_000,
    ):
        started = time.perf_counter()
        estimate_tokens(text)
        assert time.perf_counter() - started < 20


@pytest.mark.parametrize("text", ["plain words of English text, again. ", "x = f(1234, 'äöü')\n"])
def test_a_long_text_is_estimated_from_parts_of_it(text: str) -> None:
    long = text * 6_000
    assert estimate_long_text(long) == pytest.approx(estimate_tokens(long), rel=0.05)


def test_the_estimate_of_a_long_text_sees_all_of_it() -> None:
    mixed = "word " * 40_000 + "0123456789" * 20_000
    assert estimate_long_text(mixed) == pytest.approx(estimate_tokens(mixed), rel=0.1)
    short = "word " * 100
    assert estimate_long_text(short) == estimate_tokens(short)
