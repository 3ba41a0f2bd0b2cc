"""Exact token counts, with tiktoken's own tables; no network is asked."""

import shutil
from pathlib import Path

import pytest
import tiktoken.registry

import ralex
from ralex.errors import UsageError
from tests.conftest import SHARED

CACHED_NAME = "fb374d419588a4632f3f557e76b4b70aebbca790"
"""What tiktoken calls o200k_base in its cache: the hash of the address it comes from."""


@pytest.fixture(autouse=True)
def fresh_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give tiktoken an empty cache of its own and no way out."""
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return tmp_path


def test_tables_that_cannot_be_had_are_a_clear_error() -> None:
    with pytest.raises(UsageError, match="cannot be loaded") as caught:
        ralex.count_tokens("hello", "openai/gpt-5.4", exact=True)
    assert "TIKTOKEN_CACHE_DIR" in caught.value.hint


def test_a_count_is_the_encoders_own(fresh_tables: Path) -> None:
    tables = SHARED / "tokenizers" / "o200k_base.tiktoken"
    if not tables.exists():
        pytest.skip("the tokenizer's tables are not beside this checkout")
    shutil.copy(tables, fresh_tables / CACHED_NAME)
    assert ralex.count_tokens("hello world", "openai/gpt-5.4", exact=True) == 2
    assert ralex.count_tokens("<|endoftext|>", "gpt-5.4", exact=True) > 1


def test_other_vendors_have_no_exact_count() -> None:
    with pytest.raises(UsageError, match="anthropic"):
        ralex.count_tokens("hello", "anthropic/claude-opus-4-8", exact=True)
